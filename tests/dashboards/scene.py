"""Both programs' expositions while everything is wrong with one made-up subject of each kind.

Rendered by the programs' own code. It names no signal and no metric: what is published is there.
"""

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from dashboards.published import labels_of, of_registry, publish_web_and_settings
from exporter import collectors, facts_server
from exporter.collectors import signals
from exporter.exposition import DROPPED, Exposition, Family, FamilyType, Sample
from exporter.observe.kube.watch_state import WatchState
from exporter.observe.listener import Seen
from exporter.observe.model import Kind, Signal, SinceSource, Subject
from exporter.observe.observer import Observer
from exporter.observe.signals import DETECTORS
from exporter.observe.signals.base import Detector
from exporter.server import Board, SelfMetrics
from remediator.case import Policy
from remediator.metrics import Metrics
from remediator.record import (
    LedgerEntry,
    Phase,
    PlanRecord,
    Record,
    Spec,
    Status,
    StepRecord,
    StepState,
    VerdictRecord,
)
from remediator.record import Seen as Present

AGE = 3600.0
"""For how long everything has been wrong, in seconds."""


def made_up(labels: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return a value for each label."""
    return tuple((label, f"{label}-1") for label in labels)


class Exporter:
    """The exporter's answer to a scrape."""

    def __init__(self, now: float) -> None:
        """Let every failure hold, and count one of everything."""
        self.metrics = SelfMetrics()
        publish_web_and_settings(self.metrics.registry, now)
        facts_server.Counts(self.metrics.registry)
        self.board = Board(self.metrics, began=now, families=collectors.FAMILIES)
        states = {kind: WatchState(kind, lambda: now, lambda: now) for kind in Kind}
        for state in states.values():
            state.progressed("watch")
            state.listed = True
        observer = Observer(DETECTORS, states, self.board, lambda: now)
        self.metrics.watch(states, observer)
        for detector in DETECTORS:
            seen = Seen(signal_of(detector, now - AGE), now - AGE)
            self.board.signal(detector, seen.signal.subject, seen)
            self.board.judged(detector, 1)
        self._further = _further(now)

    def parts(self) -> bytes:
        """Return the exposition, everything counted once more."""
        for collector in of_registry(self.metrics.registry):
            _count(collector)
        further = self._further.parts(openmetrics=False)
        return b"".join([*further, *self.board.parts(openmetrics=False)])


class Remediator:
    """The remediator's answer to a scrape."""

    def __init__(self, now: float) -> None:
        """Let one repair run, one wait for a person, and one owe an undo."""
        self.metrics = Metrics(lambda: records(now), Policy(), lambda: now, lambda: now - AGE)
        self.metrics.reconciles()
        self.metrics.executes("replica-1", lambda: True, lambda: now - AGE, lambda: 0.0)
        publish_web_and_settings(self.metrics.registry, now)

    def parts(self) -> bytes:
        """Return the exposition, everything counted once more."""
        for collector in of_registry(self.metrics.registry):
            _count(collector)
        return b"".join(self.metrics.parts(openmetrics=False))


def signal_of(detector: Detector, since: float) -> Signal:
    """Return the detector's signal about a made-up subject."""
    return Signal(
        detector.name,
        Subject(made_up(detector.subject_labels)),
        since,
        SinceSource.OBJECT,
        min(detector.reasons),
        made_up(detector.named_labels),
    )


def records(now: float) -> tuple[Record, ...]:
    """Return records that act, wait for a person or a yes, know no answer, or owe an undo."""
    debt = LedgerEntry("AddTaint", "node-1", now - AGE)
    verdicts = (VerdictRecord("rate", "Deferred", "too many"),)
    step = StepRecord("AddTaint", "node-1", state=StepState.INTENDED, at=now - AGE)
    plan = PlanRecord("hash-1", "the claims are used again", (step,))
    statuses = {
        "acting": Status(phase=Phase.RUNNING, phase_since=now, plan=plan),
        "asking": Status(phase=Phase.AWAITING_APPROVAL, phase_since=now - AGE, verdicts=verdicts),
        "waiting": Status(phase=Phase.BLOCKED, phase_since=now - AGE, seen=Present.PRESENT),
        "owing": Status(phase=Phase.HOLDING, phase_since=now - AGE, ledger=(debt,)),
    }
    subject = {"node": "node-1"}
    return tuple(
        Record(
            name, f"uid-{name}", "1", now - AGE, Spec("node_lost_with_volumes", subject, "", 1), one
        )
        for name, one in statuses.items()
    )


def _further(now: float) -> Exposition:
    """Return one series of each family that is no signal's own."""
    own = {DROPPED.name, signals.COUNT.name, *(signals.since_family(one).name for one in DETECTORS)}
    families = [family for family in collectors.FAMILIES if family.name not in own]
    made = Exposition(families)
    for family in families:
        made.put(family.name, "made up", [Sample(made_up(family.labels), _value(family, now))])
    return made


def _value(family: Family, now: float) -> float:
    if family.name.endswith("_timestamp_seconds"):
        return now - AGE
    return 1.0 if family.type is FamilyType.COUNTER else 0.0


def _count(collector: Collector) -> None:
    """Count one more of an instrument; a collector of the program's own counts for itself."""
    labels = dict(made_up(labels_of(collector)))
    match collector:
        case Counter():
            (collector.labels(**labels) if labels else collector).inc()
        case Histogram():
            (collector.labels(**labels) if labels else collector).observe(1.0)
        case Gauge() if next(iter(collector.collect())).name.endswith("_info"):
            pass
        case Gauge():
            (collector.labels(**labels) if labels else collector).set(0.0)
        case _:
            pass
