"""How well one kind is seen: listed or not, last moved when, refused or not. Clocks are given.

A watch that is silent for two minutes, or that is refused, is unseen; until then its objects stand.
A resource type that is not installed is known to be empty, which is not unseen.
"""

from collections.abc import Callable

from exporter.observe import errors
from exporter.observe.model import Kind

UNSEEN_AFTER_SECONDS = 120.0


class WatchState:
    """Kept by a reflector, read by the observer and the metrics.

    `last_progress` is Unix seconds, None before the first. `skipped` counts objects that are not
    kept.
    """

    def __init__(self, kind: Kind, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        """Begin without having seen anything. `steady` judges, `wall` is what is shown."""
        self.kind = kind
        self.last_progress: float | None = None
        self.listed = False
        self.skipped = 0
        self._wall = wall
        self._steady = steady
        self._moved = steady()
        self._refused: dict[str, str] = {}
        self._failure = ""

    def progressed(self, verb: str) -> None:
        """Something arrived: a list, an accepted or renewed watch, an event, a bookmark."""
        self.last_progress = self._wall()
        self._moved = self._steady()
        self._refused.pop(verb, None)
        self._failure = ""

    def failed(self, verb: str, error: errors.ObserveError) -> None:
        """Remember what went wrong; a refusal counts at once."""
        self._failure = str(error)
        if isinstance(error, errors.Forbidden | errors.Unauthorized):
            self._refused[verb] = str(error)

    def unseen(self) -> str:
        """Return why this kind cannot be judged now, as a sentence; empty when it can."""
        if self._refused:
            return "; ".join(self._refused.values())
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
