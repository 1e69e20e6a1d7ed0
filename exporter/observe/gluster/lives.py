"""Since when a glusterd has been failing, and whether it begins anew again and again.

Kept from look to look, in memory only: after a restart of ours it is seen for the first time.
"""

from collections import deque

from exporter.observe.gluster.files import Process
from exporter.observe.model import GlusterdProblem

WINDOW_SECONDS = 600.0
RESTARTS = 2
"""So many in the window are a loop: one is somebody's doing."""


class Lives:
    """One glusterd's."""

    def __init__(self) -> None:
        self._identity = ""
        self._changes: deque[float] = deque()
        self._unanswered: float | None = None
        self._troubled: float | None = None

    def process(self, found: Process, now: float) -> bool:
        """Take what a look saw of its process; return whether it restarts in a loop."""
        if found.identity and self._identity and found.identity != self._identity:
            self._changes.append(now)
        self._identity = found.identity or self._identity
        while self._changes and self._changes[0] < now - WINDOW_SECONDS:
            self._changes.popleft()
        return len(self._changes) >= RESTARTS

    def failing_since(
        self, *, answers: bool, problem: GlusterdProblem | None, now: float
    ) -> float | None:
        """Take how a look ended; return since when it is like that, None for all well."""
        self._unanswered = None if answers else self._unanswered or now
        self._troubled = None if answers and problem is None else self._troubled or now
        return self._troubled if answers else self._unanswered
