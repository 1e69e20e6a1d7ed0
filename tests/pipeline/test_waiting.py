"""Before anything is written: what the engine waits for, and what it never does."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from exporter.observe.errors import Forbidden, Garbage, NotFound, Throttled, Unreachable
from exporter.observe.model import Kind, Ready, Subject
from remediator.case import Policy
from remediator.guards import GUARDS
from remediator.pipeline import Pipeline
from remediator.record import Phase, Reading, Seen
from tests.story import objects as made
from tests.story.fake_cluster import FakeCluster, carry_on, ticks
from tests.story.objects import AUTO, LIVE, NAME, NOW, record


def started(policy: Policy = AUTO) -> tuple[FakeCluster, Pipeline]:
    """Return a cluster with a lost node, its record just made, and an engine."""
    cluster = FakeCluster(policy=policy)
    cluster.open(record())
    return cluster, cluster.engine()


def test_in_observe_mode_everything_is_judged_and_nothing_done() -> None:
    """The default: the plan, every verdict, the proof, and that it would have acted."""
    cluster, engine = started(Policy())
    asyncio.run(ticks(cluster, engine, 10))
    status = cluster.record().status
    assert cluster.writes == []
    assert status.phase is Phase.OBSERVED
    assert status.would_have_acted
    assert status.plan is not None
    assert len(status.verdicts) == len(GUARDS)
    assert status.message.startswith("mode is observe: would have acted")


def test_the_mode_of_a_handler_beats_the_mode_of_all() -> None:
    """`modes` names a handler."""
    cluster, engine = started(Policy(mode="auto", modes={made.SIGNAL: "observe"}))
    asyncio.run(ticks(cluster, engine, 10))
    assert cluster.phase() is Phase.OBSERVED


def test_in_approve_mode_a_proven_plan_waits_for_a_person() -> None:
    """Whoever says yes comes later; until then nothing is written."""
    cluster, engine = started(Policy(mode="approve"))
    asyncio.run(ticks(cluster, engine, 20))
    assert cluster.phase() is Phase.AWAITING_APPROVAL
    assert cluster.writes == []


def test_in_auto_mode_a_proven_plan_runs() -> None:
    """The guards decide."""
    cluster, engine = started()
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.RUNNING))
    plan = cluster.record().status.plan
    assert plan is not None
    assert plan.steps == made.planned().steps
    assert plan.used_claims == ("web/files", "web/rows")


def test_a_running_instance_defers_and_a_later_stop_lets_it_go_on_by_itself() -> None:
    """Scene b: the sentence says which proof would do; nobody has to ask again."""
    cluster, engine = started()
    cluster.machine.state = "running"
    asyncio.run(ticks(cluster, engine, 10))
    status = cluster.record().status
    assert status.phase is Phase.DEFERRED
    assert "is running" in status.message
    assert "read as stopped or terminated twice, 30 s apart" in status.message
    assert cluster.writes == []
    cluster.machine.state = "stopped"
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.HOLDING))
    assert cluster.tainted


@pytest.mark.parametrize(
    "error",
    [
        Throttled("slow down"),
        Forbidden("may not ec2:DescribeInstances"),
        Unreachable("timed out"),
        Garbage("not an answer"),
        NotFound("no such instance"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_cloud_that_does_not_answer_is_no_proof(error: Exception) -> None:
    """The record says why, and the engine goes on once it does answer."""
    cluster, engine = started()
    assert isinstance(error, (Throttled, Forbidden, Unreachable, Garbage, NotFound))
    cluster.power_fails = error
    asyncio.run(ticks(cluster, engine, 20))
    assert cluster.phase() is Phase.DEFERRED
    assert str(error) in cluster.record().status.message
    assert cluster.writes == []
    cluster.power_fails = None
    asyncio.run(carry_on(cluster, engine, lambda: cluster.tainted))


def hibernated(cluster: FakeCluster) -> None:
    """Keep its memory."""
    cluster.machine.hibernated = True


def no_provider_id(cluster: FakeCluster) -> None:
    """Say nothing about the machine."""
    cluster.change(cluster.node, provider_id="")


def on_premises(cluster: FakeCluster) -> None:
    """Name a machine of another kind."""
    cluster.change(cluster.node, provider_id="vsphere://4242")


@pytest.mark.parametrize("how", [hibernated, no_provider_id, on_premises])
def test_a_machine_that_is_not_proven_off_is_left_alone(how: Callable[[FakeCluster], None]) -> None:
    """No proof, no action."""
    cluster, engine = started()
    how(cluster)
    asyncio.run(ticks(cluster, engine, 20))
    assert cluster.phase() is Phase.DEFERRED
    assert cluster.writes == []


def test_a_machine_launched_between_two_readings_begins_the_proof_anew() -> None:
    """Stopped, started and stopped again is not one stop, but it is proven in the end."""
    cluster, engine = started()
    asyncio.run(ticks(cluster, engine, 1))
    cluster.machine.launched = cluster.clock
    cluster.clock = NOW + 30.0
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.DEFERRED
    asyncio.run(carry_on(cluster, engine, lambda: cluster.tainted))
    assert cluster.clock >= NOW + 60.0


def test_a_proof_that_grew_old_while_waiting_is_read_again() -> None:
    """The record's last reading is as young as the policy asks when the taint is written."""
    cluster, engine = started()
    cluster.pause = True
    asyncio.run(ticks(cluster, engine, 40))
    assert cluster.phase() is Phase.DEFERRED
    cluster.pause = False
    asyncio.run(carry_on(cluster, engine, lambda: cluster.tainted))
    last = cluster.record().status.readings[-1]
    assert cluster.clock - last.read_at <= AUTO.proof_age


def test_waiting_too_long_blocks_and_needs_a_person() -> None:
    """After give_up_after seconds in Deferred, not before."""
    cluster, engine = started(Policy(mode="auto", give_up_after=100.0, alert_max_age=1e6))
    cluster.machine.state = "running"
    asyncio.run(ticks(cluster, engine, 1))
    cluster.clock = NOW + 100.0
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.DEFERRED
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.BLOCKED
    assert cluster.record().status.message.startswith("given up waiting: ")
    cluster.machine.state = "stopped"
    asyncio.run(ticks(cluster, engine, 20))
    assert cluster.writes == []


@pytest.mark.parametrize("kind", [Kind.NODE, Kind.POD, Kind.ATTACHMENT, Kind.LEASE, Kind.NAMESPACE])
def test_what_cannot_be_seen_is_neither_healthy_nor_sick(kind: Kind) -> None:
    """Deferred with the reason; on once it can be seen."""
    cluster, engine = started()
    cluster.unseen = {kind: f"list {kind}: 403"}
    asyncio.run(ticks(cluster, engine, 5))
    status = cluster.record().status
    assert (status.phase, status.seen) == (Phase.DEFERRED, Seen.UNSEEN)
    assert f"list {kind}: 403" in status.message
    assert cluster.answers == []
    cluster.unseen = {}
    asyncio.run(carry_on(cluster, engine, lambda: cluster.tainted))


def test_an_unseen_cluster_does_not_count_as_gone() -> None:
    """`gone_since` is neither set nor lost by a look that saw nothing."""
    cluster, engine = started()
    cluster.unseen = {Kind.NODE: "down"}
    asyncio.run(ticks(cluster, engine, 2))
    assert cluster.record().status.gone_since is None


def test_an_unknown_server_version_defers() -> None:
    """It is asked for again until it is known."""
    cluster, engine = started()
    cluster.server = None
    asyncio.run(ticks(cluster, engine, 3))
    assert cluster.phase() is Phase.DEFERRED
    cluster.server = (1, 30)
    asyncio.run(carry_on(cluster, engine, lambda: cluster.tainted))


def test_a_handlers_never_is_an_end() -> None:
    """Declined, with the handler's own sentence; no guard was asked, no machine read."""
    cluster, engine = started()
    cluster.server = (1, 15)
    asyncio.run(ticks(cluster, engine, 10))
    assert cluster.phase() is Phase.DECLINED
    assert "1.15" in cluster.record().status.message
    assert cluster.answers == []


def test_a_guards_never_is_an_end() -> None:
    """Blocked, with the guard's name."""
    cluster, engine = started()
    cluster.put(made.namespace(annotations={"pvmedic.dev/remediation": "disabled"}))
    asyncio.run(ticks(cluster, engine, 10))
    assert cluster.phase() is Phase.BLOCKED
    assert cluster.record().status.message.startswith("opt_out: namespace web")


def test_a_signal_that_is_gone_clears_the_record_and_after_quiet_the_episode_is_over() -> None:
    """Ten minutes of looks that saw it gone, not less."""
    cluster, engine = started()
    cluster.change(cluster.node, ready=Ready.TRUE)
    asyncio.run(ticks(cluster, engine, 1))
    status = cluster.record().status
    assert (status.phase, status.gone_since) == (Phase.CLEARED, NOW)
    cluster.clock = NOW + 599.0
    asyncio.run(engine.tick(NAME))
    assert not cluster.record().over
    cluster.clock = NOW + 600.0
    asyncio.run(engine.tick(NAME))
    assert cluster.record().status.over_at == NOW + 600.0


def test_a_node_that_flaps_is_judged_again_and_repaired() -> None:
    """Cleared for a minute, then lost for good: the alert is not sent again for hours."""
    cluster, engine = started()
    cluster.change(cluster.node, ready=Ready.TRUE)
    asyncio.run(ticks(cluster, engine, 2))
    assert cluster.phase() is Phase.CLEARED
    cluster.change(cluster.node, ready=Ready.UNKNOWN, ready_since=cluster.clock)
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.HOLDING))
    assert cluster.tainted
    assert list(cluster.kept) == [NAME]


def test_quiet_is_counted_anew_when_the_failure_is_seen_again() -> None:
    """Gone for five minutes twice is not gone for ten."""
    cluster, engine = started()
    lost = cluster.node
    cluster.change(lost, ready=Ready.TRUE)
    asyncio.run(ticks(cluster, engine, 1))
    cluster.clock = NOW + 300.0
    cluster.machine.state = "running"
    cluster.change(cluster.node, ready=Ready.UNKNOWN)
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.record().status.gone_since is None
    cluster.change(cluster.node, ready=Ready.TRUE)
    cluster.clock = NOW + 610.0
    asyncio.run(ticks(cluster, engine, 2))
    assert not cluster.record().over


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.UNSETTLED, Phase.REJECTED])
def test_an_end_that_a_person_must_release_is_never_over_by_itself(phase: Phase) -> None:
    """Quiet does not release it, and no alert re-sent does."""
    cluster = FakeCluster()
    cluster.open(record(phase=phase, gone_since=NOW - 86400.0))
    cluster.change(cluster.node, ready=Ready.TRUE)
    asyncio.run(ticks(cluster, cluster.engine(), 5))
    assert not cluster.record().over


@pytest.mark.parametrize("phase", [Phase.DECLINED, Phase.BLOCKED, Phase.CLEARED, Phase.SETTLED])
def test_any_other_end_is_over_after_quiet(phase: Phase) -> None:
    """Then the next alert opens the next episode."""
    cluster = FakeCluster()
    cluster.open(record(phase=phase, gone_since=NOW - 600.0))
    cluster.change(cluster.node, ready=Ready.TRUE)
    asyncio.run(ticks(cluster, cluster.engine(), 1))
    assert cluster.record().over


def test_a_record_that_is_over_is_not_looked_at_any_more() -> None:
    """It is history."""
    cluster = FakeCluster()
    cluster.open(record(phase=Phase.SETTLED, over_at=NOW - 1.0))
    asyncio.run(ticks(cluster, cluster.engine(), 2))
    assert cluster.calls == []


def test_a_tick_without_news_writes_nothing() -> None:
    """A waiting record costs looks, not writes."""
    cluster, engine = started()
    cluster.machine.state = "running"
    asyncio.run(ticks(cluster, engine, 30))
    assert cluster.calls == ["save Deferred"]


def test_another_node_under_repair_is_waited_for() -> None:
    """The slot is free again when that record holds or ends."""
    cluster, engine = started()
    other = record(
        subject=Subject((("node", LIVE),)), phase=Phase.VERIFYING, plan=made.planned(LIVE)
    )
    cluster.open(other)
    asyncio.run(ticks(cluster, engine, 10))
    assert cluster.phase() is Phase.DEFERRED
    assert other.name in cluster.record().status.message
    cluster.open(
        msgspec.structs.replace(
            other, status=msgspec.structs.replace(other.status, phase=Phase.HOLDING)
        )
    )
    asyncio.run(carry_on(cluster, engine, lambda: cluster.tainted))


def test_evidence_of_before_a_restart_still_counts() -> None:
    """The first reading is on record, so a restart does not begin the proof anew."""
    cluster, engine = started()
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.record().status.readings == (
        Reading("ec2", "i-0a", "stopped", NOW, account="123456789012", launched_at=NOW - 86400.0),
    )
    cluster.clock = NOW + 30.0
    asyncio.run(cluster.engine().tick(NAME))
    assert cluster.phase() is Phase.RUNNING
