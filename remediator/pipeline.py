"""The engine: every record that is not over is looked at again when its time comes, one at a time.

alert -> case -> plan -> guards -> record -> action -> verification. All state is in the record, so
what a tick does follows from the record and a fresh look alone. One tick at a time: two plans can
never both believe that they are alone.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping

from exporter.observe.errors import Conflict, NotFound, ObserveError
from exporter.observe.model import Kind
from exporter.observe.signals import detector_of
from remediator import orders, verdicts
from remediator import plan as plans
from remediator.execution import Execution
from remediator.handlers import handler_of
from remediator.handlers.base import Handler
from remediator.judgement import Judge
from remediator.orders import Order
from remediator.plan import Declined, Deferred, Plan
from remediator.ports import Claims, Records, Sight, World
from remediator.record import ACTING, WAITING, Phase, Record, Seen, moved, with_status
from remediator.steps.base import Progress
from remediator.turns import Rank, Standing, Turns, rank
from remediator.verification import Verification
from remediator.waiting import asked_since, deferred_since, worth_saving

LOG = logging.getLogger("pvmedic.pipeline")

SOON = 1.0
"""Seconds to the next tick of a record that has something to do."""

PATIENT = 5.0
"""Seconds to the next tick of a record whose step only waits, at most."""


class Pipeline:
    """Ticks records. `wait` is how long a record that only waits is left alone, in seconds."""

    def __init__(
        self,
        world: World,
        records: Records,
        judge: Judge,
        execution: Execution,
        verification: Verification,
        said: Callable[[], Iterable[Order]],
        wait: float = 15.0,
    ) -> None:
        """Wire the parts; `said` are all orders of people that there are."""
        self._world = world
        self._records = records
        self._judge = judge
        self._execution = execution
        self._verification = verification
        self._said = said
        self._wait = wait
        self._turns = Turns(wait)
        self._standing = Standing(lambda one: not one.over or _outlived(one))
        self._heard: dict[str, float] = {}
        self._reign: float | None = None
        self._running = False
        self._wake = asyncio.Event()
        self._ending = False
        self.claims: Claims | None = None
        """Who holds what others must not touch while a record acts; None: nothing is held."""

    @property
    def ending(self) -> bool:
        """Whether it was told to end."""
        return self._ending

    def due_since(self) -> float | None:
        """Return since when the record that waits longest is due; None while none is.

        What was due before we led was another's to look at. Until we begin to, all are due.
        """
        if self._reign is None or not self._running:
            return self._reign
        first = self._turns.since(self._judge.now())
        return None if first is None else max(first, self._reign)

    def reign(self, *, leads: bool) -> None:
        """Hear whether we lead, while the records that must be known first are read."""
        if not leads:
            self._reign = None
        elif self._reign is None:
            self._reign = self._judge.now()

    def wake(self) -> None:
        """Look soon whether there is a record that was not known."""
        self._wake.set()

    def end(self) -> None:
        """Come to an end at the next safe point: what is under way is done or parked first."""
        self._ending = True
        self._wake.set()

    def heard(self, name: str, now: float) -> None:
        """Note a firing notification for a record; look at it soon, at once if it is new."""
        self._heard[name] = max(now, self._heard.get(name, 0.0))
        # What is heard may be old: a notification that something is over says when it was last
        # said.
        self._turns.hear(name, self._judge.now())
        self._wake.set()

    def asked(self, name: str) -> None:
        """Look at a record at once: a person has said something about it."""
        self._turns.ask(name, self._judge.now())
        self._wake.set()

    async def run(self, leads: Callable[[], bool] = lambda: True) -> None:
        """Tick what is due as long as we lead, and until told to end."""
        self.reign(leads=True)
        self._running = True
        try:
            await self._run(leads)
        finally:
            self._running, self._reign = False, None
            self._turns.stop()

    async def _run(self, leads: Callable[[], bool]) -> None:
        # Whose look was broken off when we led the last time is due as well.
        anew = True
        while leads() and not self._ending:
            self._wake.clear()
            now = self._judge.now()
            active = self._standing.of(self._records.all())
            if anew or self._standing.other or self._turns.strangers(active):
                anew = False
                self._turns.keep(active, now)
                self._heard = {name: at for name, at in self._heard.items() if name in active}
            name = self._turns.first(now, active)
            if name is None:
                await self._sleep(self._turns.next(now))
                continue
            due = self._turns.begin(name, now)
            began = time.monotonic()
            waited = active[name] is Rank.WAITING
            rest = await self.tick(name, due if waited else None)
            # What a first look takes, and writes, says nothing about those that come after it.
            took = time.monotonic() - began if waited else None
            after = self._records.named(name)
            waits = rest >= self._wait and after is not None and rank(after) is Rank.WAITING
            self._turns.end(name, self._judge.now(), rest, took, waits=waits)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def tick(self, name: str, due: float | None = None) -> float:
        """Carry one record on by one piece; return the seconds until its next tick.

        due: since when it is, in Unix seconds, where it may be that it only waits on.
        """
        record = self._records.named(name)
        handler = handler_of(record.spec.signal) if record is not None else None
        if record is None or handler is None or (record.over and not _outlived(record)):
            return self._wait
        try:
            if record.over:
                await self._judge.let_go(record)
                return self._wait
            if due is not None:
                rest = await self._waits_on(record, handler, due)
                if rest is not None:
                    return rest
            return await self._tick(record, handler)
        except (Conflict, NotFound):
            return SOON
        except ObserveError as error:
            LOG.warning(
                "a record could not be carried on",
                extra={"fields": {"record": name, "why": str(error)}},
            )
            return min(5.0, self._wait)
        except Exception:
            # One record that makes no sense must not keep the others from being undone.
            LOG.exception("a record broke its tick", extra={"fields": {"record": name}})
            return self._wait

    async def _waits_on(self, record: Record, handler: Handler, due: float) -> float | None:
        """Return the seconds until the next tick where a glance says that nothing is new.

        Else None: whatever is done or written comes from a look of its own.
        """
        detector = detector_of(record.spec.signal)
        acts = record.written or record.kept or record.status.phase is Phase.HOLDING
        if detector is None or acts or rank(record) is not Rank.WAITING:
            return None
        await self._judge.prepare()
        sight = await self._world.glance(
            detector, record.subject, lambda _, view: self._judge.reads(handler, record, view), due
        )
        seen = self._seen(record, sight)
        if sight.unseen or self._heeded(seen) is not seen:
            return None
        if sight.signal is not None and record.status.phase in WAITING:
            plan = handler.plan(self._judge.case(seen, sight.signal, sight.view))
            if isinstance(plan, Plan) and plan.needs_proof:
                # The cloud would be asked, and asked again by a look of its own.
                return None
        after, rest = await self._carry(seen, sight, handler)
        same = after.status.phase is record.status.phase
        return rest if same and not worth_saving(record, after) else None

    async def _tick(self, record: Record, handler: Handler) -> float:
        detector = detector_of(record.spec.signal)
        if detector is None:
            return self._wait
        await self._judge.prepare()
        before, began = record, self._judge.now()
        sight = await self._world.look(
            detector, record.subject, lambda _, view: self._judge.reads(handler, before, view)
        )
        if self.claims is not None and not sight.unseen:
            await self.claims.tend(record, sight.view)
        record = self._heeded(self._seen(record, sight))
        after, rest = await self._carry(record, sight, handler)
        if after.over and not record.over and self._heard.get(record.name, 0.0) > began:
            # What came after the look was acknowledged as known to this record.
            return SOON
        if worth_saving(before, after):
            after = await self._judge.save(after)
        if after.kept and not after.owes and after.status.phase not in ACTING:
            await self._judge.let_go(after)
        return rest

    def _heeded(self, record: Record) -> Record:
        """Do what people have said about a record, as far as it is at a safe point for it."""
        for order in orders.open_orders(record, self._said()):
            heeded = orders.heed(record, order, self._judge.now())
            if heeded is None:
                break
            record = heeded
        if record.deletion is not None and record.status.phase in WAITING | {Phase.RUNNING}:
            sentence = "the Remediation was deleted"
            return orders.stopped(record, sentence, self._judge.now()) or record
        return record

    def _seen(self, record: Record, sight: Sight) -> Record:
        """Note what the look said, and when the last firing notification came."""
        now, status = self._judge.now(), record.status
        # Another replica's clock may be ahead of ours.
        elsewhere = min(record.heard or 0.0, now)
        heard = max(self._heard.get(record.name, 0.0), status.last_alert_at or record.created)
        heard = max(heard, elsewhere)
        if sight.unseen:
            # One look that was lost between two that saw is no gap. Two may hide that it came back.
            blind = status.seen is Seen.UNSEEN
            gone = None if blind else status.gone_since
            return with_status(record, seen=Seen.UNSEEN, gone_since=gone, last_alert_at=heard)
        if sight.signal is None:
            gone = status.gone_since if status.gone_since is not None else now
            return with_status(record, seen=Seen.GONE, gone_since=gone, last_alert_at=heard)
        return with_status(record, seen=Seen.PRESENT, gone_since=None, last_alert_at=heard)

    async def _carry(self, record: Record, sight: Sight, handler: Handler) -> tuple[Record, float]:
        match record.status.phase:
            case _ if record.over:
                return record, self._wait
            case phase if phase in WAITING:
                return await self._judged(record, sight, handler)
            case Phase.RUNNING:
                after = await self._execution.tick(record, sight, handler)
                return after, self._pace(after)
            case Phase.VERIFYING:
                return self._verification.verify(record, sight, handler), SOON
            case Phase.CLEARED | Phase.SETTLED if _comes_back(record):
                again = "the failure is seen again before it was gone for long enough"
                anew = moved(orders.used_up(record), Phase.OBSERVED, again, self._judge.now())
                return anew, SOON
            case _ if record.owes:
                after = await self._verification.undo(record, sight, handler)
                # What is paid lets the debt before it be looked at.
                paid = after.owes and len(after.owes) < len(record.owes)
                return after, SOON if paid else self._wait
            case _:
                return self._verification.after(record), self._wait

    def _pace(self, record: Record) -> float:
        """Return the seconds until a Running record is looked at again.

        What waits is looked at the more rarely the longer it has waited.
        """
        if record.acting:
            return SOON
        plan = record.status.plan
        index = plan.next_step if plan is not None else None
        at = plan.steps[index].at if plan is not None and index is not None else None
        waited = self._judge.now() - at if at is not None else 0.0
        return min(self._wait, max(PATIENT, waited / 20.0))

    async def _judged(self, record: Record, sight: Sight, handler: Handler) -> tuple[Record, float]:
        """Decide anew about a record for which nothing was written yet."""
        now = self._judge.now()
        if sight.unseen:
            return self._deferred(record, _unseen(sight.unseen)), self._wait
        if _stands(record, sight):
            return moved(record, Phase.RUNNING, "our change is there after all", now), SOON
        if sight.signal is None:
            sentence = "a fresh look does not see the failure (any more)"
            return moved(record, Phase.CLEARED, sentence, now), self._wait
        case = self._judge.case(record, sight.signal, sight.view)
        match handler.plan(case):
            case Declined(sentence=sentence):
                return moved(record, Phase.DECLINED, sentence, now), self._wait
            case Deferred(sentence=sentence):
                return self._deferred(record, sentence), self._wait
            case Plan() as plan:
                still = orders.only_for(record, plans.to_record(plan).hash)
                case = self._judge.case(still, sight.signal, sight.view)
                record, said = await self._judge.ask(case, plan, handler)
                record = with_status(
                    record, plan=plans.to_record(plan), verdicts=verdicts.recorded(said)
                )
                after, rest = self._placed(
                    record, verdicts.outcome(said, self._judge.mode(record), plan.goal)
                )
                waits = after.status.phase in WAITING
                return after, max(rest, plan.rest) if waits else rest

    def _placed(self, record: Record, result: verdicts.Outcome) -> tuple[Record, float]:
        now = self._judge.now()
        if result.phase is Phase.DEFERRED:
            rest = self._wait if result.until is None else max(result.until - now, 0.0)
            return self._deferred(record, result.sentence), min(rest, self._wait)
        if result.phase is Phase.RUNNING:
            since = deferred_since(record, now)
            if now - since > self._judge.policy.give_up_after:
                # It has come as far as this again and again, and no further.
                return self._deferred(record, record.status.message), self._wait
            record = with_status(record, deferred_since=since, asked_since=None)
        elif result.phase is Phase.AWAITING_APPROVAL:
            since = asked_since(record, now)
            if now - since > self._judge.policy.approve_within:
                return moved(record, Phase.EXPIRED, "nobody said yes in time", now), self._wait
            record = with_status(record, deferred_since=None, asked_since=since)
        else:
            record = with_status(record, deferred_since=None, asked_since=None)
        would = record.status.would_have_acted or result.would_have_acted
        record = with_status(record, would_have_acted=would)
        rest = 0.0 if result.phase is Phase.RUNNING else self._wait
        return moved(record, result.phase, result.sentence, now), rest

    def _deferred(self, record: Record, sentence: str) -> Record:
        """Wait on, or give up: then a person is needed."""
        now = self._judge.now()
        since = deferred_since(record, now)
        if now - since > self._judge.policy.give_up_after:
            return moved(record, Phase.BLOCKED, f"given up waiting: {sentence}", now)
        record = with_status(record, deferred_since=since)
        return moved(record, Phase.DEFERRED, sentence, now)


def _unseen(unseen: Mapping[Kind, str]) -> str:
    return "cannot see " + "; ".join(f"{kind}: {why}" for kind, why in sorted(unseen.items()))


def _outlived(record: Record) -> bool:
    """Whether our finalizer still is on a record that is over: we died between two writes."""
    return record.over and record.kept and not record.owes


def _comes_back(record: Record) -> bool:
    return record.status.seen is Seen.PRESENT and not record.owes


def _stands(record: Record, sight: Sight) -> bool:
    """Whether a step that counts as not begun is done: its call landed after we gave it up.

    While the failure is seen, what only looks like our step proves nothing; our note does.
    """
    if record.status.plan is None:
        return False
    try:
        known = plans.from_record(record.status.plan).steps
    except ValueError:
        # A step of another version: this one never began it.
        return False
    return any(
        step.observe(sight.view).progress is Progress.DONE
        and step.ours(sight.view)
        and (sight.signal is None or step.noted(sight.view))
        for step in known
    )
