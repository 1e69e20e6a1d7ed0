"""Every single rule, not only every alert, is seen quiet, firing and resolved in one story.

promtool measures this only in versions that Debian does not have, so the stories are read here;
that they are true is promtool's own verdict.
"""

from collections import defaultdict
from collections.abc import Mapping

import pytest
import yaml

from dashboards.alerts import seconds
from tests.alerts.rules import RULES, TEST_FILES, Rule

ALWAYS = "PvmedicWatchdog"
"""It has no other state than firing."""


def fixed(rule: Rule) -> Mapping[str, str]:
    """Return a rule's labels that are no templates."""
    return {name: value for name, value in rule.labels.items() if "{{" not in str(value)}


def fired_by(alert: str, labels: Mapping[str, str]) -> str:
    """Return the name of the rule that gave an expected alert: the most special one that fits."""
    fits = [r for r in RULES if r.alert == alert and fixed(r).items() <= labels.items()]
    assert fits, f"no rule gives {alert} with {labels}"
    return max(fits, key=lambda rule: len(fixed(rule))).name


def stories() -> dict[str, list[list[bool]]]:
    """Return for each rule's name, of each test that asks for its alert, whether it fired."""
    found: dict[str, list[list[bool]]] = defaultdict(list)
    for path in TEST_FILES:
        for test in yaml.safe_load(path.read_text())["tests"]:
            looks: dict[str, list[tuple[float, set[str]]]] = defaultdict(list)
            for look in test["alert_rule_test"]:
                alert = look["alertname"]
                fired = {fired_by(alert, one["exp_labels"]) for one in look["exp_alerts"] or ()}
                looks[alert].append((seconds(look["eval_time"]), fired))
            for rule in RULES:
                ordered = sorted(looks[rule.alert], key=lambda look: look[0])
                found[rule.name].append([rule.name in fired for _, fired in ordered])
    return found


STORIES = stories()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_seen_firing(rule: Rule) -> None:
    """A rule that no test sees firing may be unable to."""
    assert any(any(story) for story in STORIES[rule.name])


@pytest.mark.parametrize(
    "rule", [r for r in RULES if r.alert != ALWAYS], ids=lambda rule: rule.name
)
def test_every_rule_is_seen_quiet_before_and_resolved_after(rule: Rule) -> None:
    """In one story: an alert that cannot end is no better than one that cannot begin."""
    assert any(
        any(story) and not story[0] and not story[-1] for story in STORIES[rule.name] if story
    )
