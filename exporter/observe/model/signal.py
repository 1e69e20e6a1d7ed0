"""What is said of objects: a change, a subject, a signal."""

from enum import StrEnum

import msgspec

from exporter.observe.model.objects import Object


class Change(msgspec.Struct, frozen=True):
    """One object as it was and as it is: `old` None is an arrival, `new` None a removal."""

    old: Object | None
    new: Object | None


class Subject(msgspec.Struct, frozen=True, order=True):
    """What a signal is about: label pairs in the order the signal declares them."""

    labels: tuple[tuple[str, str], ...]

    def __getitem__(self, label: str) -> str:
        """Return one label's value; KeyError when the subject has no such label."""
        for name, value in self.labels:
            if name == label:
                return value
        raise KeyError(label)

    def __str__(self) -> str:
        """As logs and records show it: `node=ip-10-0-0-1`."""
        return ",".join(f"{name}={value}" for name, value in self.labels)


class SinceSource(StrEnum):
    """Where a signal's `since` comes from; FIRST_SEEN is filled in by whoever keeps time."""

    OBJECT = "object"
    EVENT = "event"
    LOG = "log"
    FIRST_SEEN = "first_seen"


class Signal(msgspec.Struct, frozen=True):
    """One failure state of one subject at one moment.

    `since` is None exactly when `since_source` is FIRST_SEEN. `reason` is from the detector's
    closed set. `named` are further label pairs that an alert should show. `evidence` are
    sentences for people.
    """

    name: str
    subject: Subject
    since: float | None
    since_source: SinceSource
    reason: str
    named: tuple[tuple[str, str], ...] = ()
    evidence: tuple[str, ...] = ()
