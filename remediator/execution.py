"""Doing the steps of a plan: observe, write down, apply with a precondition, observe again.

Every tick starts from the record and a fresh look, so a crash anywhere is a tick like any other.
Nothing is written to the cluster before the record says what and the ledger says what was there
before.
"""

from exporter.observe.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    ObserveError,
    Unauthorized,
)
from exporter.observe.view import View
from remediator import plan as plans
from remediator import progress, steps, verdicts
from remediator.handlers.base import Handler
from remediator.judgement import Judge
from remediator.plan import Plan
from remediator.ports import Actuator, Sight
from remediator.record import Phase, Record, StepState, moved, with_status
from remediator.steps.base import Progress, Step

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
        index = plan.next_step if plan is not None else None
        if plan is None or index is None:
            return moved(
                record, Phase.VERIFYING, "every step is done; looking whether it helped", now
            )
        try:
            known = plans.recalled(plans.from_record(plan), record.status.ledger)
        except ValueError as error:
            return moved(record, Phase.FAILED, f"{error}: written by another version?", now)
        step = known.steps[index]
        unseen = sorted((k, why) for k, why in sight.unseen.items() if k not in step.without)
        if unseen:
            what = "; ".join(f"{kind}: {why}" for kind, why in unseen)
            return self._stuck(record, f"cannot see {what}")
        if (sentence := progress.undone(record, known, index, sight.view)) is not None:
            return self._stuck(record, sentence)
        return await self._step(record, index, known, sight, handler)

    async def _step(
        self, record: Record, index: int, known: Plan, sight: Sight, handler: Handler
    ) -> Record:
        """Carry one step on from where the world says that it is."""
        now, step = self._judge.now(), known.steps[index]
        if step.pays and not any(map(step.pays_for, record.owes)):
            nothing = "nothing of ours to take back"
            return progress.marked(record, index, StepState.SKIPPED, now, nothing)
        seen = step.observe(sight.view)
        if seen.progress is not Progress.UNKNOWN:
            record = progress.freed(record)
        match seen.progress:
            case Progress.DONE:
                return self._done(record, index, step, sight.view)
            case Progress.REFUSED:
                why = f"must not {step.sentence()}: {seen.sentence}"
                return self._given_up(record, why)
            case Progress.NOT_DONE:
                return await self._carry_on(record, index, known, sight, handler, seen.sentence)
            case Progress.UNKNOWN:
                sentence = f"cannot tell whether it is done to {step.sentence()}: {seen.sentence}"
                return self._stuck(record, sentence)
            case Progress.GONE:
                return self._gone(record, index, step)

    async def _carry_on(
        self,
        record: Record,
        index: int,
        known: Plan,
        sight: Sight,
        handler: Handler,
        sentence: str,
    ) -> Record:
        """Wait for a step that is not done, or do it."""
        step = known.steps[index]
        if step.repeats:
            return await self._again(record, index, known, sight, handler, sentence)
        if step.waits_for:
            return self._waiting(record, index, step, sentence)
        if self._settling(record, index, step):
            waiting = f"waiting until it shows: {step.sentence()}: {sentence}"
            return moved(record, Phase.RUNNING, waiting, self._judge.now())
        if progress.was_done(record, index, step, sight.view):
            return self._taken_back(record, index, step, sentence)
        return await self._begin(record, index, known, sight, handler)

    def _given_up(self, record: Record, why: str) -> Record:
        """Nothing is built on it: in the middle it is a person's, before it may be planned anew."""
        now = self._judge.now()
        if record.written:
            return moved(record, Phase.FAILED, f"stopped in the middle: {why}", now)
        return moved(record, Phase.DEFERRED, why, now)

    def _gone(self, record: Record, index: int, step: Step) -> Record:
        """Nothing is left to do to what is not there."""
        now = self._judge.now()
        if not record.written:
            return moved(record, Phase.DEFERRED, "the object of the plan is gone", now)
        left = progress.closed(record, step, now, "the object is gone, and our change with it")
        left = progress.paid(left, step, now, "the object is gone, and our change with it")
        return progress.marked(left, index, StepState.SKIPPED, now, "the object is gone")

    def _done(self, record: Record, index: int, step: Step, view: View) -> Record:
        """Mark a step done; what it owes stands in the ledger, what it pays is closed there."""
        now = self._judge.now()
        owed = any(steps.made_by(step, entry) for entry in record.owes)
        mine = progress.state_of(record, index) in (StepState.INTENDED, StepState.APPLIED)
        if step.owes and not owed and (mine or step.ours(view)):
            # Nobody owes it: a call that landed late, or a lost record.
            entry = steps.debt(step, step.prior(view), now)
            acted = record.status.acted_at or now
            ledger = (*record.status.ledger, entry)
            record = with_status(record, ledger=ledger, acted_at=acted)
        if step.pays:
            record = progress.paid(record, step, now, "taken back")
        return progress.marked(record, index, StepState.DONE, now, "seen done")

    def _waiting(self, record: Record, index: int, step: Step, sentence: str) -> Record:
        """Wait on, holding nothing; in vain for too long, it is a person's."""
        now = self._judge.now()
        plan = record.status.plan
        mine = plan.steps[index] if plan is not None else None
        if mine is None or mine.state is not StepState.WAITING:
            record = progress.marked(record, index, StepState.WAITING, now)
        elif now - (mine.at or now) > step.waits_for:
            return self._in_vain(record, step, sentence)
        return moved(record, Phase.RUNNING, f"waiting: {sentence}", now)

    def _in_vain(self, record: Record, step: Step, sentence: str) -> Record:
        minutes = step.waits_for / 60
        why = f"waited {minutes:g} min in vain to {step.sentence()}: {sentence}"
        return self._given_up(record, why)

    async def _again(
        self,
        record: Record,
        index: int,
        known: Plan,
        sight: Sight,
        handler: Handler,
        sentence: str,
    ) -> Record:
        """Do the next part of a step that takes many calls, or wait where there is none now.

        It is written down once that it began, and not with each call.
        """
        now, step = self._judge.now(), known.steps[index]
        began = progress.begun_at(record, index)
        if began is not None and now - began > step.waits_for:
            return self._in_vain(record, step, sentence)
        began = now if began is None else began
        if step.act(sight.view) is None:
            record = progress.marked(record, index, StepState.WAITING, began)
            return moved(record, Phase.RUNNING, f"waiting: {sentence}", now)
        case = self._judge.case(record, progress.as_recorded(record), sight.view)
        record, said = await self._judge.ask(case, known, handler, all_along=True)
        if why := verdicts.refused(said):
            return moved(record, Phase.RUNNING, why, now)
        if progress.state_of(record, index) is not StepState.INTENDED:
            record = await self._judge.keep(record)
            record = progress.marked(record, index, StepState.INTENDED, began)
            record = with_status(record, acted_at=now)
            record = await self._judge.save(
                moved(record, Phase.RUNNING, f"about to {step.sentence()}", now)
            )
        what = step.doing(sight.view)
        try:
            await self._actuator.apply(step, sight.view)
        except (Forbidden, Invalid) as error:
            return moved(record, Phase.FAILED, f"could not {what}: {error}", now)
        except ObserveError as error:
            return moved(record, Phase.RUNNING, f"could not {what} yet: {error}", now)
        self._judge.wrote(record, what)
        return record

    def _settling(self, record: Record, index: int, step: Step) -> bool:
        """Whether a call that was accepted has still time to show."""
        plan = record.status.plan
        if plan is None or plan.steps[index].state is not StepState.APPLIED:
            return False
        at = plan.steps[index].at
        return self._judge.now() - (at or 0.0) <= step.settles

    def _taken_back(self, record: Record, index: int, step: Step, sentence: str) -> Record:
        """Somebody else undid it, or it never showed: left alone, and nothing is built on it."""
        now = self._judge.now()
        plan = record.status.plan
        if step.settles:
            why = f"it was accepted and does not show: {step.sentence()}: {sentence}"
            return moved(record, Phase.FAILED, why, now)
        left = progress.closed(record, step, now, "somebody else took it back: left alone")
        left = progress.marked(left, index, StepState.SKIPPED, now, "somebody else took it back")
        if plan is not None and index + 1 < len(plan.steps):
            why = f"stopped in the middle: somebody else took back: {step.sentence()}"
            return moved(left, Phase.FAILED, why, now)
        return left

    async def _begin(
        self, record: Record, index: int, known: Plan, sight: Sight, handler: Handler
    ) -> Record:
        """Ask everything once more, write the intent, apply."""
        now, step = self._judge.now(), known.steps[index]
        if progress.state_of(record, index) is StepState.INTENDED:
            return self._unanswered(record, index, step)
        held = not record.returns and progress.state_of(record, index) is StepState.WAITING
        if not held and now - progress.came_on_at(record, now) > self._judge.policy.settle_within:
            # Others may want the slot, and after a long absence of ours the plan is an old one.
            sentence = f"could not {step.sentence()} in time: {record.status.message}"
            return self._halted(record, Phase.DEFERRED, sentence)
        if record.written:
            return await self._go_on(record, index, known, sight, handler)
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
        return await self._apply(record, index, step, sight.view)

    def _unanswered(self, record: Record, index: int, step: Step) -> Record:
        """Wait whether a call that got no answer still lands; then look again, or ask."""
        now = self._judge.now()
        if now - self._first_seen(record, index, now) < self._landing:
            waiting = "waiting whether an unanswered call still lands"
            return moved(record, Phase.RUNNING, waiting, now)
        if step.once:
            why = f"no clear answer, and it must not be done twice: {step.sentence()}"
            return moved(record, Phase.FAILED, why, now)
        # What people said meanwhile comes before another try.
        given_up = progress.unbegun(record, index, step, now)
        return moved(given_up, Phase.RUNNING, "the call did not land; looking again", now)

    async def _go_on(
        self, record: Record, index: int, known: Plan, sight: Sight, handler: Handler
    ) -> Record:
        """Do a later step: the plan is not made anew, for the world is half changed by it.

        Whoever allowed the beginning is not asked again; what protects from harm is.
        """
        now = self._judge.now()
        case = self._judge.case(record, progress.as_recorded(record), sight.view)
        record, said = await self._judge.ask(case, known, handler, all_along=True)
        refused = verdicts.refused(said)
        if refused:
            if progress.state_of(record, index) is StepState.PENDING:
                # Two that wait for each other's slot would both wait in vain.
                record = progress.marked(record, index, StepState.WAITING, now)
            if not record.returns:
                # Nothing can be taken back: it waits for as long as it has to.
                return moved(record, Phase.RUNNING, refused, now)
            return self._halted(record, Phase.DEFERRED, refused)
        return await self._apply(record, index, known.steps[index], sight.view)

    def _stuck(self, record: Record, sentence: str) -> Record:
        """Return the record whose next step cannot be judged now; for too long, it is a person's.

        Counted from when it began to be so: a step may wait for hours before.
        """
        now = self._judge.now()
        if not record.written:
            return moved(record, Phase.DEFERRED, sentence, now)
        since = record.status.stuck_since or now
        if now - since > self._judge.policy.settle_within:
            return moved(record, Phase.FAILED, f"stopped in the middle: {sentence}", now)
        return moved(with_status(record, stuck_since=since), Phase.RUNNING, sentence, now)

    def _halted(self, record: Record, phase: Phase, sentence: str) -> Record:
        """Return the record whose next step may not begin.

        Before the first one it goes to `phase`. In the middle it waits where it is, and in the end
        for a person: what is half done is not begun anew.
        """
        now = self._judge.now()
        if not record.written:
            return moved(record, phase, sentence, now)
        if now - progress.came_on_at(record, now) > self._judge.policy.settle_within:
            return moved(record, Phase.FAILED, f"stopped in the middle: {sentence}", now)
        return moved(record, Phase.RUNNING, sentence, now)

    async def _apply(self, record: Record, index: int, step: Step, view: View) -> Record:
        now = self._judge.now()
        record = await self._judge.keep(record)
        if step.owes:
            entry = steps.debt(step, step.prior(view), now)
            record = with_status(record, ledger=(*record.status.ledger, entry))
        record = progress.marked(record, index, StepState.INTENDED, now)
        record = with_status(record, acted_at=now)
        record = await self._judge.save(
            moved(record, Phase.RUNNING, f"about to {step.sentence()}", now)
        )
        self._first_seen(record, index, now)
        try:
            await self._actuator.apply(step, view)
        except (Forbidden, Invalid) as error:
            failed = progress.unbegun(record, index, step, now)
            return moved(failed, Phase.FAILED, f"could not {step.sentence()}: {error}", now)
        except (Conflict, NotFound, Unauthorized) as error:
            refused = progress.unbegun(record, index, step, now)
            return moved(refused, Phase.RUNNING, f"refused, looking again: {error}", now)
        except ObserveError as error:
            # It may have happened, or happen still: the intent stays, and looks tell.
            return moved(record, Phase.RUNNING, f"no clear answer, looking: {error}", now)
        self._judge.wrote(record, step.sentence())
        applied = progress.marked(record, index, StepState.APPLIED, self._judge.now())
        return moved(applied, Phase.RUNNING, f"done: {step.sentence()}", self._judge.now())

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


def _hash(plan: Plan) -> str:
    return plans.to_record(plan).hash


def _planned(record: Record) -> str:
    return record.status.plan.hash if record.status.plan is not None else ""
