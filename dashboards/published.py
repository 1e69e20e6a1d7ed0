"""Every metric that the two programs publish, read from what publishes it.

No metric is named here. prometheus_client tells a metric's labels nowhere but in the fields that
this file reads, so no other file needs to know those.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as ClientMetric
from prometheus_client.registry import Collector

from exporter import collectors, facts_server
from exporter.collectors import signals
from exporter.kit import entrance
from exporter.kit.entrance import Entrance
from exporter.kit.reload import Reload, Source
from exporter.observe.observer import Observer
from exporter.observe.signals import DETECTORS, detector_of
from exporter.server import Board, SelfMetrics
from exporter.settings import Settings
from remediator.case import Policy
from remediator.metrics import Metrics

EXPORTER, REMEDIATOR = "exporter", "remediator"

# By the end of the name, the first that fits: a name that says its unit needs no table.
UNITS = (
    ("_timestamp_seconds", "Unix seconds"),
    ("_start_time_seconds", "Unix seconds"),
    ("_seconds", "seconds"),
    ("_seconds_total", "seconds"),
    ("_bytes", "bytes"),
    ("_bytes_total", "bytes"),
    ("_ratio", "ratio"),
    ("_info", "always 1"),
    ("_successful", "0 or 1"),
    ("_success", "0 or 1"),
    ("_safe", "0 or 1"),
    ("_up", "0 or 1"),
    ("_connected", "0 or 1"),
    ("_online", "0 or 1"),
    ("_met", "0 or 1"),
    ("_leader", "0 or 1"),
    ("_open", "0 or 1"),
    ("_total", "count"),
)


class Published(msgspec.Struct, frozen=True):
    """One metric. `signal` is the failure whose collector publishes it beside the since-series."""

    name: str
    type: str
    labels: tuple[str, ...]
    meaning: str
    programs: tuple[str, ...]
    signal: str = ""

    @property
    def unit(self) -> str:
        """The unit that its name says; a plain number else."""
        return next((unit for end, unit in UNITS if self.name.endswith(end)), "number")

    @property
    def process(self) -> bool:
        """Whether it is the client library's, about the process."""
        return not self.name.startswith("pvmedic_")


def since_name(signal: str) -> str:
    """Return the name of a failure's since-series."""
    detector = detector_of(signal)
    if detector is None:
        raise KeyError(signal)
    return signals.since_family(detector).name


def published() -> tuple[Published, ...]:
    """Return all of them, each name once."""
    found: dict[str, Published] = {}
    for one in _all():
        known = found.get(one.name)
        found[one.name] = (
            one
            if known is None
            else msgspec.structs.replace(known, programs=(*known.programs, *one.programs))
        )
    return tuple(found.values())


def registries() -> dict[str, CollectorRegistry]:
    """Return each program's registry, as it is before anything was seen."""
    own = SelfMetrics()
    own.watch({}, Observer((), {}, Board(own, began=0.0), lambda: 0.0))
    facts_server.Counts(own.registry)
    theirs = Metrics(lambda: (), Policy(), lambda: 0.0, lambda: 0.0)
    theirs.reconciles()
    theirs.executes("", lambda: False, lambda: None, lambda: 0.0)
    found = {EXPORTER: own.registry, REMEDIATOR: theirs.registry}
    for registry in found.values():
        publish_web_and_settings(registry)
    return found


def publish_web_and_settings(registry: CollectorRegistry, now: float = 0.0) -> None:
    """Register what both programs say of their web configuration and their settings."""
    door = Entrance(Path("web-config.yml"), entrance.load(None), lambda: now, lambda: now)
    door.publish(registry)
    Reload(Source(None, Settings), Settings(), lambda _: None, registry, lambda: now)


def of_registry(registry: CollectorRegistry) -> list[Collector]:
    """Return what was registered, in order."""
    return list(vars(registry)["_collector_to_names"])


def labels_of(metric: Collector | ClientMetric) -> tuple[str, ...]:
    """Return the label names of an instrument, or of a family that a collector yields."""
    return tuple(vars(metric).get("_labelnames") or ())


def _all() -> Iterator[Published]:
    ours = _by_signal()
    for family in collectors.FAMILIES:
        yield Published(
            family.name,
            str(family.type),
            family.labels,
            family.help,
            (EXPORTER,),
            ours.get(family.name, ""),
        )
    for program, registry in registries().items():
        for collector in of_registry(registry):
            yield from _of_collector(collector, program)


def _of_collector(collector: Collector, program: str) -> Iterator[Published]:
    described = getattr(collector, "describe", collector.collect)
    for metric in described():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        labels = labels_of(collector) or labels_of(metric)
        yield Published(name, metric.type, labels, metric.documentation, (program,))


def _by_signal() -> dict[str, str]:
    """Return the failure to whose collector a further family belongs.

    It is the module's, by its name or by what it says itself, or else the family's own.
    """
    names = {detector.name for detector in DETECTORS}
    found: dict[str, str] = {}
    for module in iter_modules(collectors.__path__):
        loaded = import_module(f"{collectors.__name__}.{module.name}")
        signal = getattr(loaded, "SIGNAL", module.name)
        for family in getattr(loaded, "FAMILIES", ()):
            own = signal if signal in names else family.collector
            if own in names:
                found[family.name] = own
    return found
