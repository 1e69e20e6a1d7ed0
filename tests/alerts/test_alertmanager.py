"""The Alertmanager example, with its own checker: valid, and everybody gets what is theirs."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.alerts.rules import EXAMPLE, RULES

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
        pytest.param(("alertname=SomethingElse",), "people", id="all else stays as it was"),
    ],
)
def test_alerts_reach(amtool: Path, labels: tuple[str, ...], receivers: str) -> None:
    """Each kind of alert reaches exactly these receivers."""
    done = _run(amtool, "config", "routes", "test", "--config.file", str(EXAMPLE), *labels)
    assert done.stdout.strip() == receivers, done.stderr


def test_a_running_repair_holds_back_only_the_page_for_the_same_subject() -> None:
    """The one inhibition names two alerts that exist and compares signal and node."""
    (rule,) = yaml.safe_load(EXAMPLE.read_text())["inhibit_rules"]
    named = {
        alert for alert in {r.alert for r in RULES} if f'"{alert}"' in str(rule).replace("\\", "")
    }
    assert named == {"PvmedicRepairRunning", "PvmedicNodeLostWithVolumesUnrepaired"}
    assert rule["equal"] == ["signal", "node"]


def _run(tool: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool, *words], capture_output=True, text=True, check=False)
