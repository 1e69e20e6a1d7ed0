"""How far a plan is, told by its record: steps marked, debts opened and closed. Pure.

What may be done next is execution's to say.
"""

from collections.abc import Callable

import msgspec

from exporter.observe.model import Signal, SinceSource
from exporter.observe.view import View
from remediator import steps
from remediator.plan import Plan
from remediator.record import LedgerEntry, Record, StepState, with_status
from remediator.steps.base import Progress, Step


def marked(record: Record, index: int, state: StepState, now: float, detail: str = "") -> Record:
    """Return the record with one step's state changed."""
    plan = record.status.plan
    if plan is None:
        return record
    step = msgspec.structs.replace(plan.steps[index], state=state, at=now, detail=detail)
    steps = (*plan.steps[:index], step, *plan.steps[index + 1 :])
    return with_status(record, plan=msgspec.structs.replace(plan, steps=steps))


def undone(record: Record, known: Plan, index: int, view: View) -> str | None:
    """Return which change of ours, on which the rest is built, somebody else has taken back."""
    debts = [entry for entry in record.owes if not known.steps[index].pays_for(entry)]
    for step in known.steps[:index]:
        if not any(steps.made_by(step, entry) for entry in debts):
            continue
        seen = step.observe(view)
        if seen.progress is Progress.NOT_DONE:
            why = f" ({seen.sentence})" if seen.sentence else ""
            return f"somebody else took it back: {step.sentence()}{why}"
    return None


def was_done(record: Record, index: int, step: Step, view: View) -> bool:
    """Whether a step that is not done had been: its call was accepted, or our note is there.

    The note may be the one of another step of the plan at the same object.
    """
    plan = record.status.plan
    if plan is None:
        return False
    mine = plan.steps[index]
    if mine.state is StepState.APPLIED:
        return True
    others = (one for one in plan.steps if one is not mine and one.target_uid == mine.target_uid)
    return step.noted(view) and not any(one.begun for one in others)


def came_on_at(record: Record, now: float) -> float:
    """Return when a Running record last came on."""
    plan = record.status.plan
    over = (step.at for step in (plan.steps if plan is not None else ()) if step.over)
    return max([record.status.phase_since or now, *(at for at in over if at is not None)])


def freed(record: Record) -> Record:
    """Return the record that can be judged again."""
    return record if record.status.stuck_since is None else with_status(record, stuck_since=None)


def begun_at(record: Record, index: int) -> float | None:
    """Return since when a step is under way or waits; None while it has not begun."""
    plan = record.status.plan
    mine = plan.steps[index] if plan is not None else None
    return None if mine is None or mine.state is StepState.PENDING else mine.at


def as_recorded(record: Record) -> Signal:
    """Return the failure as the record has it: in the middle of a repair it may not be seen."""
    opened = record.spec.alert.starts_at or record.created
    return Signal(record.spec.signal, record.subject, opened, SinceSource.OBJECT, "AsRecorded")


def state_of(record: Record, index: int) -> StepState | None:
    """Return how far a step of the plan is."""
    plan = record.status.plan
    return plan.steps[index].state if plan is not None else None


def unbegun(record: Record, index: int, step: Step, now: float) -> Record:
    """Return the record as if the step had not been begun: a refused call is no debt and no act."""
    record = marked(record, index, StepState.PENDING, now)
    # Not closed but gone: a write that is refused again and again must not fill the record.
    ledger = tuple(e for e in record.status.ledger if not steps.made_by(step, e))
    # What leaves no debt was done all the same.
    plan = record.status.plan
    done = [one.at for one in (plan.steps if plan is not None else ()) if one.begun and one.at]
    acted = max((e.at for e in ledger), default=max(done, default=None))
    return with_status(record, ledger=ledger, acted_at=acted)


def closed(record: Record, step: Step, now: float, note: str) -> Record:
    """Return the record in which the debt of a step is closed, and why."""
    return _settled(record, lambda entry: steps.made_by(step, entry), now, note)


def paid(record: Record, step: Step, now: float, note: str) -> Record:
    """Return the record in which what a step takes back is closed."""
    return _settled(record, step.pays_for, now, note)


def _settled(record: Record, these: Callable[[LedgerEntry], bool], now: float, note: str) -> Record:
    """Return the record whose open debts of a kind are closed."""
    ledger = tuple(
        entry.settled(now, note) if these(entry) else entry for entry in record.status.ledger
    )
    return with_status(record, ledger=ledger)
