"""Windows and freezes: zones, midnight, and the two nights on which clocks change."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.guards.base import Allowed, NotYet, Question
from remediator.guards.schedule import freeze, maintenance_window
from remediator.schedule import DAYS, Freeze, Window, next_opening, open_in
from tests.story.objects import AUTO, NOW, case, question

BERLIN = "Europe/Berlin"
NIGHT = Window(("sat",), time(22), time(4), BERLIN)
EVERY_DAY = Window(DAYS, time(9), time(17), "America/New_York")


def at(text: str, zone: str = BERLIN) -> float:
    """Return the Unix seconds of a wall clock's time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("when", "inside"),
    [
        ("2026-11-28 21:59", False),
        ("2026-11-28 22:00", True),
        ("2026-11-28 23:59", True),
        ("2026-11-29 00:00", True),
        ("2026-11-29 03:59", True),
        ("2026-11-29 04:00", False),
        ("2026-11-29 22:00", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(
    when: str, *, inside: bool
) -> None:
    """Saturday's ends on Sunday at four; Sunday has none of its own."""
    assert open_in((NIGHT,), at(when)) is inside


def test_a_window_is_read_in_its_own_zone() -> None:
    """Nine in New York is not nine here."""
    assert open_in((EVERY_DAY,), at("2026-11-26 09:00", "America/New_York"))
    assert not open_in((EVERY_DAY,), at("2026-11-26 09:00"))


def test_the_night_on_which_clocks_go_forward_is_an_hour_shorter() -> None:
    """29 March 2026: 02:00 to 03:00 is skipped in Berlin."""
    (begin, end) = next(span for span in NIGHT.spans(at("2026-03-29 01:00")) if span[1] > 0)
    assert (begin, end) == (at("2026-03-28 22:00"), at("2026-03-29 04:00"))
    assert end - begin == 5 * 3600.0


def test_the_night_on_which_clocks_go_back_is_an_hour_longer() -> None:
    """25 October 2026: 02:00 to 03:00 comes twice in Berlin, and both times are inside."""
    inside = [at("2026-10-25 01:59") + minutes * 60.0 for minutes in range(180)]
    assert all(open_in((NIGHT,), moment) for moment in inside)
    spans = [end - begin for begin, end in NIGHT.spans(at("2026-10-25 01:00"))]
    assert spans[0] == 7 * 3600.0


def test_a_window_that_begins_in_the_skipped_hour_begins_after_the_jump() -> None:
    """The wall never shows 02:30; half an hour after the jump it shows 03:30."""
    one = Window(("sun",), time(2, 30), time(5), BERLIN)
    assert not open_in((one,), at("2026-03-29 03:29"))
    assert open_in((one,), at("2026-03-29 03:30"))


def test_an_end_that_equals_the_beginning_is_a_whole_day() -> None:
    """Not an empty window that never opens."""
    day = Window(("thu",), time(0), time(0), "UTC")
    assert open_in((day,), at("2026-11-26 00:00", "UTC"))
    assert open_in((day,), at("2026-11-26 23:59", "UTC"))
    assert not open_in((day,), at("2026-11-27 00:00", "UTC"))


@given(
    now=st.floats(1.7e9, 2.0e9),
    days=st.sets(st.sampled_from(DAYS)),
    begins=st.times(),
    ends=st.times(),
    zone=st.sampled_from(
        ("UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
    ),
)
def test_the_next_opening_is_ahead_and_open(
    now: float, days: set[str], begins: time, ends: time, zone: str
) -> None:
    """A guard that says when to ask again is right about it."""
    windows = (Window(tuple(days), begins, ends, zone),)
    opens = next_opening(windows, now)
    assert (opens is None) == (not days)
    if opens is not None:
        assert opens > now
        assert open_in(windows, opens)


def asked(now: float, **policy: object) -> Question:
    """Return a question at this time under a policy."""
    return question(case(now=now, policy=msgspec.structs.replace(AUTO, **policy)))


def test_outside_of_every_window_the_verdict_says_when_the_next_one_opens() -> None:
    """And the engine asks again exactly then."""
    verdict = maintenance_window(asked(at("2026-11-26 12:00"), windows=(NIGHT,)))
    opens = at("2026-11-28 22:00")
    assert isinstance(verdict, NotYet)
    assert verdict.until == opens
    assert datetime.fromtimestamp(opens, UTC).strftime("%Y-%m-%d %H:%M UTC") in verdict.reason
    assert maintenance_window(asked(opens, windows=(NIGHT,))) == Allowed()


def test_without_windows_it_is_always_open() -> None:
    """Nobody asked for any."""
    assert maintenance_window(asked(NOW)) == Allowed()


def test_a_freeze_ends_when_it_says() -> None:
    """Of two that overlap the one that ends last counts."""
    two = (Freeze(NOW, NOW + 10.0, "one"), Freeze(NOW, NOW + 20.0, "other"))
    verdict = freeze(asked(NOW, freezes=two))
    assert isinstance(verdict, NotYet)
    assert (verdict.until, "other" in verdict.reason) == (NOW + 20.0, True)
    assert freeze(asked(NOW + 20.0, freezes=two)) == Allowed()
