"""Alerts without a signal that the settings know by name."""

from pathlib import Path

import pytest
import yaml

from exporter.kit.settings import SettingsError, read_text
from remediator import alert as alerts
from remediator.alert import Alert, Outcome
from remediator.settings import ExistingAlert, Settings
from tests.intake.notifications import alert
from tests.intake.test_intake import Desk
from tests.story.objects import DEAD, NAME, SIGNAL

TABLE = Path(__file__).parents[2] / "alerts" / "settings" / "existing-alerts.yaml"
KNOWN = {"KubeNodeNotReady": ExistingAlert(SIGNAL, {"node": "kubernetes_node"})}
NOT_READY = alert(alertname="KubeNodeNotReady", signal="", node="", kubernetes_node=DEAD)


def settings(**more: object) -> Settings:
    """Return settings with these keys."""
    return read_text(yaml.safe_dump({"webhook": {"token_file": "t"}, **more}), "file", Settings)


def test_an_alert_that_is_known_by_name_opens_an_episode() -> None:
    """Its labels become the subject's, whatever they are called."""
    desk = Desk(existing=KNOWN)
    assert desk.take(NOT_READY) == [Outcome.RECORDED]
    (kept,) = desk.book.kept.values()
    assert kept.name == NAME
    assert kept.spec.subject == {"node": DEAD}


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (alert(alertname="SomethingElse", signal=""), Outcome.NO_SIGNAL),
        (alert(alertname="KubeNodeNotReady", signal="", node=""), Outcome.NO_SUBJECT),
        (alert(alertname="KubeNodeNotReady", signal="multi_attach"), Outcome.NO_HANDLER),
    ],
    ids=["of another name", "without the label", "with a signal of its own"],
)
def test_an_alert_that_cannot_be_translated_is_counted(
    given: dict[str, object], outcome: Outcome
) -> None:
    """Nothing is guessed, and a signal that an alert has is its own."""
    assert Desk(existing=KNOWN).take(given) == [outcome]


def test_the_table_that_ships_is_read_and_each_of_its_alerts_has_a_subject() -> None:
    """A label that the subject needs is named for each."""
    found = settings(**yaml.safe_load(TABLE.read_text())).alerts
    assert found
    for name, entry in found.items():
        given = Alert("firing", {"alertname": name, **dict.fromkeys(entry.labels.values(), "x")})
        ours = alerts.translated(given, found)
        assert ours.signal == entry.signal
        assert alerts.subject_of(ours, tuple(entry.labels)) is not None


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"signal": "mystery", "labels": {}}, "alerts.X.signal: there is no failure of this name"),
        ({"signal": SIGNAL, "labels": {}}, "alerts.X.labels: must have exactly node"),
        ({"signal": SIGNAL}, "alerts.X.labels: is missing"),
    ],
)
def test_a_table_that_cannot_work_is_refused(entry: dict[str, object], sentence: str) -> None:
    """When the program starts, not when the alert comes."""
    with pytest.raises(SettingsError, match=sentence):
        settings(alerts={"X": entry})
