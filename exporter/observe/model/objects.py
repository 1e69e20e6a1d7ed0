"""Every kind of object that is kept, in one union, with the kind of each."""

from collections.abc import Mapping
from typing import TypeAlias

from exporter.observe.model.blocks import NodeDisks
from exporter.observe.model.controllers import (
    Autoscaler,
    CronJob,
    CronWorkflow,
    DaemonSet,
    Deployment,
    DeploymentConfig,
    HorizontalPodAutoscaler,
    Job,
    Notebook,
    ReplicaSet,
    ReplicationController,
    Rollout,
    ScaledObject,
    StatefulSet,
    Workflow,
    Workload,
)
from exporter.observe.model.drain import Drain
from exporter.observe.model.fencing import Attestation, NetworkFence
from exporter.observe.model.gluster import Glusterd, GlusterLog, GlusterSpace, GlusterVolume
from exporter.observe.model.heketi import Heketi, HeketiVolume
from exporter.observe.model.limits import LimitRange, Quota
from exporter.observe.model.machines import Machine, RepairDisks
from exporter.observe.model.manifests import PodManifest, Scale
from exporter.observe.model.names import Kind, Ref
from exporter.observe.model.node import KernelFault, KernelLog, Mount, MountCount, RokSpace
from exporter.observe.model.snapshots import Snapshot, SnapshotClass, SnapshotContent
from exporter.observe.model.storage import (
    Attachment,
    Claim,
    CsiDriver,
    CsiNode,
    StorageClass,
    Volume,
    VolumeStats,
)
from exporter.observe.model.workloads import KubeEvent, Lease, Namespace, Node, Pod, Server

Object: TypeAlias = (
    Node
    | Pod
    | Claim
    | Volume
    | Attachment
    | KubeEvent
    | Lease
    | Namespace
    | StorageClass
    | CsiNode
    | CsiDriver
    | Snapshot
    | SnapshotContent
    | SnapshotClass
    | Workload
    | Autoscaler
    | Quota
    | LimitRange
    | Attestation
    | NetworkFence
    | PodManifest
    | Scale
    | VolumeStats
    | Server
    | Glusterd
    | GlusterVolume
    | GlusterLog
    | GlusterSpace
    | RokSpace
    | Mount
    | MountCount
    | KernelFault
    | KernelLog
    | Heketi
    | HeketiVolume
    | Machine
    | RepairDisks
    | NodeDisks
    | Drain
)

KIND_OF: Mapping[type, Kind] = {
    Node: Kind.NODE,
    Pod: Kind.POD,
    Claim: Kind.CLAIM,
    Volume: Kind.VOLUME,
    Attachment: Kind.ATTACHMENT,
    KubeEvent: Kind.EVENT,
    Lease: Kind.LEASE,
    Namespace: Kind.NAMESPACE,
    StorageClass: Kind.STORAGE_CLASS,
    CsiNode: Kind.CSI_NODE,
    CsiDriver: Kind.CSI_DRIVER,
    Snapshot: Kind.SNAPSHOT,
    SnapshotContent: Kind.SNAPSHOT_CONTENT,
    SnapshotClass: Kind.SNAPSHOT_CLASS,
    Deployment: Kind.DEPLOYMENT,
    StatefulSet: Kind.STATEFUL_SET,
    DaemonSet: Kind.DAEMON_SET,
    ReplicaSet: Kind.REPLICA_SET,
    ReplicationController: Kind.REPLICATION_CONTROLLER,
    DeploymentConfig: Kind.DEPLOYMENT_CONFIG,
    Job: Kind.JOB,
    CronJob: Kind.CRON_JOB,
    Notebook: Kind.NOTEBOOK,
    Workflow: Kind.WORKFLOW,
    CronWorkflow: Kind.CRON_WORKFLOW,
    Rollout: Kind.ROLLOUT,
    HorizontalPodAutoscaler: Kind.AUTOSCALER,
    ScaledObject: Kind.SCALED_OBJECT,
    Quota: Kind.QUOTA,
    LimitRange: Kind.LIMIT_RANGE,
    Attestation: Kind.ATTESTATION,
    NetworkFence: Kind.NETWORK_FENCE,
    PodManifest: Kind.POD_MANIFEST,
    Scale: Kind.SCALE,
    VolumeStats: Kind.VOLUME_STATS,
    Server: Kind.SERVER,
    Glusterd: Kind.GLUSTERD,
    GlusterVolume: Kind.GLUSTER_VOLUME,
    GlusterLog: Kind.GLUSTER_LOG,
    GlusterSpace: Kind.GLUSTER_SPACE,
    RokSpace: Kind.ROK_SPACE,
    Mount: Kind.MOUNT,
    MountCount: Kind.MOUNT_COUNT,
    KernelFault: Kind.KERNEL_FAULT,
    KernelLog: Kind.KERNEL_LOG,
    Heketi: Kind.HEKETI,
    HeketiVolume: Kind.HEKETI_VOLUME,
    Machine: Kind.MACHINE,
    RepairDisks: Kind.REPAIR_DISKS,
    NodeDisks: Kind.NODE_DISKS,
    Drain: Kind.DRAIN,
}


def ref(obj: Object) -> Ref:
    """Return the name of an object."""
    return Ref(KIND_OF[type(obj)], getattr(obj, "namespace", ""), obj.name)
