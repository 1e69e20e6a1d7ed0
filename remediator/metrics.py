"""The remediator's metrics: counters of what happened. What stands now is in `gauges`.

Names are API: the alerts in alerts/meta.yaml, alerts/engine.yaml and alerts/attachment.yaml read
them.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric

from exporter.kit import metrics as own
from exporter.observe import errors
from remediator import gauges
from remediator.alert import Outcome
from remediator.case import Policy
from remediator.guards import GUARDS
from remediator.handlers import HANDLERS
from remediator.orders import Decision, void_reason
from remediator.ports import Report
from remediator.record import Phase, Record, Status

ROLE = "remediator"
REFUSALS = ("NoToken", "WrongToken", "TooLarge", "TooSlow", "BadJSON", "Busy", "NotDurable")
"""Why a notification was not taken: a closed set."""

BUCKETS = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400)
"""Seconds: a proof takes half a minute, a person an hour, a night's freeze a night."""

COUNTS = "Counts"
"""What became of an order that is not void."""


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
        self._would_not = _counter(
            registry,
            "would_have_been_held",
            "Episodes of mode observe that ended without auto having acted, by each guard that"
            " still stood in its way.",
            "signal",
            "guard",
        )
        self._orders = _counter(
            registry,
            "orders",
            "What became of people's orders: Counts, or why one is void.",
            "decision",
            "outcome",
        )
        self._first_write = _histogram(
            registry,
            "first_write",
            "How long it took from the record of an alert to our first change.",
        )
        self._repair = _histogram(
            registry,
            "repair_duration",
            "How long it took from the record of an alert until the goal was reached.",
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
        for guard, _ in GUARDS:
            self._denials.labels(guard)
        for decision in Decision:
            self._orders.labels(str(decision), COUNTS)
        for handler in HANDLERS:
            self._would.labels(handler.name)
            self._first_write.labels(handler.name)
            self._repair.labels(handler.name)
        registry.register(gauges.Records(records, policy, now))
        registry.register(_Watchdog(watchdog_at))

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

    def executes(
        self,
        replica: str,
        leads: Callable[[], bool],
        due_since: Callable[[], float | None],
        ahead: Callable[[], float | None],
    ) -> None:
        """Say whether this replica executes, whether it keeps up, and what its clock is worth."""
        self.registry.register(gauges.Engine(replica, leads, due_since, ahead))

    def take(self, report: Report) -> None:
        """Count a report."""
        signal, phase = report.record.spec.signal, report.entry.phase
        if report.wrote:
            return
        if report.before != phase:
            self._moves.labels(signal, str(phase)).inc()
        if (order := report.decision) is not None:
            outcome = str(void_reason(order.void)) if order.void else COUNTS
            self._orders.labels(order.decision, outcome).inc()
        if report.was is not None:
            self._saved(report.record, report.was)

    def _saved(self, record: Record, was: Status) -> None:
        """Count what one save of a record has changed."""
        status, signal = record.status, record.spec.signal
        if status.would_have_acted and not was.would_have_acted:
            self._would.labels(signal).inc()
        for verdict in status.verdicts:
            if verdict.verdict != "Allowed":
                self._denials.labels(gauges.known(verdict.guard)).inc()
        if status.phase is was.phase:
            return
        if status.phase is Phase.CLEARED and was.phase is Phase.OBSERVED:
            # In the other modes a plan that is held is Deferred or Blocked.
            for guard in () if status.would_have_acted else gauges.holders(status.verdicts):
                self._would_not.labels(signal, guard).inc()
        if was.phase is Phase.RUNNING and record.written and status.acted_at is not None:
            self._first_write.labels(signal).observe(max(0.0, status.acted_at - _began(record)))
        if was.phase is Phase.VERIFYING and status.phase in (Phase.HOLDING, Phase.SETTLED):
            ended = status.phase_since if status.phase_since is not None else record.created
            self._repair.labels(signal).observe(max(0.0, ended - _began(record)))

    def parts(self, openmetrics: bool) -> list[bytes]:  # noqa: FBT001 -- the web's own call
        """Return the exposition."""
        return [own.rendered(self.registry, openmetrics=openmetrics)]


class _Watchdog:
    def __init__(self, heard_at: Callable[[], float]) -> None:
        self._heard_at = heard_at

    def collect(self) -> Iterator[Metric]:
        """Yield when it was heard."""
        yield GaugeMetricFamily(
            "pvmedic_watchdog_last_received_timestamp_seconds",
            "When the watchdog alert last arrived, at first the program's start, in Unix seconds.",
            self._heard_at(),
        )


def _began(record: Record) -> float:
    """Return when this round of the episode was heard of: a failure may be back before its end."""
    found, before = record.created, None
    for entry in record.status.history:
        if entry.phase is Phase.OBSERVED and before in (Phase.CLEARED, Phase.SETTLED):
            found = entry.at
        before = entry.phase
    return found


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    return Counter(f"pvmedic_{name}", text, labels, registry=registry)


def _histogram(registry: CollectorRegistry, name: str, text: str) -> Histogram:
    return Histogram(
        f"pvmedic_remediation_{name}_seconds", text, ["signal"], registry=registry, buckets=BUCKETS
    )
