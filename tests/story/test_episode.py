"""One whole episode, and that a kill anywhere changes nothing about how it ends."""

import asyncio

import pytest

from remediator.record import Phase, StepState
from remediator.steps.base import UNDO_ANNOTATION
from remediator.steps.taints import AddTaint, RemoveTaint
from tests.story.fake_cluster import FakeCluster, Killed, carry_on
from tests.story.objects import DEAD, LIVE, NAME, OWNER, record

OUTAGES = [1.0, 300.0, 3600.0]
"""Seconds away after a kill: shorter and longer than a call may take, and than a repair may."""


async def live_through(cluster: FakeCluster, outage: float) -> None:
    """Carry the episode to its end; start the killed program anew, and the machine once we hold."""
    cluster.before_write = lambda: assert_intended(cluster)
    engine = cluster.engine()
    for _ in range(1000):
        if cluster.record().over:
            return
        try:
            rest = await engine.tick(NAME)
        except Killed:
            engine, rest = cluster.engine(), outage
        cluster.clock += max(rest, 0.25)
        if cluster.phase() is Phase.HOLDING and cluster.machine.state == "stopped":
            cluster.clock += 300.0
            cluster.come_back()
    raise AssertionError(f"not over after 1000 ticks: {cluster.record().status}")


def assert_intended(cluster: FakeCluster) -> None:
    """Demand that what is about to be written stands on record, with the debt that it makes."""
    status = cluster.record().status
    assert status.plan is not None
    (debt,) = cluster.record().owes
    assert debt.target == DEAD
    if cluster.calls[-1] == "apply AddTaint":
        assert status.plan.steps[0].state is StepState.INTENDED
    else:
        assert debt.note == "taking it back"


def episode(*deaths: int, outage: float = 1.0) -> FakeCluster:
    """Live through one episode, killed at the given points."""
    cluster = FakeCluster()
    cluster.open(record())
    cluster.deaths = set(deaths)
    asyncio.run(live_through(cluster, outage))
    return cluster


def assert_well_ended(cluster: FakeCluster) -> None:
    """Demand the one good end: repaired, taken back, nothing twice."""
    kept = cluster.record()
    assert kept.status.phase is Phase.SETTLED
    assert [type(step) for step in cluster.writes] == [AddTaint, RemoveTaint]
    assert not kept.owes
    assert [entry.note for entry in kept.status.ledger] == ["taken back"]
    assert kept.status.plan is not None
    assert [step.state for step in kept.status.plan.steps] == [StepState.DONE]
    assert list(cluster.kept) == [NAME]
    assert cluster.node.taints == ()
    assert UNDO_ANNOTATION not in cluster.node.annotations


def test_a_lost_node_gives_up_its_volumes_and_gets_its_taint_taken_back() -> None:
    """Scene a: Deferred for the second reading, Running, Verifying, Holding, Settled, over."""
    cluster = episode()
    assert_well_ended(cluster)
    assert cluster.phases() == [
        Phase.DEFERRED,
        Phase.RUNNING,
        Phase.VERIFYING,
        Phase.HOLDING,
        Phase.SETTLED,
    ]
    assert [report.wrote for report in cluster.reports if report.wrote] == [
        f"put taint node.kubernetes.io/out-of-service={NAME}:NoExecute on node {DEAD}",
        f"take taint node.kubernetes.io/out-of-service={NAME}:NoExecute off node {DEAD}",
    ]


def test_the_repair_moves_every_pod_before_anything_is_called_settled() -> None:
    """Holding means: every claim is used by a Running pod on a Ready node."""
    cluster = FakeCluster()
    cluster.open(record())
    asyncio.run(carry_on(cluster, cluster.engine(), lambda: cluster.phase() is Phase.HOLDING))
    pods = cluster.objects.indexed("pods_on", "", LIVE)
    assert len(pods) == 2
    assert cluster.tainted
    assert cluster.node.annotations[UNDO_ANNOTATION] == OWNER


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_kill_at_any_point_changes_nothing_about_the_end(outage: float) -> None:
    """Before and after every durable write and every call outside."""
    points = episode().points
    assert points > 20
    for first in range(1, points + 1):
        assert_well_ended(episode(first, outage=outage))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.soak)])
def test_two_kills_at_any_two_points_change_nothing_about_the_end(every: int) -> None:
    """The second kill may hit the recovery from the first; `every` so many'th pair is tried."""
    for first in range(1, episode().points + 1):
        for second in range(first + 1 + first % every, episode(first).points + 1, every):
            assert_well_ended(episode(first, second))
