"""One name per failure, everywhere: forget one of the places, and a test here says which."""

import re
from pathlib import Path

import pytest

from dashboards.alerts import AlertRule, alert_rules, seconds
from exporter.observe.model import SinceSource
from exporter.observe.signals import DETECTORS, detector_of
from exporter.observe.signals.base import Detector
from remediator.handlers import HANDLERS
from remediator.handlers.base import Handler
from tests.alerts.rules import EXPECTATIONS, ROOT, RULES, RUNBOOKS, Rule

BESIDE = {"__init__", "base"}
"""What lies beside the detectors and the handlers and is none."""

SIGNAL_RULES = [rule for rule in RULES if rule.signal]
TIMED_RULES = [rule for rule in alert_rules() if rule.signal]
SHORTEST_KEEPING = 300.0
"""Seconds for which a gap in our sight is no recovery."""

AGED = re.compile(
    r"max by \([a-z_, ]+\) \(time\(\) - \w+(?:\{(?P<matchers>[^}]*)\})?\) (?P<than>>=?) [0-9]+"
)
"""How every signal's rule looks: join-free, on the age of the series itself."""


def of_first_seen(rule: AlertRule, detector: Detector) -> bool:
    """Whether a rule is for subjects of which only our own first sight is known."""
    found = AGED.fullmatch(" ".join(rule.expr.split()))
    assert found is not None, rule.expr
    asked = re.search(r'since_source(!=|=)"first_seen"', found["matchers"] or "")
    if asked is not None:
        return asked[1] == "="
    # Without asking, all of them must be of one kind.
    kinds = {source is SinceSource.FIRST_SEEN for source in detector.since_sources}
    assert len(kinds) == 1, f"{rule.name} must ask for since_source"
    return kinds == {True}


def modules(folder: str) -> set[str]:
    """Return the modules of a folder that stand for one failure each."""
    return {path.stem for path in (ROOT / folder).glob("*.py")} - BESIDE


def test_every_detector_file_is_in_the_list_and_has_its_signal_as_name() -> None:
    """The files beside each other are the detectors, no more and no less."""
    assert modules("exporter/observe/signals") == {detector.name for detector in DETECTORS}


def test_every_handler_file_is_in_the_list_and_has_its_signal_as_name() -> None:
    """The files beside each other are the handlers, no more and no less."""
    assert modules("remediator/handlers") == {handler.name for handler in HANDLERS}


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.name)
def test_every_handler_repairs_a_failure_that_is_seen(handler: Handler) -> None:
    """A handler has a detector of its name, and tests."""
    assert detector_of(handler.name) is not None
    assert _exists(ROOT / "tests" / "handlers" / f"test_{handler.name}.py")


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_every_detector_has_its_alert_runbook_and_tests(detector: Detector) -> None:
    """A failure that is seen also alerts, explains itself, and is tested at both ends."""
    alerts = {rule.alert for rule in SIGNAL_RULES if rule.signal == detector.name}
    assert alerts, "no alert with this signal label"
    assert all(any(e.alert == alert and e.fires for e in EXPECTATIONS) for alert in alerts)
    assert _exists(RUNBOOKS / f"{detector.name}.md")
    assert _exists(ROOT / "tests" / "signals" / f"test_{detector.name}.py")


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_every_detector_says_in_one_sentence_what_is_wrong(detector: Detector) -> None:
    """It stands in tables, so it is one sentence."""
    assert re.fullmatch(r"[A-Z][^.!?\n]*(?:\.\w[^.!?\n]*)*\.", detector.meaning)


@pytest.mark.parametrize("rule", TIMED_RULES, ids=lambda rule: rule.name)
def test_every_signal_rule_waits_for_what_is_no_everyday_life(rule: AlertRule) -> None:
    """No alert begins within its detector's patience, or ends with a gap in our sight."""
    detector = detector_of(rule.signal)
    assert detector is not None
    assert rule.after >= detector.patience
    assert seconds(rule.keep_firing_for) >= SHORTEST_KEEPING


@pytest.mark.parametrize("rule", TIMED_RULES, ids=lambda rule: rule.name)
def test_every_signal_rule_reads_an_age_or_waits_by_itself(rule: AlertRule) -> None:
    """It compares the true age; only where we know no other time than ours does it wait."""
    detector = detector_of(rule.signal)
    assert detector is not None
    if of_first_seen(rule, detector):
        assert rule.expr.strip().endswith(">= 0")
    else:
        assert seconds(rule.waits) == 0, "`for:` begins anew with every restart of Prometheus"


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_every_time_that_a_signal_may_have_has_its_rule(detector: Detector) -> None:
    """An alert about an age alone would never tell of what was only first seen by us."""
    alerts: dict[str, set[bool]] = {}
    for rule in TIMED_RULES:
        if rule.signal == detector.name:
            first = of_first_seen(rule, detector)
            alerts.setdefault(f"{rule.alert} {rule.severity}", set()).add(first)
    wanted = {source is SinceSource.FIRST_SEEN for source in detector.since_sources}
    assert alerts, "no alert with this signal label"
    assert {name: times for name, times in alerts.items() if not wanted <= times} == {}


def test_what_cannot_be_seen_pages_as_what_it_hides() -> None:
    """The unseen rule is critical for exactly the signals that have a critical alert."""
    critical = {rule.signal for rule in TIMED_RULES if rule.severity == "critical"}
    matchers = {"critical": "=~", "warning": "!~"}
    for rule in alert_rules():
        if rule.alert == "PvmedicSourceUnseen":
            found = re.search(r'\{collector(=~|!~)"([a-z_|]+)"\}', rule.expr)
            assert found is not None
            assert found[1] == matchers.pop(rule.severity)
            assert found[2] == "|".join(sorted(critical))
    assert matchers == {}


@pytest.mark.parametrize("rule", SIGNAL_RULES, ids=lambda rule: rule.name)
def test_every_signal_rule_reads_its_signal_and_keeps_its_subject(rule: Rule) -> None:
    """A rule aggregates its own signal's metric by labels that it has, the subject's among them."""
    detector = detector_of(rule.signal)
    assert detector is not None
    assert rule.metrics == {f"pvmedic_{detector.name}_since_timestamp_seconds"}
    assert set(detector.subject_labels) <= set(rule.by)
    assert set(rule.by) <= {*detector.subject_labels, *detector.named_labels, "reason"}


def _exists(path: Path) -> bool:
    assert path.is_file(), f"{path.relative_to(ROOT)} is missing"
    return True
