"""The Alertmanager example, with its own checker: valid, and everybody gets what is theirs."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from remediator.handlers import HANDLERS
from tests.alerts.rules import EXAMPLE, RULES

INHIBITIONS = yaml.safe_load(EXAMPLE.read_text())["inhibit_rules"]
NODE_LOST = ("alertname=PvmedicNodeLostWithVolumes", "signal=node_lost_with_volumes", "node=a")


def test_the_example_is_valid(amtool: Path) -> None:
    """Amtool finds no mistake."""
    done = _run(amtool, "check-config", str(EXAMPLE))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        pytest.param(NODE_LOST, "pvmedic,people", id="a signal goes to the webhook and to people"),
        pytest.param(
            ("alertname=Mine", "signal=multi_attach"),
            "pvmedic,people",
            id="an alert of one's own with a signal, too",
        ),
        pytest.param(
            ("alertname=PvmedicWatchdog", "pvmedic_watchdog=true", "severity=none"),
            "pvmedic",
            id="the watchdog goes to the webhook only",
        ),
        pytest.param(
            ("alertname=PvmedicRepairRunning", "signal=node_lost_with_volumes", "severity=none"),
            "nobody",
            id="a running repair calls nobody",
        ),
        pytest.param(
            ("alertname=PvmedicHumanNeeded", "signal=node_lost_with_volumes", "severity=critical"),
            "people",
            id="what the remediator asks for goes to people, not back to it",
        ),
        pytest.param(
            ("alertname=PvmedicApprovalWaiting", "signal=node_lost_with_volumes", "remediation=x"),
            "people",
            id="a plan that waits for a yes, too",
        ),
        pytest.param(
            ("alertname=PvmedicNoLeader", "severity=critical"),
            "people",
            id="what is wrong with the engine goes to people",
        ),
        pytest.param(("alertname=SomethingElse",), "people", id="all else stays as it was"),
    ],
)
def test_alerts_reach(amtool: Path, labels: tuple[str, ...], receivers: str) -> None:
    """Each kind of alert reaches exactly these receivers."""
    done = _run(amtool, "config", "routes", "test", "--config.file", str(EXAMPLE), *labels)
    assert done.stdout.strip() == receivers, done.stderr


def test_no_alert_about_a_repair_comes_back_to_the_webhook() -> None:
    """They carry the signal as a label, and would look like the failure itself."""
    routes = yaml.safe_load(EXAMPLE.read_text())["route"]["routes"]
    (matcher,) = [
        m for route in routes for m in route.get("matchers", ()) if m.startswith("alertname !~")
    ]
    ours = {rule.alert for rule in RULES if not rule.signal and "signal" in rule.by}
    assert set(matcher.partition('"')[2].rstrip('"').split("|")) == ours


def test_a_running_repair_holds_back_only_the_page_for_the_same_subject() -> None:
    """The first inhibition names two alerts that exist and compares signal and node."""
    rule = INHIBITIONS[0]
    assert alerts_in(rule["source_matchers"]) == {"PvmedicRepairRunning"}
    assert alerts_in(rule["target_matchers"]) == {"PvmedicNodeLostWithVolumesUnrepaired"}
    assert rule["equal"] == ["signal", "node"]


@pytest.mark.parametrize("rule", INHIBITIONS, ids=lambda rule: ", ".join(rule["target_matchers"]))
def test_no_inhibition_keeps_a_repair_from_the_webhook(rule: dict[str, list[str]]) -> None:
    """What a handler repairs is only held back as a page that has an alert of its own beside it."""
    hidden = alerts_in(rule["target_matchers"]) - {"PvmedicNodeLostWithVolumesUnrepaired"}
    repaired = {handler.name for handler in HANDLERS}
    assert not {r.signal for r in RULES if r.alert in hidden} & repaired


@pytest.mark.parametrize("rule", INHIBITIONS, ids=lambda rule: ", ".join(rule["target_matchers"]))
def test_every_inhibition_names_alerts_and_labels_that_exist(rule: dict[str, list[str]]) -> None:
    """A misspelt one would never hold anything back, or, with labels that are missing, all."""
    equal = rule.get("equal", [])
    for side in ("source_matchers", "target_matchers"):
        names = alerts_in(rule[side])
        assert names
        for found in (r for r in RULES if r.alert in names):
            assert set(equal) <= {*found.by, "signal"}


def alerts_in(matchers: list[str]) -> set[str]:
    """Return the alerts of our rules that the matcher of the alert's name matches."""
    (wanted,) = [m for m in matchers if m.startswith("alertname")]
    pattern = re.compile(wanted.partition('"')[2].rstrip('"'))
    return {rule.alert for rule in RULES if pattern.fullmatch(rule.alert)}


def _run(tool: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool, *words], capture_output=True, text=True, check=False)
