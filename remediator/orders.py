"""What a person has said about a record: an order, and whether it counts. Pure.

An order is a `RemediationApproval` (pvmedic.dev/v1alpha1): an object that a person creates with
their own identity and nobody can change. It counts once, for one record by its uid, and a yes only
for the plan whose hash it names. What does not count is said on the record, with the reason.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from remediator.record import (
    WAITING,
    DecisionRecord,
    Phase,
    Record,
    StepState,
    moved,
    with_status,
)

LONGEST_VALID = 24 * 3600.0
"""Seconds for which an order counts that names no end, or a later one."""
CHANGED = "a fresh look changed the plan"
"""Why a yes is void that counted before."""


class Decision(StrEnum):
    """What a person can say."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    RELEASE = "release"
    UNDO = "undo"


class Void(StrEnum):
    """Why an order does not count: a closed set, also the metric label."""

    OTHER_REMEDIATION = "OtherRemediation"
    EXPIRED = "Expired"
    TOO_LATE = "TooLate"
    NO_PLAN = "NoPlan"
    OTHER_PLAN = "OtherPlan"
    NOTHING_HELD = "NothingHeld"
    NOTHING_OWED = "NothingOwed"
    OTHER = "Other"


BEGINS = {
    "it is for another Remediation": Void.OTHER_REMEDIATION,
    "it has expired": Void.EXPIRED,
    "nothing waits for it any more": Void.TOO_LATE,
    "there is nothing left to cancel": Void.TOO_LATE,
    "there is no way back any more": Void.TOO_LATE,
    "there is no plan yet": Void.NO_PLAN,
    "it is for plan": Void.OTHER_PLAN,
    "it holds nothing that could be released": Void.NOTHING_HELD,
    "nothing is owed": Void.NOTHING_OWED,
}
"""How the sentence of each begins."""


class Order(msgspec.Struct, frozen=True):
    """One order. `by` is the person's name at the API server; times are Unix seconds."""

    name: str
    uid: str
    remediation: str
    remediation_uid: str
    decision: Decision
    by: str
    created: float
    plan_hash: str = ""
    expires: float | None = None

    def valid_until(self) -> float:
        """Return when it ends to count, at the latest a day after it was given."""
        latest = self.created + LONGEST_VALID
        return latest if self.expires is None else min(self.expires, latest)


def void_reason(sentence: str) -> Void:
    """Return the reason of a sentence that says why an order does not count."""
    fits = (reason for begins, reason in BEGINS.items() if sentence.startswith(begins))
    return next(fits, Void.OTHER)


def open_orders(record: Record, orders: Iterable[Order]) -> list[Order]:
    """Return the orders about a record that were not dealt with yet, oldest first."""
    used = {decision.uid for decision in record.status.decisions}
    about = [one for one in orders if one.remediation == record.name and one.uid not in used]
    return sorted(about, key=lambda one: (one.created, one.name))


def approved_by(record: Record, plan_hash: str, now: float) -> str:
    """Return who said yes to this very plan, and whose yes still counts; empty for nobody."""
    for decision in reversed(record.status.decisions):
        if decision.void or decision.decision != Decision.APPROVE:
            continue
        ends = decision.at + LONGEST_VALID if decision.ends_at is None else decision.ends_at
        if decision.plan_hash == plan_hash and now < ends:
            return decision.by
    return ""


def heed(record: Record, order: Order, now: float) -> Record | None:
    """Return the record once an order was dealt with; None: it must wait for a safe point."""
    if (why := _void(record, order, now)) is not None:
        return _noted(record, order, now, why, void=True)
    match order.decision:
        case Decision.APPROVE:
            answered = with_status(record, asked_since=None)
            return _noted(answered, order, now, f"approved by {order.by}")
        case Decision.REJECT:
            noted = _noted(record, order, now, f"rejected by {order.by}")
            return moved(noted, Phase.REJECTED, f"rejected by {order.by}", now)
        case Decision.CANCEL:
            sentence = f"cancelled by {order.by}"
            return stopped(_noted(record, order, now, sentence), sentence, now)
        case Decision.RELEASE:
            return _released(_noted(record, order, now, f"released by {order.by}"), now)
        case Decision.UNDO:
            sentence = f"{order.by} asked to take back what is owed"
            return _noted(record, order, now, sentence)


def used_up(record: Record) -> Record:
    """Return the record whose orders count no more: what they were about was done."""
    decisions = tuple(
        msgspec.structs.replace(one, void="it was used")
        if one.decision in (Decision.APPROVE, Decision.UNDO) and not one.void
        else one
        for one in record.status.decisions
    )
    return with_status(
        record, decisions=decisions, released_at=None, deferred_since=None, asked_since=None
    )


def only_for(record: Record, plan_hash: str) -> Record:
    """Return the record whose yes to any other plan is void, and stays so if that comes back."""
    decisions = tuple(
        msgspec.structs.replace(one, void=CHANGED)
        if one.decision == Decision.APPROVE and not one.void and one.plan_hash != plan_hash
        else one
        for one in record.status.decisions
    )
    return with_status(record, decisions=decisions)


def outdated_yes(record: Record) -> str:
    """Return whose yes is void since the plan changed; empty for nobody's."""
    for decision in reversed(record.status.decisions):
        if decision.decision == Decision.APPROVE and decision.void == CHANGED:
            return decision.by
    return ""


def demanded_undo(record: Record, owed_since: float) -> str:
    """Return who asked to take back what is owed since then; empty for nobody."""
    for decision in record.status.decisions:
        undo = decision.decision == Decision.UNDO and not decision.void
        if undo and decision.at >= owed_since:
            return decision.by
    return ""


def cancelled(record: Record) -> bool:
    """Whether a person stopped it in the middle, and does not want it done again."""
    return any(one.decision == Decision.CANCEL and not one.void for one in record.status.decisions)


def stopped(record: Record, sentence: str, now: float) -> Record | None:
    """Return the record that does no more; None: what is under way comes to its end first."""
    plan = record.status.plan
    if record.status.phase in WAITING or plan is None or not record.written:
        return moved(record, Phase.CANCELLED, sentence, now)
    if any(step.state in (StepState.INTENDED, StepState.APPLIED) for step in plan.steps):
        return None
    steps = tuple(
        msgspec.structs.replace(step, state=StepState.SKIPPED, at=now, detail=sentence)
        if step.state in (StepState.PENDING, StepState.WAITING)
        else step
        for step in plan.steps
    )
    record = with_status(record, plan=msgspec.structs.replace(plan, steps=steps))
    if record.owes:
        return moved(record, Phase.HOLDING, f"{sentence}; what was done is owed", now)
    return moved(record, Phase.CANCELLED, sentence, now)


def _void(record: Record, order: Order, now: float) -> str | None:
    if order.remediation_uid != record.uid:
        return "it is for another Remediation of this name"
    if now >= order.valid_until():
        return "it has expired"
    return _too_late(record, order)


def _too_late(record: Record, order: Order) -> str | None:
    """Return why an order does not fit where the record stands."""
    status, phase = record.status, record.status.phase
    match order.decision:
        case Decision.APPROVE if phase not in WAITING:
            return f"nothing waits for it any more: the phase is {phase}"
        case Decision.REJECT if phase not in WAITING and not _unwritten(record):
            return f"nothing waits for it any more: the phase is {phase}"
        case Decision.APPROVE if status.plan is None:
            return "there is no plan yet"
        case Decision.APPROVE if status.plan is not None and status.plan.hash != order.plan_hash:
            return f"it is for plan {order.plan_hash}, and the plan is {status.plan.hash}"
        case Decision.CANCEL:
            return _uncancellable(record)
        case Decision.RELEASE if phase in WAITING | {Phase.RUNNING, Phase.VERIFYING}:
            return f"it holds nothing that could be released: the phase is {phase}"
        case Decision.UNDO if not record.owes:
            return "nothing is owed"
    return None


def _uncancellable(record: Record) -> str | None:
    phase = record.status.phase
    if phase not in WAITING | {Phase.RUNNING}:
        return f"there is nothing left to cancel: the phase is {phase}"
    if not record.returns:
        return "there is no way back any more: it goes on to its end"
    return None


def _unwritten(record: Record) -> bool:
    return record.status.phase is Phase.RUNNING and not record.written


def _released(record: Record, now: float) -> Record:
    """Let the subject go: at once, or once nothing is owed any more."""
    released = with_status(record, released_at=now)
    return released if record.owes else with_status(released, over_at=now)


def _noted(
    record: Record, order: Order, now: float, sentence: str, *, void: bool = False
) -> Record:
    said = f"the {order.decision} of {order.by} is void: {sentence}" if void else sentence
    decision = DecisionRecord(
        name=order.name,
        uid=order.uid,
        decision=str(order.decision),
        by=order.by,
        at=now,
        plan_hash=order.plan_hash,
        void=sentence if void else "",
        ends_at=order.valid_until(),
    )
    decisions = (*record.status.decisions, decision)
    return moved(with_status(record, decisions=decisions), record.status.phase, said, now)
