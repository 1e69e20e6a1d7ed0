"""The rules, with Prometheus' own checker: valid, each fires when it should and resolves."""

import subprocess
from pathlib import Path

import pytest

from tests.alerts.rules import EXPECTATIONS, RULE_FILES, RULES, TEST_FILES

ALWAYS = "PvmedicWatchdog"


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_rules_are_valid(promtool: Path, path: Path) -> None:
    """Promtool finds no mistake in a rule file, not even a duplicate."""
    done = _run(promtool, "check", "rules", "--lint-fatal", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_rules_fire_and_resolve_as_their_tests_say(promtool: Path, path: Path) -> None:
    """Promtool's own tests of the rules pass."""
    done = _run(promtool, "test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", sorted({rule.alert for rule in RULES} - {ALWAYS}))
def test_every_alert_is_seen_firing_and_resolved(alert: str) -> None:
    """Each alert has a promtool test in which it does not fire, then fires, then is gone."""
    stories = {e.test for e in EXPECTATIONS if e.alert == alert}
    seen = [[e.fires for e in EXPECTATIONS if (e.test, e.alert) == (s, alert)] for s in stories]
    assert any(
        not story[0] and not story[-1] and any(story[1:-1]) for story in seen if len(story) > 2
    ), f"{alert}: no test sees it quiet, firing and resolved"


def test_every_rule_of_the_same_name_has_its_own_story() -> None:
    """An alert that two rules give is seen firing in at least two tests."""
    names = [rule.alert for rule in RULES]
    for name in names:
        firing = {e.test for e in EXPECTATIONS if e.alert == name and e.fires}
        assert len(firing) >= names.count(name), name


def test_the_watchdog_is_tested() -> None:
    """The alert that never resolves is at least seen firing."""
    assert any(e.fires for e in EXPECTATIONS if e.alert == ALWAYS)


def _run(tool: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool, *words], capture_output=True, text=True, check=False)
