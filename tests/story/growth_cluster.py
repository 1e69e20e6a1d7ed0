"""A claim that fills up, or asks for too much, and a driver that resizes: plain objects.

It decides nothing about repairs.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from exporter.observe import model
from exporter.observe.errors import Conflict
from exporter.observe.model import Kind, Object
from exporter.observe.parse.quantities import whole
from exporter.observe.view import View, Want
from remediator.case import Policy
from remediator.growth.policy import GIB
from remediator.record import HELD, Phase
from remediator.steps.base import Step
from tests.growth.cases import record
from tests.growth.made import claim, pod, stats, storage_class, volume
from tests.story import objects as made
from tests.story.acts import kube_write
from tests.story.fake_cluster import FakeCluster, Killed
from tests.story.objects import AUTO

if TYPE_CHECKING:
    from remediator.pipeline import Pipeline

FILLING, FAILED = "volume_filling", "expansion_failed"
INFEASIBLE, NODE_PENDING = "ControllerResizeInfeasible", "NodeResizePending"
LEFT = HELD | {Phase.DECLINED, Phase.CANCELLED}
"""Where an episode stays while nobody says anything."""
LONGEST = 6000
"""Ticks of an episode that ends."""


class GrowthCluster(FakeCluster):
    """Fields to set: `most`: the largest volume that the driver makes, bytes.

    A claim without a pod keeps its file system as it is.
    """

    def __init__(self, signal: str = FILLING, policy: Policy = AUTO, *objects: Object) -> None:
        """Start with a record about a claim that is nearly full, or that asks for 100Gi in vain."""
        of = claim()
        parts: list[Object] = [volume(), storage_class(), made.node("a"), made.namespace("web")]
        if signal == FAILED:
            asked = {"requested": 100 * GIB, "grow_asked": made.NOW - 900.0}
            of = claim(resize_status=INFEASIBLE, **asked)
            parts += [pod()]
        else:
            parts += [pod(), stats()]
        super().__init__([of, *parts, *objects], policy)
        self.most = 64 * GIB
        about = record(signal)
        self.name = about.name
        self.open(about)

    @property
    def there(self) -> model.Claim:
        """Return the claim as it is now."""
        found = self.seen().claim("web", "data")
        assert found is not None
        return found

    @property
    def made_larger(self) -> int | None:
        """Return how large its volume is, bytes."""
        found = self.seen().volume_of(self.there)
        assert found is not None
        return found.capacity

    def seen(self) -> View:
        """Return a View of everything."""
        return View(self.objects, self.clock)

    def asks(self, size: int) -> None:
        """Let somebody ask for a size, and the driver answer."""
        self.change(self.there, requested=size, grow_asked=self.clock)
        self._resize()

    def mount(self) -> None:
        """Let a pod have it, whose kubelet does the rest."""
        self.put(msgspec.structs.replace(pod(), scheduled=self.clock, created=self.clock))
        self._resize()

    def _matching(self, want: Want) -> list[Object]:
        if want.kind is Kind.VOLUME_STATS:
            return list(self.objects.of(Kind.VOLUME_STATS))
        return super()._matching(want)

    def _patch(self, step: Step, view: View) -> None:
        write = kube_write(step, view)
        if write is None:
            raise Conflict(f"not the claim that was planned for: {step.sentence()}")
        meta, spec = write.body["metadata"], write.body["spec"]
        assert isinstance(meta, Mapping)
        if (meta["uid"], meta["resourceVersion"]) != (self.there.uid, self.there.version):
            raise Conflict("the claim has changed")
        asked = msgspec.convert(spec, dict[str, dict[str, dict[str, str]]])
        size = whole(asked["resources"]["requests"]["storage"])
        notes = {**self.there.annotations, **meta.get("annotations", {})}
        self.change(self.there, requested=size, grow_asked=self.clock, annotations=notes)
        self.writes.append(step)
        self._resize()

    def _resize(self) -> None:
        """Do what csi-resizer does, and then the kubelet of a pod that has it."""
        asked = self.there.requested or 0
        if asked > self.most:
            self.change(self.there, resize_status=INFEASIBLE)
            return
        grown = self.seen().volume_of(self.there)
        assert grown is not None
        self.change(grown, capacity=asked)
        if not self.seen().pods_of("web", "data"):
            self.change(self.there, resize_status=NODE_PENDING)
            return
        self.change(self.there, resize_status="", capacity=asked)
        if self.objects.of(Kind.VOLUME_STATS):
            self.put(stats(free=0.2))


class End(NamedTuple):
    """What is left of an episode; the same whatever happened on the way."""

    phase: str
    writes: tuple[str, ...]
    asked: int | None
    steps: tuple[str, ...]
    decisions: tuple[tuple[str, bool], ...]
    owed: int


async def live(
    cluster: GrowthCluster,
    meanwhile: Callable[[GrowthCluster], None],
    outage: float = 1.0,
    replicas: int = 1,
) -> End:
    """Live through an episode, until it is over or held; after a kill new programs go on."""
    engines: list[Pipeline] = [cluster.engine() for _ in range(replicas)]
    for number in range(LONGEST):
        kept = cluster.record()
        if kept.over or kept.status.phase in LEFT:
            return _end(cluster)
        try:
            rest = await engines[number % replicas].tick(cluster.name)
        except Killed:
            engines = [cluster.engine() for _ in range(replicas)]
            rest = outage
        cluster.clock += max(rest, 0.25)
        meanwhile(cluster)
    raise AssertionError(f"not ended after {LONGEST} ticks: {cluster.record().status}")


def lived(
    cluster: GrowthCluster,
    meanwhile: Callable[[GrowthCluster], None],
    *deaths: int,
    outage: float = 1.0,
    replicas: int = 1,
) -> End:
    """Live through it, killed at these points."""
    cluster.deaths = set(deaths)
    return asyncio.run(live(cluster, meanwhile, outage, replicas))


def _end(cluster: GrowthCluster) -> End:
    status = cluster.record().status
    return End(
        phase=str(status.phase),
        writes=tuple(step.sentence() for step in cluster.writes),
        asked=cluster.there.requested,
        steps=tuple(str(one.state) for one in status.plan.steps) if status.plan else (),
        decisions=tuple((one.decision, bool(one.void)) for one in status.decisions),
        owed=len(cluster.record().owes),
    )
