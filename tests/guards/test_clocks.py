"""clocks: by how much ours and the API server's may differ."""

import pytest

from remediator.guards.base import Allowed, NotYet
from remediator.guards.clocks import clocks
from tests.story.objects import question


@pytest.mark.parametrize("ahead", [0.0, 30.0, -30.0])
def test_a_small_difference_is_allowed(ahead: float) -> None:
    """Clocks that are set differ by milliseconds, and answers take their time."""
    assert clocks(question(ahead=ahead)) == Allowed()


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(30.1, "30 s ahead of"), (-3600.0, "3600 s behind"), (None, "has told its time yet")],
)
def test_a_large_one_or_an_unknown_one_is_not(ahead: float | None, words: str) -> None:
    """Who cannot tell the time cannot tell how old anything is."""
    verdict = clocks(question(ahead=ahead))
    assert isinstance(verdict, NotYet)
    assert words in verdict.reason
