"""breaker: latched by what went wrong, closed by a person alone."""

import pytest

from remediator.guards.base import Allowed, NotYet
from remediator.guards.breaker import WRONG, breaker
from remediator.record import Phase, Record
from tests.story.objects import NOW, question, record


def three(phase: Phase = Phase.FAILED, since: float = NOW) -> tuple[Record, ...]:
    """Return three records of other subjects in this phase."""
    numbers = (2, 3, 4)
    made = (record(n, signal="multi_attach", phase=phase, phase_since=since) for n in numbers)
    return tuple(made)


@pytest.mark.parametrize("phase", Phase)
def test_only_what_went_wrong_opens_it(phase: Phase) -> None:
    """A refusal is no failure of ours."""
    assert isinstance(breaker(question(others=three(phase))), NotYet) is (phase in WRONG)


def test_it_is_open_however_long_ago_it_was() -> None:
    """Time does not close it: whatever broke is still broken until somebody has looked."""
    old = three(since=NOW - 30 * 86400.0)
    assert isinstance(breaker(question(others=old)), NotYet)


def test_a_release_closes_it() -> None:
    """One of three is enough: two are fewer than the policy's three."""
    others = three()
    released = record(2, signal="multi_attach", phase=Phase.FAILED, released_at=NOW)
    assert breaker(question(others=(released, *others[1:]))) == Allowed()


def test_it_names_what_went_wrong_and_what_to_type() -> None:
    """Who is called needs no manual."""
    verdict = breaker(question(others=three()))
    assert isinstance(verdict, NotYet)
    assert all(one.name in verdict.reason for one in three())
    assert "pvmedic release" in verdict.reason
