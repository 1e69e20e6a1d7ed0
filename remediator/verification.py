"""After the steps.

Did it help (Verifying), is an undo still owed (Holding), is the episode over (the ends).
"""

import msgspec

from exporter.observe.errors import Conflict, NotFound, ObserveError
from exporter.observe.model import Ready
from remediator.handlers.base import Back, Closed, Handler, Undo, Wait
from remediator.judgement import Judge
from remediator.orders import demanded_undo
from remediator.ports import Actuator, Sight
from remediator.record import HELD, LedgerEntry, Phase, Record, Seen, moved, with_status

SEEN_ONCE = "the failure is gone and the goal is reached; looking once more"
TAKING_BACK = "taking it back"


class Verification:
    """Carries on records whose steps are done."""

    def __init__(self, actuator: Actuator, judge: Judge) -> None:
        """Use the only thing that changes the world, for undoing.

        And the judge for reading power.
        """
        self._actuator = actuator
        self._judge = judge

    def verify(self, record: Record, sight: Sight, handler: Handler) -> Record:
        """Settle once two looks saw the signal gone and the goal reached; give up in time."""
        now, policy = self._judge.now(), self._judge.policy
        goal = handler.goal(record, sight.view)
        if sight.unseen:
            sentence = "cannot see whether it helped"
        elif sight.signal is not None:
            sentence = f"the failure is still seen; {goal.sentence}"
        elif not goal.reached:
            sentence = goal.sentence
        elif record.status.message != SEEN_ONCE:
            return moved(record, Phase.VERIFYING, SEEN_ONCE, now)
        elif record.owes:
            owed = "; ".join(f"{e.kind} on {e.target}" for e in record.owes)
            return moved(
                record, Phase.HOLDING, f"{goal.sentence}; still to be taken back: {owed}", now
            )
        else:
            return moved(record, Phase.SETTLED, goal.sentence, now)
        if now - (record.status.phase_since or now) > policy.settle_within:
            return moved(
                record, Phase.UNSETTLED, f"acted, but it did not help in time: {sentence}", now
            )
        return moved(record, Phase.VERIFYING, sentence, now)

    async def undo(self, record: Record, sight: Sight, handler: Handler) -> Record:
        """Take back what is owed, the last first, one at a tick, as far as the handler allows."""
        entry = record.owes[-1]
        if sight.unseen:
            return record
        now = self._judge.now()
        result = await self._undo(entry, record, sight, handler)
        who = demanded_undo(record, entry.at)
        match result:
            case Wait(step=step) if step is not None and who:
                sentence = f"{who} asked for it, although: {result.sentence}"
                return await self._take_back(record, entry, Back(step, sentence), sight)
            case Wait():
                return self._told(record, result.sentence, now)
            case Closed():
                mine = entry.note == TAKING_BACK
                sentence = "taken back" if mine else result.sentence
                return self._settled(_close(record, entry, now, sentence), sentence, now)
            case Back():
                return await self._take_back(record, entry, result, sight)

    async def _undo(
        self, entry: LedgerEntry, record: Record, sight: Sight, handler: Handler
    ) -> Undo:
        power = None
        node = sight.view.node(entry.target)
        if node is not None and node.ready is Ready.TRUE:
            power, _ = await self._judge.read_power(handler.powered_by(record.subject, sight.view))
        return handler.undo(entry, record, sight.view, power)

    async def _take_back(
        self, record: Record, entry: LedgerEntry, back: Back, sight: Sight
    ) -> Record:
        now = self._judge.now()
        if await self._judge.paused():
            return self._told(record, f"{back.sentence}; but the kill switch is on", now)
        if entry.note != TAKING_BACK:
            record = _replace(record, entry, msgspec.structs.replace(entry, note=TAKING_BACK))
            record = await self._judge.save(self._told(record, back.sentence, now))
            entry = next(e for e in record.owes if e.note == TAKING_BACK)
        try:
            await self._actuator.apply(back.step, sight.view)
        except (Conflict, NotFound):
            return record
        except ObserveError as error:
            return self._told(record, f"could not {back.step.sentence()}: {error}", now)
        self._judge.wrote(record, back.step.sentence())
        sentence = f"{back.sentence}; done: {back.step.sentence()}"
        return self._settled(_close(record, entry, self._judge.now(), "taken back"), sentence, now)

    def _told(self, record: Record, sentence: str, now: float) -> Record:
        return moved(record, record.status.phase, sentence, now)

    def _settled(self, record: Record, sentence: str, now: float) -> Record:
        if record.owes or record.status.phase is not Phase.HOLDING:
            return self._told(record, sentence, now)
        # A ledger has at least the debt that was just paid.
        owed_since = min(entry.at for entry in record.status.ledger)
        end = Phase.CANCELLED if demanded_undo(record, owed_since) else Phase.SETTLED
        return moved(record, end, sentence, now)

    def after(self, record: Record) -> Record:
        """Close the episode once looks have seen the failure gone for long enough."""
        status, now = record.status, self._judge.now()
        gone = status.gone_since
        if record.over:
            return record
        if status.released_at is not None:
            return record if record.owes else with_status(record, over_at=now)
        if status.phase in HELD:
            return record
        if status.seen is Seen.GONE and gone is not None and now - gone >= self._judge.policy.quiet:
            return with_status(record, over_at=now)
        return record


def _close(record: Record, entry: LedgerEntry, now: float, note: str) -> Record:
    return _replace(record, entry, entry.settled(now, note))


def _replace(record: Record, old: LedgerEntry, new: LedgerEntry) -> Record:
    ledger = tuple(new if entry == old else entry for entry in record.status.ledger)
    return with_status(record, ledger=ledger)
