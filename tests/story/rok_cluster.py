"""A node whose Rok snapshot space is full, as plain objects; a set clock. Seed 000 in numbers.

Rok tries again what failed once there is room, and unpins a volume when its node is cordoned and
nobody uses it there; evicted pods leave. It decides nothing about repairs.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from exporter.observe import model
from exporter.observe.errors import Conflict, NotFound, Throttled
from exporter.observe.model import Budget, CsiNode, Drain, DrainPod, Kind, KubeEvent, Object
from exporter.observe.model.facts import Fact, RokCopy, RokJobFailed, RokJobStarted
from exporter.observe.model.machines import GroupReading
from exporter.observe.signals.snapshot_space_exhausted import subject_of
from exporter.observe.view import View, Want
from remediator.case import Policy, RokPolicy
from remediator.record import Record, name_of
from remediator.rok_extension import GIB
from remediator.steps.base import KubeWrite, NodeCommand, Step
from tests.signals.made import snapshot as unready_snapshot
from tests.story import objects as made
from tests.story.fake_cluster import FakeCluster
from tests.story.objects import LIVE, NOW, SPARE
from tests.story.rok_node import RokNode

NODE = made.DEAD
SIGNAL = "snapshot_space_exhausted"
SUBJECT = subject_of(NODE)
NAME = name_of(SIGNAL, SUBJECT, 1)
OWNER = f"{NAME}/uid-{NAME}"
UID = f"uid-{NAME}"
BLOCKS = 53_941_051
"""`About to copy 53941051 changed blocks of size 4KiB (206GiB)`."""
TOTAL = 164 * GIB
ROK = RokPolicy(namespace="rok-system", cluster="prod")
POLICY = Policy(mode="auto", rok=ROK)
ON_NODE = (model.NodeTerm("kubernetes.io/hostname", "In", (NODE,), field=False),)
CLAIM = made.claim("data")
VOLUME = made.volume("data", driver=model.ROK, affinity=ON_NODE, capacity=300 * GIB)
LIMITS = CsiNode(NODE, ("ebs.csi.aws.com",), limits={"ebs.csi.aws.com": 25})


def snapshot(name: str = "snap", **fields: object) -> model.Snapshot:
    """Return a VolumeSnapshot of the claim that is not ready."""
    usual = unready_snapshot(name, snapshot_class="rok", created=NOW - 700.0)
    return msgspec.structs.replace(usual, **fields)


def event(name: str, fact: Fact, at: float, about: str = "snap") -> KubeEvent:
    """Return what Rok says on a VolumeSnapshot."""
    return KubeEvent(
        namespace="web",
        name=f"{about}.{name}",
        uid=f"uid-{about}-{name}",
        version="1",
        reason="",
        message="",
        component="rok-csi",
        about_kind="VolumeSnapshot",
        about_namespace="web",
        about_name=about,
        count=1,
        last=at,
        first=at,
        fact=fact,
        about_uid=f"uid-{about}",
    )


def job(blocks: int = BLOCKS, at: float = NOW - 600.0) -> list[Object]:
    """Return the Events of a job that was to copy so much and found no room."""
    return [
        event("started", RokJobStarted("job", NODE), at),
        event("copy", RokCopy(blocks, 4096), at + 10.0),
        event(
            "failed", RokJobFailed("0x8A", 28, no_space=True, logs_in="rok/rok-csi-node"), at + 300
        ),
    ]


def space(size: int = TOTAL, available: int = 0, **fields: object) -> model.RokSpace:
    """Return the node's snapshot space."""
    usual = model.RokSpace(NODE, size, size - available, available, "rokvg", disks=1)
    return msgspec.structs.replace(usual, **{"extended": False, **fields})


def pod(name: str, **fields: object) -> DrainPod:
    """Return a pod of namespace web on the node."""
    usual = DrainPod("web", name, f"uid-{name}", "Running", "ReplicaSet")
    return msgspec.structs.replace(usual, **fields)


GUARD = pod("guard-0", namespace="rok", app="rok-csi-guard", budgets=("guard",))
PODS = (
    pod("db-0", owner="StatefulSet", claims=("data",)),
    pod("shop-1"),
    pod("rok-x", namespace="rok", owner="DaemonSet", app="rok"),
    pod("proxy", namespace="kube-system", owner="Node", mirror=True),
    GUARD,
)
BUDGETS = (Budget("rok", "guard", 0, 1, 1),)


def scene(*more: Object) -> list[Object]:
    """Return three nodes, on the first of which a snapshot failed for want of space."""
    return [
        *(made.node(name) for name in (NODE, LIVE, SPARE)),
        made.namespace(),
        CLAIM,
        VOLUME,
        snapshot(),
        *job(),
        space(),
        LIMITS,
        *more,
    ]


def record() -> Record:
    """Return a record about the node of which a notification was just heard."""
    return made.record(subject=SUBJECT, signal=SIGNAL)


class RokCluster(FakeCluster):
    """Fields to set: `rok`: the node's cloud and storage. `pods`, `budgets`: what a drain meets.

    succeeds: whether Rok's jobs end well once there is room. retries: whether Rok tries again those
    that do not. unpins: whether volumes leave. asked: called with each kind that is read.
    """

    def __init__(self, objects: Iterable[Object] = (), policy: Policy = POLICY) -> None:
        """Start with these objects, and a record about the node."""
        super().__init__(objects or scene(), policy)
        self.name = NAME
        self.rok = RokNode()
        self.pods: dict[str, DrainPod] = {one.name: one for one in PODS}
        self.budgets: tuple[Budget, ...] = BUDGETS
        self.succeeds = True
        self.unpins = True
        self.retries = True
        self.asked: Callable[[str], None] = lambda _: None
        self.open(record())

    def seen(self) -> View:
        """Return a View of all objects that the API server has."""
        return View(self.objects, self.clock)

    def there(self) -> model.Node | None:
        """Return the node, None once it is gone."""
        return self.seen().node(NODE)

    def marks(self) -> Mapping[str, str]:
        """Return the node's annotations."""
        return self.node.annotations

    def regroup(self, **fields: object) -> None:
        """Change the scaling group."""
        group = self.rok.group
        assert isinstance(group, GroupReading)
        self.rok.group = msgspec.structs.replace(group, **fields)

    def _matching(self, want: Want) -> list[Object]:
        self.live()
        self.asked(str(want.kind))
        match want.kind:
            case Kind.MACHINE:
                return [self.rok.machine(self.clock, NODE)]
            case Kind.REPAIR_DISKS:
                return [self.rok.repair(self.clock, want.name)]
            case Kind.NODE_DISKS:
                return [self.rok.node_disks(self.clock, NODE)]
            case Kind.DRAIN:
                return [Drain(NODE, tuple(self.pods.values()), self.budgets)]
            case _:
                return super()._matching(want)

    def live(self) -> None:
        """Let Rok, the kubelet and the cloud controller do what they do by themselves."""
        self.rok.pass_time(self.clock)
        node = self.there()
        if node is None:
            return
        if self.rok.state == "terminated":
            self.forget(node)
            return
        size = self.rok.space_bytes()
        if self.rok.grown and self.seen().snapshot("web", "snap") is not None:
            if self.succeeds:
                self.put(snapshot(ready=True))
            elif self.retries:
                self.put(job(at=self.clock - 300.0)[-1])
        known = self.seen().rok_space(NODE)
        if self.rok.grown and known is not None and known.size != size:
            self.change(known, size=size, available=size - (known.used or 0))
        self.pods = {name: one for name, one in self.pods.items() if one.deletion is None}
        used = any("data" in one.claims for one in self.pods.values())
        volume = self.seen().volume("pv-data")
        done = (found := self.seen().snapshot("web", "snap")) is None or found.ready
        if volume and volume.affinity and node.unschedulable and not used and done and self.unpins:
            self.change(volume, affinity=())
        if not self.seen().rok_on(NODE):
            self.budgets = tuple(
                msgspec.structs.replace(one, allowed=1) if one.name == "guard" else one
                for one in self.budgets
            )

    def _patch(self, step: Step, view: View) -> None:
        act = step.act(view)
        if act is None:
            raise Conflict(f"not the object that was planned for: {step.sentence()}")
        self.live()
        if isinstance(act, NodeCommand):
            self.rok.run(act.argv, self.clock)
        elif not isinstance(act, KubeWrite):
            self.rok.call(act, self.clock)
        elif act.path.endswith("/eviction"):
            self._evict(act)
        else:
            self._patch_node(act)
        self.writes.append(step)

    def _evict(self, act: KubeWrite) -> None:
        *_, namespace, _, name, _ = act.path.split("/")
        found = self.pods.get(name)
        body = msgspec.to_builtins(act.body)
        if found is None or found.namespace != namespace:
            raise NotFound(f"no pod {name}")
        if body["deleteOptions"]["preconditions"]["uid"] != found.uid:
            raise Conflict(f"another pod {name}")
        drain = Drain(NODE, tuple(self.pods.values()), self.budgets)
        if any(not one.allowed for one in drain.budgets_of(found)):
            raise Throttled("the disruption budget does not allow it")
        self.rok.calls.append(f"evict {name}")
        self.pods[name] = msgspec.structs.replace(found, deletion=self.clock + 30.0)

    def _patch_node(self, act: KubeWrite) -> None:
        node, body = self.there(), msgspec.to_builtins(act.body)
        meta = body["metadata"]
        if node is None:
            raise NotFound("no such node")
        if (meta["uid"], meta["resourceVersion"]) != (node.uid, node.version):
            raise Conflict(f"node {node.name} has changed")
        notes = {**node.annotations, **meta["annotations"]}
        spec = body.get("spec", {})
        self.change(
            node,
            annotations={key: value for key, value in notes.items() if value is not None},
            unschedulable=bool(spec.get("unschedulable", node.unschedulable))
            if "unschedulable" in spec
            else node.unschedulable,
        )
