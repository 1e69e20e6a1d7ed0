"""The settings' section `schedule`: texts that people write, checked, as the values guards read."""

from collections.abc import Iterator
from datetime import datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from exporter.kit.described import setting
from remediator import schedule


class WeeklyWindow(msgspec.Struct, frozen=True):
    """When work may begin, on the wall clock of a zone."""

    days: Annotated[tuple[str, ...], setting("mon, tue, wed, thu, fri, sat, sun.")]
    begins: Annotated[str, setting("HH:MM.")]
    ends: Annotated[str, setting("HH:MM; at or before the beginning means the next day.")]
    zone: Annotated[str, setting("An IANA time zone, such as Europe/Berlin.")] = "UTC"

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what is no day, no time and no zone."""
        for day in self.days:
            if day not in schedule.DAYS:
                yield ("days", f"{day!r} is none of {', '.join(schedule.DAYS)}")
        if not self.days:
            yield ("days", "names no day, so this window would never open")
        for name in ("begins", "ends"):
            try:
                datetime.strptime(getattr(self, name), "%H:%M")  # noqa: DTZ007 -- a time of day
            except ValueError:
                yield (name, "is not a time of day: write HH:MM")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield ("zone", f"{self.zone!r} is no IANA time zone")

    def value(self) -> schedule.Window:
        """Return it as guards read it."""
        begins, ends = time.fromisoformat(self.begins), time.fromisoformat(self.ends)
        return schedule.Window(self.days, begins, ends, self.zone)


class FreezeSpan(msgspec.Struct, frozen=True):
    """When nothing may begin."""

    begins: Annotated[str, setting("RFC 3339, with a zone: 2026-12-20T00:00:00Z.")]
    ends: Annotated[str, setting("The same; the freeze is over then.")]
    reason: Annotated[str, setting("What people read while it lasts.")] = "a freeze"

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name what is no time, and a span that is none."""
        moments = []
        for name in ("begins", "ends"):
            moment = _moment(getattr(self, name))
            moments.append(moment)
            if moment is None:
                yield (name, "is not a time with a zone: write 2026-12-20T00:00:00Z")
        begins, ends = moments
        if begins is not None and ends is not None and ends <= begins:
            yield ("ends", "must be after the beginning")

    def value(self) -> schedule.Freeze:
        """Return it as guards read it."""
        begins, ends = _moment(self.begins), _moment(self.ends)
        return schedule.Freeze(begins or 0.0, ends or 0.0, self.reason)


class Schedule(msgspec.Struct, frozen=True):
    """When work may begin. Without windows always, but never in a freeze."""

    windows: Annotated[tuple[WeeklyWindow, ...], setting("Maintenance windows.")] = ()
    freezes: Annotated[tuple[FreezeSpan, ...], setting("Change freezes.")] = ()
    blocking_alerts: Annotated[
        tuple[str, ...],
        setting("Names of alerts while which nothing begins; needs `alertmanager.urls`."),
    ] = ()


def _moment(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo is not None else None
