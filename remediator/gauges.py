"""What the records say now, as gauges read at each scrape. Pure but for the client library.

Each replica publishes what it has from the watch, so several say the same; rules and panels take
the highest. What only the one that executes knows is absent from the others.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from exporter.observe.signals import DETECTORS
from remediator.case import Policy
from remediator.guards import GUARDS
from remediator.guards.breaker import gone_wrong
from remediator.handlers import HANDLERS, handler_of
from remediator.record import (
    ACTING,
    FOR_A_HUMAN,
    HELD,
    WAITING,
    Phase,
    Record,
    Seen,
    StepState,
    VerdictRecord,
)

SUBJECT_LABELS = tuple(
    sorted({label for d in DETECTORS if handler_of(d.name) for label in d.subject_labels})
)
"""Labels of every subject that can be repaired; those that one lacks are empty."""

PROOF_SLACK = 60.0
"""Seconds beyond the gap in which a second reading still counts as under way."""

NAMES = frozenset(name for name, _ in GUARDS)
OTHER = "Other"


class Records:
    """Reads all records at each scrape."""

    def __init__(
        self,
        records: Callable[[], tuple[Record, ...]],
        policy: Policy,
        now: Callable[[], float],
    ) -> None:
        self._records = records
        self._policy = policy
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        records = self._records()
        active = [record for record in records if not record.over]
        yield _counted(active)
        yield _held(active)
        yield from self._breaker(records)
        progress = _family("in_progress", "1 while a repair of this subject is under way.", ())
        human = _family(
            "needs_human_since_timestamp_seconds",
            "Since when this record waits for a person, in Unix seconds.",
            ("phase", "remediation"),
        )
        approval = _family(
            "approval_waiting_since_timestamp_seconds",
            "Since when this plan waits for a yes, in Unix seconds.",
            ("remediation", "plan"),
        )
        unknown = _family(
            "step_unanswered_since_timestamp_seconds",
            "Since when a step is written down as begun and nobody knows whether it took effect,"
            " in Unix seconds. A call that is under way shows for a moment, too.",
            ("remediation", "step"),
        )
        holding = _family(
            "holding_since_timestamp_seconds",
            "Since when we owe an undo, in Unix seconds; also for a record that was deleted and is"
            " kept for it.",
            ("remediation",),
        )
        for record in active:
            who, status = _labels(record), record.status
            since = status.phase_since if status.phase_since is not None else record.created
            if under_way(record, self._policy, self._now()):
                progress.add_metric(who, 1)
            # What holds its subject waits for a person even when the failure is gone.
            there = status.seen is Seen.PRESENT or status.phase in HELD
            if status.phase in FOR_A_HUMAN and there:
                human.add_metric([*who, status.phase, record.name], since)
            if status.phase is Phase.AWAITING_APPROVAL:
                plan = status.plan.hash if status.plan is not None else ""
                approval.add_metric([*who, record.name, plan], since)
            for step, at in unanswered(record):
                unknown.add_metric([*who, record.name, step], at)
        for record in records:
            if record.owes:
                oldest = min(entry.at for entry in record.owes)
                holding.add_metric([*_labels(record), record.name], oldest)
        yield from (progress, human, approval, unknown, holding)

    def _breaker(self, records: Iterable[Record]) -> Iterator[Metric]:
        wrong = len(gone_wrong(records))
        yield GaugeMetricFamily(
            "pvmedic_breaker_open",
            "1 while so many repairs went wrong that none begins, until a person releases them.",
            float(wrong >= self._policy.breaker),
        )
        yield GaugeMetricFamily(
            "pvmedic_breaker_remediations",
            "Records that went wrong (Failed, Unsettled) and that nobody has released.",
            float(wrong),
        )


class Engine:
    """What a replica knows of itself: whether it executes, whether it keeps up, and its clock."""

    def __init__(
        self,
        replica: str,
        leads: Callable[[], bool],
        due_since: Callable[[], float | None],
        ahead: Callable[[], float | None],
    ) -> None:
        """Hear what to ask at each scrape.

        `due_since`: since when the record that waits longest is due, None for none. `ahead`: the
        seconds by which our clock is ahead of the API server's, None while nobody knows.
        """
        self._replica = replica
        self._leads = leads
        self._due_since = due_since
        self._ahead = ahead

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        leads = self._leads()
        leader = GaugeMetricFamily(
            "pvmedic_leader",
            "1 while this replica holds the Lease and executes, 0 while it only takes alerts.",
            labels=["replica"],
        )
        leader.add_metric([self._replica], float(leads))
        yield leader
        due = GaugeMetricFamily(
            "pvmedic_remediations_due_since_timestamp_seconds",
            "Since when the record that waits longest for a look is due, in Unix seconds; absent"
            " while none is. Only the replica that executes says it.",
        )
        since = self._due_since() if leads else None
        if since is not None:
            due.add_metric([], since)
        yield due
        clock = GaugeMetricFamily(
            "pvmedic_clock_ahead_seconds",
            "By how much this replica's clock is ahead of the API server's, negative when behind;"
            " 0 while they agree as far as the Date of its answers tells.",
        )
        ahead = self._ahead()
        if ahead is not None:
            clock.add_metric([], ahead)
        yield clock


def under_way(record: Record, policy: Policy, now: float) -> bool:
    """Whether a repair goes on, so that nobody needs to be paged.

    Bounded, or a stuck one would hide itself.
    """
    status = record.status
    since = status.phase_since if status.phase_since is not None else record.created
    if status.phase in ACTING:
        return now - since <= policy.settle_within
    if status.phase is Phase.DEFERRED and status.readings:
        return now - status.readings[0].read_at <= policy.proof_gap + PROOF_SLACK
    return False


def unanswered(record: Record) -> Iterator[tuple[str, float]]:
    """Yield kind and time of the steps that were begun and of which nothing more is known."""
    plan = record.status.plan
    for step in plan.steps if plan is not None else ():
        if step.state is StepState.INTENDED and step.at is not None:
            yield step.kind, step.at


def holders(verdicts: Iterable[VerdictRecord]) -> list[str]:
    """Return the guards, the mode aside, that do not allow a plan."""
    return [
        known(one.guard) for one in verdicts if one.verdict != "Allowed" and one.guard != "mode"
    ]


def known(guard: str) -> str:
    """Return a guard's name as a label: one of another version makes no label of its own."""
    return guard if guard in NAMES else OTHER


def _counted(active: Iterable[Record]) -> Metric:
    counts = Tally((r.spec.signal, r.status.phase) for r in active)
    dense = GaugeMetricFamily(
        "pvmedic_remediations",
        "Records whose episode is not over.",
        labels=["signal", "phase"],
    )
    for handler in HANDLERS:
        for phase in Phase:
            dense.add_metric([handler.name, phase], counts[handler.name, phase])
    return dense


def _held(active: Iterable[Record]) -> Metric:
    held = GaugeMetricFamily(
        "pvmedic_remediations_held",
        "Records that wait, by each guard (the mode aside) that does not allow their plan now.",
        labels=["signal", "guard"],
    )
    waiting = WAITING | {Phase.BLOCKED}
    counts = Tally(
        (record.spec.signal, guard)
        for record in active
        if record.status.phase in waiting
        for guard in holders(record.status.verdicts)
    )
    for labels, count in sorted(counts.items()):
        held.add_metric(list(labels), count)
    return held


def _labels(record: Record) -> list[str]:
    return [record.spec.signal, *(record.spec.subject.get(name, "") for name in SUBJECT_LABELS)]


def _family(name: str, text: str, more: tuple[str, ...]) -> GaugeMetricFamily:
    labels = ["signal", *SUBJECT_LABELS, *more]
    return GaugeMetricFamily(f"pvmedic_remediation_{name}", text, labels=labels)
