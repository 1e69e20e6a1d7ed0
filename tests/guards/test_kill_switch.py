"""kill_switch: on, off, and not readable."""

from remediator.guards.base import Allowed, NotYet
from remediator.guards.kill_switch import kill_switch
from tests.story.objects import question


def test_an_absent_switch_is_allowed() -> None:
    """Nobody has asked us to stop."""
    assert kill_switch(question(paused=False)) == Allowed()


def test_a_switch_that_is_on_defers() -> None:
    """The sentence names what to delete."""
    verdict = kill_switch(question(paused=True))
    assert isinstance(verdict, NotYet)
    assert "ConfigMap pvmedic-pause exists" in verdict.reason


def test_a_switch_that_cannot_be_read_defers() -> None:
    """Broken means no."""
    verdict = kill_switch(question(paused=None))
    assert isinstance(verdict, NotYet)
    assert "could not be read" in verdict.reason
