"""What the rules read is what the programs publish, under exactly that name."""

import re

import pytest

from exporter.observe.observer import Observer
from exporter.server import Board, SelfMetrics
from remediator.case import Policy
from remediator.metrics import Metrics
from tests.alerts.rules import RULES, Rule


def published() -> set[str]:
    """Return every metric that the two programs announce before they have seen anything."""
    own = SelfMetrics()
    board = Board(own, began=0.0)
    own.watch({}, Observer((), {}, board, lambda: 0.0))
    theirs = Metrics(lambda: (), Policy(), lambda: 0.0, lambda: 0.0)
    text = b"".join([*board.parts(openmetrics=False), *theirs.parts(openmetrics=False)]).decode()
    return set(re.findall(r"^# TYPE (pvmedic_\w+) ", text, flags=re.MULTILINE))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_metric_in_a_rule_exists(rule: Rule) -> None:
    """A rule that reads a metric which nobody publishes could never fire."""
    assert rule.metrics <= published()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_joins(rule: Rule) -> None:
    """A metric carries the labels that its alert needs; no rule depends on somebody else's."""
    assert not re.search(r"\b(on|ignoring)\s*\(|\bgroup_(left|right)\b", rule.expr)
    assert len(rule.metrics) <= 1
