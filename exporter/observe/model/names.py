"""Kinds of objects, how one is named, and the few keys that everybody spells alike."""

from datetime import UTC, datetime
from enum import StrEnum

import msgspec

OURS = "pvmedic.dev/"
UNDO_ANNOTATION = OURS + "undo"
"""On an object that the remediator changed: which Remediation owes the undo, `name/uid`."""
"""Prefix of every label and annotation that is ours to read."""

ROK_EXTENDED = OURS + "rok-extended"
"""On a node whose snapshot space is extended: `OWNER DISK TIME`, with blanks between.

The node has to be drained and removed, and must not be rebooted before.
"""

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
"""Taint key.

Kubernetes >= 1.26 detaches the volumes of a node that carries it (beta 1.26, GA 1.28).
"""

LONGEST_TEXT = 1024
"""Characters kept of a text from outside; Kubernetes cuts an Event's message here as well."""


class Kind(StrEnum):
    """A kind of object, by its resource name in the API.

    From DEPLOYMENT to SCALE only a fresh look reads them, see `controllers`, `limits`, `fencing`
    and `manifests`; POD_MANIFEST are pods once more, SCALE is any kind's.
    VOLUME_STATS are what kubelets say of their volumes, SERVER is the API server's own version.
    From GLUSTERD on they are no resources of the API: what is seen on a node, and Heketi. From
    MACHINE on only a repair's fresh look asks for them: see `machines`, `blocks` and `drain`.
    """

    NODE = "nodes"
    POD = "pods"
    CLAIM = "persistentvolumeclaims"
    VOLUME = "persistentvolumes"
    ATTACHMENT = "volumeattachments"
    EVENT = "events"
    LEASE = "leases"
    NAMESPACE = "namespaces"
    STORAGE_CLASS = "storageclasses"
    CSI_NODE = "csinodes"
    CSI_DRIVER = "csidrivers"
    SNAPSHOT = "volumesnapshots"
    SNAPSHOT_CONTENT = "volumesnapshotcontents"
    SNAPSHOT_CLASS = "volumesnapshotclasses"
    DEPLOYMENT = "deployments"
    STATEFUL_SET = "statefulsets"
    DAEMON_SET = "daemonsets"
    REPLICA_SET = "replicasets"
    REPLICATION_CONTROLLER = "replicationcontrollers"
    DEPLOYMENT_CONFIG = "deploymentconfigs"
    JOB = "jobs"
    CRON_JOB = "cronjobs"
    NOTEBOOK = "notebooks"
    WORKFLOW = "workflows"
    CRON_WORKFLOW = "cronworkflows"
    ROLLOUT = "rollouts"
    AUTOSCALER = "horizontalpodautoscalers"
    SCALED_OBJECT = "scaledobjects"
    QUOTA = "resourcequotas"
    LIMIT_RANGE = "limitranges"
    ATTESTATION = "nodeattestations"
    NETWORK_FENCE = "networkfences"
    POD_MANIFEST = "podmanifests"
    SCALE = "scales"
    VOLUME_STATS = "volumestats"
    SERVER = "version"
    GLUSTERD = "glusterd"
    GLUSTER_VOLUME = "glustervolumes"
    GLUSTER_LOG = "glusterlog"
    GLUSTER_SPACE = "glusterspace"
    ROK_SPACE = "rokspace"
    MOUNT = "mounts"
    MOUNT_COUNT = "mountcounts"
    KERNEL_FAULT = "kernelfaults"
    KERNEL_LOG = "kernellog"
    HEKETI = "heketi"
    HEKETI_VOLUME = "heketivolumes"
    MACHINE = "machines"
    REPAIR_DISKS = "repairdisks"
    NODE_DISKS = "nodedisks"
    DRAIN = "drain"


FACTS = frozenset(
    {
        Kind.GLUSTERD,
        Kind.GLUSTER_VOLUME,
        Kind.GLUSTER_LOG,
        Kind.GLUSTER_SPACE,
        Kind.ROK_SPACE,
        Kind.MOUNT,
        Kind.MOUNT_COUNT,
        Kind.KERNEL_FAULT,
        Kind.KERNEL_LOG,
    }
)
"""Kinds that only a node itself can show: a Want names the node, not the object."""


class Ref(msgspec.Struct, frozen=True, order=True):
    """Names one object; `namespace` is empty for cluster-scoped kinds."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        """As people write it: `pods web/db-0`."""
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"


def rfc3339(when: float) -> str:
    """Return Unix seconds as Kubernetes writes a time: UTC, whole seconds, `Z`."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
