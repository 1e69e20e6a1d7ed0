"""people: heard, and not heard."""

from remediator.guards.base import Allowed, NotYet
from remediator.guards.people import people
from tests.story.objects import question


def test_who_can_be_heard_has_said_nothing_against_it() -> None:
    """What they said has its own places: the mode's yes, and orders before any guard."""
    assert people(question()) == Allowed()


def test_nothing_begins_while_nobody_can_be_heard() -> None:
    """The sentence has the reason, such as the right that is missing."""
    verdict = people(question(unheard="list remediationapprovals: not allowed (403)"))
    assert isinstance(verdict, NotYet)
    assert "not allowed (403)" in verdict.reason
