"""breaker: latched by what went wrong, closed by a person alone."""

import msgspec
import pytest

from remediator.guards.base import Allowed, NotYet
from remediator.guards.breaker import WRONG, breaker, closed_at
from remediator.record import Phase, Record, Status
from tests.story.objects import NOW, case, question, record


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
    others = three(since=NOW - 60.0)
    released = wrong(2, NOW - 60.0, NOW - 10.0)
    assert breaker(question(others=(released, *others[1:]))) == Allowed()


def test_it_names_what_went_wrong_and_what_to_type() -> None:
    """Who is called needs no manual."""
    verdict = breaker(question(others=three()))
    assert isinstance(verdict, NotYet)
    assert all(one.name in verdict.reason for one in three())
    assert "pvmedic release" in verdict.reason


def wrong(number: int, since: float, released: float | None = None) -> Record:
    """Return a record that went wrong, and when a person has released it."""
    return record(
        number,
        signal="multi_attach",
        phase=Phase.FAILED,
        phase_since=since,
        released_at=released,
    )


CLOSED = NOW - 30.0
WAS_OPEN = (
    wrong(2, NOW - 300.0, CLOSED),
    wrong(3, NOW - 200.0),
    wrong(4, NOW - 100.0),
)


@pytest.mark.parametrize(
    ("heard", "allowed"),
    [(CLOSED - 1.0, False), (CLOSED, False), (CLOSED + 1.0, True)],
    ids=["before", "just then", "since"],
)
def test_what_waited_behind_it_goes_on_once_its_alert_is_heard_again(
    heard: float, *, allowed: bool
) -> None:
    """A release is a person's word about what went wrong, and not about all that waits."""
    waited = msgspec.structs.replace(
        case().record, created=NOW - 250.0, status=status(last_alert_at=heard)
    )
    verdict = breaker(question(case(record=waited), others=WAS_OPEN))
    assert (verdict == Allowed()) is allowed
    if isinstance(verdict, NotYet):
        assert "not heard again since that was closed at 2027-01-15T07:59:30Z" in verdict.reason


def test_what_began_since_it_was_closed_is_not_asked_again() -> None:
    """Its first notification came after the release."""
    new = msgspec.structs.replace(
        case().record, created=CLOSED + 5.0, status=status(last_alert_at=None)
    )
    assert breaker(question(case(record=new), others=WAS_OPEN)) == Allowed()


def status(**fields: object) -> Status:
    """Return the status of the usual case."""
    return msgspec.structs.replace(case().record.status, **fields)


@pytest.mark.parametrize(
    ("records", "when"),
    [
        ((), None),
        (WAS_OPEN, CLOSED),
        # Never three at once: the first was released before the third went wrong.
        ((wrong(2, 10.0, 20.0), wrong(3, 10.0, 40.0), wrong(4, 30.0, 50.0)), None),
        # Four, and two releases: the second one closed it.
        (tuple(wrong(n, 10.0 * n, 100.0 * n if n < 4 else None) for n in (2, 3, 4, 5)), 300.0),
        # Open twice: the later time counts.
        (tuple(wrong(n, 10.0, 20.0) for n in (2, 3, 4)) + WAS_OPEN, CLOSED),
    ],
    ids=["nothing", "one of three", "never open", "two of four", "twice"],
)
def test_when_it_was_closed_is_read_from_the_records(
    records: tuple[Record, ...], when: float | None
) -> None:
    """It needs no memory of its own, so a restart changes nothing about it."""
    assert closed_at(records, 3) == when
