"""What a person says about a record: what counts, what is void and why, each order once."""

from itertools import product

import msgspec
import pytest

from remediator.orders import (
    LONGEST_VALID,
    Decision,
    Order,
    approved_by,
    demanded_undo,
    heed,
    open_orders,
    used_up,
)
from remediator.record import (
    HELD,
    WAITING,
    LedgerEntry,
    Phase,
    PlanRecord,
    Record,
    StepState,
)
from tests.story.objects import DEAD, NAME, NOW, planned, record

PLAN = planned()
DEBT = LedgerEntry("AddTaint", DEAD, NOW - 60.0, f"uid-{DEAD}")
ALWAYS = frozenset(Phase)
COUNTS = {
    Decision.APPROVE: WAITING,
    Decision.REJECT: WAITING | {Phase.RUNNING},
    Decision.CANCEL: WAITING | {Phase.RUNNING},
    Decision.RELEASE: ALWAYS - WAITING - {Phase.RUNNING, Phase.VERIFYING},
    Decision.UNDO: ALWAYS,
}
"""The phases in which an order counts."""


def order(decision: Decision = Decision.APPROVE, **fields: object) -> Order:
    """Return ann's order of a minute ago about the record."""
    made = Order(
        name=f"{NAME}-x",
        uid="uid-order",
        remediation=NAME,
        remediation_uid=f"uid-{NAME}",
        decision=decision,
        by="ann",
        created=NOW - 60.0,
        plan_hash=PLAN.hash,
    )
    return msgspec.structs.replace(made, **fields)


def at(state: StepState) -> PlanRecord:
    """Return the plan with its step so far."""
    step = msgspec.structs.replace(PLAN.steps[0], state=state)
    return msgspec.structs.replace(PLAN, steps=(step,))


def standing(phase: Phase, plan: PlanRecord | None = PLAN) -> Record:
    """Return a record in a phase, with a debt."""
    return record(phase=phase, plan=plan, ledger=(DEBT,))


def void(of: Record) -> str:
    """Return why the last order did not count."""
    return of.status.decisions[-1].void


def heeded(of: Record, said: Order) -> Record:
    """Deal with an order."""
    found = heed(of, said, NOW)
    assert found is not None
    return found


@pytest.mark.parametrize(("decision", "phase"), list(product(Decision, Phase)))
def test_an_order_counts_only_where_it_fits(decision: Decision, phase: Phase) -> None:
    """What comes too late is void, and the record says so."""
    found = heeded(standing(phase), order(decision))
    assert (void(found) == "") == (phase in COUNTS[decision])
    assert "ann" in found.status.message
    if void(found):
        assert found.status.phase is phase
        assert found.status.history[-1].sentence == f"the {decision} of ann is void: {void(found)}"


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"remediation_uid": "another"}, "another Remediation of this name"),
        ({"expires": NOW}, "has expired"),
        ({"created": NOW - LONGEST_VALID}, "has expired"),
        ({"created": NOW - LONGEST_VALID, "expires": NOW + 9.0}, "has expired"),
    ],
    ids=["another uid", "expired", "a day old", "a day old that says otherwise"],
)
def test_an_order_for_another_record_or_of_long_ago_is_void(
    decision: Decision, fields: dict[str, object], why: str
) -> None:
    """Whatever it says."""
    found = heeded(standing(Phase.DEFERRED), order(decision, **fields))
    assert why in void(found)
    assert found.status.phase is Phase.DEFERRED


def test_a_yes_is_for_one_plan_only() -> None:
    """A plan that has changed since was never looked at."""
    found = heeded(standing(Phase.AWAITING_APPROVAL), order(plan_hash="another"))
    assert void(found) == f"it is for plan another, and the plan is {PLAN.hash}"
    assert approved_by(found, PLAN.hash, NOW) == ""
    found = heeded(standing(Phase.AWAITING_APPROVAL), order())
    assert approved_by(found, PLAN.hash, NOW) == "ann"
    assert approved_by(found, "another", NOW) == ""


def test_a_yes_before_there_is_a_plan_is_for_none() -> None:
    """Nobody has seen one."""
    assert void(heeded(standing(Phase.DEFERRED, None), order())) == "there is no plan yet"


def test_a_yes_that_was_used_counts_no_more() -> None:
    """The failure that comes back is another one."""
    found = used_up(heeded(standing(Phase.AWAITING_APPROVAL), order()))
    assert approved_by(found, PLAN.hash, NOW) == ""


def test_a_no_that_comes_after_the_first_write_is_void() -> None:
    """What is under way is cancelled, or taken back."""
    found = heeded(standing(Phase.RUNNING, at(StepState.INTENDED)), order(Decision.REJECT))
    assert void(found) == "nothing waits for it any more: the phase is Running"


def test_each_order_is_dealt_with_once() -> None:
    """By its uid: an object of the same name that is made again is another order."""
    said = order()
    found = heeded(standing(Phase.AWAITING_APPROVAL), said)
    assert open_orders(found, [said]) == []
    again = order(uid="another")
    assert open_orders(found, [said, again]) == [again]
    assert open_orders(found, [order(remediation="another", uid="third")]) == []


def test_orders_are_dealt_with_in_the_order_in_which_they_were_given() -> None:
    """First no, then yes, is a no."""
    late, early = order(uid="b", created=NOW - 1.0), order(uid="a", created=NOW - 9.0)
    assert open_orders(standing(Phase.DEFERRED), [late, early]) == [early, late]


@pytest.mark.parametrize("phase", sorted(WAITING))
def test_a_no_ends_the_record_and_keeps_the_subject(phase: Phase) -> None:
    """Until a release."""
    found = heeded(standing(phase), order(Decision.REJECT))
    assert found.status.phase is Phase.REJECTED
    assert found.status.phase in HELD
    assert not found.over


@pytest.mark.parametrize("phase", sorted(WAITING | {Phase.RUNNING}))
def test_what_has_written_nothing_is_cancelled_at_once(phase: Phase) -> None:
    """Running, too, as long as no step has begun."""
    found = heeded(record(phase=phase, plan=PLAN), order(Decision.CANCEL))
    assert found.status.phase is Phase.CANCELLED


@pytest.mark.parametrize("state", [StepState.INTENDED, StepState.APPLIED])
def test_a_step_under_way_comes_to_its_end_first(state: StepState) -> None:
    """Nobody would know what it did. The order waits, and is not used up."""
    assert heed(standing(Phase.RUNNING, at(state)), order(Decision.CANCEL), NOW) is None


def test_a_cancel_between_two_steps_leaves_the_rest_and_owes_what_was_done() -> None:
    """The undo goes on as for a repair that went through."""
    two = msgspec.structs.replace(PLAN, steps=(*at(StepState.DONE).steps, *PLAN.steps))
    found = heeded(standing(Phase.RUNNING, two), order(Decision.CANCEL))
    assert found.status.phase is Phase.HOLDING
    assert found.status.plan is not None
    assert [step.state for step in found.status.plan.steps] == [StepState.DONE, StepState.SKIPPED]


def test_a_release_lets_the_next_episode_begin() -> None:
    """At once where nothing is owed; else when the debt is paid."""
    free = record(phase=Phase.FAILED)
    found = heeded(free, order(Decision.RELEASE))
    assert (found.over, found.status.released_at) == (True, NOW)
    owing = heeded(standing(Phase.UNSETTLED), order(Decision.RELEASE))
    assert (owing.over, owing.status.released_at) == (False, NOW)


def test_an_undo_that_was_asked_for_has_a_name() -> None:
    """It is in the story, with the name of who wanted it."""
    assert demanded_undo(heeded(standing(Phase.HOLDING), order(Decision.UNDO)), DEBT.at) == "ann"
    assert demanded_undo(standing(Phase.HOLDING), DEBT.at) == ""
    paid = record(phase=Phase.SETTLED)
    assert void(heeded(paid, order(Decision.UNDO))) == "nothing is owed"
