"""How far our clock is from the API server's, by the Date that its answers carry. Pure.

That a person's yes has expired, that a reading is fresh, that a heartbeat is old: such things are
judged by our clock and were written by the server's, or by a person who looked at another.
"""

from email.utils import parsedate_to_datetime

FINE = 1.0
"""Seconds within which a Date names a moment."""


class ServerClock:
    """What the last answer told."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self._ahead: float | None = None

    @property
    def ahead(self) -> float | None:
        """Return the seconds by which ours is ahead, negative when behind, at least.

        0 while the difference is not larger than what an answer took, and the fraction of a second
        that its Date does not tell. None before the first answer that has one.
        """
        return self._ahead

    def heard(self, date: str, sent: float, received: float) -> None:
        """Note the Date of an answer, and between which times of ours it was made."""
        try:
            theirs = parsedate_to_datetime(date).timestamp()
        except (ValueError, OverflowError):
            return
        least, most = sent - (theirs + FINE), received - theirs
        self._ahead = least if least > 0.0 else min(most, 0.0)
