"""What the exporter serves: signals and counts as they change, and the metrics about itself.

A Board is the observer's Listener. Nothing is asked or computed at a scrape but the few self
metrics.
"""

import contextlib
import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping

from prometheus_client import Counter as CounterMetric
from prometheus_client import Gauge
from prometheus_client.core import GaugeMetricFamily, Metric

from exporter import collectors
from exporter.collectors import Derived, multi_attach, signals
from exporter.exposition import Exposition, Family, Sample
from exporter.kit import metrics as own
from exporter.kit.packing import Piece
from exporter.observe.listener import KindState, Seen
from exporter.observe.model import KIND_OF, Change, Kind, Ref, Signal, Subject, ref
from exporter.observe.observer import Observer
from exporter.observe.signals.base import Detector
from exporter.observe.view import View

log = logging.getLogger(__name__)

CLUSTER, NODE = "cluster", "node"
"""The roles that serve."""
OWN = "self"
"""The collector of the metrics about the exporter itself."""


class SelfMetrics:
    """What the exporter says of itself, in a registry of its own.

    Also the Tally of API requests.
    """

    def __init__(self, role: str = CLUSTER, node: str = "") -> None:
        """`node`: whose sources these are; empty for what is looked at from anywhere."""
        self.registry = own.registry(role)
        self._node = node
        self._success = Gauge(
            "pvmedic_collector_success",
            "1 while this signal can be judged, 0 while something it needs cannot be seen.",
            ["collector"],
            registry=self.registry,
        )
        self._requests = CounterMetric(
            "pvmedic_kube_requests",
            "Requests to the API server.",
            ["resource", "verb"],
            registry=self.registry,
        )
        self._failures = CounterMetric(
            "pvmedic_kube_request_failures",
            "Requests to the API server that failed, by reason.",
            ["resource", "verb", "reason"],
            registry=self.registry,
        )

        self._undecodable = CounterMetric(
            "pvmedic_undecodable_objects",
            "How often an object came that could not be read. What was known of it before stands.",
            ["resource"],
            registry=self.registry,
        )

        self._looks = Gauge(
            "pvmedic_source_last_success_timestamp_seconds",
            "When this source was last seen, in Unix seconds; until it ever was, when it was first"
            " looked for in vain.",
            ["source", "node"],
            registry=self.registry,
        )
        self._looked: set[str] = set()
        self._look_seconds = Gauge(
            "pvmedic_source_look_seconds",
            "How long the last look at this source took.",
            ["source"],
            registry=self.registry,
        )
        self._look_failures = CounterMetric(
            "pvmedic_source_failures",
            "Looks at a source that failed, by reason. What it said before is dropped.",
            ["source", "reason"],
            registry=self.registry,
        )

        self._kubelets = _Answers(
            Gauge(
                "pvmedic_kubelet_last_success_timestamp_seconds",
                "When a node's kubelet last said how full its volumes are, in Unix seconds;"
                " until it ever did, when it was first asked in vain."
                " Only nodes that run pods with claims are asked.",
                ["node"],
                registry=self.registry,
            ),
            CounterMetric(
                "pvmedic_kubelet_request_failures",
                "Questions to kubelets that failed, by reason.",
                ["reason"],
                registry=self.registry,
            ),
        )
        self._facts = _Answers(
            Gauge(
                "pvmedic_node_facts_last_success_timestamp_seconds",
                "When our own pod on a node last told what the node shows, in Unix seconds;"
                " until it ever did, when it was first asked in vain.",
                ["node"],
                registry=self.registry,
            ),
            CounterMetric(
                "pvmedic_node_facts_request_failures",
                "Questions to our own pods on nodes, and for them, that failed, by reason.",
                ["reason"],
                registry=self.registry,
            ),
        )

        self._pods_known: set[str] = set()
        self._pods = Gauge(
            "pvmedic_node_pods_last_found_timestamp_seconds",
            "When our pods on the nodes were last found behind their Service, in Unix seconds;"
            " until they ever were, when they were first looked for in vain."
            " Absent where they are not asked.",
            ["facts_service"],
            registry=self.registry,
        )

    def success(self, detector: str, *, judges: bool) -> None:
        """Say whether a detector can judge."""
        self._success.labels(detector).set(judges)

    def request(self, resource: str, verb: str) -> None:
        """Count one request."""
        self._requests.labels(resource, verb).inc()

    def failure(self, resource: str, verb: str, reason: str) -> None:
        """Count one failed request."""
        self._failures.labels(resource, verb, reason).inc()

    def undecodable(self, resource: str) -> None:
        """Count one object that could not be read."""
        self._undecodable.labels(resource).inc()

    def looked(self, source: str, seconds: float, failure: str) -> None:
        """Count one look at a source, or its failure by reason."""
        self._look_seconds.labels(source).set(seconds)
        if failure:
            self._look_failures.labels(source, failure).inc()
        if not failure or source not in self._looked:
            self._looks.labels(source, self._node).set_to_current_time()
            self._looked.add(source)

    def kubelet(self, node: str, failure: str) -> None:
        """Count one answer of a kubelet, or its failure by reason."""
        self._kubelets.count(node, failure)

    def kubelet_gone(self, node: str) -> None:
        """Forget a node that is no longer asked."""
        self._kubelets.forget(node)

    def facts(self, node: str, failure: str) -> None:
        """Count one answer of our pod on a node, or its failure; no node: none could be found."""
        self._facts.count(node, failure)

    def facts_gone(self, node: str) -> None:
        """Forget a node that is no longer asked."""
        self._facts.forget(node)

    def node_pods(self, service: str, *, found: bool) -> None:
        """Say that our pods on the nodes were found, or looked for in vain."""
        if found or service not in self._pods_known:
            self._pods.labels(service).set_to_current_time()
            self._pods_known.add(service)

    def watch(self, states: Mapping[Kind, KindState], observer: Observer) -> None:
        """Publish how the watches are."""
        self.registry.register(_Watches(states, observer))

    def parts(self, *, openmetrics: bool) -> bytes:
        """Return the self metrics; for OpenMetrics with the end mark, so they come last."""
        return own.rendered(self.registry, openmetrics=openmetrics)


class _Answers:
    """Of which node there was an answer when, and how many questions failed why."""

    def __init__(self, when: Gauge, failures: CounterMetric) -> None:
        self._when = when
        self._failures = failures
        self._known: set[str] = set()

    def count(self, node: str, failure: str) -> None:
        """Count one answer, or one failure."""
        if failure:
            self._failures.labels(failure).inc()
        if node and (not failure or node not in self._known):
            self._when.labels(node).set_to_current_time()
            self._known.add(node)

    def forget(self, node: str) -> None:
        """Forget a node."""
        self._known.discard(node)
        with contextlib.suppress(KeyError):
            self._when.remove(node)


class _Watches:
    """Reads the watch states when scraped.

    An age that nobody moved must not need somebody to move it.
    """

    def __init__(self, states: Mapping[Kind, KindState], observer: Observer) -> None:
        self._states = states
        self._observer = observer

    def collect(self) -> Iterator[Metric]:
        """Yield one series a kind."""
        progress = GaugeMetricFamily(
            "pvmedic_watch_last_progress_timestamp_seconds",
            "When the API server last said anything about this resource, in Unix seconds.",
            labels=["resource"],
        )
        objects = GaugeMetricFamily(
            "pvmedic_watch_objects",
            "How many objects of this resource there are, those that need not be kept included.",
            labels=["resource"],
        )
        unreadable = GaugeMetricFamily(
            "pvmedic_watch_undecodable_objects",
            "How many objects of this resource cannot be read now: what is said of them is old.",
            labels=["resource"],
        )
        for kind, state in self._states.items():
            if state.last_progress is not None:
                progress.add_metric([kind], state.last_progress)
            if state.listed:
                objects.add_metric([kind], self._observer.count(kind))
                unreadable.add_metric([kind], len(state.unreadable))
        yield progress
        yield objects
        yield unreadable


class Board:
    """Turns what the observer tells into series."""

    def __init__(
        self,
        metrics: SelfMetrics,
        began: float,
        families: Iterable[Family] = collectors.CLUSTER_FAMILIES,
        derived: Iterable[Derived] = collectors.DERIVED,
    ) -> None:
        families = tuple(families)
        self._exposition = Exposition(families)
        self._declared = frozenset(families)
        self._metrics = metrics
        self._began = began
        self._events: Counter[multi_attach.Key] = Counter()
        self._further: dict[str, dict[Subject, frozenset[str]]] = defaultdict(dict)
        self._objects: dict[Ref, frozenset[str]] = {}
        self._derives = [one for one in derived if self._declared.intersection(one.families)]
        self._due: set[Derived] = set()
        self._derived: dict[Derived, frozenset[str]] = {}

    def signal(self, detector: Detector, subject: Subject, seen: Seen | None) -> None:
        """Publish a signal, or take it down."""
        family = signals.since_family(detector).name
        if seen is None:
            self._exposition.drop(family, subject)
        else:
            sample = signals.since(detector, seen.signal, seen.since)
            self._exposition.put(family, subject, [sample])

    def judged(self, detector: Detector, count: int | None, *, partly: bool = False) -> None:
        """Publish a count, or take it down, and all else of a detector that sees nothing."""
        self._metrics.success(detector.name, judges=count is not None)
        if count is None:
            self._exposition.drop(signals.COUNT.name, detector.name)
            if partly:
                return
            for subject, families in self._further.pop(detector.name, {}).items():
                for family in families:
                    self._exposition.drop(family, subject)
        else:
            sample = signals.count(detector, count)
            self._exposition.put(signals.COUNT.name, detector.name, [sample])

    def decided(
        self, detector: Detector, subject: Subject, signal: Signal | None, view: View
    ) -> None:
        """Publish what else a subject shows, whether or not its signal holds."""
        known = self._further[detector.name]
        found = collectors.FURTHER[detector.name](subject, signal, view)
        names = self._put(subject, found, known.pop(subject, frozenset()))
        if names:
            known[subject] = names

    def change(self, change: Change, view: View) -> None:
        """Count Events, publish what an object shows, and mark what follows from many."""
        key = multi_attach.fold(self._events, change, view, self._began)
        if key is not None:
            sample = multi_attach.sample(key, self._events[key])
            self._exposition.put(multi_attach.EVENTS.name, key, [sample])
        obj = change.new if change.new is not None else change.old
        if obj is None:
            return
        kind = KIND_OF[type(obj)]
        self._due.update(one for one in self._derives if kind in one.kinds)
        shows = collectors.OF_OBJECTS.get(kind)
        if shows is not None:
            name = ref(obj)
            found = self._ours(shows(change.new)) if change.new is not None else ()
            names = self._put(name, found, self._objects.pop(name, frozenset()))
            if names:
                self._objects[name] = names

    def settled(self, view: View, turned: Collection[Kind] = ()) -> None:
        """Publish anew what follows from many objects, or from what can be seen."""
        due, self._due = self._due, set()
        due.update(one for one in self._derives if not one.kinds.isdisjoint(turned))
        for one in due:
            known = self._derived.get(one, frozenset())
            try:
                found = list(self._ours(one.series(view)))
            except Exception:
                # What nobody could work out is not told; all else goes on.
                names = ", ".join(family.name for family in one.families)
                log.exception("%s cannot be worked out, and is withdrawn", names)
                found = []
            self._derived[one] = self._put("derived", found, known)

    def _ours(self, found: Iterable[tuple[Family, Sample]]) -> Iterator[tuple[Family, Sample]]:
        """Leave out what the other role publishes of the same object: one name, one publisher."""
        return (one for one in found if one[0] in self._declared)

    def _put(
        self, key: Hashable, found: Iterable[tuple[Family, Sample]], known: frozenset[str]
    ) -> frozenset[str]:
        """Replace the series under a key in every family; return the families' names."""
        samples: dict[str, list[Sample]] = defaultdict(list)
        for family, sample in found:
            samples[family.name].append(sample)
        for name in known - samples.keys():
            self._exposition.drop(name, key)
        for name, lines in samples.items():
            self._exposition.put(name, key, lines)
        return frozenset(samples)

    def limit(self, series: int) -> None:
        """Publish at most so many series of a metric."""
        self._exposition.limit(series)

    @property
    def collectors(self) -> frozenset[str]:
        """What a scrape may choose by name."""
        return self._exposition.collectors | {OWN}

    def pieces(self, openmetrics: bool) -> list[Piece]:  # noqa: FBT001 -- the web's own call
        """Return the whole exposition."""
        return [
            *self._exposition.pieces(openmetrics=openmetrics),
            self._metrics.parts(openmetrics=openmetrics),
        ]

    def chosen(
        self,
        openmetrics: bool,  # noqa: FBT001 -- the web's own call
        names: frozenset[str],
    ) -> list[Piece]:
        """Return the exposition of some collectors only."""
        found = self._exposition.pieces(openmetrics=openmetrics, only=names)
        if OWN in names:
            return [*found, self._metrics.parts(openmetrics=openmetrics)]
        return [*found, b"# EOF\n"] if openmetrics else found

    def parts(self, openmetrics: bool) -> list[bytes]:  # noqa: FBT001 -- as the web calls pieces
        """Return the whole exposition as bytes."""
        return [bytes(piece) for piece in self.pieces(openmetrics)]
