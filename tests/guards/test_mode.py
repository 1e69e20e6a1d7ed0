"""mode: observe, approve, auto, and what is none of them."""

import msgspec
import pytest

from remediator.case import Policy
from remediator.guards.base import Allowed, Denied, NeedsApproval
from remediator.guards.mode import approval, mode
from tests.story.objects import SIGNAL, case, question


def test_auto_is_allowed() -> None:
    """The other guards decide."""
    assert mode(question(case(policy=Policy(mode="auto")))) == Allowed()


def test_approve_needs_a_person() -> None:
    """The verdict says so, and who it was."""
    asking = case(policy=Policy(mode="approve"))
    assert isinstance(mode(question(asking)), NeedsApproval)
    assert mode(question(asking, approved="ann")) == Allowed("approved by ann")


def test_a_yes_to_another_plan_is_said_and_counts_for_nothing() -> None:
    """The person may wonder why it is asked again."""
    verdict = mode(question(case(policy=Policy(mode="approve")), outdated="ann"))
    assert isinstance(verdict, NeedsApproval)
    assert "ann said yes to another plan" in verdict.reason


def test_a_plan_that_wants_a_yes_is_asked_for_in_every_mode() -> None:
    """Auto is no yes to what costs money or risks data without a proof."""
    plan = msgspec.structs.replace(question().plan, needs_yes=True)
    assert isinstance(approval(question(plan=plan)), NeedsApproval)
    assert approval(question(plan=plan, approved="ann")) == Allowed("approved by ann")
    assert approval(question()) == Allowed()


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
