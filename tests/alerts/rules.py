"""The shipped rules and their promtool tests as values, for tests that hold them to our names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "alerts"
EXAMPLE = ALERTS / "alertmanager.example.yaml"
RULE_FILES = sorted(path for path in ALERTS.glob("*.yaml") if path != EXAMPLE)
TEST_FILES = sorted((ALERTS / "tests").glob("*.yaml"))
RUNBOOKS = ALERTS / "runbooks"


@dataclass(frozen=True)
class Rule:
    """One alerting rule."""

    alert: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def signal(self) -> str:
        """The failure that it tells of; empty for an alert about pvmedic itself."""
        return self.labels.get("signal", "")

    @property
    def name(self) -> str:
        """One name per rule: two rules of one alert differ in their labels."""
        labels = (self.labels["severity"], self.labels.get("since_source"))
        return "-".join(filter(None, (self.alert, *labels)))

    @property
    def by(self) -> list[str]:
        """The labels that its aggregation keeps."""
        found = re.search(r"\bby \(([^)]*)\)", self.expr)
        return found[1].replace(" ", "").split(",") if found else []

    @property
    def metrics(self) -> set[str]:
        """Our metrics that it reads."""
        return set(re.findall(r"\bpvmedic_\w+", re.sub(r"\{[^}]*\}|by \([^)]*\)", "", self.expr)))


@dataclass(frozen=True)
class Expectation:
    """One line of a promtool test: what an alert shows at a time of that test."""

    test: str
    alert: str
    fires: bool


def _rules() -> Iterator[Rule]:
    for path in RULE_FILES:
        for group in _loaded(path)["groups"]:
            for rule in group["rules"]:
                yield Rule(rule["alert"], rule["expr"], rule["labels"], rule["annotations"])


def _expectations() -> Iterator[Expectation]:
    for path in TEST_FILES:
        for test in _loaded(path)["tests"]:
            for line in test["alert_rule_test"]:
                yield Expectation(test["name"], line["alertname"], bool(line["exp_alerts"]))


def _loaded(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


RULES = tuple(_rules())
EXPECTATIONS = tuple(_expectations())
