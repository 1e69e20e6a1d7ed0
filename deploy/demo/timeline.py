"""Turns two looks at the world into the lines of a timeline. Pure: values in, values out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from demo.snapshot import OUT_OF_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.snapshot import Node, Pod, Record, Snapshot


class Mark(Enum):
    """What kind of news a line is."""

    TOLD = "told"  # what the demo itself does, as a person or a cloud would
    BAD = "bad"
    SEEN = "seen"
    OURS = "ours"  # what pvmedic decides and does
    GOOD = "good"
    PLAIN = "plain"


@dataclass(frozen=True)
class Line:
    """One line: when (Unix seconds), what happened, and by what it is known."""

    at: float
    mark: Mark
    what: str
    evidence: str = ""


MARK_OF_PHASE = {
    "Deferred": Mark.SEEN,
    "Holding": Mark.GOOD,
    "Settled": Mark.GOOD,
    "Failed": Mark.BAD,
    "Unsettled": Mark.BAD,
    "Blocked": Mark.BAD,
    "Declined": Mark.BAD,
}


def lines(before: Snapshot, after: Snapshot) -> list[Line]:
    """Return what changed, in the order of time.

    What has no time of its own, or one from before the last look, gets the time of a look.
    """
    found = [
        *_node(before.node, after.node, after.at),
        *_metrics(before, after),
        *_alerts(before, after),
        *_record(before.record, after.record, after.at),
        *_pods(before, after),
        *_claims(before, after),
    ]
    placed = [replace(line, at=max(line.at, before.at)) for line in found]
    return sorted(placed, key=lambda line: line.at)


def _node(before: Node | None, after: Node | None, now: float) -> Iterator[Line]:
    if before is None or after is None:
        return
    if before.ready == "True" != after.ready:
        yield Line(
            now, Mark.BAD, f"node {after.name} is NotReady", f"Ready={after.ready}: {after.why}"
        )
    if before.ready != "True" == after.ready:
        boot = f"bootID {after.boot_id[:8]}"
        if before.boot_id != after.boot_id:
            boot = f"new {boot}, it was {before.boot_id[:8]}"
        yield Line(now, Mark.GOOD, f"node {after.name} is Ready again", boot)
    for taint in after.taints:
        if taint not in before.taints and taint.startswith(OUT_OF_SERVICE):
            yield Line(now, Mark.OURS, f"node {after.name} is tainted", taint)
    for taint in before.taints:
        if taint not in after.taints and taint.startswith(OUT_OF_SERVICE):
            yield Line(now, Mark.OURS, f"the taint is off node {after.name}", taint)


def _metrics(before: Snapshot, after: Snapshot) -> Iterator[Line]:
    for series in after.metrics:
        if series not in before.metrics:
            yield Line(after.at, Mark.SEEN, f"seen: {_signal(series)}", series)
    gone = [series for series in before.metrics if series not in after.metrics]
    still = {_signal(series) for series in after.metrics}
    for signal in sorted({_signal(series) for series in gone} - still):
        yield Line(
            after.at, Mark.GOOD, f"gone: {signal}", "the exporter has no such series any more"
        )


def _signal(series: str) -> str:
    name = series.partition("{")[0]
    return name.removeprefix("pvmedic_").removesuffix("_since_timestamp_seconds")


def _alerts(before: Snapshot, after: Snapshot) -> Iterator[Line]:
    known = {(alert.name, alert.labels): alert.state for alert in before.alerts}
    now = {(alert.name, alert.labels): alert.state for alert in after.alerts}
    began = {(alert.name, alert.labels): alert.since for alert in after.alerts}
    for (name, labels), state in now.items():
        if known.get((name, labels)) != state:
            mark = Mark.OURS if name == "PvmedicRepairRunning" else Mark.BAD
            at = after.at if (name, labels) in known else began[name, labels]
            yield Line(at, mark, f"alert {name} is {state}", labels)
    for name, labels in known:
        if (name, labels) not in now:
            yield Line(after.at, Mark.GOOD, f"alert {name} is resolved", labels)
    for outcome, name in after.unrecorded:
        if (outcome, name) not in before.unrecorded:
            yield Line(
                after.at,
                Mark.OURS,
                f"the webhook's answer: {outcome}",
                f"{name} is counted and logged; there is no repair for it",
            )


def _record(before: Record | None, after: Record | None, now: float) -> Iterator[Line]:
    if after is None:
        return
    if before is None or before.name != after.name:
        before = None
        came = f"alert {after.alert} through receiver {after.receiver}; Remediation {after.name}"
        yield Line(_first(after, now), Mark.OURS, "the webhook wrote a record", came)
    known = before.history if before is not None else ()
    for entry in after.history:
        if entry not in known:
            mark = MARK_OF_PHASE.get(entry.phase, Mark.OURS)
            yield Line(entry.at, mark, f"record: {entry.phase}", entry.sentence)
    count = len(before.readings) if before is not None else 0
    for number, reading in enumerate(after.readings[count:], count + 1):
        yield Line(
            reading.read_at,
            Mark.SEEN,
            f"fencing proof, reading {number}",
            f"EC2: {reading.subject} is {reading.state}, read at {clock(reading.read_at)}",
        )


def _first(record: Record, now: float) -> float:
    """Return when a record can have been made at the latest."""
    times = [entry.at for entry in record.history] + [r.read_at for r in record.readings]
    return min([*times, now])


def _pods(before: Snapshot, after: Snapshot) -> Iterator[Line]:
    known = {pod.uid: pod for pod in before.pods}
    now = {pod.uid: pod for pod in after.pods}
    for uid, pod in known.items():
        if uid not in now:
            yield Line(
                after.at,
                Mark.PLAIN,
                f"pod {pod.name} is gone from {pod.node or 'the queue'}",
                f"uid {uid[:8]}",
            )
    for uid, pod in now.items():
        if uid not in known or _state(known[uid]) != _state(pod):
            mark = Mark.GOOD if _state(pod).startswith("Running") else Mark.PLAIN
            new = "" if uid in known else "a new pod, "
            yield Line(after.at, mark, f"pod {pod.name} is {_state(pod)}", f"{new}uid {uid[:8]}")


def _claims(before: Snapshot, after: Snapshot) -> Iterator[Line]:
    known = {claim.name: claim for claim in before.claims}
    for claim in after.claims:
        was = known.get(claim.name, claim)
        if claim.asks != was.asks:
            asked = f"it asked for {was.asks} and had {was.has}"
            yield Line(after.at, Mark.PLAIN, f"claim {claim.name} asks for {claim.asks}", asked)
        if claim.status and claim.status != was.status:
            mark = Mark.BAD if claim.status.endswith("Infeasible") else Mark.PLAIN
            yield Line(after.at, mark, f"claim {claim.name}: {claim.status}", "its own status")
        if was.has and claim.has != was.has:
            yield Line(
                after.at, Mark.GOOD, f"claim {claim.name} has {claim.has}", f"it had {was.has}"
            )


def _state(pod: Pod) -> str:
    place = f"on {pod.node}" if pod.node else "without a node"
    return f"{'Terminating' if pod.terminating else pod.phase} {place}"


def clock(at: float) -> str:
    """Return a time of day with milliseconds, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]
