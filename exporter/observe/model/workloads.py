"""Nodes, pods, Events, leases, namespaces: what we keep of each."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from exporter.observe.model.controllers import Owner, unpacked
from exporter.observe.model.facts import Cause, Fact
from exporter.observe.model.names import ROK_EXTENDED


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
    """core/v1 Node. `ready_since` is the Ready condition's lastTransitionTime.

    `attached` and `in_use` are status.volumesAttached and volumesInUse by unique name
    (`kubernetes.io/<plugin>/<volume>`, `kubernetes.io/csi/<driver>^<handle>`). `address` is its
    InternalIP, or whatever address it has, `internal_ips` all InternalIPs; `kubelet_port` is 0 when
    it names none. `rok_free` and `rok_largest` are what Rok writes on it for schedulers, bytes:
    room for volumes, and the most that a node of its kind can have.
    """

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
    unschedulable: bool = False
    created: float | None = None
    kubelet_version: str = ""
    kernel_version: str = ""
    address: str = ""
    internal_ips: tuple[str, ...] = ()
    kubelet_port: int = 0
    attached: tuple[str, ...] = ()
    in_use: tuple[str, ...] = ()
    rok_free: int | None = None
    rok_largest: int | None = None

    @property
    def extended_by(self) -> tuple[str, str, str] | None:
        """Who extended its snapshot space (`name/uid`), with which disk, and when.

        None where nobody of ours did; what the note leaves out is empty.
        """
        text = self.annotations.get(ROK_EXTENDED)
        if text is None:
            return None
        owner, disk, when = (*text.split(), "", "", "")[:3]
        return (owner, disk, when)

    def taint(self, key: str) -> Taint | None:
        """Return the first taint with this key."""
        return next((taint for taint in self.taints if taint.key == key), None)


class Plugin(msgspec.Struct, frozen=True):
    """What makes a pod a CSI node plugin: it mounts the kubelet's plugin registry.

    `driver` is the directory in the registrar's `--kubelet-registration-path`, by convention the
    driver's name, empty when there is none. `waiting` is the first waiting reason of a container
    (CrashLoopBackOff), `exit_message` what the registrar last ended with and `exit_cause` what that
    says of its registration. `images` are all containers'.
    """

    driver: str
    images: tuple[str, ...]
    ready: bool
    restarts: int
    waiting: str
    exit_message: str
    fuse: bool = False
    exit_cause: Cause | None = None


class Pod(msgspec.Struct, frozen=True, gc=False):
    """core/v1 Pod that uses claims, or is a CSI node plugin.

    `claims` holds those of generic ephemeral volumes as well; `claim_volumes` are the pod volumes'
    names, in the same order. `deletion` is deletionTimestamp: the time asked for plus the grace
    period, so at first it lies in the future. `scheduled` is the PodScheduled condition's
    lastTransitionTime, None while it is not placed. `starting`: no container has started yet.
    `owner` is the controller that owns it, as `Owner.packed`
    has it: one text, for there are many pods; `controller` reads it. `sandbox` is the condition
    PodReadyToStartContainers (Kubernetes 1.29 and newer), None where it is not said: false means
    that volumes or network are still missing. `blocked_by` is the first waiting reason of a
    container: ContainerCreating, ImagePullBackOff ...
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
    claim_volumes: tuple[str, ...] = ()
    starting: bool = True
    owner: str = ""
    plugin: Plugin | None = None
    sandbox: bool | None = None
    blocked_by: str = ""

    @property
    def controller(self) -> Owner | None:
        """The controller that owns it, None for a bare pod; a static pod's is its Node."""
        return unpacked(self.owner)

    @property
    def waiting(self) -> bool:
        """Placed on a node, not started and not on its way out."""
        return bool(self.node) and self.phase == "Pending" and self.deletion is None

    @property
    def mounting(self) -> bool:
        """Waiting, and its volumes may still be missing: what comes after them has not begun."""
        begun = self.blocked_by not in ("", "ContainerCreating", "PodInitializing")
        return self.waiting and self.starting and self.sandbox is not True and not begun

    @property
    def ended(self) -> bool:
        """Succeeded or Failed: its containers have stopped for good."""
        return self.phase in ("Succeeded", "Failed")


class KubeEvent(msgspec.Struct, frozen=True, gc=False):
    """core/v1 Event.

    `last` and `count` follow the series where there is one (signals reference, 1.2); `first` is
    firstTimestamp, eventTime or creation. `fact` is what `message` says; `message` is cut.
    `about_uid` is empty where the writer leaves it out.
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
    first: float | None = None
    fact: Fact | None = None
    about_uid: str = ""


class Lease(msgspec.Struct, frozen=True, gc=False):
    """coordination.k8s.io/v1 Lease; in `kube-node-lease` it is a kubelet's heartbeat.

    `seconds` is how long it lasts after it was renewed.
    """

    namespace: str
    name: str
    version: str
    renewed: float | None
    holder: str = ""
    seconds: int | None = None


class Namespace(msgspec.Struct, frozen=True, gc=False):
    """core/v1 Namespace; `annotations` holds ours only (labels of ours merged in)."""

    name: str
    version: str
    annotations: Mapping[str, str]


class Server(msgspec.Struct, frozen=True):
    """The API server's `/version`; there is one, named `version`."""

    name: str
    git_version: str
    version: str = ""
