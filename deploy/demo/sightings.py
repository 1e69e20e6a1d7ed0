"""What the exporter publishes and who is told of it at one moment, and what changed between two.

Pure: texts of the programs in, values and lines of a timeline out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from demo.timeline import Line, Mark
from exporter.observe.signals import detector_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.acts import Act, Figure, Sight

Json = Any
SINCE = "_since_timestamp_seconds"
FIGURES = (
    "pvmedic_expansion_shortfall_bytes",
    "pvmedic_rwx_recovery_users",
    "pvmedic_volume_changed_bytes",
    "pvmedic_snapshot_space_required_bytes",
    "pvmedic_snapshot_space_changed_ratio",
    "pvmedic_heketi_waiting",
    "pvmedic_gluster_orphaned_volumes",
    "pvmedic_gluster_disruption_safe",
)


CHANGING = frozenset({"reason", "stage", "form", "since_source"})
"""Labels that may change while a failure lasts."""


@dataclass(frozen=True)
class Series:
    """One sample, as it is exposed. Labels are sorted, empty ones left out."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float

    @property
    def signal(self) -> str:
        """The signal whose since-series this is; empty for figures."""
        if not self.name.endswith(SINCE):
            return ""
        return self.name.removeprefix("pvmedic_").removesuffix(SINCE)

    def label(self, name: str) -> str:
        """Return a label's value."""
        return dict(self.labels).get(name, "")

    def text(self) -> str:
        """Return the series as in an exposition."""
        shown = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.name}{{{shown}}} {self.value:.16g}"


@dataclass(frozen=True)
class Alert:
    """An alert about a failure: pending in Prometheus, or firing, which is in Alertmanager."""

    name: str
    labels: tuple[tuple[str, str], ...]
    firing: bool

    def about(self, sight: Sight) -> bool:
        """Say whether it is about a subject: every label that both have is the same."""
        found = dict(self.labels)
        apart = found.keys() - CHANGING
        return found["signal"] == sight.signal and all(
            found[name] == sight.labels[name] for name in apart & sight.labels.keys()
        )


@dataclass(frozen=True)
class Look:
    """All of it, at one moment."""

    at: float
    series: tuple[Series, ...] = ()
    alerts: frozenset[Alert] = frozenset()

    def of(self, sight: Sight, *, whatever: bool = False) -> Series | None:
        """Return the series of a sight; `whatever` its reason, stage or form may be by now."""
        labels = sight.labels.items()
        wanted = {(n, v) for n, v in labels if not whatever or n not in CHANGING}
        return next(
            (s for s in self.series if s.signal == sight.signal and wanted <= set(s.labels)), None
        )

    def has(self, figure: Figure) -> bool:
        """Say whether a figure is there with its value."""
        return any(
            one.name == figure.name
            and figure.labels.items() <= set(one.labels)
            and one.value == figure.value
            for one in self.series
        )

    def alert(self, sight: Sight) -> Alert | None:
        """Return a firing alert about a sight."""
        return next((a for a in self.alerts if a.firing and a.about(sight)), None)


def take(exposition: str, prometheus: str, alertmanager: str, now: float) -> Look:
    """Return what an exposition and the alert lists of both APIs say."""
    found = set()
    for item in json.loads(prometheus)["data"]["alerts"]:
        if item["state"] == "pending" and item["labels"].get("signal"):
            found.add(_alert(item["labels"], firing=False))
    for item in json.loads(alertmanager):
        if item["labels"].get("signal"):
            found.add(_alert(item["labels"], firing=True))
    return Look(now, tuple(series_of(exposition)), frozenset(found))


def series_of(exposition: str) -> list[Series]:
    """Return the since-series and figures of an exposition, sorted."""
    return sorted(
        (
            Series(s.name, tuple(sorted((k, v) for k, v in s.labels.items() if v)), s.value)
            for family in text_string_to_metric_families(exposition)
            for s in family.samples
            if s.name.endswith(SINCE) or s.name in FIGURES
        ),
        key=lambda one: (one.name, one.labels),
    )


def came(act: Act, look: Look) -> bool:
    """Say whether all that must come of an act is there."""
    return (
        all(look.of(sight) is not None for sight in act.sights)
        and all(map(look.has, act.figures))
        and not any(look.of(sight, whatever=True) for sight in act.gone)
    )


def lines(before: Look, after: Look) -> list[Line]:
    """Return what changed between two looks, what got worse first."""
    return [*_seen(before, after), *_alerts(before, after)]


def _seen(before: Look, after: Look) -> Iterator[Line]:
    now = after.at
    known = {(one.name, one.labels): one.value for one in before.series}
    for one in after.series:
        if known.get((one.name, one.labels)) == one.value:
            continue
        if one.signal:
            what = f"seen: {_named(one)}"
            age = f"   {max(now - one.value, 0.0):.0f} s old"
            yield Line(now, Mark.SEEN, what, one.text() + age)
        else:
            yield Line(now, Mark.SEEN, f"figure: {_plain(one.value, one.name)}", one.text())
    still = {(one.signal, _subject(one)) for one in after.series}
    told = set()
    for one in before.series:
        gone = (one.signal, _subject(one))
        if one.signal and gone not in still and gone not in told:
            told.add(gone)
            yield Line(now, Mark.GOOD, f"gone: {_named(one)}", gone[1])


def _alerts(before: Look, after: Look) -> Iterator[Line]:
    for alert in sorted(after.alerts - before.alerts, key=_order):
        state = "fires" if alert.firing else "is pending"
        if alert.firing or Alert(alert.name, alert.labels, firing=True) not in after.alerts:
            severity = dict(alert.labels).get("severity", "")
            what = f"alert {alert.name} {state} ({severity})"
            yield Line(after.at, Mark.BAD, what, _shown(alert.labels))
    for alert in sorted(before.alerts - after.alerts, key=_order):
        if alert.firing:
            what = f"alert {alert.name} is resolved"
            yield Line(after.at, Mark.GOOD, what, _shown(alert.labels))


def _order(alert: Alert) -> tuple[str, tuple[tuple[str, str], ...]]:
    return (alert.name, alert.labels)


def _named(one: Series) -> str:
    """Return a signal with its reason; what no detector sees has none."""
    return ", ".join(word for word in (one.signal, one.label("reason")) if word)


def _subject(one: Series) -> str:
    """Return what a series is about, for people."""
    detector = detector_of(one.signal)
    names = detector.subject_labels if detector is not None else ("node",)
    return ", ".join(f"{name} {one.label(name)}" for name in names if one.label(name))


def _alert(labels: dict[str, str], *, firing: bool) -> Alert:
    shown = {k: v for k, v in labels.items() if k != "alertname" and v}
    return Alert(labels["alertname"], tuple(sorted(shown.items())), firing)


def _shown(labels: tuple[tuple[str, str], ...]) -> str:
    hidden = ("severity", "signal")
    return ", ".join(f"{name} {value}" for name, value in labels if name not in hidden)


def _plain(value: float, name: str) -> str:
    if name.endswith("_ratio"):
        return f"{value:.2f}"
    if not name.endswith("_bytes"):
        return f"{value:.0f}"
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} bytes"
