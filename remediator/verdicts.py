"""From verdicts to a phase: the one table that says what a refusal leads to. Pure."""

from collections.abc import Sequence

import msgspec

from remediator.guards.base import Allowed, Denied, NeedsApproval, NotYet, Verdict
from remediator.record import Phase, VerdictRecord

Verdicts = tuple[tuple[str, Verdict], ...]


class Outcome(msgspec.Struct, frozen=True):
    """Where a plan goes now, why, and when to ask again (Unix seconds) if a guard knows."""

    phase: Phase
    sentence: str
    until: float | None = None
    would_have_acted: bool = False


def outcome(verdicts: Verdicts, mode: str, goal: str) -> Outcome:
    """Map all verdicts to one outcome.

    observe: Observed, whatever the others say. Otherwise any Denied: Blocked; any Deferred:
    Deferred; any NeedsApproval: AwaitingApproval; all Allowed: Running.
    """
    others = tuple((name, verdict) for name, verdict in verdicts if name != "mode")
    refusals = [(name, v) for name, v in others if not isinstance(v, Allowed)]
    if mode not in ("approve", "auto"):
        if refusals:
            return Outcome(Phase.OBSERVED, f"mode is observe, and besides: {_reasons(refusals)}")
        return Outcome(
            Phase.OBSERVED,
            f"mode is observe: would have acted, so that {goal}",
            would_have_acted=True,
        )
    denied = [(name, v) for name, v in verdicts if isinstance(v, Denied)]
    if denied:
        return Outcome(Phase.BLOCKED, _reasons(denied))
    waiting = [(name, v) for name, v in verdicts if isinstance(v, NotYet)]
    if waiting:
        known = [v.until for _, v in waiting if isinstance(v, NotYet) and v.until is not None]
        until = max(known) if len(known) == len(waiting) else None
        return Outcome(Phase.DEFERRED, _reasons(waiting), until)
    asking = [(name, v) for name, v in verdicts if isinstance(v, NeedsApproval)]
    if asking:
        return Outcome(Phase.AWAITING_APPROVAL, _reasons(asking))
    return Outcome(Phase.RUNNING, f"every guard allows it; the goal: {goal}")


def refused(verdicts: Verdicts) -> str:
    """Return what the guards have against it, empty when all allow it."""
    return _reasons([(name, v) for name, v in verdicts if not isinstance(v, Allowed)])


def recorded(verdicts: Verdicts) -> tuple[VerdictRecord, ...]:
    """Return the verdicts as they stand in the resource."""
    return tuple(
        VerdictRecord(guard=name, verdict=str(v.__struct_config__.tag), reason=v.reason)
        for name, v in verdicts
    )


def _reasons(verdicts: Sequence[tuple[str, Verdict]]) -> str:
    return "; ".join(f"{name}: {verdict.reason}" for name, verdict in verdicts)
