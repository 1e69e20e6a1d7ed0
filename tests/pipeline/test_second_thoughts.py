"""What people said, and what has become of it since: words that age, change, or come in between."""

import asyncio

import msgspec
import pytest

from exporter.observe.errors import Conflict, Unreachable
from exporter.observe.model import Kind, Node
from remediator import plan as plans
from remediator import steps
from remediator.orders import Decision
from remediator.pipeline import Pipeline
from remediator.progress import unbegun
from remediator.record import FINALIZER, Phase, Record, StepState
from tests.pipeline.people import ASKS, say, started, until
from tests.story.fake_cluster import FakeCluster, carry_on, ticks
from tests.story.objects import AUTO, NAME, plan, scene, step


def approved_but_paused() -> tuple[FakeCluster, Pipeline]:
    """Return a record with a yes of one hour, which the kill switch keeps from being used."""
    cluster, engine = started()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    cluster.pause = True
    say(cluster, Decision.APPROVE, expires=cluster.clock + 3600.0)
    until(cluster, engine, Phase.DEFERRED)
    return cluster, engine


def another_plan(cluster: FakeCluster, uid: str) -> None:
    """Let the node be another object, so that the plan has another target."""
    cluster.change(cluster.node, uid=uid)


def test_a_yes_that_expires_before_it_is_used_is_no_yes() -> None:
    """It was heard in time, but a guard made the plan wait for longer than the yes was for."""
    cluster, engine = approved_but_paused()
    cluster.clock += 3600.0
    engine.heard(NAME, cluster.clock)
    cluster.pause = False
    asyncio.run(ticks(cluster, engine, 30))
    assert (cluster.phase(), cluster.writes) == (Phase.AWAITING_APPROVAL, [])


def test_a_yes_that_waited_is_used_while_it_counts() -> None:
    """The guards were what it waited for."""
    cluster, engine = approved_but_paused()
    cluster.pause = False
    until(cluster, engine, Phase.HOLDING)
    assert len(cluster.writes) == 1


def test_a_second_yes_that_comes_too_late_takes_nothing_from_the_first() -> None:
    """Two people are asked at once, and one is slower."""
    cluster, engine = approved_but_paused()
    say(cluster, Decision.APPROVE, remediation_uid="another", by="bob")
    asyncio.run(ticks(cluster, engine, 3))
    cluster.pause = False
    until(cluster, engine, Phase.HOLDING)
    assert len(cluster.writes) == 1


def test_a_plan_that_changed_and_changed_back_is_asked_for_anew() -> None:
    """What a person looked at is not what lies between."""
    cluster, engine = approved_but_paused()
    before = cluster.node.uid
    another_plan(cluster, "uid-reborn")
    asyncio.run(ticks(cluster, engine, 3))
    another_plan(cluster, before)
    cluster.pause = False
    asyncio.run(ticks(cluster, engine, 30))
    assert (cluster.phase(), cluster.writes) == (Phase.AWAITING_APPROVAL, [])
    kept = cluster.record().status
    assert kept.decisions[0].void == "a fresh look changed the plan"
    assert "ann said yes to another plan" in kept.message


def test_a_no_right_after_a_yes_still_stops_it() -> None:
    """As long as nothing is written."""
    cluster, engine = started()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    say(cluster, Decision.APPROVE)
    until(cluster, engine, Phase.RUNNING)
    assert cluster.writes == []
    say(cluster, Decision.REJECT)
    asyncio.run(ticks(cluster, engine, 20))
    assert (cluster.phase(), cluster.writes) == (Phase.REJECTED, [])


@pytest.mark.parametrize("first", [Decision.APPROVE, Decision.REJECT])
def test_of_a_yes_and_a_no_in_one_second_the_no_counts(first: Decision) -> None:
    """Whichever name comes first."""
    cluster, engine = started()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    second = {Decision.APPROVE: Decision.REJECT, Decision.REJECT: Decision.APPROVE}[first]
    say(cluster, first, name="a")
    say(cluster, second, name="b", by="bob")
    asyncio.run(ticks(cluster, engine, 20))
    assert (cluster.phase(), cluster.writes) == (Phase.REJECTED, [])


def test_a_cancel_comes_before_the_next_try_of_a_call_that_was_not_answered() -> None:
    """The first one did not land; nobody tries again what a person has cancelled."""
    cluster, engine = started(AUTO)
    cluster.refusals = [(Unreachable("no answer"), False)] * 9
    asyncio.run(carry_on(cluster, engine, lambda: "apply AddTaint" in cluster.calls))
    say(cluster, Decision.CANCEL)
    until(cluster, engine, Phase.CANCELLED)
    assert cluster.calls.count("apply AddTaint") == 1


def test_what_is_owed_anew_is_not_taken_back_by_an_old_order() -> None:
    """It was about what was owed then."""
    cluster, engine = started(AUTO)
    until(cluster, engine, Phase.HOLDING)
    cluster.pause = True
    say(cluster, Decision.UNDO)
    asyncio.run(ticks(cluster, engine, 3))
    kept = cluster.record()
    later = msgspec.structs.replace(kept.status.ledger[0], at=cluster.clock + 1.0)
    cluster.open(
        msgspec.structs.replace(kept, status=msgspec.structs.replace(kept.status, ledger=(later,)))
    )
    cluster.pause = False
    asyncio.run(ticks(cluster, engine, 20))
    assert len(cluster.writes) == 1


def test_an_undo_waits_for_the_kill_switch() -> None:
    """Whoever threw it may be looking at the very node."""
    cluster, engine = started(AUTO)
    until(cluster, engine, Phase.HOLDING)
    cluster.pause = True
    say(cluster, Decision.UNDO)
    asyncio.run(ticks(cluster, engine, 20))
    assert len(cluster.writes) == 1
    assert "but the kill switch is on" in cluster.record().status.message
    cluster.pause = False
    until(cluster, engine, Phase.CANCELLED)


def test_a_record_that_was_released_holds_its_subject_again_when_it_begins_anew() -> None:
    """The release was for what had been done; what fails after it is another failure."""
    cluster, engine = started(AUTO)
    until(cluster, engine, Phase.HOLDING)
    say(cluster, Decision.RELEASE)
    asyncio.run(ticks(cluster, engine, 1))
    kept = cluster.record()
    settled = msgspec.structs.replace(
        kept.status,
        phase=Phase.SETTLED,
        ledger=tuple(
            msgspec.structs.replace(one, closed=True, closed_at=cluster.clock)
            for one in kept.status.ledger
        ),
    )
    cluster.open(msgspec.structs.replace(kept, status=settled, finalizers=()))
    for obj in scene():
        cluster.put(obj)
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.record().status.released_at is None
    assert cluster.phase() is not Phase.SETTLED


def test_a_released_record_is_over_and_stays_as_it_is() -> None:
    """The failure that is still there is the next episode's."""
    cluster, engine = started(ASKS)
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    kept = cluster.record()
    cleared = msgspec.structs.replace(kept.status, phase=Phase.CLEARED)
    cluster.open(msgspec.structs.replace(kept, status=cleared))
    say(cluster, Decision.RELEASE)
    asyncio.run(ticks(cluster, engine, 1))
    assert (cluster.phase(), cluster.record().over) == (Phase.CLEARED, True)


def test_a_deleted_record_begins_nothing() -> None:
    """Something else keeps the object for a while; who deleted it did not mean that."""
    cluster, engine = started(AUTO)
    until(cluster, engine, Phase.RUNNING)
    kept = cluster.record()
    cluster.open(
        msgspec.structs.replace(kept, deletion=cluster.clock, finalizers=("else", FINALIZER))
    )
    asyncio.run(ticks(cluster, engine, 10))
    assert cluster.writes == []


def test_a_finalizer_that_outlived_its_record_is_taken_off() -> None:
    """The program died between the two writes; nobody could ever delete the object."""
    cluster, engine = started(AUTO)
    until(cluster, engine, Phase.DEFERRED)
    kept = cluster.record()
    over = msgspec.structs.replace(kept.status, phase=Phase.CANCELLED, over_at=cluster.clock)
    cluster.open(msgspec.structs.replace(kept, status=over, finalizers=(FINALIZER,)))

    async def runs() -> None:
        task = asyncio.create_task(engine.run())
        async with asyncio.timeout(3.0):
            while cluster.record().kept:  # noqa: ASYNC110 -- plain values have no event
                await asyncio.sleep(0.001)
        engine.end()
        await task

    asyncio.run(runs())
    assert cluster.record().finalizers == ()


def test_an_alert_that_comes_while_the_last_look_is_judged_keeps_its_episode_open() -> None:
    """It was acknowledged as known; the record that it is known to must not end under it."""
    cluster, engine = started(AUTO)
    until(cluster, engine, Phase.DEFERRED)
    kept = cluster.record()
    gone = msgspec.structs.replace(
        kept.status, phase=Phase.CANCELLED, gone_since=cluster.clock - AUTO.quiet - 1.0
    )
    cluster.open(msgspec.structs.replace(kept, status=gone))
    cluster.come_back()
    cluster.after_look = lambda: engine.heard(NAME, cluster.clock + 0.5)
    asyncio.run(engine.tick(NAME))
    assert not cluster.record().over
    cluster.after_look = None
    cluster.clock += 1.0
    asyncio.run(engine.tick(NAME))
    assert cluster.record().over


def test_our_taint_is_ours_although_the_guards_would_not_put_it_now() -> None:
    """A call landed after we had given it up: it is owed, whatever may begin."""
    cluster, engine = started(AUTO)
    cluster.heals = False
    until(cluster, engine, Phase.RUNNING)
    cluster.before_write = lambda: setattr(cluster, "pause", True)
    asyncio.run(carry_on(cluster, engine, lambda: bool(cluster.writes)))
    kept = cluster.record()
    plan = kept.status.plan
    assert plan is not None
    step = msgspec.structs.replace(plan.steps[0], state=StepState.PENDING, at=None)
    given_up = msgspec.structs.replace(
        kept.status,
        phase=Phase.DEFERRED,
        plan=msgspec.structs.replace(plan, steps=(step,)),
        ledger=(),
        acted_at=None,
    )
    cluster.open(msgspec.structs.replace(kept, status=given_up))
    assert cluster.tainted
    asyncio.run(ticks(cluster, engine, 5))
    assert cluster.record().owes


def two_steps() -> tuple[FakeCluster, Record]:
    """Return a Running record whose first step is done and owed, the second one to be done."""
    cluster, engine = started(AUTO)
    until(cluster, engine, Phase.HOLDING)
    kept = cluster.record()
    plan = kept.status.plan
    assert plan is not None
    (done,) = plan.steps
    second = msgspec.structs.replace(
        done, params={**done.params, "key": "second"}, state=StepState.PENDING
    )
    half = msgspec.structs.replace(
        kept.status,
        phase=Phase.RUNNING,
        phase_since=cluster.clock,
        plan=msgspec.structs.replace(plan, steps=(done, second)),
    )
    record = msgspec.structs.replace(kept, status=half)
    cluster.open(record)
    for obj in scene():
        if not isinstance(obj, Node):
            cluster.put(obj)
    return cluster, record


def test_a_plan_that_may_not_go_on_in_the_middle_forgets_no_debt_and_ends_with_a_person() -> None:
    """A window that closes, a switch that is thrown: what is half done is not planned anew."""
    cluster, before = two_steps()
    engine = cluster.engine()
    cluster.pause = True
    asyncio.run(ticks(cluster, engine, 5))
    assert cluster.phase() is Phase.RUNNING
    assert cluster.record().owes == before.owes
    until(cluster, engine, Phase.FAILED)
    assert "stopped in the middle" in cluster.record().status.message
    assert cluster.record().owes == before.owes


def test_a_refused_second_step_takes_the_first_one_s_debt_from_nobody() -> None:
    """Both are at one node."""
    cluster, before = two_steps()
    first, second = before.status.plan.steps if before.status.plan is not None else ()
    debt = msgspec.structs.replace(before.owes[0], done=second.params, at=before.owes[0].at + 1.0)
    step = steps.from_record(second)
    both = msgspec.structs.replace(before.status, ledger=(*before.owes, debt))
    found = unbegun(msgspec.structs.replace(before, status=both), 1, step, cluster.clock)
    assert (first.state, found.owes) == (StepState.DONE, before.owes)
    assert found.status.acted_at == before.owes[0].at


def test_a_yes_counts_for_nothing_while_a_no_could_not_be_heard() -> None:
    """And the record says why it waits; what is owed is taken back all the same."""
    cluster, engine = approved_but_paused()
    cluster.pause = False
    cluster.unheard = "list remediationapprovals: not allowed (403)"
    asyncio.run(ticks(cluster, engine, 10))
    assert (cluster.phase(), cluster.writes) == (Phase.DEFERRED, [])
    assert "not allowed (403)" in cluster.record().status.message
    cluster.unheard = ""
    until(cluster, engine, Phase.HOLDING)
    cluster.unheard = "again"
    cluster.come_back()
    until(cluster, engine, Phase.SETTLED)


def test_what_tries_in_vain_again_and_again_is_given_up_like_what_only_waits() -> None:
    """Or it would take the slot now and then for ever, and nobody would be told."""
    hasty = msgspec.structs.replace(AUTO, give_up_after=900.0, settle_within=60.0)
    cluster, engine = started(hasty)
    cluster.refusals = [(Conflict("409"), False)] * 5000
    until(cluster, engine, Phase.BLOCKED)
    assert "given up waiting" in cluster.record().status.message
    assert cluster.writes == []


def test_what_was_only_observed_has_not_waited() -> None:
    """A moment of not seeing, days ago, is no reason to give up once the mode lets it act."""
    cluster, engine = started(msgspec.structs.replace(AUTO, mode="observe"))
    cluster.unseen = {Kind.NODE: "away"}
    until(cluster, engine, Phase.DEFERRED)
    cluster.unseen = {}
    until(cluster, engine, Phase.OBSERVED)
    assert cluster.record().status.deferred_since is None


def test_a_guard_that_speaks_up_now_and_then_gives_nobody_more_time_to_say_yes() -> None:
    """A plan of yesterday is not for today's cluster, whatever came in between."""
    cluster, engine = started()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    asked = cluster.clock
    for _ in range(5):
        cluster.clock += 5 * 3600.0
        engine.heard(NAME, cluster.clock)
        cluster.pause = not cluster.pause
        asyncio.run(ticks(cluster, engine, 3))
    cluster.pause = False
    until(cluster, engine, Phase.EXPIRED)
    assert cluster.clock - asked < ASKS.approve_within + 5 * 3600.0


def test_what_nobody_can_see_after_a_write_goes_to_a_person_and_frees_the_slot() -> None:
    """The debt stays, and is taken back once there is something to see."""
    cluster, engine = started(AUTO)
    asyncio.run(carry_on(cluster, engine, lambda: bool(cluster.writes)))
    owed = cluster.record().owes
    cluster.unseen = {Kind.POD: "list pods: not allowed (403)"}
    until(cluster, engine, Phase.FAILED)
    assert "cannot see pods: list pods: not allowed (403)" in cluster.record().status.message
    assert [one.target for one in cluster.record().owes] == [one.target for one in owed]
    cluster.unseen = {}
    cluster.come_back()
    asyncio.run(carry_on(cluster, engine, lambda: not cluster.record().owes))
    assert cluster.phase() is Phase.FAILED


def test_a_yes_is_for_what_a_step_would_set_too() -> None:
    """The same step at the same object may do more than was said yes to."""
    more = msgspec.structs.replace(plan(), steps=(msgspec.structs.replace(step(), value="more"),))
    assert plans.to_record(more).hash != plans.to_record(plan()).hash
