"""What every handler is, and what several are alike in.

Handlers are pure and do not import each other.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Protocol, TypeAlias

import msgspec

from exporter.observe.model import Kind, Subject
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.view import View, Want
from remediator.case import Case
from remediator.growth.growing import mount_missing, waiting
from remediator.growth.limits import reads
from remediator.plan import Decision
from remediator.record import LedgerEntry, Record
from remediator.rights import Grant
from remediator.steps.base import Step


class Risk(StrEnum):
    """The worst that a handler's mistake can do."""

    DATA = "data"
    COST = "cost"
    DISRUPTIVE = "disruptive"


class Goal(msgspec.Struct, frozen=True):
    """Whether a plan's own goal is reached, as a sentence."""

    reached: bool
    sentence: str


class Wait(msgspec.Struct, frozen=True):
    """An undo that may not be done yet; `step` is what a person may demand all the same."""

    sentence: str
    step: Step | None = None


class Closed(msgspec.Struct, frozen=True):
    """An undo that is not ours to do any more."""

    sentence: str


class Back(msgspec.Struct, frozen=True):
    """An undo that may be done now, and why."""

    step: Step
    sentence: str


Undo: TypeAlias = Wait | Closed | Back


class Handler(Protocol):
    """Repairs one failure; its name is the signal's."""

    @property
    def name(self) -> str: ...
    @property
    def risk(self) -> Risk: ...
    @property
    def rights(self) -> tuple[Grant, ...]:
        """Return what its looks and its steps need, the detector's reads among them."""
        ...

    def reads(self, record: Record, view: View) -> Iterable[Want]:
        """Name what must be read beyond what the detector reads.

        Asked until it names nothing new.
        """
        ...

    def powered_by(self, subject: Subject, view: View) -> str:
        """Return the providerID whose power decides a fencing proof; empty when there is none."""
        ...

    def plan(self, case: Case) -> Decision:
        """Decide what to do about a signal that is there now."""
        ...

    def goal(self, record: Record, view: View) -> Goal:
        """Say whether the plan's goal is reached."""
        ...

    def undo(
        self, entry: LedgerEntry, record: Record, view: View, power: InstanceReading | None
    ) -> Undo:
        """Say what to do about one debt."""
        ...


class Unpowered:
    """What handlers share whose plans no machine's power decides."""

    def powered_by(self, subject: Subject, view: View) -> str:
        """Return nothing."""
        del subject, view
        return ""


class ClaimRequests(Unpowered):
    """What handlers share that change what a claim asks for: its limits are read, and its size."""

    def reads(self, record: Record, view: View) -> Iterator[Want]:
        """Its namespace, and what limits the claim."""
        namespace, name = _claim_of(record)
        yield Want(Kind.NAMESPACE, name=namespace)
        claim = view.claim(namespace, name)
        if claim is not None:
            yield from reads(claim)

    def goal(self, record: Record, view: View) -> Goal:
        """Ask the claim whether it has what it asks for."""
        claim = view.claim(*_claim_of(record))
        if missing := waiting(claim, view):
            return Goal(reached=False, sentence=missing)
        if claim is not None and mount_missing(claim, view):
            return Goal(
                reached=True,
                sentence="its volume has what it asks for; its file system grows when a pod mounts"
                " it",
            )
        return Goal(reached=True, sentence="the claim has what it asks for")


def _claim_of(record: Record) -> tuple[str, str]:
    """Return namespace and name of the claim that a record is about."""
    return record.subject["namespace"], record.subject["persistentvolumeclaim"]
