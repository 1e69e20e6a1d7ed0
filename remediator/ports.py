"""What the engine needs from the outside, as protocols.

Tests give it plain objects, the app gives it edges.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

import msgspec

from exporter.observe.model import Kind, Signal, Subject
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.signals.base import Detector
from exporter.observe.view import View, Want
from remediator.record import DecisionRecord, HistoryEntry, Record, Status
from remediator.steps.base import Step

Reads: TypeAlias = Callable[[Subject, View], Iterable[Want]]


class Told(msgspec.Struct, frozen=True):
    """What Alertmanager says now. `firing` are names of alerts that fire and are not silenced.

    `silence`: the id and comment of a silence over this record's alert; empty for none.
    """

    firing: frozenset[str] = frozenset()
    silence: str = ""


class Sight(msgspec.Struct, frozen=True):
    """One fresh look at one subject.

    With something in `unseen`, `signal` None does not mean gone.
    """

    view: View
    signal: Signal | None
    unseen: dict[Kind, str]


class World(Protocol):
    """Looks. Never raises: what cannot be read is in the Sight's `unseen`."""

    async def look(self, detector: Detector, subject: Subject, extra: Reads) -> Sight:
        """Read fresh objects and let the exporter's detector decide over them."""
        ...

    async def glance(self, detector: Detector, subject: Subject, extra: Reads, due: float) -> Sight:
        """Look as `look` does, by lists that were begun at `due` (Unix seconds) or later.

        Others may have used them. Nothing is done or written because of it.
        """
        ...

    async def version(self) -> tuple[int, int] | None:
        """Return the API server's (major, minor), None when it could not be read."""
        ...

    async def paused(self) -> bool | None:
        """Return whether the kill switch is on, None when it could not be read."""
        ...


class Power(Protocol):
    """Reads whether a machine has power."""

    async def read(self, provider_id: str) -> InstanceReading:
        """Read it now; raises an ObserveError whose text says why it could not be read."""
        ...


class Alerting(Protocol):
    """Knows what Alertmanager says."""

    async def told(self, record: Record) -> Told | str | None:
        """Return what guards ask about, see `Question.told`; never raises."""
        ...


class Records(Protocol):
    """Keeps Remediations."""

    def all(self) -> tuple[Record, ...]:
        """Return every record, as last seen. One that has not changed is the same object."""
        ...

    def named(self, name: str) -> Record | None:
        """Return a record as last seen; None where there is none."""
        ...

    async def save(self, record: Record) -> Record:
        """Write the status, bound to the record's version; Conflict when somebody was faster."""
        ...

    async def keep(self, record: Record) -> Record:
        """Put our finalizer on it, so that a debt outlives its deletion; bound to its version."""
        ...

    async def let_go(self, record: Record) -> None:
        """Take our finalizer off; one that was deleted is gone then."""
        ...


class Actuator(Protocol):
    """Changes the world."""

    async def apply(self, step: Step, view: View) -> None:
        """Do one step, bound to the object versions in `view`.

        Raises an ObserveError when refused.
        """
        ...


class Claims(Protocol):
    """Holds what others must not touch while we do."""

    async def tend(self, record: Record, view: View) -> None:
        """Keep what a record holds while it acts or owes, else give it back; never raises."""
        ...


class Report(msgspec.Struct, frozen=True):
    """What happened, once: metrics, log and Kubernetes Event are made from this one value.

    before: the phase before. wrote: a change of ours to the cluster. decision: an order of a person
    that was dealt with. was: the status before, on the last report of a save and on no other.
    """

    record: Record
    entry: HistoryEntry
    before: str
    wrote: str = ""
    decision: DecisionRecord | None = None
    was: Status | None = None


class Sink(Protocol):
    """Takes reports."""

    def take(self, report: Report) -> None:
        """Note one report; must not raise and must not wait."""
        ...
