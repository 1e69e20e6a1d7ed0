"""What we keep of each object: slim, flat, immutable. No I/O, no clock, no client library.

A field is here because a detector, a guard or a handler reads it. Times are Unix seconds (UTC),
sizes bytes; what the object does not carry is None. Names follow Kubernetes; `Claim`, `Volume` and
`Attachment` are PersistentVolumeClaim, PersistentVolume and VolumeAttachment.
"""

from exporter.observe.model.facts import Cause, Fact, Failure
from exporter.observe.model.names import LONGEST_TEXT, OURS, OUT_OF_SERVICE, Kind, Ref, rfc3339
from exporter.observe.model.objects import KIND_OF, Object, ref
from exporter.observe.model.signal import Change, Signal, SinceSource, Subject
from exporter.observe.model.snapshots import Snapshot, SnapshotClass, SnapshotContent
from exporter.observe.model.storage import (
    ROK,
    Attachment,
    Claim,
    Condition,
    CsiDriver,
    CsiNode,
    DataSource,
    NodeTerm,
    StorageClass,
    Volume,
    VolumeStats,
    attach_name,
)
from exporter.observe.model.workloads import (
    KubeEvent,
    Lease,
    Namespace,
    Node,
    Plugin,
    Pod,
    Ready,
    Server,
    Taint,
)

__all__ = [
    "KIND_OF",
    "LONGEST_TEXT",
    "OURS",
    "OUT_OF_SERVICE",
    "ROK",
    "Attachment",
    "Cause",
    "Change",
    "Claim",
    "Condition",
    "CsiDriver",
    "CsiNode",
    "DataSource",
    "Fact",
    "Failure",
    "Kind",
    "KubeEvent",
    "Lease",
    "Namespace",
    "Node",
    "NodeTerm",
    "Object",
    "Plugin",
    "Pod",
    "Ready",
    "Ref",
    "Server",
    "Signal",
    "SinceSource",
    "Snapshot",
    "SnapshotClass",
    "SnapshotContent",
    "StorageClass",
    "Subject",
    "Taint",
    "Volume",
    "VolumeStats",
    "attach_name",
    "ref",
    "rfc3339",
]
