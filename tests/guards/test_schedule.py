"""Windows and freezes: zones, midnight, and the two nights on which clocks change."""

from datetime import UTC, datetime, time, timedelta
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


JUMPS = {
    "Europe/Berlin": ("2026-03-29T01:00Z", "02:00", "03:00"),
    "America/New_York": ("2026-03-08T07:00Z", "02:00", "03:00"),
    "Australia/Lord_Howe": ("2026-10-03T15:30Z", "02:00", "02:30"),
    "Africa/Cairo": ("2026-04-23T22:00Z", "00:00", "01:00"),
    "America/Santiago": ("2026-09-06T04:00Z", "00:00", "01:00"),
}
"""When clocks go forward: the moment, and from what to what the wall jumps."""


def moment(text: str) -> float:
    """Return Unix seconds."""
    return datetime.fromisoformat(text).timestamp()


def later(wall: str, minutes: int) -> time:
    """Return a time of day some minutes after another."""
    return (datetime.fromisoformat(f"2026-01-01 {wall}") + timedelta(minutes=minutes)).time()


@pytest.mark.parametrize("zone", JUMPS)
@pytest.mark.parametrize("into", [0, 10, 29])
@pytest.mark.parametrize("lasts", [15, 20, 30, 45, 50, 60, 180])
def test_a_window_that_begins_in_the_skipped_time_begins_at_the_jump(
    zone: str, into: int, lasts: int
) -> None:
    """The wall never shows its beginning; whoever planned it waits for it that night all the same.

    It ends when the wall shows its end. Where that is skipped as well, as long after the jump as
    it lies in the gap; where it is the moment of the jump, after its usual length.
    """
    text, skipped, shown = JUMPS[zone]
    jump, begins, ends = moment(text), later(skipped, into), later(skipped, into + lasts)
    one = (Window(DAYS, begins, ends, zone),)
    assert not open_in(one, jump - 1.0)
    assert next_opening(one, jump - 1.0) == jump
    assert open_in(one, jump)
    gap = (later(shown, 0).hour - later(skipped, 0).hour) * 60
    gap += later(shown, 0).minute - later(skipped, 0).minute
    minutes = into + lasts if into + lasts < gap else (into + lasts - gap) or lasts
    assert open_in(one, jump + 60.0 * minutes - 1.0)
    assert not open_in(one, jump + 60.0 * minutes)


@pytest.mark.parametrize("zone", JUMPS)
def test_on_the_day_before_and_after_the_jump_the_same_window_begins_when_it_says(
    zone: str,
) -> None:
    """Only that night has no such time."""
    text, skipped, _ = JUMPS[zone]
    one = Window(DAYS, later(skipped, 10), later(skipped, 70), zone)
    jump = datetime.fromtimestamp(moment(text), ZoneInfo(zone)).date()
    for days in (-1, 1):
        begins = datetime.combine(jump + timedelta(days=days), one.begins, ZoneInfo(zone))
        assert not open_in((one,), begins.timestamp() - 1.0)
        assert open_in((one,), begins.timestamp())


@pytest.mark.parametrize(
    ("zone", "back", "begins", "ends", "minutes"),
    [
        ("Europe/Berlin", "2026-10-25T01:00Z", time(2, 30), time(3, 30), 120),
        ("Europe/Berlin", "2026-10-25T01:00Z", time(2, 15), time(2, 45), 30),
        ("America/New_York", "2026-11-01T06:00Z", time(1, 30), time(2, 30), 120),
        ("Australia/Lord_Howe", "2026-04-04T15:00Z", time(1, 45), time(2, 15), 60),
        ("Africa/Cairo", "2026-10-29T21:00Z", time(23, 30), time(0, 30), 120),
    ],
)
def test_a_window_that_begins_in_the_time_that_comes_twice_begins_the_first_time(
    zone: str, back: str, begins: time, ends: time, minutes: int
) -> None:
    """And lasts until the wall first shows its end."""
    one = (Window(DAYS, begins, ends, zone),)
    opens = next_opening(one, moment(back) - 3600.0)
    assert opens is not None
    assert opens < moment(back)
    inside = [open_in(one, opens + 60.0 * number) for number in range(minutes + 1)]
    assert inside == [True] * minutes + [False]
    assert not open_in(one, opens - 1.0)


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


@given(
    now=st.floats(1.7e9, 2.0e9),
    begins=st.times(),
    ends=st.times(),
    zone=st.sampled_from(sorted(JUMPS)),
)
def test_no_night_makes_a_window_vanish(now: float, begins: time, ends: time, zone: str) -> None:
    """Whatever clocks do, it opens before it closes, and one a day is there every day."""
    spans = list(Window(DAYS, begins, ends, zone).spans(now))
    assert all(begin < end for begin, end in spans)
    assert len(spans) == 9


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
