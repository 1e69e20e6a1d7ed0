"""The shipped rules, as far as the reference and the tests of names read them. Values only."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

ROOT = Path(__file__).parents[1]
RUNBOOKS = "alerts/runbooks"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class AlertRule(msgspec.Struct, frozen=True, rename={"waits": "for"}):
    """One alerting rule."""

    alert: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]
    waits: str = "0s"
    keep_firing_for: str = "0s"

    @property
    def signal(self) -> str:
        """The failure that it tells of; empty for an alert about pvmedic itself."""
        return self.labels.get("signal", "")

    @property
    def name(self) -> str:
        """One name per rule: two rules of one alert differ in their labels."""
        labels = (self.severity, self.labels.get("since_source"))
        return "-".join(filter(None, (self.alert, *labels)))

    @property
    def severity(self) -> str:
        """critical, warning or none."""
        return self.labels["severity"]

    @property
    def after(self) -> float:
        """Seconds that what it tells of must last: the age that it compares, or its `for`."""
        age = re.search(r"time\(\) - .*?>=?\s*([0-9.]+)\s*$", self.expr.strip(), flags=re.DOTALL)
        return max(float(age[1]) if age else 0.0, seconds(self.waits))

    @property
    def metrics(self) -> frozenset[str]:
        """Our metrics that it reads."""
        bare = re.sub(r"\{[^}]*\}|\bby \([^)]*\)", "", self.expr)
        return frozenset(re.findall(r"\bpvmedic_\w+", bare))

    @property
    def runbook(self) -> str:
        """The name of its page."""
        return self.annotations["runbook_url"].rpartition("/")[2]


def alert_rules() -> tuple[AlertRule, ...]:
    """Return all rules, in the order of their files."""
    return tuple(_rules())


def seconds(duration: str) -> float:
    """Return the seconds of a duration as rules write it, `1h30m`."""
    return sum(int(n) * SECONDS[unit] for n, unit in re.findall(r"(\d+)([smhd])", duration))


def _rules() -> Iterator[AlertRule]:
    for path in sorted((ROOT / "alerts").glob("*.yaml")):
        for group in yaml.safe_load(path.read_text()).get("groups", ()):
            for rule in group["rules"]:
                yield msgspec.convert(rule, AlertRule)
