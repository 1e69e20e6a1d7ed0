"""What no object tells any more: deleted Events, and when what has no time was first seen.

Bounded, and plain data, so that it can be written down and read again.

No I/O, no clock; which signal needs what is not known here.
"""

from collections.abc import Iterator

import msgspec

from exporter.observe import model
from exporter.observe.model import KubeEvent, Ref, Subject
from exporter.observe.model.facts import LATCHING

MOST_EVENTS = 20_000
"""Remembered in all: 20 MB. The oldest go first."""
MOST_OF_ONE = 40
"""Remembered about one object, of one kind of fact: jobs of Rok's, each with a dozen Events.

What is said often must not put out what is said once.
"""

KINDS = {
    "Pod": model.Kind.POD,
    "PersistentVolumeClaim": model.Kind.CLAIM,
    "PersistentVolume": model.Kind.VOLUME,
    "Node": model.Kind.NODE,
    "VolumeSnapshot": model.Kind.SNAPSHOT,
    "VolumeSnapshotContent": model.Kind.SNAPSHOT_CONTENT,
}
"""Kinds as Events spell them."""
SPELLED = {kind: name for name, kind in KINDS.items()}


class FirstSeen(msgspec.Struct, frozen=True):
    """When a signal without a time of its own was first seen, in Unix seconds."""

    signal: str
    subject: Subject
    since: float


class Memory(msgspec.Struct, frozen=True):
    """All that would be lost."""

    first_seen: tuple[FirstSeen, ...] = ()
    events: tuple[KubeEvent, ...] = ()


def latches(event: KubeEvent) -> bool:
    """Whether an Event must outlive its hour: no object shows what it says."""
    return isinstance(event.fact, LATCHING)


def about(event: KubeEvent) -> Ref | None:
    """Return the object that an Event is about; None for kinds that are not kept."""
    kind = KINDS.get(event.about_kind)
    if kind is None or not event.about_name:
        return None
    return Ref(kind, event.about_namespace, event.about_name)


class Remembered:
    """The Events that Kubernetes has deleted and we keep, oldest first."""

    def __init__(self) -> None:
        self._events: dict[Ref, KubeEvent] = {}
        self._by_object: dict[tuple[Ref, type], dict[Ref, None]] = {}

    def __iter__(self) -> Iterator[KubeEvent]:
        """All of them."""
        return iter(self._events.values())

    def add(self, event: KubeEvent) -> list[Ref]:
        """Keep one; return the names of those that had to go for it."""
        name, owner = model.ref(event), about(event)
        if owner is None:
            return []
        self._events[name] = event
        names = self._by_object.setdefault((owner, type(event.fact)), {})
        names[name] = None
        gone = [next(iter(names))] if len(names) > MOST_OF_ONE else []
        if len(self._events) - len(gone) > MOST_EVENTS:
            gone.append(next(iter(self._events)))
        for old in gone:
            self.forget(old)
        return gone

    def forget(self, name: Ref) -> None:
        """Let one go, if it is here."""
        event = self._events.pop(name, None)
        owner = about(event) if event is not None else None
        if event is not None and owner is not None:
            key = (owner, type(event.fact))
            names = self._by_object[key]
            names.pop(name, None)
            if not names:
                del self._by_object[key]

    def of(self, owner: Ref) -> list[Ref]:
        """Return the names of those about an object."""
        return [name for fact in LATCHING for name in self._by_object.get((owner, fact), ())]
