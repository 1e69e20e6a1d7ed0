"""When work may begin: weekly windows and freezes in a time zone of their own. Pure values.

A window is read on the clock of its zone: one from 22:00 to 04:00 belongs to the day on which it
begins and ends on the next, and on the nights on which clocks change it is as long as the clock
on the wall makes it. One that would begin in the time that clocks skip begins when they have
jumped. An end that equals the beginning means a whole day.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FURTHEST = 8
"""Days looked ahead for the next beginning: a weekly window begins within them."""


class Window(msgspec.Struct, frozen=True):
    """A span of some days of the week. `begins` and `ends` are HH:MM on the wall of `zone`."""

    days: tuple[str, ...]
    begins: time
    ends: time
    zone: str

    def spans(self, around: float) -> Iterator[tuple[float, float]]:
        """Yield begin and end, in Unix seconds, of those from yesterday's on, in order."""
        zone = ZoneInfo(self.zone)
        today = datetime.fromtimestamp(around, zone).date()
        for ahead in range(-1, FURTHEST):
            day = today + timedelta(days=ahead)
            if DAYS[day.weekday()] in self.days:
                over = self.ends <= self.begins
                last = day + timedelta(days=1) if over else day
                begin, end = _begin(day, self.begins, zone), _at(last, self.ends, zone)
                if end <= begin:
                    # All of it was skipped: it ends where clocks have jumped to.
                    usual = datetime.combine(last, self.ends) - datetime.combine(day, self.begins)
                    end = begin + usual.total_seconds()
                yield begin, end


class Freeze(msgspec.Struct, frozen=True):
    """A span of time in which nothing begins, and why. Unix seconds; the end is not in it."""

    begins: float
    ends: float
    reason: str


def open_in(windows: Iterable[Window], now: float) -> bool:
    """Whether `now` lies in one of the windows."""
    return any(begin <= now < end for one in windows for begin, end in one.spans(now))


def next_opening(windows: Iterable[Window], now: float) -> float | None:
    """Return when the next window begins, in Unix seconds; None when none ever does."""
    begins = [begin for one in windows for begin, _ in one.spans(now) if begin > now]
    return min(begins, default=None)


def frozen_by(freezes: Iterable[Freeze], now: float) -> Freeze | None:
    """Return the freeze that `now` lies in, of several the one that ends last."""
    found = [one for one in freezes if one.begins <= now < one.ends]
    return max(found, key=lambda one: one.ends, default=None)


def _at(day: date, wall: time, zone: ZoneInfo) -> float:
    """Return when a wall shows this time.

    Where clocks show it twice, the first one. Where they skip it, as long after the jump as it lies
    in the gap: what ends then is as long as on every other night.
    """
    return datetime.combine(day, wall, zone).timestamp()


def _begin(day: date, wall: time, zone: ZoneInfo) -> float:
    """Return when a wall shows this time, or where clocks skip it the first moment after the jump.

    As late as `_at` it could be after the end, and a window of that night would never open.
    """
    after = _at(day, wall, zone)
    before = datetime.combine(day, wall, zone).replace(fold=1).timestamp()
    # Read with the clock of before the jump, a skipped time comes after it; read with the other
    # clock before it. Between the two lies the jump, and a clock jumps at a full second.
    jumped = datetime.fromtimestamp(after, zone).utcoffset()
    while after - before > 1.0:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == jumped:
            after = middle
        else:
            before = middle
    return after
