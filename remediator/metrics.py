"""The remediator's metrics.

Counters of what happened, and gauges read from the records at each scrape.

Names are API: the alerts in alerts/meta.yaml and alerts/attachment.yaml read them.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily, Metric

from exporter.kit import metrics as own
from exporter.observe import errors
from exporter.observe.signals import DETECTORS
from remediator.alert import Outcome
from remediator.case import Policy
from remediator.handlers import HANDLERS, handler_of
from remediator.ports import Report
from remediator.record import ACTING, FOR_A_HUMAN, HELD, Phase, Record, Seen

ROLE = "remediator"
SUBJECT_LABELS = tuple(
    sorted({label for d in DETECTORS if handler_of(d.name) for label in d.subject_labels})
)
"""Labels of every subject that can be repaired; those that one lacks are empty."""

REFUSALS = ("NoToken", "WrongToken", "TooLarge", "TooSlow", "BadJSON", "Busy", "NotDurable")
"""Why a notification was not taken: a closed set."""

PROOF_SLACK = 60.0
"""Seconds beyond the gap in which a second reading still counts as under way."""


class Metrics:
    """Counts, and a Sink for reports."""

    def __init__(
        self,
        records: Callable[[], tuple[Record, ...]],
        policy: Policy,
        now: Callable[[], float],
        watchdog_at: Callable[[], float],
    ) -> None:
        """Read gauges from `records` at each scrape."""
        self.registry = registry = own.registry(ROLE)
        self._notifications = Counter(
            "pvmedic_webhook_notifications", "Notifications taken.", registry=registry
        )
        self._refused = _counter(registry, "webhook_refused", "Notifications refused.", "reason")
        self._alerts = _counter(registry, "webhook_alerts", "What became of alerts.", "outcome")
        self._moves = _counter(
            registry, "remediation_transitions", "Records that came to a phase.", "signal", "phase"
        )
        self._denials = _counter(
            registry,
            "guard_denials",
            "Times a guard did not allow a plan that was judged anew.",
            "guard",
        )
        self._would = _counter(
            registry, "would_have_acted", "Episodes that auto mode would have acted on.", "signal"
        )
        self._requests = _counter(
            registry, "kube_requests", "Requests to the API server.", "resource", "verb"
        )
        self._failures = _counter(
            registry,
            "kube_request_failures",
            "Requests to the API server that failed.",
            "resource",
            "verb",
            "reason",
        )
        self._truncated = Counter(
            "pvmedic_webhook_truncated_alerts",
            "Alerts that notifications left out (max_alerts); they are asked for.",
            registry=registry,
        )
        self._reconciled = _counter(
            registry,
            "reconciled_alerts",
            "What became of alerts that Alertmanager was asked for.",
            "outcome",
        )
        self._reconcile_failures = _counter(
            registry,
            "reconcile_failures",
            "Times Alertmanager could not be asked for what fires, by reason.",
            "reason",
        )
        self._reconciled_at = Gauge(
            "pvmedic_reconcile_last_success_timestamp_seconds",
            "When what fires was last compared with the records, at first the program's start,"
            " in Unix seconds. There only where an Alertmanager is named.",
            (),
            registry=None,
        )
        for reason in REFUSALS:
            self._refused.labels(reason)
        for outcome in Outcome:
            self._alerts.labels(str(outcome))
        self._counted: set[str] = set()
        registry.register(_Records(records, policy, now, watchdog_at))

    def taken(self, outcomes: list[Outcome]) -> None:
        """Count one notification and its alerts."""
        self._notifications.inc()
        for outcome, count in Tally(outcomes).items():
            self._alerts.labels(str(outcome)).inc(count)

    def truncated(self, alerts: int) -> None:
        """Count alerts that a notification left out."""
        self._truncated.inc(alerts)

    def reconciles(self) -> None:
        """Begin to say when it last went well: an Alertmanager is named."""
        self._reconciled_at.set_to_current_time()
        self.registry.register(self._reconciled_at)

    def reconciled(self, outcomes: Sequence[Outcome], failure: str) -> None:
        """Count one comparison with what fires, or its failure by reason."""
        if failure:
            self._reconcile_failures.labels(failure).inc()
            return
        self._reconciled_at.set_to_current_time()
        for outcome, count in Tally(outcomes).items():
            self._reconciled.labels(str(outcome)).inc(count)

    def refused(self, reason: str) -> None:
        """Count one notification that was not taken."""
        self._refused.labels(reason).inc()

    def request(self, resource: str, verb: str) -> None:
        """Count one request to the API server."""
        self._requests.labels(resource, verb).inc()

    def failure(self, resource: str, verb: str, reason: str) -> None:
        """Count one failed request to the API server."""
        self._failures.labels(resource, verb, reason).inc()

    def undecodable(self, resource: str) -> None:
        """Count one object in a list that could not be read: for a look, the whole list failed."""
        self._failures.labels(resource, "list", errors.Garbage.reason).inc()

    def take(self, report: Report) -> None:
        """Count a report."""
        record, status = report.record, report.record.status
        if report.wrote:
            return
        if report.before != status.phase:
            self._moves.labels(record.spec.signal, str(status.phase)).inc()
        if status.would_have_acted and record.name not in self._counted:
            self._counted.add(record.name)
            self._would.labels(record.spec.signal).inc()
        for verdict in status.verdicts:
            if verdict.verdict != "Allowed":
                self._denials.labels(verdict.guard).inc()

    def parts(self, openmetrics: bool) -> list[bytes]:  # noqa: FBT001 -- the web's own call
        """Return the exposition."""
        return [own.rendered(self.registry, openmetrics=openmetrics)]


class _Records:
    def __init__(
        self,
        records: Callable[[], tuple[Record, ...]],
        policy: Policy,
        now: Callable[[], float],
        watchdog_at: Callable[[], float],
    ) -> None:
        self._records = records
        self._policy = policy
        self._now = now
        self._watchdog_at = watchdog_at

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        active = [record for record in self._records() if not record.over]
        counts = Tally((r.spec.signal, r.status.phase) for r in active)
        dense = GaugeMetricFamily(
            "pvmedic_remediations",
            "Records whose episode is not over.",
            labels=["signal", "phase"],
        )
        for handler in HANDLERS:
            for phase in Phase:
                dense.add_metric([handler.name, phase], counts[handler.name, phase])
        progress = _family("in_progress", "1 while a repair of this subject is under way.", ())
        human = _family(
            "needs_human_since_timestamp_seconds",
            "Since when this record waits for a person, in Unix seconds.",
            ("phase", "remediation"),
        )
        holding = _family(
            "holding_since_timestamp_seconds",
            "Since when we owe an undo, in Unix seconds.",
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
            if record.owes:
                holding.add_metric([*who, record.name], record.owes[0].at)
        yield from (dense, progress, human, holding)
        watchdog = GaugeMetricFamily(
            "pvmedic_watchdog_last_received_timestamp_seconds",
            "When the watchdog alert last arrived, at first the program's start, in Unix seconds.",
        )
        watchdog.add_metric([], self._watchdog_at())
        yield watchdog


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


def _labels(record: Record) -> list[str]:
    return [record.spec.signal, *(record.spec.subject.get(name, "") for name in SUBJECT_LABELS)]


def _family(name: str, text: str, more: tuple[str, ...]) -> GaugeMetricFamily:
    labels = ["signal", *SUBJECT_LABELS, *more]
    return GaugeMetricFamily(f"pvmedic_remediation_{name}", text, labels=labels)


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    return Counter(f"pvmedic_{name}", text, labels, registry=registry)
