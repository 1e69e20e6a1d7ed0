"""Doing the steps of a plan: observe, write down, apply with a precondition, observe again.

Every tick starts from the record and a fresh look, so a crash anywhere is a tick like any other.
Nothing is written to the cluster before the record says what and the ledger says what was there
before.
"""

import msgspec

from exporter.observe.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    ObserveError,
    Unauthorized,
)
from remediator import plan as plans
from remediator import verdicts
from remediator.case import Case
from remediator.handlers.base import Handler
from remediator.judgement import Judge
from remediator.plan import Plan, Progress, Step
from remediator.ports import Actuator, Sight
from remediator.record import Phase, PlanRecord, Record, StepState, moved, with_status

LANDING = 75.0
"""Seconds in which a call without an answer may still take effect.

The API server drops one after 60 s. Counted by the clock of who waits, from when it first saw the
intent: the replica that wrote it may have had another time.
"""


class Execution:
    """Carries Running records on, one small piece at a tick."""

    def __init__(self, actuator: Actuator, judge: Judge, landing: float = LANDING) -> None:
        """Use the only thing that changes the world, and the judge of plans."""
        self._actuator = actuator
        self._judge = judge
        self._landing = landing
        self._intents: dict[str, tuple[int, float]] = {}

    async def tick(self, record: Record, sight: Sight, handler: Handler) -> Record:
        """Return the record as it should be saved next.

        Steps that were applied are saved on the way.
        """
        now = self._judge.now()
        plan = record.status.plan
        index = next_step(plan)
        if plan is None or index is None:
            return moved(
                record, Phase.VERIFYING, "every step is done; looking whether it helped", now
            )
        if sight.unseen:
            what = "; ".join(f"{k}: {why}" for k, why in sorted(sight.unseen.items()))
            return self._halted(record, Phase.DEFERRED, f"cannot see {what}")
        try:
            step = plans.from_record(plan.steps[index])
        except ValueError as error:
            return moved(record, Phase.FAILED, f"{error}: written by another version?", now)
        state = plan.steps[index].state
        match plans.observe(step, sight.view):
            case Progress.DONE:
                if not any(plans.owed_for(step, entry) for entry in record.owes):
                    # Ours by name, and nobody owes it: a call that landed late, or a lost record.
                    entry = handler.ledger(step, sight.view, now)
                    record = with_status(
                        record,
                        ledger=(*record.status.ledger, entry),
                        acted_at=record.status.acted_at or now,
                    )
                return marked(record, index, StepState.DONE, now, "seen done")
            case Progress.NOT_DONE if state is StepState.APPLIED or (
                plans.was_done(step, sight.view) and not _noted_by_another(plan, index)
            ):
                left = _closed(record, step, now, "somebody else took it back: left alone")
                return marked(left, index, StepState.SKIPPED, now, "somebody else took it back")
            case Progress.NOT_DONE:
                return await self._begin(record, index, step, sight, handler)
            case Progress.UNKNOWN if record.written:
                left = _closed(record, step, now, "the object is gone, and our change with it")
                return marked(left, index, StepState.SKIPPED, now, "the object is gone")
            case Progress.UNKNOWN:
                return moved(record, Phase.DEFERRED, "the object of the plan is gone", now)

    async def _begin(
        self, record: Record, index: int, step: Step, sight: Sight, handler: Handler
    ) -> Record:
        """Ask everything once more, write the intent, apply."""
        now = self._judge.now()
        if self._may_still_land(record, index, now):
            return moved(
                record, Phase.RUNNING, "waiting whether an unanswered call still lands", now
            )
        if state_of(record, index) is StepState.INTENDED:
            # What people said meanwhile comes before another try.
            given_up = unbegun(record, index, step, now)
            return moved(given_up, Phase.RUNNING, "the call did not land; looking again", now)
        if now - (record.status.phase_since or now) > self._judge.policy.settle_within:
            # Others may want the slot, and after a long absence of ours the plan is an old one.
            sentence = f"could not {plans.sentence(step)} in time: {record.status.message}"
            return self._halted(record, Phase.DEFERRED, sentence)
        if sight.signal is None:
            sentence = "the failure was gone before anything was done"
            return self._halted(record, Phase.CLEARED, sentence)
        case = self._judge.case(record, sight.signal, sight.view)
        decision = handler.plan(case)
        if not isinstance(decision, Plan) or _hash(decision) != _planned(record):
            sentence = "the plan has changed" if isinstance(decision, Plan) else decision.sentence
            return self._halted(record, Phase.DEFERRED, sentence)
        record, said = await self._judge.ask(case, decision, handler)
        result = verdicts.outcome(said, self._judge.mode(record), decision.goal)
        record = with_status(record, verdicts=verdicts.recorded(said))
        if result.phase is not Phase.RUNNING:
            return self._halted(record, Phase.DEFERRED, result.sentence)
        return await self._apply(record, index, step, case, handler)

    def _halted(self, record: Record, phase: Phase, sentence: str) -> Record:
        """Return the record whose next step may not begin.

        Before the first one it goes to `phase`. In the middle it waits where it is, and in the end
        for a person: what is half done is not begun anew.
        """
        now = self._judge.now()
        if not record.written:
            return moved(record, phase, sentence, now)
        if now - (record.status.phase_since or now) > self._judge.policy.settle_within:
            return moved(record, Phase.FAILED, f"stopped in the middle: {sentence}", now)
        return moved(record, Phase.RUNNING, sentence, now)

    async def _apply(
        self, record: Record, index: int, step: Step, case: Case, handler: Handler
    ) -> Record:
        now = self._judge.now()
        record = await self._judge.keep(record)
        ledger = (*record.status.ledger, handler.ledger(step, case.view, case.now))
        record = marked(record, index, StepState.INTENDED, now)
        record = with_status(record, ledger=ledger, acted_at=now)
        record = await self._judge.save(
            moved(record, Phase.RUNNING, f"about to {plans.sentence(step)}", now)
        )
        self._first_seen(record, index, now)
        try:
            await self._actuator.apply(step, case.view)
        except (Forbidden, Invalid) as error:
            failed = unbegun(record, index, step, now)
            return moved(failed, Phase.FAILED, f"could not {plans.sentence(step)}: {error}", now)
        except (Conflict, NotFound, Unauthorized) as error:
            refused = unbegun(record, index, step, now)
            return moved(refused, Phase.RUNNING, f"refused, looking again: {error}", now)
        except ObserveError as error:
            # It may have happened, or happen still: the intent stays, and looks tell.
            return moved(record, Phase.RUNNING, f"no clear answer, looking: {error}", now)
        self._judge.wrote(record, plans.sentence(step))
        applied = marked(record, index, StepState.APPLIED, self._judge.now())
        return moved(applied, Phase.RUNNING, f"done: {plans.sentence(step)}", self._judge.now())

    def _may_still_land(self, record: Record, index: int, now: float) -> bool:
        plan = record.status.plan
        if plan is None or plan.steps[index].state is not StepState.INTENDED:
            return False
        return now - self._first_seen(record, index, now) < self._landing

    def _first_seen(self, record: Record, index: int, now: float) -> float:
        """Return when we first saw the intent that stands on a record."""
        plan = record.status.plan
        at = plan.steps[index].at if plan is not None else None
        intent = round((at or 0.0) * 1000)
        known, since = self._intents.get(record.uid, (None, now))
        if known != intent:
            self._intents[record.uid] = (intent, now)
            return now
        return since


def next_step(plan: PlanRecord | None) -> int | None:
    """Return the index of the first step that is neither done nor skipped."""
    steps = plan.steps if plan is not None else ()
    over = (StepState.DONE, StepState.SKIPPED)
    return next((i for i, step in enumerate(steps) if step.state not in over), None)


def marked(record: Record, index: int, state: StepState, now: float, detail: str = "") -> Record:
    """Return the record with one step's state changed."""
    plan = record.status.plan
    if plan is None:
        return record
    step = msgspec.structs.replace(plan.steps[index], state=state, at=now, detail=detail)
    steps = (*plan.steps[:index], step, *plan.steps[index + 1 :])
    return with_status(record, plan=msgspec.structs.replace(plan, steps=steps))


def _noted_by_another(plan: PlanRecord, index: int) -> bool:
    """Whether the note on a step's object may be the one of another step of the plan."""
    mine = plan.steps[index]
    return any(
        one is not mine and one.target_uid == mine.target_uid and one.state is not StepState.PENDING
        for one in plan.steps
    )


def state_of(record: Record, index: int) -> StepState | None:
    """Return how far a step of the plan is."""
    plan = record.status.plan
    return plan.steps[index].state if plan is not None else None


def unbegun(record: Record, index: int, step: Step, now: float) -> Record:
    """Return the record as if the step had not been begun: a refused call is no debt and no act."""
    record = marked(record, index, StepState.PENDING, now)
    # Not closed but gone: a write that is refused again and again must not fill the record.
    ledger = tuple(e for e in record.status.ledger if e.closed or not plans.owed_for(step, e))
    return with_status(record, ledger=ledger, acted_at=max((e.at for e in ledger), default=None))


def _closed(record: Record, step: Step, now: float, note: str) -> Record:
    ledger = tuple(
        msgspec.structs.replace(entry, closed=True, closed_at=now, note=note)
        if not entry.closed and plans.owed_for(step, entry)
        else entry
        for entry in record.status.ledger
    )
    return with_status(record, ledger=ledger)


def _hash(plan: Plan) -> str:
    return plans.to_record(plan).hash


def _planned(record: Record) -> str:
    return record.status.plan.hash if record.status.plan is not None else ""
