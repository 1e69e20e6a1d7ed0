"""What a text says, once it has been read: causes, and one struct per kind of Event that is kept.

Grammars are in `parse`; nothing here reads a text. An Event whose text is none of these is not
kept. Adding a fact is a struct here and a reader in `parse.events`.
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec


class Cause(StrEnum):
    """Why a storage operation failed, as its error text says (signals reference 3.3, 4, 5, 7)."""

    DRIVER_NOT_REGISTERED = "DriverNotRegistered"
    ATTACHER_SILENT = "AttacherSilent"
    NODE_LIMIT = "NodeLimit"
    OPERATION_PENDING = "OperationPending"
    RECOVERED_RWX_VOLUME = "RecoveredRwxVolume"
    WRONG_FS_TYPE = "WrongFsType"
    XFS_DUPLICATE_UUID = "XfsDuplicateUuid"
    XFS_UNSUPPORTED = "XfsUnsupported"
    FEATURE_UNSUPPORTED = "FeatureUnsupported"
    FILESYSTEM_DAMAGED = "FilesystemDamaged"
    FILESYSTEM_SHUT_DOWN = "FilesystemShutDown"
    REMOUNTED_READ_ONLY = "RemountedReadOnly"
    IO_ERROR = "IoError"
    ATTACHMENT_DELETING = "AttachmentDeleting"
    NOT_ATTACHED = "NotAttached"
    STILL_IN_USE = "StillInUse"
    NO_SPACE = "NoSpace"
    QUOTA = "QuotaExceeded"
    TIMEOUT = "Timeout"
    UNREACHABLE = "Unreachable"
    NOT_FOUND = "NotFound"
    PERMISSION = "PermissionDenied"
    INVALID = "Invalid"
    PRECONDITION = "FailedPrecondition"
    CONFLICT = "Conflict"
    API_MISSING = "ApiMissing"
    NO_PLUGIN = "NoPlugin"
    NOT_STORAGE = "NotStorage"
    CLASS_MISSING = "ClassMissing"
    OTHER = "Other"


class Failure(msgspec.Struct, frozen=True):
    """An error that an object carries, cut; `when` only where the field can be believed."""

    cause: Cause
    text: str
    when: float | None = None


class MultiAttachBlocked(msgspec.Struct, frozen=True, tag=True):
    """attachdetach-controller on a Pod: another node holds the volume.

    `pods` are names in the waiting pod's namespace; `elsewhere` counts those in others. Neither: no
    pod object wants the volume on the other node any more.
    """

    volume: str
    pods: tuple[str, ...] = ()
    elsewhere: int = 0


class AttachFailed(msgspec.Struct, frozen=True, tag=True):
    """attachdetach-controller on a Pod: the attach itself failed. `volume` is the PV's name."""

    volume: str
    cause: Cause


class MountFailed(msgspec.Struct, frozen=True, tag=True):
    """kubelet on a Pod: FailedMount or FailedMapVolume.

    `volume` is the PV's name (an inline volume's: the pod volume's), empty in a time-out text,
    which names pod volumes in `unmounted` instead. `operation` is the id of "an operation with the
    given Volume ID ... already exists". `device` is what mount(8) could not mount, without /dev,
    where it is called as the kernel calls it.
    """

    volume: str
    unmounted: tuple[str, ...]
    step: str
    cause: Cause
    operation: str = ""
    device: str = ""


class SandboxFailed(msgspec.Struct, frozen=True, tag=True):
    """kubelet on a Pod: FailedCreatePodSandBox. Volumes come first, so they are mounted."""


class Stage(StrEnum):
    """Which half of growing a volume: at the back end, or on the node that mounts it."""

    CONTROLLER = "controller"
    NODE = "node"


class Binding(StrEnum):
    """Why persistentvolume-controller does not bind a claim."""

    NO_VOLUME = "NoVolume"
    TAKEN = "Taken"
    MISMATCH = "Mismatch"


class ProvisionFailed(msgspec.Struct, frozen=True, tag=True):
    """A provisioner, in-tree or external, on a claim: ProvisioningFailed.

    `orphan`: ProvisioningCleanupFailed, a volume was left at the back end. `operation` is the id of
    "an operation with the given Volume ID ... already exists".
    """

    cause: Cause
    operation: str = ""
    orphan: bool = False


class ProvisionWaits(msgspec.Struct, frozen=True, tag=True):
    """A controller on a claim: somebody else has to make the volume. A note, not a failure.

    `provisioner` is who, where the text says so.
    """

    provisioner: str = ""


class ProvisionStarted(msgspec.Struct, frozen=True, tag=True):
    """An external provisioner on a claim: it has taken the claim up."""


class BindFailed(msgspec.Struct, frozen=True, tag=True):
    """persistentvolume-controller on a claim: FailedBinding or VolumeMismatch."""

    kind: Binding


class ResizeFailed(msgspec.Struct, frozen=True, tag=True):
    """The resizer on a claim, or the kubelet on a pod or claim: a step of an expansion failed.

    `volume` is the PersistentVolume's name, empty where the text does not name it. `offline`: the
    driver grows only volumes that nobody uses. `operation` as in ProvisionFailed.
    """

    stage: Stage
    cause: Cause
    volume: str = ""
    offline: bool = False
    operation: str = ""


class ResizeWaits(msgspec.Struct, frozen=True, tag=True):
    """kube-controller-manager on a claim: somebody else has to grow it. A note, not a failure."""


class ResizeStarted(msgspec.Struct, frozen=True, tag=True):
    """The resizer on a claim: it has taken the claim up; `stage` is whose turn it is."""

    stage: Stage


class DeleteFailed(msgspec.Struct, frozen=True, tag=True):
    """A provisioner on a volume: VolumeFailedDelete, or VolumeFailedRecycle.

    `operation` as in ProvisionFailed.
    """

    cause: Cause
    operation: str = ""


class RokJobStarted(msgspec.Struct, frozen=True, tag=True):
    """rok-csi on a VolumeSnapshot, or on a claim when unpinning: a job begins on this node."""

    job: str
    node: str


class RokCopy(msgspec.Struct, frozen=True, tag=True):
    """rok-csi on a VolumeSnapshot or claim: how much of the volume changed since its last snapshot.

    What the job copies is the changed data. `reported`: there was no such line yet, only what the
    storage device reports in its larger blocks, free ones among them: an upper bound.
    """

    blocks: int
    block_size: int
    reported: bool = False

    @property
    def changed_bytes(self) -> int:
        """Blocks times their size; the size in brackets is rounded and not read."""
        return self.blocks * self.block_size


class RokJobFailed(msgspec.Struct, frozen=True, tag=True):
    """rok-csi on a VolumeSnapshot or claim: a job failed. It names no job.

    `opcode` is the SCSI command (`0x8A` while it copied, `0xC3` while it cloned the old snapshot),
    `errno` 0 when the text has none. `no_space`: the node's snapshot space is full. `logs_in` is
    the pod to read, `<namespace>/<name>`.
    """

    opcode: str
    errno: int
    no_space: bool
    logs_in: str = ""


class RokUnpin(msgspec.Struct, frozen=True, tag=True):
    """rok-csi on a claim: its volume is to leave a node.

    The text of the beginning has no reason, and no namespace of the claim.
    """

    claim_namespace: str
    claim: str
    volume: str
    node: str
    reason: str


class RwxRecovering(msgspec.Struct, frozen=True, tag=True):
    """rok-csi on a claim: its ReadWriteMany volume was lost and is recovered read-only.

    `backing` is the access server's own volume, `volume` the claim's.
    """

    backing: str
    volume: str


class RwxClear(msgspec.Struct, frozen=True, tag=True):
    """rok-csi on a claim: every pod that used the recovered volume is gone. Mount it again."""

    volume: str


class SnapshotFault(StrEnum):
    """What an Event of the snapshot-controller or of a driver's csi-snapshotter speaks of."""

    SOURCE_MISSING = "SourceMissing"
    SOURCE_NOT_BOUND = "SourceNotBound"
    CLASS_MISSING = "ClassMissing"
    CONTENT_MISSING = "ContentMissing"
    MISBOUND = "Misbound"
    CREATION = "Creation"
    DELETION = "Deletion"
    OTHER = "Other"


class SnapshotFailed(msgspec.Struct, frozen=True, tag=True):
    """snapshot-controller on a VolumeSnapshot, or csi-snapshotter on a VolumeSnapshotContent."""

    fault: SnapshotFault
    cause: Cause


Fact: TypeAlias = (
    MultiAttachBlocked
    | AttachFailed
    | MountFailed
    | SandboxFailed
    | ProvisionFailed
    | ProvisionWaits
    | ProvisionStarted
    | BindFailed
    | ResizeFailed
    | ResizeWaits
    | ResizeStarted
    | DeleteFailed
    | RokJobStarted
    | RokCopy
    | RokJobFailed
    | RokUnpin
    | RwxRecovering
    | RwxClear
    | SnapshotFailed
)

LATCHING: tuple[type, ...] = (
    RokJobStarted,
    RokCopy,
    RokJobFailed,
    RokUnpin,
    RwxRecovering,
    RwxClear,
)
"""Facts that no object shows: their Events are remembered when Kubernetes has deleted them.

Until the object that they are about is gone. A restart forgets them.
"""
