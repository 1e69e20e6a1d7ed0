"""A claim that fills up, from the alert to the end, over plain objects."""

import asyncio
from collections.abc import Mapping

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.errors import Conflict
from exporter.observe.model import Kind, Object
from exporter.observe.parse.quantities import whole
from exporter.observe.view import View, Want
from remediator.growth.policy import GIB, GROWN_AT
from remediator.record import Phase
from remediator.steps.base import Step
from tests.growth.cases import record
from tests.growth.made import claim, pod, stats, storage_class, volume
from tests.pipeline.people import until
from tests.story import objects as made
from tests.story.acts import kube_write
from tests.story.fake_cluster import FakeCluster, Killed, ticks

SIGNAL = "volume_filling"


class GrowthCluster(FakeCluster):
    """A claim, who mounts it, and a driver that grows what is asked for."""

    def __init__(self) -> None:
        """Start with a claim that is nearly full, and a record about it."""
        node = made.node("a")
        namespace = made.namespace("web")
        parts = (claim(), volume(), storage_class(), pod(), stats(), node, namespace)
        super().__init__(parts)
        about = record(SIGNAL)
        self.name = about.name
        self.open(about)

    @property
    def there(self) -> model.Claim:
        """Return the claim as it is now."""
        found = View(self.objects, self.clock).claim("web", "data")
        assert found is not None
        return found

    def _matching(self, want: Want) -> list[Object]:
        if want.kind is Kind.VOLUME_STATS:
            return list(self.objects.of(Kind.VOLUME_STATS))
        return super()._matching(want)

    def _patch(self, step: Step, view: View) -> None:
        write = kube_write(step, view)
        assert write is not None
        meta, spec = write.body["metadata"], write.body["spec"]
        assert isinstance(meta, Mapping)
        if (meta["uid"], meta["resourceVersion"]) != (self.there.uid, self.there.version):
            raise Conflict("the claim has changed")
        asked = msgspec.convert(spec, dict[str, dict[str, dict[str, str]]])
        size = whole(asked["resources"]["requests"]["storage"])
        notes = {**self.there.annotations, **meta["annotations"]}
        self.change(self.there, requested=size, capacity=size, annotations=notes)
        self.put(stats(free=0.2))
        self.writes.append(step)


def test_it_grows_once_and_is_settled() -> None:
    """And the time is on the claim."""
    cluster = GrowthCluster()
    until(cluster, cluster.engine(), Phase.SETTLED)
    assert [type(step).__name__ for step in cluster.writes] == ["GrowClaim"]
    assert cluster.there.requested == 12 * GIB
    assert GROWN_AT in cluster.there.annotations
    assert not cluster.record().status.ledger


@pytest.mark.parametrize("kind", [Kind.QUOTA, Kind.LIMIT_RANGE])
def test_nothing_grows_while_a_limit_cannot_be_seen(kind: Kind) -> None:
    """Forbidden: it waits and says so; seen again, it goes on."""
    cluster = GrowthCluster()
    cluster.unseen = {kind: "403 Forbidden"}
    engine = cluster.engine()
    asyncio.run(ticks(cluster, engine, 5))
    assert not cluster.writes
    assert "403 Forbidden" in cluster.record().status.message
    cluster.unseen = {}
    until(cluster, engine, Phase.SETTLED)
    assert len(cluster.writes) == 1


@pytest.mark.parametrize("point", range(1, 21))
def test_a_kill_at_any_moment_grows_it_once(point: int) -> None:
    """Whoever starts again looks before it acts."""
    cluster = GrowthCluster()
    cluster.deaths = {point}
    with pytest.raises(Killed):
        until(cluster, cluster.engine(), Phase.SETTLED)
    until(cluster, cluster.engine(), Phase.SETTLED)
    assert len(cluster.writes) == 1
    assert cluster.there.requested == 12 * GIB
