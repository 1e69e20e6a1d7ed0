"""When a scene reached what, as one sentence at its end."""

from __future__ import annotations

import time


class Times:
    """Seconds since this was made."""

    def __init__(self) -> None:
        """Start the clock."""
        self._began = time.monotonic()
        self._noted: list[str] = []

    def note(self, what: str) -> None:
        """Take the time of a milestone."""
        self._noted.append(f"{what} {time.monotonic() - self._began:.1f} s")

    def sentence(self) -> str:
        """Return all of them."""
        return f"Since it began: {'; '.join(self._noted)}."
