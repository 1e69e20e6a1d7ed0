"""What rules, dashboards and METRICS.md speak of is what the programs publish, and all of it."""

import re

import pytest

from dashboards.alerts import ROOT, AlertRule, alert_rules
from dashboards.published import Published, published, registries, since_name
from dashboards.reference import forgets
from exporter import collectors
from exporter.exposition import Family
from exporter.observe.signals import DETECTORS
from exporter.observe.signals.base import Detector
from tests.dashboards.documents import TARGETS, Target

PUBLISHED = published()
NAMES = {metric.name for metric in PUBLISHED}
RULES = alert_rules()
REFERENCE = (ROOT / "METRICS.md").read_text()
ANY_SINCE = re.compile(r'__name__=~"pvmedic_\.\+_since_timestamp_seconds"')

MAY_FORGET = {
    "csi_operation_stuck",
    "gluster_lock_errors",
    "rwx_recovery_blocked",
    "snapshot_space_exhausted",
}
"""No object shows these, so only an Event or a log knows since when; an Event lives an hour."""

NOT_METRICS = {"pvmedic_watchdog"}
"""Words of the code that only look like metrics: an alert's label."""

EVERY_RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
EVERY_METRIC = pytest.mark.parametrize("metric", PUBLISHED, ids=lambda metric: metric.name)
EVERY_DETECTOR = pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.name)


def shown(target: Target) -> set[str]:
    """Return the metrics that a query shows; a histogram's buckets are the histogram."""
    return {name.removesuffix("_bucket") for name in target.metrics}


@EVERY_RULE
def test_every_metric_in_a_rule_exists(rule: AlertRule) -> None:
    """A rule that reads a metric which nobody publishes could never fire."""
    assert rule.metrics <= NAMES


@EVERY_RULE
def test_no_rule_joins(rule: AlertRule) -> None:
    """A metric carries the labels that its alert needs; no rule depends on somebody else's."""
    assert not re.search(r"\b(on|ignoring)\s*\(|\bgroup_(left|right)\b", rule.expr)
    assert len(rule.metrics) <= 1


@EVERY_RULE
def test_every_rule_s_metric_has_a_panel(rule: AlertRule) -> None:
    """Who is called can look at what called."""
    assert rule.metrics <= {name for target in TARGETS for name in shown(target)}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_metric_in_a_panel_exists(target: Target) -> None:
    """A panel of a metric that nobody publishes would be empty for ever, and look healthy."""
    assert shown(target) <= NAMES
    assert shown(target) or ANY_SINCE.search(target.expr), "it names no metric at all"


@EVERY_METRIC
def test_every_metric_has_a_panel(metric: Published) -> None:
    """What is published can be looked at."""
    assert any(metric.name in shown(target) for target in TARGETS), "make generate"


@EVERY_METRIC
def test_every_metric_is_in_the_reference(metric: Published) -> None:
    """With its type, its unit, its labels and what it means."""
    rows = [line for line in REFERENCE.splitlines() if f"`{metric.name}`" in line]
    assert any(f"{metric.type}" in row and metric.unit in row for row in rows), "make generate"
    assert metric.meaning.endswith("."), "its help is a sentence"


@EVERY_METRIC
def test_names_and_labels_keep_prometheus_conventions(metric: Published) -> None:
    """Counters end in _total and nothing else does; no label is called as a target's or `type`."""
    assert (metric.type == "counter") == metric.name.endswith("_total")
    taken = {"type", "job", "instance", "cluster", "region", "zone", "service", "le", "quantile"}
    assert not taken & set(metric.labels)
    assert not metric.name.endswith(("_count", "_sum", "_bucket", "_created"))


def test_no_metric_that_the_code_names_is_left_out() -> None:
    """What is registered somewhere else than the reference looks for it would be forgotten."""
    quoted = re.compile(r'"(pvmedic_[a-z_]+[a-z])"')
    named = {
        name
        for program in ("exporter", "remediator")
        for path in (ROOT / program).rglob("*.py")
        for name in quoted.findall(path.read_text())
    }
    assert {n for n in named - NOT_METRICS if not {n, f"{n}_total"} & NAMES} == set()


@pytest.mark.parametrize("family", collectors.FAMILIES, ids=lambda family: family.name)
def test_every_family_names_its_labels(family: Family) -> None:
    """The reference, the dashboards and their scene know a series' labels from here."""
    assert family.labels


def test_a_metric_of_both_programs_means_the_same_in_both() -> None:
    """One name has one set of labels, whoever publishes it."""
    labels: dict[str, set[tuple[str, ...]]] = {}
    for registry in registries().values():
        for family in registry.collect():
            for sample in family.samples:
                labels.setdefault(sample.name, set()).add(tuple(sorted(sample.labels)))
    assert {name: found for name, found in labels.items() if len(found) > 1} == {}


@EVERY_DETECTOR
def test_every_signal_has_a_panel_and_a_section(detector: Detector) -> None:
    """Its subjects with their ages are on a dashboard, and the reference says all about it."""
    rows = [target for target in TARGETS if since_name(detector.name) in target.metrics]
    assert rows, "make generate"
    for label in (*detector.subject_labels, *detector.named_labels, "reason"):
        assert all(label in target.expr for target in rows)
    section = REFERENCE.partition(f"### {detector.name}\n")[2].partition("\n### ")[0]
    for word in (*detector.subject_labels, *detector.reasons, *detector.since_sources):
        assert f"`{word}`" in section, "make generate"
    assert f"runbooks/{detector.name}.md" in section


@EVERY_DETECTOR
def test_only_what_no_object_shows_may_lose_its_history(detector: Detector) -> None:
    """And the reference says so of each."""
    assert not forgets(detector) or detector.name in MAY_FORGET
    section = REFERENCE.partition(f"### {detector.name}\n")[2].partition("\n### ")[0]
    assert ("May lose its history" in section) == forgets(detector)
