"""What is seen and who is told, as values: texts in, lines and rows out."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from demo import seen_table, sightings
from demo.acts import Act, Figure, Sight
from demo.pace import Pace
from demo.shows import SHOWS
from demo.theatre import Row
from demo.timeline import Mark

if TYPE_CHECKING:
    from demo.sightings import Look

SERIES = (
    'pvmedic_claim_pending_since_timestamp_seconds{{driver="",namespace="shop",'
    'persistentvolumeclaim="orders",reason="{reason}",since_source="object"}} 5'
)
FIGURE = 'pvmedic_expansion_shortfall_bytes{namespace="shop",persistentvolumeclaim="m"} 8589934592'
WHERE = {"namespace": "shop", "persistentvolumeclaim": "orders"}
SIGHT = Sight("claim_pending", {**WHERE, "reason": "ClassMissing"})
SHORTFALL = Figure("pvmedic_expansion_shortfall_bytes", {"namespace": "shop"}, 8 * 2**30)
LABELS = {"alertname": "PvmedicClaimPending", "signal": "claim_pending", "severity": "warning"}


def look(*texts: str, at: float = 10.0, pending: bool = False, firing: bool = False) -> Look:
    """Return what these series and one alert look like."""
    labels = {**LABELS, **WHERE}
    prometheus = {"data": {"alerts": [{"state": "pending", "labels": labels}] if pending else []}}
    alertmanager = [{"labels": labels}] if firing else []
    exposition = "\n".join(texts) + "\n"
    return sightings.take(exposition, json.dumps(prometheus), json.dumps(alertmanager), at)


def said(before: Look, after: Look) -> list[str]:
    """Return what the timeline says of a change."""
    return [line.what for line in sightings.lines(before, after)]


def test_a_failure_is_told_with_its_series_and_age() -> None:
    """As it is exposed, empty labels left out."""
    (line,) = sightings.lines(look(), look(SERIES.format(reason="ClassMissing")))
    assert line.what == "seen: claim_pending, ClassMissing"
    assert line.evidence == (
        'pvmedic_claim_pending_since_timestamp_seconds{namespace="shop",'
        'persistentvolumeclaim="orders",reason="ClassMissing",since_source="object"} 5   5 s old'
    )


def test_what_no_detector_sees_has_no_reason_and_is_about_its_node() -> None:
    """Such as a node that is marked as extended."""
    one = look('pvmedic_rok_extended_since_timestamp_seconds{node="a",disk="vol-1"} 5')
    assert said(look(), one) == ["seen: rok_extended"]
    (gone,) = sightings.lines(one, look())
    assert (gone.what, gone.evidence) == ("gone: rok_extended", "node a")


def test_another_reason_of_the_same_subject_is_no_end() -> None:
    """It is told as seen again, and gone only when no series of the subject is left."""
    one, two = look(SERIES.format(reason="A")), look(SERIES.format(reason="B"))
    assert said(one, two) == ["seen: claim_pending, B"]
    assert said(two, look()) == ["gone: claim_pending, B"]


def test_an_alert_is_pending_then_fires_then_is_resolved() -> None:
    """Pending is Prometheus' word; firing and resolved are Alertmanager's."""
    none, waits = look(), look(pending=True)
    both, over = look(pending=True, firing=True), look()
    assert said(none, waits) == ["alert PvmedicClaimPending is pending (warning)"]
    assert said(waits, both) == ["alert PvmedicClaimPending fires (warning)"]
    assert said(both, over) == ["alert PvmedicClaimPending is resolved"]
    assert [line.mark for line in sightings.lines(both, over)] == [Mark.GOOD]


def test_alerts_without_a_signal_are_not_of_the_scene() -> None:
    """Meta alerts are left out."""
    labels = {"alertname": "PvmedicWatchdog", "severity": "none"}
    alerts = json.dumps({"data": {"alerts": []}})
    assert not sightings.take("", alerts, json.dumps([{"labels": labels}]), 1.0).alerts


def test_an_act_has_come_when_all_of_it_is_there_and_nothing_of_the_rest() -> None:
    """Sights with their reason, figures with their value, and of what is gone no series at all."""
    there = look(SERIES.format(reason="ClassMissing"), FIGURE)
    fails = Act("it fails", "", lambda: None, (SIGHT,), (SHORTFALL,))
    assert sightings.came(fails, there)
    assert not sightings.came(fails, look(SERIES.format(reason="Other"), FIGURE))
    assert not sightings.came(fails, look(SERIES.format(reason="ClassMissing")))
    ends = Act("it ends", "", lambda: None, gone=(SIGHT,))
    assert not sightings.came(ends, look(SERIES.format(reason="Other")))
    assert sightings.came(ends, look(FIGURE))


def test_an_alert_is_about_a_sight_when_no_label_differs() -> None:
    """Reason and the like may: they change while a failure lasts."""
    fires = look(firing=True)
    assert fires.alert(SIGHT) is not None
    other = replace(SIGHT, labels={**WHERE, "persistentvolumeclaim": "archive"})
    assert fires.alert(other) is None


def test_the_table_fits_an_ordinary_terminal() -> None:
    """Nothing is cut at 80 columns; what has no alert by intent has none of its columns."""
    rows = [
        Row(SIGHT, 0.9, "PvmedicSnapshotSpaceStillExhausted", 10.3, 21600.0, 0.0, 1.8, 5.9),
        Row(Sight("csi_driver_unregistered", {"reason": "PluginNotReady"}), 0.4),
    ]
    out = io.StringIO()
    Console(file=out, width=80).print(seen_table.table(rows))
    assert "\N{HORIZONTAL ELLIPSIS}" not in out.getvalue()
    (row,) = (line.split() for line in out.getvalue().splitlines() if "claim_pending" in line)
    assert row[-5:] == ["10.3", "6", "h", "1.8", "5.9"]
    (row,) = (line.split() for line in out.getvalue().splitlines() if "csi_driver" in line)
    assert row[1:] == ["0.4", "-", "-", "-", "-", "-"]


def test_the_notes_say_how_much_shorter_the_alerts_wait() -> None:
    """A minute is a second, and which figures are measured and which are read from the rules."""
    notes = " ".join(seen_table.notes(Pace(minute=1.0)))
    assert "a 60th of what ships" in notes
    assert "measured" in notes


@pytest.mark.parametrize("name", ["claims", "csi", "rwx", "rok"])
def test_the_issue_s_scenes_are_there(name: str) -> None:
    """Each says in a line what it is about."""
    assert len(SHOWS[name].about) < 80
