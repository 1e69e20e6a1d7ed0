"""Rules as values: what they wait for, and what they wait for when they are made quick."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from demo import rules
from demo.line import ROOT

AGE = {"alert": "A", "expr": 'max by (node) (time() - pvmedic_x{a!="b"}) > 300\n'}
AGE_AND_FOR = {**AGE, "for": "1m"}
ONLY_FOR = {"alert": "A", "expr": "max by (node) (time() - pvmedic_x) >= 0", "for": "1h30m"}


@pytest.mark.parametrize(("rule", "waits"), [(AGE, 300), (AGE_AND_FOR, 360), (ONLY_FOR, 5400)])
def test_a_rule_waits_for_an_age_and_for_its_for(rule: dict[str, Any], waits: float) -> None:
    """`>= 0` compares no age."""
    assert rules.waits(rule) == waits


@pytest.mark.parametrize("rule", [AGE, AGE_AND_FOR, ONLY_FOR])
def test_a_quick_rule_waits_a_part_of_it_and_says_the_same(rule: dict[str, Any]) -> None:
    """Only the times are others."""
    quick = dict(rule)
    rules.quicken(quick, 1 / 60)
    assert rules.waits(quick) == rules.waits(rule) / 60
    assert quick["expr"].rpartition(" ")[0] == rule["expr"].strip().rpartition(" ")[0]


def test_every_shipped_rule_about_a_failure_waits_for_something_that_is_read() -> None:
    """None has a form that the demo would leave as slow as it ships."""
    for path in (ROOT / "alerts").glob("*.yaml"):
        for rule in rules.of_signals(yaml.safe_load(path.read_text())):
            assert rules.waits(rule) > 0 or rule["expr"].strip().endswith("> 0"), rule["alert"]
