"""How well one kind is seen: listed or not, last moved when, refused or not. Clocks are given.

A kind whose watch is silent for two minutes, or keeps being refused, is unseen; until then its
objects stand. A resource type that is not installed is known to be empty, which is not unseen.
"""

from collections.abc import Callable
from typing import NamedTuple

from exporter.observe import errors
from exporter.observe.model import Kind, Ref

UNSEEN_AFTER_SECONDS = 120.0
REFUSED_AFTER_SECONDS = 10.0
"""How far apart the first and the last of a row of refusals lie when what was seen becomes unseen.

An API server that has just started refuses rightful requests for a moment, until it has read its
roles; signals must not go away for that. Before the first list a refusal counts at once.
"""


class Refusal(NamedTuple):
    """A row of refusals of one verb; times by the steady clock."""

    first: float
    last: float
    sentence: str


class WatchState:
    """Kept by a reflector, read by the observer and the metrics.

    `last_progress` is Unix seconds, None before the first. `skipped` counts objects that are not
    kept, `unreadable` names those whose newest version could not be read: what was known of them
    before stands.
    """

    def __init__(self, kind: Kind, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        """Begin without having seen anything. `steady` judges, `wall` is what is shown."""
        self.kind = kind
        self.last_progress: float | None = None
        self.listed = False
        self.skipped = 0
        self.unreadable: set[Ref] = set()
        self._wall = wall
        self._steady = steady
        self._moved = steady()
        self._refused: dict[str, Refusal] = {}
        self._failure = ""

    def progressed(self, verb: str) -> None:
        """Something arrived: a list, an accepted or renewed watch, an event, a bookmark."""
        self.last_progress = self._wall()
        self._moved = self._steady()
        self._refused.pop(verb, None)
        self._failure = ""

    def failed(self, verb: str, error: errors.ObserveError) -> None:
        """Remember what went wrong."""
        self._failure = str(error)
        if isinstance(error, errors.Forbidden | errors.Unauthorized):
            now = self._steady()
            before = self._refused.get(verb)
            first = before.first if before is not None else now
            self._refused[verb] = Refusal(first, now, str(error))

    def unseen(self) -> str:
        """Return why this kind cannot be judged now, as a sentence; empty when it can."""
        refused = [
            refusal.sentence
            for refusal in self._refused.values()
            if not self.listed or refusal.last - refusal.first >= REFUSED_AFTER_SECONDS
        ]
        if refused:
            return "; ".join(refused)
        silent = self._steady() - self._moved
        because = f": {self._failure}" if self._failure else ""
        if not self.listed:
            return f"{self.kind} have not been listed yet{because}"
        if silent > UNSEEN_AFTER_SECONDS:
            return f"no sign of {self.kind} for {silent:.0f} s{because}"
        return ""

    def settled(self) -> bool:
        """Whether the first attempt is over: listed, refused, or tried in vain for long enough."""
        return (
            self.listed
            or bool(self._refused)
            or self._steady() - self._moved > UNSEEN_AFTER_SECONDS
        )
