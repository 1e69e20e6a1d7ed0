"""Plans of more than one step: what is asked in between, what pays a debt, what stops it."""

import asyncio

import msgspec

from exporter.observe.errors import Unreachable
from exporter.observe.view import View
from remediator import steps
from remediator.orders import Decision
from remediator.pipeline import Pipeline
from remediator.ports import Told
from remediator.record import Phase, Record, StepState
from remediator.steps.base import Step
from remediator.steps.taints import AddTaint, RemoveTaint
from tests.pipeline.people import say, started, until
from tests.story.fake_cluster import FakeCluster, carry_on, ticks
from tests.story.objects import AUTO, DEAD, OWNER

FIRST = AddTaint(DEAD, f"uid-{DEAD}", OWNER, "first", "x", "NoSchedule")
SECOND = AddTaint(DEAD, f"uid-{DEAD}", OWNER, "second", "x", "NoSchedule")
BACK = RemoveTaint(DEAD, f"uid-{DEAD}", OWNER, "first", "x", "NoSchedule")


def half_done(*planned: Step) -> tuple[FakeCluster, Pipeline]:
    """Return an engine whose record has done the first of these steps, and owes it."""
    cluster, engine = started(AUTO)
    until(cluster, engine, Phase.RUNNING)
    kept = cluster.record()
    assert kept.status.plan is not None
    first = steps.to_record(planned[0])
    done = msgspec.structs.replace(first, state=StepState.DONE, at=cluster.clock)
    rest = tuple(steps.to_record(one) for one in planned[1:])
    whole = msgspec.structs.replace(kept.status.plan, steps=(done, *rest))
    debt = steps.debt(planned[0], {}, cluster.clock)
    status = msgspec.structs.replace(
        kept.status, plan=whole, ledger=(debt,), phase_since=cluster.clock
    )
    cluster.open(msgspec.structs.replace(kept, status=status))
    asyncio.run(cluster.apply(planned[0], View(cluster.objects, cluster.clock)))
    cluster.writes.clear()
    return cluster, engine


def owed(record: Record) -> list[tuple[str, str]]:
    """Return kind and key of what is owed."""
    return [(entry.kind, entry.done["key"]) for entry in record.owes]


def states(record: Record) -> list[StepState]:
    """Return how far each step is."""
    return [step.state for step in record.status.plan.steps] if record.status.plan else []


def test_the_rest_goes_on_although_the_failure_is_not_seen_any_more() -> None:
    """The first step may have cured it, and yet the plan has an end to come to."""
    cluster, engine = half_done(FIRST, SECOND)
    cluster.evict(DEAD)
    asyncio.run(ticks(cluster, engine, 4))
    assert cluster.writes == [SECOND]
    assert owed(cluster.record()) == [("AddTaint", "first"), ("AddTaint", "second")]


def test_a_later_step_waits_for_what_protects_from_harm() -> None:
    """The kill switch stops it in the middle, and lets it go on."""
    cluster, engine = half_done(FIRST, SECOND)
    cluster.pause = True
    asyncio.run(ticks(cluster, engine, 4))
    assert (cluster.phase(), cluster.writes) == (Phase.RUNNING, [])
    assert "kill_switch" in cluster.record().status.message
    cluster.pause = False
    asyncio.run(ticks(cluster, engine, 4))
    assert cluster.writes == [SECOND]


def test_a_later_step_does_not_ask_whether_the_plan_may_begin() -> None:
    """Our own first step is no cooldown, and a silence leaves nothing half done."""
    cluster, engine = half_done(FIRST, SECOND)
    cluster.alertmanager = Told(silence="abc: hands off")
    asyncio.run(ticks(cluster, engine, 4))
    assert cluster.writes == [SECOND]


def test_a_step_that_takes_back_pays_the_debt() -> None:
    """What the plan itself puts right is not owed in the end."""
    cluster, engine = half_done(FIRST, BACK)
    asyncio.run(ticks(cluster, engine, 4))
    kept = cluster.record()
    assert cluster.writes == [BACK]
    assert states(kept) == [StepState.DONE, StepState.DONE]
    assert (owed(kept), kept.status.ledger[0].note) == ([], "taken back")


def test_a_step_that_takes_back_is_skipped_where_nothing_is_owed() -> None:
    """Somebody else's change is not ours to take back."""
    cluster, engine = half_done(FIRST, BACK)
    kept = cluster.record()
    paid = tuple(msgspec.structs.replace(one, closed=True) for one in kept.status.ledger)
    status = msgspec.structs.replace(kept.status, ledger=paid)
    cluster.open(msgspec.structs.replace(kept, status=status))
    asyncio.run(ticks(cluster, engine, 4))
    assert cluster.writes == []
    assert states(cluster.record())[1] is StepState.SKIPPED


def test_nothing_is_built_on_what_somebody_else_took_back() -> None:
    """It stops, says so, and keeps what it owes; in the end a person is asked."""
    cluster, engine = half_done(FIRST, SECOND)
    node = cluster.node
    cluster.change(node, taints=())
    asyncio.run(ticks(cluster, engine, 4))
    assert cluster.writes == []
    assert "somebody else took it back: put taint first" in cluster.record().status.message
    until(cluster, engine, Phase.FAILED)
    assert owed(cluster.record()) == [("AddTaint", "first")]


def test_a_later_step_that_gets_no_answer_is_tried_again_once_it_cannot_land_any_more() -> None:
    """As the first one would be."""
    cluster, engine = half_done(FIRST, SECOND)
    cluster.refusals = [(Unreachable("no answer"), False)]
    asyncio.run(carry_on(cluster, engine, lambda: bool(cluster.writes)))
    assert cluster.calls.count("apply AddTaint") == 3
    assert cluster.writes == [SECOND]


def test_the_last_change_is_taken_back_first() -> None:
    """As one leaves a house: what was built on the first one goes before it."""
    cluster, engine = half_done(FIRST, SECOND)
    asyncio.run(ticks(cluster, engine, 2))
    say(cluster, Decision.CANCEL)
    until(cluster, engine, Phase.HOLDING)
    assert len(cluster.record().owes) == 2
    say(cluster, Decision.UNDO, name="undo")
    asyncio.run(carry_on(cluster, engine, lambda: len(cluster.record().owes) == 1))
    assert owed(cluster.record()) == [("AddTaint", "first")]


def test_a_record_that_only_waits_takes_no_slot() -> None:
    """What it waits for may be another repair."""
    cluster, _ = half_done(FIRST, SECOND)
    kept = cluster.record()
    assert kept.acting
    plan = kept.status.plan
    assert plan is not None
    waiting = msgspec.structs.replace(plan.steps[1], state=StepState.WAITING)
    status = msgspec.structs.replace(
        kept.status, plan=msgspec.structs.replace(plan, steps=(plan.steps[0], waiting))
    )
    assert not msgspec.structs.replace(kept, status=status).acting


def test_behind_the_point_of_no_return_nobody_can_cancel() -> None:
    """Half of it would be worse than all of it."""
    cluster, engine = half_done(FIRST, SECOND)
    kept = cluster.record()
    assert kept.status.plan is not None
    first, second = kept.status.plan.steps
    begun = msgspec.structs.replace(first, final=True)
    whole = msgspec.structs.replace(kept.status.plan, steps=(begun, second))
    status = msgspec.structs.replace(kept.status, plan=whole)
    cluster.open(msgspec.structs.replace(kept, status=status))
    say(cluster, Decision.CANCEL)
    asyncio.run(ticks(cluster, engine, 4))
    assert cluster.writes == [SECOND]
    assert "there is no way back any more" in cluster.record().status.decisions[0].void
