"""What we keep of each object: slim, flat, immutable. No I/O, no clock, no client library.

A field is here because a detector, a guard or a handler reads it. Times are Unix seconds (UTC); a
time that the object does not carry is None. Names follow Kubernetes; `Claim`, `Volume` and
`Attachment` are PersistentVolumeClaim, PersistentVolume and VolumeAttachment.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

import msgspec

OURS = "pvmedic.dev/"
"""Prefix of every label and annotation that is ours to read."""

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
"""Taint key.

Kubernetes >= 1.26 detaches the volumes of a node that carries it (beta 1.26, GA 1.28).
"""


class Kind(StrEnum):
    """A kind of object, by its resource name in the API."""

    NODE = "nodes"
    POD = "pods"
    CLAIM = "persistentvolumeclaims"
    VOLUME = "persistentvolumes"
    ATTACHMENT = "volumeattachments"
    EVENT = "events"
    LEASE = "leases"
    NAMESPACE = "namespaces"


class Ref(msgspec.Struct, frozen=True, order=True):
    """Names one object; `namespace` is empty for cluster-scoped kinds."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        """As people write it: `pods web/db-0`."""
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"


class Ready(StrEnum):
    """A node's Ready condition. MISSING: the kubelet has not posted one yet."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"
    MISSING = ""


class Taint(msgspec.Struct, frozen=True):
    """One taint; `added` is its timeAdded, which most writers leave out."""

    key: str
    value: str
    effect: str
    added: float | None


class Node(msgspec.Struct, frozen=True):
    """core/v1 Node. `ready_since` is the Ready condition's lastTransitionTime."""

    name: str
    uid: str
    version: str
    ready: Ready
    ready_since: float | None
    provider_id: str
    boot_id: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    taints: tuple[Taint, ...]

    def taint(self, key: str) -> Taint | None:
        """Return the first taint with this key."""
        return next((taint for taint in self.taints if taint.key == key), None)


class Pod(msgspec.Struct, frozen=True, gc=False):
    """core/v1 Pod that uses claims. `claims` holds those of generic ephemeral volumes as well.

    `deletion` is deletionTimestamp: the time asked for plus the grace period, so at first it
    lies in the future. `scheduled` is the PodScheduled condition's lastTransitionTime.
    """

    namespace: str
    name: str
    uid: str
    version: str
    node: str
    phase: str
    claims: tuple[str, ...]
    created: float | None
    scheduled: float | None
    deletion: float | None

    @property
    def waiting(self) -> bool:
        """Placed on a node, not started and not on its way out."""
        return bool(self.node) and self.phase == "Pending" and self.deletion is None

    @property
    def ended(self) -> bool:
        """Succeeded or Failed: its containers have stopped for good."""
        return self.phase in ("Succeeded", "Failed")


class Claim(msgspec.Struct, frozen=True, gc=False):
    """core/v1 PersistentVolumeClaim; `annotations` holds ours only (labels of ours merged in)."""

    namespace: str
    name: str
    uid: str
    version: str
    volume: str
    phase: str
    access_modes: tuple[str, ...]
    annotations: Mapping[str, str]


class NodeTerm(msgspec.Struct, frozen=True):
    """One required expression of a volume's node affinity; `field` for matchFields."""

    key: str
    operator: str
    values: tuple[str, ...]
    field: bool


class Volume(msgspec.Struct, frozen=True):
    """core/v1 PersistentVolume.

    `driver` is the CSI driver, or `kubernetes.io/<source>` for an in-tree source. `on_node` is
    true for sources that are a path on a machine (local, hostPath).
    """

    name: str
    uid: str
    version: str
    driver: str
    handle: str
    phase: str
    access_modes: tuple[str, ...]
    claim_namespace: str
    claim_name: str
    on_node: bool
    affinity: tuple[NodeTerm, ...]

    @property
    def exclusive(self) -> bool:
        """Whether the control plane attaches it to one node at a time (ReadWriteOnce.

        ReadWriteOncePod).
        """
        return not {"ReadWriteMany", "ReadOnlyMany"} & set(self.access_modes)


class Attachment(msgspec.Struct, frozen=True, gc=False):
    """storage.k8s.io/v1 VolumeAttachment.

    Only its absence means detached; `attached` false does not.

    `volume` is the PersistentVolume's name, empty for an inline volume.
    """

    name: str
    uid: str
    version: str
    driver: str
    node: str
    volume: str
    attached: bool
    created: float | None
    deletion: float | None


class KubeEvent(msgspec.Struct, frozen=True, gc=False):
    """core/v1 Event.

    `last` and `count` follow the series where there is one (signals reference, 1.2).
    """

    namespace: str
    name: str
    uid: str
    version: str
    reason: str
    message: str
    component: str
    about_kind: str
    about_namespace: str
    about_name: str
    count: int
    last: float | None


class Lease(msgspec.Struct, frozen=True, gc=False):
    """coordination.k8s.io/v1 Lease; in `kube-node-lease` it is a kubelet's heartbeat."""

    namespace: str
    name: str
    version: str
    renewed: float | None


class Namespace(msgspec.Struct, frozen=True, gc=False):
    """core/v1 Namespace; `annotations` holds ours only (labels of ours merged in)."""

    name: str
    version: str
    annotations: Mapping[str, str]


Object: TypeAlias = Node | Pod | Claim | Volume | Attachment | KubeEvent | Lease | Namespace

KIND_OF: Mapping[type, Kind] = {
    Node: Kind.NODE,
    Pod: Kind.POD,
    Claim: Kind.CLAIM,
    Volume: Kind.VOLUME,
    Attachment: Kind.ATTACHMENT,
    KubeEvent: Kind.EVENT,
    Lease: Kind.LEASE,
    Namespace: Kind.NAMESPACE,
}


def rfc3339(when: float) -> str:
    """Return Unix seconds as Kubernetes writes a time: UTC, whole seconds, `Z`."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ref(obj: Object) -> Ref:
    """Return the name of an object."""
    return Ref(KIND_OF[type(obj)], getattr(obj, "namespace", ""), obj.name)


class Change(msgspec.Struct, frozen=True):
    """One object as it was and as it is: `old` None is an arrival, `new` None a removal."""

    old: Object | None
    new: Object | None


class Subject(msgspec.Struct, frozen=True, order=True):
    """What a signal is about: label pairs in the order the signal declares them."""

    labels: tuple[tuple[str, str], ...]

    def __getitem__(self, label: str) -> str:
        """Return one label's value; KeyError when the subject has no such label."""
        return dict(self.labels)[label]

    def __str__(self) -> str:
        """As logs and records show it: `node=ip-10-0-0-1`."""
        return ",".join(f"{name}={value}" for name, value in self.labels)


class SinceSource(StrEnum):
    """Where a signal's `since` comes from; FIRST_SEEN is filled in by whoever keeps time."""

    OBJECT = "object"
    EVENT = "event"
    LOG = "log"
    FIRST_SEEN = "first_seen"


class Signal(msgspec.Struct, frozen=True):
    """One failure state of one subject at one moment.

    `since` is None exactly when `since_source` is FIRST_SEEN. `reason` is from the detector's
    closed set. `named` are further label pairs that an alert should show. `evidence` are
    sentences for people.
    """

    name: str
    subject: Subject
    since: float | None
    since_source: SinceSource
    reason: str
    named: tuple[tuple[str, str], ...] = ()
    evidence: tuple[str, ...] = ()
