"""clocks: nothing begins while our clock and the API server's do not agree.

When a yes ends, how old a reading, a notification or a heartbeat is: all are differences between
times that two clocks wrote.
"""

from remediator.guards.base import Allowed, NotYet, Question, Verdict

LARGEST = 30.0
"""Seconds by which they may differ. A proof's two readings are as far apart."""


def clocks(question: Question) -> Verdict:
    """Wait while they differ by more, or while the server's time is not known."""
    ahead = question.ahead
    if ahead is None:
        return NotYet("no answer of the API server has told its time yet")
    if abs(ahead) > LARGEST:
        how = "ahead of" if ahead > 0 else "behind"
        return NotYet(
            f"this replica's clock is {abs(ahead):.0f} s {how} the API server's; {LARGEST:g} s are"
            " allowed"
        )
    return Allowed()
