"""An expansion that failed, from the alert to the end, over plain objects."""

import asyncio

import msgspec
import pytest

from exporter.observe.model import Kind
from remediator.growth.policy import GIB, Driver, Growth
from remediator.orders import Decision
from remediator.pipeline import Pipeline
from remediator.record import Phase
from remediator.steps.claims import LowerRequest
from tests.growth.made import DRIVER, pod
from tests.pipeline.people import say, until
from tests.story.fake_cluster import ticks
from tests.story.growth_cluster import FAILED, NODE_PENDING, GrowthCluster
from tests.story.objects import AUTO


def asked() -> tuple[GrowthCluster, Pipeline]:
    """Return a cluster whose plan waits for a person."""
    cluster = GrowthCluster(FAILED)
    engine = cluster.engine()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    return cluster, engine


def test_after_a_yes_it_asks_for_less_and_gets_it() -> None:
    """The mode is auto, and yet a person is asked."""
    cluster, engine = asked()
    asyncio.run(ticks(cluster, engine, 5))
    assert not cluster.writes
    say(cluster, Decision.APPROVE)
    until(cluster, engine, Phase.SETTLED)
    (step,) = cluster.writes
    assert isinstance(step, LowerRequest)
    assert (cluster.there.requested, cluster.there.capacity) == (11 * GIB, 11 * GIB)
    assert not cluster.record().status.ledger


def test_what_the_driver_can_is_asked_for_where_the_settings_say_it() -> None:
    """As much as there is to be had."""
    growth = Growth(drivers={DRIVER: Driver(largest=64 * GIB)})
    cluster = GrowthCluster(FAILED, msgspec.structs.replace(AUTO, growth=growth))
    engine = cluster.engine()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    say(cluster, Decision.APPROVE)
    until(cluster, engine, Phase.SETTLED)
    assert cluster.there.capacity == 64 * GIB


def test_a_no_leaves_the_request_as_it_is() -> None:
    """Held until a person releases it."""
    cluster, engine = asked()
    say(cluster, Decision.REJECT)
    until(cluster, engine, Phase.REJECTED)
    asyncio.run(ticks(cluster, engine, 5))
    assert not cluster.writes
    assert cluster.there.requested == 100 * GIB


def test_whoever_lowers_it_by_hand_meanwhile_is_not_disturbed() -> None:
    """The plan waits for a yes that nobody has to give any more."""
    cluster, engine = asked()
    cluster.asks(20 * GIB)
    until(cluster, engine, Phase.CLEARED)
    assert not cluster.writes
    assert cluster.there.capacity == 20 * GIB


def test_who_asks_for_what_can_be_had_right_before_the_write_gets_it() -> None:
    """What is written is bound to what was seen, and then there is nothing to lower any more."""
    cluster, engine = asked()

    def helped() -> None:
        cluster.before_write = None
        cluster.asks(50 * GIB)

    cluster.before_write = helped
    say(cluster, Decision.APPROVE)
    until(cluster, engine, Phase.CLEARED)
    assert not cluster.writes
    assert cluster.there.capacity == 50 * GIB


def test_a_claim_that_is_made_anew_is_not_the_one_that_was_planned_for() -> None:
    """Same name, another uid: the yes is void, and the new claim is looked at by itself."""
    cluster, engine = asked()
    cluster.change(cluster.there, uid="uid-new")
    say(cluster, Decision.APPROVE)
    asyncio.run(ticks(cluster, engine, 5))
    assert not cluster.writes
    assert cluster.phase() is Phase.AWAITING_APPROVAL
    (said,) = cluster.record().status.decisions
    assert said.void


def test_a_size_that_is_refused_as_well_is_a_persons() -> None:
    """Nothing is tried by guessing."""
    cluster, engine = asked()
    cluster.most = 10 * GIB
    say(cluster, Decision.APPROVE)
    until(cluster, engine, Phase.UNSETTLED)
    assert len(cluster.writes) == 1
    assert "it has 10Gi and waits for 11Gi" in cluster.record().status.message


def test_without_a_pod_it_is_done_once_the_volume_has_grown() -> None:
    """And the pod that mounts it later opens nothing anew while its kubelet is at it."""
    cluster, engine = asked()
    cluster.forget(pod())
    say(cluster, Decision.APPROVE)
    until(cluster, engine, Phase.SETTLED)
    assert "grows when a pod mounts it" in cluster.record().status.message
    assert (cluster.there.capacity, cluster.made_larger) == (10 * GIB, 11 * GIB)
    cluster.put(msgspec.structs.replace(pod(), scheduled=cluster.clock, created=cluster.clock))
    asyncio.run(ticks(cluster, engine, 3))
    assert cluster.phase() is Phase.DEFERRED
    assert "its kubelet" in cluster.record().status.message
    cluster.mount()
    until(cluster, engine, Phase.CLEARED)
    assert cluster.there.capacity == 11 * GIB


def test_a_node_step_that_stays_away_is_declined() -> None:
    """Asking for less would not help, nor would a claim made anew."""
    cluster = GrowthCluster(FAILED)
    volume = cluster.seen().volume_of(cluster.there)
    assert volume is not None
    cluster.change(volume, capacity=100 * GIB)
    cluster.change(cluster.there, resize_status=NODE_PENDING)
    until(cluster, cluster.engine(), Phase.DECLINED)
    assert "restart a pod that uses it" in cluster.record().status.message
    assert not cluster.writes


def test_an_older_kubernetes_is_told_what_a_person_types() -> None:
    """Nothing is written, in no mode."""
    cluster = GrowthCluster(FAILED)
    cluster.server = (1, 31)
    until(cluster, cluster.engine(), Phase.DECLINED)
    assert "kubectl -n web describe pvc data" in cluster.record().status.message
    assert not cluster.writes


@pytest.mark.parametrize("kind", [Kind.LIMIT_RANGE, Kind.VOLUME])
def test_nothing_is_planned_while_what_decides_cannot_be_seen(kind: Kind) -> None:
    """Forbidden: it waits and says so; seen again, a person is asked."""
    cluster = GrowthCluster(FAILED)
    cluster.unseen = {kind: "403 Forbidden"}
    engine = cluster.engine()
    asyncio.run(ticks(cluster, engine, 5))
    assert cluster.phase() is Phase.DEFERRED
    cluster.unseen = {}
    until(cluster, engine, Phase.AWAITING_APPROVAL)
