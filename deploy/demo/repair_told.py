"""What a record's plan tells of a repair while it runs, and where its time went. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from demo.timeline import Line, Mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Json = Any
OVER = frozenset({"Done", "Skipped"})
WAITS = ("Await", "Drain")
"""How the kinds of steps begin in which others are waited for; a person's end in ByHand."""


@dataclass(frozen=True)
class Step:
    """One step as its record has it; `at` is when it came to its state, Unix seconds."""

    number: int
    kind: str
    says: str
    state: str
    at: float
    final: bool

    @property
    def over(self) -> bool:
        """Whether nothing is left to do about it."""
        return self.state in OVER

    @property
    def waits(self) -> bool:
        """Whether others are waited for in it."""
        return self.kind.startswith(WAITS) or self.kind.endswith("ByHand")


@dataclass(frozen=True)
class Took:
    """A step that is over, and its seconds: from the end of the one before."""

    step: Step
    seconds: float


def steps(record: Json) -> tuple[Step, ...]:
    """Return the steps of a Remediation's plan, none without one."""
    plan = record.get("status", {}).get("plan") or {}
    return tuple(
        Step(
            number,
            one["kind"],
            one.get("says", ""),
            one.get("state", "Pending"),
            _seconds(one.get("at")),
            bool(one.get("final")),
        )
        for number, one in enumerate(plan.get("steps", ()), 1)
    )


def lines(before: Sequence[Step], after: Sequence[Step]) -> Iterator[Line]:
    """Yield what has become of the steps between two looks."""
    known = {one.number: one.state for one in before}
    for one in after:
        state = known.get(one.number, "Pending")
        if one.state in (state, "Pending"):
            continue
        count = f"{one.number}/{len(after)}"
        if state == "Pending" and one.final:
            yield Line(one.at, Mark.BAD, "from here on there is no way back")
        if one.over:
            yield Line(one.at, Mark.GOOD, f"{count} {one.kind}: {one.state}", one.says)
        elif state == "Pending":
            mark = Mark.SEEN if one.waits else Mark.OURS
            yield Line(one.at, mark, f"{count} {one.kind} ...", one.says)


def took(found: Sequence[Step], began: float) -> tuple[Took, ...]:
    """Return the steps that are over with their seconds; `began` is when the first one began."""
    times = []
    for one in found:
        if one.over:
            times.append(Took(one, max(one.at - began, 0.0)))
            began = one.at
    return tuple(times)


def table(times: Sequence[Took]) -> Table:
    """Return each step's seconds, ours apart from those in which others were waited for."""
    made = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, collapse_padding=True)
    made.add_column("step", no_wrap=True)
    made.add_column("what")
    made.add_column("ours", justify="right")
    made.add_column("others", justify="right")
    for one in times:
        seconds = f"{one.seconds:.1f} s"
        ours, others = ("", seconds) if one.step.waits else (seconds, "")
        made.add_row(f"{one.step.number} {one.step.kind}", one.step.says, ours, others)
    made.add_section()
    made.add_row("together", "", f"{_sum(times, waits=False):.1f} s", f"{_sum(times):.1f} s")
    return made


def _sum(times: Sequence[Took], *, waits: bool = True) -> float:
    return sum(one.seconds for one in times if one.step.waits is waits)


def _seconds(text: str | float | None) -> float:
    if isinstance(text, str):
        return datetime.fromisoformat(text).timestamp()
    return text or 0.0
