"""From the plan to the write: asked once more, written down first, bound to what was seen."""

import asyncio

import msgspec
import pytest

from exporter.observe.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    ObserveError,
    ServerFailed,
    Unauthorized,
    Unreachable,
)
from exporter.observe.model import Kind, Ready, Taint
from remediator.execution import LANDING
from remediator.pipeline import Pipeline
from remediator.record import Phase, StepState
from remediator.steps.base import UNDO_ANNOTATION
from remediator.steps.taints import AddTaint
from tests.story import objects as made
from tests.story.fake_cluster import FakeCluster, carry_on, ticks
from tests.story.objects import DEAD, KEY, NAME, NOW, OWNER, PROOF, record


def about_to() -> tuple[FakeCluster, Pipeline]:
    """Return a cluster whose record is Running with nothing written yet."""
    cluster = FakeCluster()
    cluster.open(record(readings=PROOF))
    engine = cluster.engine()
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.RUNNING))
    assert cluster.writes == []
    return cluster, engine


def state(cluster: FakeCluster) -> StepState:
    """Return how far the only step is."""
    plan = cluster.record().status.plan
    assert plan is not None
    return plan.steps[0].state


def test_the_intent_is_saved_before_the_write_and_the_answer_after_it() -> None:
    """Without a written intent no call outside."""
    cluster, engine = about_to()
    cluster.calls.clear()
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.calls == ["save Running", "apply AddTaint", "save Running"]
    assert state(cluster) is StepState.APPLIED
    (debt,) = cluster.record().owes
    assert (debt.kind, debt.target, debt.target_uid) == ("AddTaint", DEAD, f"uid-{DEAD}")
    assert debt.prior == {"bootID": f"boot-1-{DEAD}", "taint": ""}
    assert debt.done == {"key": KEY, "value": NAME, "effect": "NoExecute", "owner": OWNER}
    assert cluster.record().status.acted_at == cluster.record().status.ledger[0].at


@pytest.mark.parametrize("error", [Conflict("409"), ServerFailed("503")], ids=str)
def test_a_record_that_cannot_be_saved_leads_to_no_write(error: ObserveError) -> None:
    """Somebody else was faster, or the API server is down: nothing external is done."""
    cluster, engine = about_to()
    cluster.save_fails = error
    asyncio.run(ticks(cluster, engine, 3))
    assert cluster.writes == []
    assert "apply AddTaint" not in cluster.calls


def test_a_signal_gone_before_the_write_clears_the_record() -> None:
    """The node came back between the proof and the taint: no taint."""
    cluster, engine = about_to()
    cluster.change(cluster.node, ready=Ready.TRUE)
    asyncio.run(ticks(cluster, engine, 3))
    assert cluster.phase() is Phase.CLEARED
    assert cluster.writes == []
    assert cluster.record().status.acted_at is None


def test_a_node_that_comes_back_at_the_write_is_not_tainted() -> None:
    """The write is bound to the version that was looked at; the refused call is no debt."""
    cluster, engine = about_to()
    cluster.before_write = lambda: cluster.change(cluster.node, ready=Ready.TRUE)
    asyncio.run(ticks(cluster, engine, 3))
    kept = cluster.record()
    assert cluster.writes == []
    assert kept.status.phase is Phase.CLEARED
    assert not kept.owes
    assert kept.status.acted_at is None
    assert not kept.written


def test_a_node_replaced_before_the_write_is_not_tainted() -> None:
    """Another machine of the same name is not the one that was planned for."""
    cluster, engine = about_to()
    cluster.change(cluster.node, uid="uid-other")
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.writes == []
    assert cluster.phase() is Phase.DEFERRED


def test_a_node_deleted_before_the_write_is_waited_for() -> None:
    """There is nothing to taint; Kubernetes cleans up by itself."""
    cluster, engine = about_to()
    cluster.forget(cluster.node)
    asyncio.run(ticks(cluster, engine, 3))
    assert cluster.phase() is Phase.DEFERRED
    assert cluster.writes == []


def test_a_conflict_over_something_harmless_is_tried_again() -> None:
    """A changed label is no reason to give up, but everything is asked anew."""
    cluster, engine = about_to()

    def relabel() -> None:
        cluster.before_write = None
        cluster.change(cluster.node, labels={"touched": "yes"})

    cluster.before_write = relabel
    asyncio.run(ticks(cluster, engine, 2))
    assert len(cluster.writes) == 1
    assert len(cluster.record().owes) == 1


@pytest.mark.parametrize("error", [Conflict("409"), NotFound("404"), Unauthorized("401")], ids=str)
def test_a_refused_write_leaves_no_debt(error: ObserveError) -> None:
    """It is certain that nothing happened."""
    cluster, engine = about_to()
    cluster.refusals = [(error, False)]
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.RUNNING
    assert state(cluster) is StepState.PENDING
    assert not cluster.record().owes
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.HOLDING))
    assert len(cluster.writes) == 1


@pytest.mark.parametrize("error", [Forbidden("patch nodes"), Invalid("422")], ids=str)
def test_a_write_that_can_never_work_fails_and_keeps_the_subject(error: ObserveError) -> None:
    """A person has to look; nothing is owed and nothing is tried again."""
    cluster, engine = about_to()
    cluster.refusals = [(error, False)]
    asyncio.run(ticks(cluster, engine, 10))
    kept = cluster.record()
    assert kept.status.phase is Phase.FAILED
    assert str(error) in kept.status.message
    assert not kept.owes
    assert not kept.over
    assert cluster.calls.count("apply AddTaint") == 1


@pytest.mark.parametrize("error", [Unreachable("timed out"), ServerFailed("500")], ids=str)
def test_an_unanswered_write_that_landed_is_seen_and_not_done_twice(error: ObserveError) -> None:
    """The world tells, not the answer."""
    cluster, engine = about_to()
    cluster.refusals = [(error, True)]
    asyncio.run(ticks(cluster, engine, 1))
    assert state(cluster) is StepState.INTENDED
    assert len(cluster.record().owes) == 1
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.HOLDING))
    assert cluster.calls.count("apply AddTaint") == 1
    assert len(cluster.record().owes) == 1


def test_an_unanswered_write_that_did_not_land_is_tried_again_only_when_it_cannot_land() -> None:
    """The API server drops a request after a minute; until then it might still happen."""
    cluster, engine = about_to()
    cluster.refusals = [(Unreachable("timed out"), False)]
    asyncio.run(ticks(cluster, engine, 1))
    began = cluster.record().status.acted_at
    assert began is not None
    assert LANDING > 60.0
    cluster.clock = began + LANDING - 1.0
    asyncio.run(engine.tick(NAME))
    assert cluster.calls.count("apply AddTaint") == 1
    asyncio.run(carry_on(cluster, engine, lambda: cluster.tainted))
    assert cluster.clock >= began + LANDING
    assert cluster.calls.count("apply AddTaint") == 2
    assert len(cluster.record().owes) == 1
    proof = cluster.record().status.readings
    assert cluster.clock - proof[-1].read_at <= cluster.policy.proof_age


def test_an_unanswered_write_that_lands_late_is_found_and_taken_back() -> None:
    """Even on a node that is back: it is our taint, so it is our debt."""
    cluster, engine = about_to()
    cluster.refusals = [(Unreachable("timed out"), False)]
    asyncio.run(ticks(cluster, engine, 1))
    cluster.change(cluster.node, taints=(made.taint(),))
    cluster.evict(DEAD)
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.HOLDING))
    cluster.clock += 300.0
    cluster.come_back()
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.SETTLED))
    assert not cluster.tainted


def test_a_taint_that_lands_after_it_was_given_up_is_found_and_owed() -> None:
    """The failure is gone because of it, so the record is not simply cleared."""
    cluster, engine = about_to()
    cluster.refusals = [(Unreachable("timed out"), False)]
    asyncio.run(ticks(cluster, engine, 1))
    cluster.pause = True
    cluster.clock += 2 * LANDING
    asyncio.run(ticks(cluster, engine, 2))
    assert (cluster.phase(), len(cluster.record().owes)) == (Phase.DEFERRED, 0)
    cluster.change(cluster.node, taints=(made.taint(),))
    cluster.evict(DEAD)
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.HOLDING))
    assert len(cluster.record().owes) == 1
    assert cluster.calls.count("apply AddTaint") == 1


def test_a_write_that_never_gets_through_gives_the_slot_to_others() -> None:
    """And what was refused does not fill the record."""
    cluster, engine = about_to()
    cluster.refusals = [(Conflict("409"), False)] * 2000
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.DEFERRED))
    assert "in time" in cluster.record().status.message
    assert cluster.record().status.ledger == ()
    assert cluster.writes == []


def test_a_person_who_takes_our_taint_off_while_it_runs_is_left_alone() -> None:
    """It is not put on again, and nothing is owed any more."""
    cluster, engine = about_to()
    cluster.heals = False
    asyncio.run(ticks(cluster, engine, 1))
    cluster.untaint()
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.UNSETTLED))
    assert len(cluster.writes) == 1
    assert state(cluster) is StepState.SKIPPED
    assert not cluster.record().owes


def test_a_person_who_takes_our_taint_off_after_a_lost_answer_is_left_alone() -> None:
    """The note that came with the taint tells that it had been there."""
    cluster, engine = about_to()
    cluster.heals = False
    cluster.refusals = [(Unreachable("timed out"), True)]
    asyncio.run(ticks(cluster, engine, 1))
    cluster.untaint()
    cluster.clock += 2 * LANDING
    asyncio.run(ticks(cluster, engine, 5))
    assert cluster.calls.count("apply AddTaint") == 1


def test_a_note_left_by_a_deleted_record_of_the_same_name_is_not_ours() -> None:
    """A person deleted a record and took its taint off; the next one has its name, and repairs."""
    cluster, engine = about_to()
    left = {UNDO_ANNOTATION: OWNER.replace("/", "/not-")}
    cluster.change(cluster.node, annotations=left)
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.HOLDING))
    assert cluster.calls.count("apply AddTaint") == 1
    assert cluster.tainted


def test_a_node_that_goes_away_after_the_write_ends_the_debt() -> None:
    """With the object went the taint."""
    cluster, engine = about_to()
    asyncio.run(ticks(cluster, engine, 1))
    cluster.forget(cluster.node)
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.SETTLED))
    assert not cluster.record().owes
    assert len(cluster.writes) == 1


def test_what_cannot_be_seen_after_the_write_is_waited_for() -> None:
    """It stays Running: something may have been changed."""
    cluster, engine = about_to()
    asyncio.run(ticks(cluster, engine, 1))
    cluster.unseen = {Kind.NODE: "down"}
    asyncio.run(ticks(cluster, engine, 5))
    assert cluster.phase() is Phase.RUNNING
    assert cluster.record().status.message == "cannot see nodes: down"
    cluster.unseen = {}
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.HOLDING))


def test_what_cannot_be_seen_before_the_write_defers() -> None:
    """Nothing was changed, so the plan is judged anew."""
    cluster, engine = about_to()
    cluster.unseen = {Kind.POD: "403"}
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.DEFERRED
    assert cluster.writes == []


def test_a_guard_that_changes_its_mind_before_the_write_is_heard() -> None:
    """Everything is asked once more at the last moment."""
    cluster, engine = about_to()
    cluster.pause = True
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.DEFERRED
    assert cluster.record().status.message.startswith("kill_switch: ")
    assert cluster.writes == []


def test_a_machine_that_was_started_after_the_proof_is_not_fenced() -> None:
    """An old proof is read again right before the taint."""
    cluster, engine = about_to()
    cluster.clock = NOW + 61.0
    cluster.machine.state = "running"
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.DEFERRED
    assert "is running" in cluster.record().status.message
    assert cluster.record().status.readings == ()
    assert cluster.writes == []


def test_somebody_elses_taint_before_the_write_is_left_to_them() -> None:
    """Whoever tainted the node vouches for it."""
    cluster, engine = about_to()
    cluster.change(cluster.node, taints=(made.taint("nodeshutdown"),))
    asyncio.run(ticks(cluster, engine, 2))
    assert cluster.phase() is Phase.DECLINED
    assert cluster.writes == []


def test_a_plan_that_has_changed_since_is_judged_anew() -> None:
    """What the guards allowed was another plan."""
    cluster = FakeCluster()
    cluster.open(record(phase=Phase.RUNNING, plan=made.planned(), readings=PROOF))
    engine = cluster.engine()
    asyncio.run(ticks(cluster, engine, 1))
    assert (cluster.phase(), cluster.writes) == (Phase.DEFERRED, [])
    assert cluster.record().status.message == "the plan has changed"
    asyncio.run(carry_on(cluster, engine, lambda: cluster.tainted))


def test_a_step_of_another_version_fails_and_is_not_guessed() -> None:
    """A record may outlive the program that wrote it."""
    cluster = FakeCluster()
    plan = made.planned()
    steps = (msgspec.structs.replace(plan.steps[0], kind="Reboot"),)
    plan = msgspec.structs.replace(plan, steps=steps)
    cluster.open(record(phase=Phase.RUNNING, plan=plan))
    asyncio.run(ticks(cluster, cluster.engine(), 1))
    assert cluster.phase() is Phase.FAILED
    assert "unknown step 'Reboot'" in cluster.record().status.message


def test_other_taints_and_annotations_survive_the_write() -> None:
    """The patch carries what was there."""
    cluster, engine = about_to()
    cluster.heals = False
    other = Taint("node.kubernetes.io/unreachable", "", "NoExecute", NOW - 200.0)
    cluster.change(cluster.node, taints=(other,), annotations={"pvmedic.dev/note": "keep"})
    asyncio.run(ticks(cluster, engine, 1))
    assert [taint.key for taint in cluster.node.taints] == [other.key, KEY]
    assert cluster.node.annotations == {"pvmedic.dev/note": "keep", "pvmedic.dev/undo": OWNER}
    assert isinstance(cluster.writes[0], AddTaint)


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_another_replicas_clock_does_not_shorten_or_stretch_the_wait(ahead: float) -> None:
    """Who takes over waits as long as a call may take, by its own clock, from its first look on."""
    cluster, engine = about_to()
    cluster.refusals = [(Unreachable("timed out"), False)]
    asyncio.run(ticks(cluster, engine, 1))
    cluster.clock += ahead
    took_over, began = cluster.engine(), cluster.clock
    asyncio.run(took_over.tick(NAME))
    cluster.clock = began + LANDING - 1.0
    asyncio.run(took_over.tick(NAME))
    assert cluster.calls.count("apply AddTaint") == 1
    assert "still lands" in cluster.record().status.message
    if ahead < 0:
        # With a clock that is ahead the plan is an old one by now, and judged anew.
        asyncio.run(carry_on(cluster, took_over, lambda: cluster.tainted))
        assert began + LANDING <= cluster.clock <= began + 2 * LANDING
