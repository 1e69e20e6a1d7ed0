"""After the write: did it help, and when is our taint taken back."""

import asyncio
from collections.abc import Callable

import pytest

from exporter.observe.errors import Conflict, Forbidden, Throttled, Unreachable
from exporter.observe.model import Kind, Ready, Taint
from exporter.observe.view import View
from remediator.pipeline import Pipeline
from remediator.record import Phase
from remediator.steps.taints import RemoveTaint
from tests.story import objects as made
from tests.story.fake_cluster import FakeCluster, carry_on, ticks
from tests.story.objects import DEAD, LIVE, NAME, PROOF, record


def begun(*, heals: bool = True) -> tuple[FakeCluster, Pipeline]:
    """Return a cluster whose record is Verifying, the taint written."""
    cluster = FakeCluster()
    cluster.heals = heals
    cluster.open(record(readings=PROOF))
    engine = cluster.engine()
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.VERIFYING))
    return cluster, engine


def holding() -> tuple[FakeCluster, Pipeline]:
    """Return a cluster whose record is Holding, five minutes later."""
    cluster, engine = begun()
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.HOLDING))
    cluster.clock += 300.0
    return cluster, engine


def said(cluster: FakeCluster) -> str:
    """Return the record's message."""
    return cluster.record().status.message


def test_one_good_look_is_not_enough() -> None:
    """The signal is gone and the goal reached on two looks."""
    cluster, engine = begun()
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.VERIFYING
    assert said(cluster) == "the failure is gone and the goal is reached; looking once more"
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.HOLDING


@pytest.mark.parametrize("between", ["unseen", "seen again"])
def test_the_two_good_looks_follow_one_another(between: str) -> None:
    """Anything else in between begins the count anew."""
    cluster, engine = begun()
    asyncio.run(ticks(cluster, engine, 1))
    again = made.attachment("files")
    if between == "unseen":
        cluster.unseen = {Kind.POD: "down"}
    else:
        cluster.put(again)
    asyncio.run(ticks(cluster, engine, 1))
    cluster.unseen = {}
    cluster.forget(again)
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.VERIFYING
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.HOLDING


def test_a_failure_that_is_gone_is_not_settled_before_the_goal_is_reached() -> None:
    """Detached from the dead node is not yet in use elsewhere."""
    cluster, engine = begun(heals=False)
    for obj in (*made.scene()[-4:],):
        cluster.forget(obj)
    cluster.put(made.pod("db-0", "rows", LIVE, phase="Pending"))
    asyncio.run(ticks(cluster, engine, 3))
    assert cluster.phase() is Phase.VERIFYING
    assert said(cluster) == (
        "waiting for a Running pod with web/files (nobody asks for it), web/rows"
    )


def test_what_does_not_help_in_time_is_unsettled_and_still_owed() -> None:
    """A person is needed; the debt stays on record and the subject is kept."""
    cluster, engine = begun(heals=False)
    began = cluster.record().status.phase_since
    assert began is not None
    cluster.clock = began + 600.0
    asyncio.run(engine.tick(NAME))
    assert cluster.phase() is Phase.VERIFYING
    cluster.clock = began + 600.1
    asyncio.run(engine.tick(NAME))
    assert cluster.phase() is Phase.UNSETTLED
    assert said(cluster).startswith("acted, but it did not help in time: the failure is still seen")
    assert len(cluster.record().owes) == 1


def test_an_unsettled_record_takes_its_taint_back_and_keeps_its_phase() -> None:
    """The debt is paid, but whether all is well is for a person to say."""
    cluster, engine = begun(heals=False)
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.UNSETTLED))
    cluster.evict(DEAD)
    cluster.come_back()
    asyncio.run(carry_on(cluster, engine, lambda: not cluster.record().owes))
    assert not cluster.tainted
    assert cluster.phase() is Phase.UNSETTLED
    cluster.clock += 1200.0
    asyncio.run(ticks(cluster, engine, 3))
    assert not cluster.record().over


def test_a_dead_node_keeps_its_taint() -> None:
    """However long it takes."""
    cluster, engine = holding()
    cluster.clock += 30 * 86400.0
    asyncio.run(ticks(cluster, engine, 5))
    assert cluster.tainted
    assert cluster.phase() is Phase.HOLDING
    assert said(cluster).startswith(f"node {DEAD} is not Ready; the taint stays")


def test_a_proven_power_cycle_takes_the_taint_off_and_settles() -> None:
    """New bootID, launched after the proof, nothing of before left."""
    cluster, engine = holding()
    cluster.come_back()
    cluster.calls.clear()
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.calls == ["save Holding", "apply RemoveTaint", "save Settled"]
    assert cluster.phase() is Phase.SETTLED
    assert cluster.node.taints == ()
    (debt,) = cluster.record().status.ledger
    assert (debt.closed, debt.note, debt.closed_at) == (True, "taken back", cluster.clock - 15.0)


def test_a_node_lost_again_soon_after_is_repaired_again_once_it_has_cooled_down() -> None:
    """The same episode, since its alert is not new; the cooldown paces it."""
    cluster, engine = holding()
    cluster.come_back()
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.SETTLED))
    cluster.machine.state = "stopped"
    cluster.change(cluster.node, ready=Ready.UNKNOWN, ready_since=cluster.clock)
    there = View(cluster.objects, cluster.clock)
    for attachment in there.attachments_on(LIVE):
        cluster.forget(attachment)
    for pod in there.pods_on(LIVE):
        cluster.forget(pod)
    for obj in made.scene()[-4:]:
        cluster.put(obj)
    asyncio.run(ticks(cluster, engine, 5))
    assert cluster.phase() is Phase.DEFERRED
    assert "cooldown" in said(cluster)
    assert cluster.node.taints == ()
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.HOLDING))
    assert cluster.tainted
    assert list(cluster.kept) == [NAME]


def same_boot(cluster: FakeCluster) -> None:
    """Come back without a reboot."""
    cluster.come_back(boot_id=f"boot-1-{DEAD}")


def same_launch(cluster: FakeCluster) -> None:
    """Come back with a reboot that was no launch."""
    launched = cluster.machine.launched
    cluster.come_back()
    cluster.machine.launched = launched


def not_ready(cluster: FakeCluster) -> None:
    """Boot, but not become Ready."""
    cluster.come_back(ready=Ready.FALSE)


def cloud_silent(cluster: FakeCluster) -> None:
    """Come back while the cloud does not answer."""
    cluster.come_back()
    cluster.power_fails = Throttled("slow down")


def old_attachment(cluster: FakeCluster) -> None:
    """Come back with an attachment of before."""
    cluster.come_back()
    cluster.put(made.attachment("files"))


def old_pod(cluster: FakeCluster) -> None:
    """Come back with a pod that is still being deleted."""
    cluster.come_back()
    cluster.put(made.pod("db-0", "rows", deletion=cluster.clock - 300.0))


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (same_boot, "no new boot"),
        (same_launch, "was not launched after the proof"),
        (not_ready, "is not Ready"),
        (cloud_silent, "could not be read as running"),
        (old_attachment, "an attachment of before"),
        (old_pod, "a Terminating pod of before"),
    ],
)
def test_without_a_proven_power_cycle_the_taint_stays(
    how: Callable[[FakeCluster], None], sentence: str
) -> None:
    """Mounts of before survive everything else; the record says what it waits for."""
    cluster, engine = holding()
    how(cluster)
    asyncio.run(ticks(cluster, engine, 5))
    assert cluster.tainted
    assert cluster.phase() is Phase.HOLDING
    assert sentence in said(cluster)


def test_a_node_object_that_is_gone_ends_the_debt() -> None:
    """The taint went with it."""
    cluster, engine = holding()
    cluster.forget(cluster.node)
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.SETTLED
    assert not any(isinstance(step, RemoveTaint) for step in cluster.writes)


def test_a_new_node_of_the_same_name_owes_us_nothing() -> None:
    """Another uid, another machine; a taint on it is not ours."""
    cluster, engine = holding()
    cluster.change(cluster.node, uid="uid-new")
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.SETTLED
    assert cluster.tainted


def test_a_person_who_took_our_taint_off_is_left_alone() -> None:
    """Nothing is written any more, not even when the node comes back."""
    cluster, engine = holding()
    cluster.untaint()
    asyncio.run(ticks(cluster, engine, 1))
    cluster.come_back()
    asyncio.run(ticks(cluster, engine, 3))
    assert cluster.phase() is Phase.SETTLED
    assert "somebody else took it off" in said(cluster)
    assert len(cluster.writes) == 1


def test_a_taint_that_a_person_changed_is_left_alone() -> None:
    """It is not as we left it, so it is theirs."""
    cluster, engine = holding()
    cluster.change(cluster.node, taints=(made.taint("by-hand"),))
    cluster.come_back()
    asyncio.run(ticks(cluster, engine, 2))
    assert cluster.phase() is Phase.SETTLED
    assert cluster.node.taints == (made.taint("by-hand"),)


def test_other_taints_stay_when_ours_is_taken_off() -> None:
    """Undo touches only what was ours."""
    cluster, engine = holding()
    other = Taint("dedicated", "db", "NoSchedule", None)
    cluster.change(cluster.node, taints=(*cluster.node.taints, other))
    cluster.come_back()
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.node.taints == (other,)


@pytest.mark.parametrize(
    "error", [Conflict("409"), Forbidden("patch nodes"), Unreachable("timed out")], ids=str
)
def test_an_undo_that_is_refused_is_tried_again(error: Conflict | Forbidden | Unreachable) -> None:
    """A debt is not forgotten."""
    cluster, engine = holding()
    cluster.come_back()
    cluster.refusals = [(error, False)]
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.HOLDING
    assert cluster.tainted
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.SETTLED
    assert not cluster.tainted


def test_an_undo_that_landed_without_an_answer_is_seen() -> None:
    """It is not done twice, and counts as ours."""
    cluster, engine = holding()
    cluster.come_back()
    cluster.refusals = [(Unreachable("timed out"), True)]
    asyncio.run(ticks(cluster, engine, 2))
    assert cluster.phase() is Phase.SETTLED
    assert cluster.calls.count("apply RemoveTaint") == 1
    assert cluster.record().status.ledger[0].note == "taken back"


def test_a_node_lost_again_before_the_undo_keeps_its_taint() -> None:
    """The write is bound to the look that saw it Ready."""
    cluster, engine = holding()
    cluster.come_back()
    cluster.before_write = lambda: cluster.change(cluster.node, ready=Ready.UNKNOWN)
    asyncio.run(ticks(cluster, engine, 2))
    assert cluster.tainted
    assert cluster.phase() is Phase.HOLDING


def test_while_unseen_nothing_is_undone() -> None:
    """Unseen is neither healthy nor sick."""
    cluster, engine = holding()
    cluster.come_back()
    cluster.unseen = {Kind.NODE: "down"}
    asyncio.run(ticks(cluster, engine, 3))
    assert cluster.tainted
    assert cluster.phase() is Phase.HOLDING


@pytest.mark.parametrize("pause", [True, None], ids=["on", "not readable"])
def test_the_kill_switch_stops_an_undo_as_well(pause: bool | None) -> None:  # noqa: FBT001 -- the switch itself
    """Nothing is written while it is on; after it the debt is paid."""
    cluster, engine = holding()
    cluster.come_back()
    cluster.pause = pause
    asyncio.run(ticks(cluster, engine, 3))
    assert cluster.tainted
    assert cluster.record().status.message.endswith("but the kill switch is on")
    cluster.pause = False
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.SETTLED


def test_a_holding_record_is_never_over() -> None:
    """However long the failure is gone: the debt is open."""
    cluster, engine = holding()
    cluster.clock += 86400.0
    asyncio.run(ticks(cluster, engine, 3))
    assert not cluster.record().over
