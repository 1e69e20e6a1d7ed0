"""A plan's progress as lines, and its time split into ours and others'."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from rich.console import Console

from demo import repair_told
from demo.timeline import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = ("MakeDisk", "LabelDisk", "AwaitSnapshots", "AttachDiskByHand")


def record(*states: tuple[str, str]) -> dict[str, Any]:
    """Return a Remediation whose steps are in these states since these times."""
    steps = [
        {"kind": kind, "says": f"do {kind}", "final": kind == "LabelDisk"}
        | ({"state": state, "at": at} if state else {})
        for kind, (state, at) in zip(KINDS, [*states, *[("", "")] * 4], strict=False)
    ]
    return {"status": {"plan": {"steps": steps}}}


def told(before: dict[str, Any], after: dict[str, Any]) -> Sequence[tuple[Mark, str]]:
    """Return the lines between two looks."""
    found = repair_told.lines(repair_told.steps(before), repair_told.steps(after))
    return [(line.mark, line.what) for line in found]


def test_each_state_of_a_step_is_told_once_and_the_point_of_no_return_before_it() -> None:
    """A step may be over before anybody looked at its beginning."""
    none, first = record(), record(("Intended", "2026-01-01T00:00:01Z"))
    assert told({}, none) == []
    assert told(none, first) == [(Mark.OURS, "1/4 MakeDisk ...")]
    assert told(first, first) == []
    done = ("Done", "2026-01-01T00:00:03Z")
    assert told(first, record(("Applied", "2026-01-01T00:00:02Z"))) == []
    assert told(first, record(done, done, ("Waiting", "2026-01-01T00:00:04Z"))) == [
        (Mark.GOOD, "1/4 MakeDisk: Done"),
        (Mark.BAD, "from here on there is no way back"),
        (Mark.GOOD, "2/4 LabelDisk: Done"),
        (Mark.SEEN, "3/4 AwaitSnapshots ..."),
    ]


def test_seconds_run_from_the_end_of_the_step_before_and_waiting_is_not_ours() -> None:
    """What is not over has no seconds yet."""
    states = [("Done", f"2026-01-01T00:00:{at:02d}Z") for at in (3, 7, 27)]
    found = repair_told.steps(record(*states, ("Waiting", "2026-01-01T00:00:30Z")))
    times = repair_told.took(found, found[0].at - 3.0)
    assert [(one.step.kind, one.seconds, one.step.waits) for one in times] == [
        ("MakeDisk", 3.0, False),
        ("LabelDisk", 4.0, False),
        ("AwaitSnapshots", 20.0, True),
    ]
    assert found[3].waits
    console = Console(file=io.StringIO(), width=100)
    console.print(repair_told.table(times))
    last = console.file.getvalue().splitlines()[-2:]  # type: ignore[attr-defined]
    assert "together" in "".join(last)
    assert "7.0 s" in "".join(last)
    assert "20.0 s" in "".join(last)
