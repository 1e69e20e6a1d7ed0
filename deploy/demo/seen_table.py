"""The table at the end of a scene, and what has to be said under it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from demo.pace import Pace
    from demo.theatre import Row


def table(rows: Iterable[Row]) -> Table:
    """Return what was seen, when, and which alert came of it."""
    made = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, collapse_padding=True)
    made.add_column("signal\n  reason", no_wrap=True)
    made.add_column("seen\nat age", justify="right")
    made.add_column("alert", overflow="fold")
    made.add_column("fired\nat age", justify="right")
    made.add_column("ships:\nat age", justify="right", style="bold")
    made.add_column("gone\nafter", justify="right")
    made.add_column("resolved\nafter", justify="right")
    for row in rows:
        labels = row.sight.labels
        told = [labels[name] for name in ("reason", "form") if name in labels]
        what = f"{row.sight.signal}\n  {', '.join(told)}".rstrip()
        made.add_row(
            what,
            _seconds(row.seen),
            row.alert.removeprefix("Pvmedic") or "-",
            _seconds(row.alerted),
            _long(row.ships) if row.alert else "-",
            _seconds(row.over),
            _seconds(row.resolved if row.alert else None),
        )
    return made


def notes(pace: Pace) -> list[str]:
    """Return what has to be said under the table, a sentence each."""
    return [
        (
            "Seconds. Age: since the time that the series carries, which is the object's own where"
            " one has it. gone, resolved: since the repair began."
        ),
        (
            f"seen, fired, gone, resolved: measured, looked at three times a second; alerts here"
            f" wait a {60 / pace.minute:.0f}th of what ships: a minute of theirs is"
            f" {pace.minute:g} s. ships: the age at which the shipped rule fires, read from it;"
            " scrape and evaluation come on top, 10 s each at most."
        ),
    ]


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _long(seconds: float) -> str:
    """Return a duration as a rule has it."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
