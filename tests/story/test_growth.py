"""A claim that fills up, from the alert to the end, over plain objects."""

import asyncio

import pytest

from exporter.observe.model import Kind
from remediator.growth.policy import GIB, GROWN_AT
from remediator.record import Phase
from tests.pipeline.people import until
from tests.story.fake_cluster import ticks
from tests.story.growth_cluster import GrowthCluster


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


def test_a_size_that_the_back_end_refuses_is_a_persons_and_never_asked_for_twice() -> None:
    """It did not help; the failed expansion is another failure, with a repair of its own."""
    cluster = GrowthCluster()
    cluster.most = 11 * GIB
    until(cluster, cluster.engine(), Phase.UNSETTLED)
    assert len(cluster.writes) == 1
    assert "it has 10Gi and waits for 12Gi" in cluster.record().status.message
