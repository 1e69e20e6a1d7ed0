"""mode: observe, approve, auto, and what is none of them."""

import pytest

from remediator.case import Policy
from remediator.guards.base import Allowed, Denied, NeedsApproval
from remediator.guards.mode import mode
from tests.story.objects import SIGNAL, case, question


def test_auto_is_allowed() -> None:
    """The other guards decide."""
    assert mode(question(case(policy=Policy(mode="auto")))) == Allowed()


def test_approve_needs_a_person() -> None:
    """The verdict says so."""
    assert isinstance(mode(question(case(policy=Policy(mode="approve")))), NeedsApproval)


@pytest.mark.parametrize("wanted", ["observe", "", "AUTO", "anything"])
def test_observe_and_what_is_no_mode_are_denied(wanted: str) -> None:
    """Broken means no."""
    assert isinstance(mode(question(case(policy=Policy(mode=wanted)))), Denied)


def test_the_shipped_mode_is_observe() -> None:
    """Nothing is done until an operator says so."""
    assert isinstance(mode(question(case(policy=Policy()))), Denied)


def test_a_handlers_own_mode_counts() -> None:
    """In both directions, and only its own."""
    quieter = Policy(mode="auto", modes={SIGNAL: "observe"})
    louder = Policy(mode="observe", modes={SIGNAL: "auto", "other": "observe"})
    assert isinstance(mode(question(case(policy=quieter))), Denied)
    assert mode(question(case(policy=louder))) == Allowed()
