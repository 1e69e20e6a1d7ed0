"""The detectors, one line each. Adding a failure is a file here and a line in one of the tuples.

CLUSTER are decided by the role that watches the API, NODE by the role on each node.
"""

from exporter.observe.signals.attachment_stuck import AttachmentStuck
from exporter.observe.signals.base import Detector
from exporter.observe.signals.claim_lost import ClaimLost
from exporter.observe.signals.claim_pending import ClaimPending
from exporter.observe.signals.csi_driver_unregistered import CsiDriverUnregistered
from exporter.observe.signals.csi_operation_stuck import CsiOperationStuck
from exporter.observe.signals.deletion_stuck import DeletionStuck
from exporter.observe.signals.expansion_failed import ExpansionFailed
from exporter.observe.signals.filesystem_readonly import FilesystemReadonly
from exporter.observe.signals.gluster_brick_offline import GlusterBrickOffline
from exporter.observe.signals.gluster_heal_pending import GlusterHealPending
from exporter.observe.signals.gluster_lock_errors import GlusterLockErrors
from exporter.observe.signals.gluster_peer_flapping import GlusterPeerFlapping
from exporter.observe.signals.gluster_quorum_lost import GlusterQuorumLost
from exporter.observe.signals.gluster_space_low import GlusterSpaceLow
from exporter.observe.signals.gluster_volumes_orphaned import GlusterVolumesOrphaned
from exporter.observe.signals.glusterd_unresponsive import GlusterdUnresponsive
from exporter.observe.signals.heketi_down import HeketiDown
from exporter.observe.signals.mount_failing import MountFailing
from exporter.observe.signals.multi_attach import MultiAttach
from exporter.observe.signals.node_lost_with_volumes import NodeLostWithVolumes
from exporter.observe.signals.rwx_recovery_blocked import RwxRecoveryBlocked
from exporter.observe.signals.snapshot_not_ready import SnapshotNotReady
from exporter.observe.signals.snapshot_space_exhausted import SnapshotSpaceExhausted
from exporter.observe.signals.volume_attached_twice import VolumeAttachedTwice
from exporter.observe.signals.volume_filling import VolumeFilling
from exporter.observe.signals.volume_release_failed import VolumeReleaseFailed

CLUSTER: tuple[Detector, ...] = (
    NodeLostWithVolumes(),
    MultiAttach(),
    VolumeAttachedTwice(),
    VolumeFilling(),
    AttachmentStuck(),
    MountFailing(),
    CsiDriverUnregistered(),
    CsiOperationStuck(),
    RwxRecoveryBlocked(),
    SnapshotNotReady(),
    SnapshotSpaceExhausted(),
    ClaimPending(),
    ClaimLost(),
    DeletionStuck(),
    ExpansionFailed(),
    VolumeReleaseFailed(),
    HeketiDown(),
    GlusterVolumesOrphaned(),
)

NODE: tuple[Detector, ...] = (
    FilesystemReadonly(),
    GlusterdUnresponsive(),
    GlusterPeerFlapping(),
    GlusterLockErrors(),
    GlusterBrickOffline(),
    GlusterHealPending(),
    GlusterQuorumLost(),
    GlusterSpaceLow(),
)

DETECTORS: tuple[Detector, ...] = (*CLUSTER, *NODE)

READ = frozenset(kind for one in CLUSTER for kind in one.needs | one.helps)
"""Every kind that some detector of the cluster role reads."""


def detector_of(name: str) -> Detector | None:
    """Return the detector of this name."""
    return next((detector for detector in DETECTORS if detector.name == name), None)
