"""Guards: cross-cutting vetoes over a plan.

Contract and verdicts; the guards themselves are in the files beside.

A guard is a pure function of a Question. It answers Allowed or a reason that an operator can read.
Broken
means no: a guard that raises denies, and so does one that cannot see what it needs.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from remediator.case import Case
from remediator.plan import Plan
from remediator.ports import Told
from remediator.record import Record


class Allowed(msgspec.Struct, frozen=True, tag=True):
    """No objection."""

    reason: str = ""


class Denied(msgspec.Struct, frozen=True, tag=True):
    """Not in this episode."""

    reason: str


class NotYet(msgspec.Struct, frozen=True, tag="Deferred"):
    """Not now; ask again, at `until` (Unix seconds) when that is known."""

    reason: str
    until: float | None = None


class NeedsApproval(msgspec.Struct, frozen=True, tag=True):
    """Only with a person's yes."""

    reason: str


Verdict: TypeAlias = Allowed | Denied | NotYet | NeedsApproval


class Question(msgspec.Struct, frozen=True):
    """What a guard may know.

    `others` are all records but this one; `paused` None: could not be read.

    `approved`: who said yes to this very plan; `outdated`: who said yes to another one; `unheard`:
    why what people say cannot be read, empty when it can.

    `power` says in a sentence why the last reading of the machine's power failed, empty when it
    did not; `running`: it did not fail, and the machine is not off. `told` None: nobody was asked,
    because no Alertmanager is named in the settings; a sentence: it was asked and did not answer.

    `ahead`: seconds by which our clock is ahead of the API server's; None while nobody knows.
    """

    case: Case
    plan: Plan
    others: tuple[Record, ...]
    paused: bool | None
    power: str = ""
    running: bool = False
    told: Told | str | None = None
    approved: str = ""
    outdated: str = ""
    unheard: str = ""
    ahead: float | None = 0.0


Guard: TypeAlias = Callable[[Question], Verdict]
