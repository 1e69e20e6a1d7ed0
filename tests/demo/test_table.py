"""The table's arithmetic: from what was measured to what shipped settings would take."""

from __future__ import annotations

import io

from rich.console import Console

from demo.pace import Pace
from demo.table import (
    Measured,
    Noticed,
    OwnPath,
    notes,
    shipped,
    shipped_after_stop,
    shipped_notice,
    shipped_own_path,
    table,
)

A = Measured(seen=0.5, alerted=3.5, proven=6.0, acted=6.5, healed=16.5)
OWN = OwnPath(terminating=5.0, deleted=5.5, healed=370.5)


def test_shipped_times_replace_only_what_settings_decide() -> None:
    """Age 15 s, evaluation 10 s, readings 30 s apart; the rest stays as measured."""
    # The first reading came 0.5 s after the alert, the second 2 s later.
    assert shipped(A) == Measured(0.5, 25.0, 25.0 + 0.5 + 30.0, 56.0, 66.0)


def test_shipped_settings_stay_under_a_quarter_of_six_minutes() -> None:
    """Even when Kubernetes takes its whole 20 s to collect the pods."""
    slow = Measured(1.0, 5.0, 8.0, 9.0, 30.0)
    assert shipped(slow).healed < 360 / 4


def test_a_measurement_at_the_shipped_pace_is_not_changed_by_what_came_between() -> None:
    """The proof's own gap is taken from the pace that was measured with."""
    ships = Pace.shipped()
    own = Measured(0.5, 25.0, 55.5, 56.0, 66.0)
    assert shipped(own, ships) == own


def test_after_the_stop_the_next_look_and_the_readings_count() -> None:
    """Scene b waits for the remediator's next look, then for the second reading."""
    b = Measured(0.5, 3.5, 4.5, 5.0, 8.0)
    assert shipped_after_stop(b) == Measured(0.5, 25.0, 45.5, 46.0, 49.0)


def test_two_that_want_one_volume_alert_after_three_minutes() -> None:
    """A rolling update does this for two minutes, so the shipped rule waits for three."""
    assert shipped_notice(Noticed(0.2, 6.0)) == Noticed(0.2, 190.0)


def test_without_pvmedic_the_default_toleration_comes_first() -> None:
    """The demo's pods tolerate a silent node for 5 s, everybody else's for 300 s."""
    assert shipped_own_path(OWN) == OwnPath(300.0, 300.5, 665.5)


def test_every_pace_that_differs_is_named_with_what_ships() -> None:
    """No short time is hidden; the shipped pace has nothing to say."""
    sentence = Pace().sentence()
    assert "proof readings apart by 2 s (30 s)" in sentence
    own, ships = vars(Pace()), vars(Pace.shipped())
    assert sentence.count("(") == sum(own[name] != ships[name] for name in own)
    assert "patience lasts 1 s (60 s)" in Pace(minute=1.0).sentence()


def test_an_own_path_that_was_not_measured_is_said_to_be_so() -> None:
    """It has no column then, and the last note says what it usually takes."""
    out = io.StringIO()
    Console(file=out, width=80).print(table(A, A, Noticed(0.2, 6.0), None))
    assert "alone" not in out.getvalue()
    assert "not measured (usually 6 min after the force delete)" in notes(None, Pace())[-1]


def test_the_whole_table_fits_an_ordinary_terminal() -> None:
    """No cell is cut at 80 columns, and what is counted from the stop is marked."""
    out = io.StringIO()
    Console(file=out, width=80).print(table(A, A, Noticed(0.2, 6.0), OWN))
    assert "\N{HORIZONTAL ELLIPSIS}" not in out.getvalue()
    healed = next(row.split() for row in out.getvalue().splitlines() if "healed" in row)
    assert healed == ["healed", "16.5", "66.0", "16.5*", "57.5*", "-", "-", "370.5", "665.5"]
