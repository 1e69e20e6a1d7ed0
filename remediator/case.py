"""A Case: one record tied to a fresh signal, the View it was seen in, and the time. Values only."""

import msgspec

from exporter.observe.model import Signal
from exporter.observe.view import View
from remediator.record import Record


class Policy(msgspec.Struct, frozen=True):
    """What the operator allows, in seconds where it is a time. Defaults are the shipped ones.

    modes: per handler, else `mode`: observe, approve or auto.
    removable_drivers: drivers whose node-bound volumes may be taken away with their node.
    proof_gap: between two readings of a fencing proof; proof_age: how old the last one may be.
    """

    mode: str = "observe"
    modes: dict[str, str] = {}
    removable_drivers: frozenset[str] = frozenset()
    alert_max_age: float = 5 * 3600.0
    cooldown: float = 1800.0
    concurrency: int = 1
    proof_gap: float = 30.0
    proof_age: float = 10.0
    give_up_after: float = 6 * 3600.0
    settle_within: float = 600.0
    quiet: float = 600.0

    def mode_of(self, signal: str) -> str:
        """Return the mode of a handler."""
        return self.modes.get(signal, self.mode)


class Case(msgspec.Struct, frozen=True):
    """All a handler and the guards may know.

    `server` is the cluster's (major, minor), None when unread.
    """

    record: Record
    signal: Signal
    view: View
    now: float
    policy: Policy
    server: tuple[int, int] | None
