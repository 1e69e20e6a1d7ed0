"""Judging a plan: the case, the machine's power, the kill switch and the other records.

This is the only place that gathers what guards ask for. It decides nothing itself: guards and
handlers do.
"""

from collections.abc import Callable, Iterator

from exporter.observe.errors import ObserveError
from exporter.observe.model import Kind, Signal
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.view import View, Want
from remediator import guards, node_lease, orders, reports
from remediator import plan as plans
from remediator.case import Case, Policy
from remediator.guards.base import Guard, Question
from remediator.guards.fencing_proof import kept, off, proven
from remediator.handlers.base import Handler
from remediator.plan import Plan
from remediator.ports import Alerting, Power, Records, Report, Sink, World
from remediator.record import HistoryEntry, Reading, Record, with_status
from remediator.verdicts import Verdicts


class Judge:
    """Gathers, asks, and keeps the record of it."""

    def __init__(
        self,
        *,
        world: World,
        power: Power,
        alerting: Alerting,
        records: Records,
        sinks: tuple[Sink, ...],
        policy: Policy,
        now: Callable[[], float],
    ) -> None:
        """Use the given edges; `now` returns Unix seconds."""
        self._world = world
        self._power = power
        self._alerting = alerting
        self._records = records
        self._sinks = sinks
        self._server: tuple[int, int] | None = None
        self.policy = policy
        self.now = now
        self.unheard: Callable[[], str] = lambda: ""
        """Says why nobody's word can be heard, empty where it can; set by who listens."""
        self.ahead: Callable[[], float | None] = lambda: 0.0
        """Says by how much our clock is ahead of the API server's; set by who knows."""
        self.guards: tuple[tuple[str, Guard], ...] = guards.GUARDS
        """Who is asked."""

    def mode(self, record: Record) -> str:
        """Return the mode of the record's handler."""
        return self.policy.mode_of(record.spec.signal)

    def case(self, record: Record, signal: Signal, view: View) -> Case:
        """Tie a record to what was just seen."""
        return Case(
            record=record,
            signal=signal,
            view=view,
            now=self.now(),
            policy=self.policy,
            server=self._server,
        )

    def reads(self, handler: Handler, record: Record, view: View) -> Iterator[Want]:
        """Name what the handler reads, and what guards do beyond that."""
        yield from handler.reads(record, view)
        # How healthy the cluster is, whatever the plan is about.
        yield Want(Kind.NODE)
        space, plan = self.policy.medik8s_leases, record.status.plan
        if space:
            named = {record.spec.subject.get("node", "")}
            touched = plan.nodes if plan is not None else ()
            for node in sorted({*named, *touched} - {""}):
                yield Want(Kind.LEASE, space, node_lease.name_of(node))

    async def prepare(self) -> None:
        """Read the server's version until it is known once."""
        if self._server is None:
            self._server = await self._world.version()

    async def ask(
        self, case: Case, plan: Plan, handler: Handler, *, all_along: bool = False
    ) -> tuple[Record, Verdicts]:
        """Read what the guards need and ask them; the record comes back with its readings.

        all_along: only those who are asked before each later step, too.
        """
        record, power, running = case.record, "", False
        if plan.needs_proof and self._reading_is_due(record):
            provider_id = handler.powered_by(record.subject, case.view)
            reading, power = await self.read_power(provider_id)
            if reading is not None:
                evidence = _evidence(reading)
                record = with_status(record, readings=kept(record.status.readings, evidence))
                running = not off(evidence)
                if running:
                    asleep = ", hibernated" if evidence.hibernated else ""
                    power = f"EC2 says that instance {evidence.subject} is {evidence.state}{asleep}"
        paused = await self._world.paused()
        others = tuple(other for other in self._records.all() if other.name != record.name)
        planned = plans.to_record(plan).hash
        question = Question(
            case=self.case(record, case.signal, case.view),
            plan=plan,
            others=others,
            paused=paused,
            power=power,
            running=running,
            told=await self._alerting.told(record),
            approved=orders.approved_by(record, planned, self.now()),
            outdated=orders.outdated_yes(record),
            unheard=self.unheard(),
            ahead=self.ahead(),
        )
        asked = self.guards
        if all_along:
            asked = tuple(pair for pair in asked if pair in guards.ALL_ALONG)
        return record, guards.ask(question, asked)

    async def paused(self) -> bool:
        """Whether the kill switch is on, or cannot be read."""
        return await self._world.paused() is not False

    async def read_power(self, provider_id: str) -> tuple[InstanceReading | None, str]:
        """Read a machine's power now; without an answer, the sentence says why."""
        if not provider_id:
            return None, "the node has no providerID"
        try:
            return await self._power.read(provider_id), ""
        except ObserveError as error:
            return None, f"the instance could not be read: {type(error).__name__}: {error}"

    async def save(self, record: Record) -> Record:
        """Save a record and report what is new in it."""
        before = self._records.named(record.name)
        saved = await self._records.save(record)
        for report in reports.news(before, saved):
            self._report(report)
        return saved

    async def keep(self, record: Record) -> Record:
        """See to it that the record outlives its deletion while something is owed."""
        return record if record.kept else await self._records.keep(record)

    async def let_go(self, record: Record) -> None:
        """Let a record go that owes nothing any more."""
        await self._records.let_go(record)

    def wrote(self, record: Record, what: str) -> None:
        """Report one change of ours to the cluster."""
        entry = HistoryEntry(at=self.now(), phase=record.status.phase, sentence=f"done: {what}")
        self._report(Report(record=record, entry=entry, before=record.status.phase, wrote=what))

    def _report(self, report: Report) -> None:
        for sink in self._sinks:
            sink.take(report)

    def _reading_is_due(self, record: Record) -> bool:
        readings, now = record.status.readings, self.now()
        if not readings:
            return True
        if not proven(readings, self.policy.proof_gap):
            return not 0 <= now - readings[0].read_at < self.policy.proof_gap
        return not 0 <= now - readings[-1].read_at <= self.policy.proof_age


def _evidence(reading: InstanceReading) -> Reading:
    return Reading(
        source="ec2",
        subject=reading.instance_id,
        state=reading.state,
        read_at=reading.read_at,
        hibernated=reading.hibernated,
        account=reading.account,
        launched_at=reading.launched,
        off_since=reading.off_since,
    )
