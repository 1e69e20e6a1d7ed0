"""What the observer tells, and what it must know of how well each kind is seen.

Words only: who tells is the observer, who hears publishes.
"""

from collections.abc import Collection
from typing import Protocol

import msgspec

from exporter.observe.model import Change, Kind, Ref, Signal, Subject
from exporter.observe.signals.base import Detector
from exporter.observe.view import View


class Seen(msgspec.Struct, frozen=True):
    """A signal that holds, and since when, in Unix seconds.

    First seen by us where the object has no time.
    """

    signal: Signal
    since: float


class KindState(Protocol):
    """How well a kind is seen: a WatchState or a LookState."""

    last_progress: float | None
    listed: bool
    skipped: int
    unreadable: set[Ref]

    def unseen(self) -> str:
        """Return why this kind cannot be judged now, as a sentence; empty when it can."""
        ...

    def settled(self) -> bool:
        """Whether the first attempt is over."""
        ...


class Listener(Protocol):
    """Hears what changed. Called from the event loop; must not take long."""

    def signal(self, detector: Detector, subject: Subject, seen: Seen | None) -> None:
        """A signal begins or changes, or ends or is withdrawn (None)."""
        ...

    def judged(self, detector: Detector, count: int | None, *, partly: bool = False) -> None:
        """How many of a detector's signals hold; None: it cannot judge now, or only `partly`."""
        ...

    def decided(
        self, detector: Detector, subject: Subject, signal: Signal | None, view: View
    ) -> None:
        """A subject was decided, by a detector that it asked to follow."""
        ...

    def change(self, change: Change, view: View) -> None:
        """An object of a kind that it asked to hear of changed."""
        ...

    def settled(self, view: View, turned: Collection[Kind] = ()) -> None:
        """All changes that were pending have been told.

        `turned` are kinds that can be seen now and could not before, or the other way round.
        """
        ...
