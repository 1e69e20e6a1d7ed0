"""Which readings are kept as evidence, and when two of them are a proof."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.guards.fencing_proof import kept, off, proven
from remediator.record import Reading
from tests.story.objects import NOW, reading

FIRST, LATER = reading(NOW), reading(NOW + 30.0)


@pytest.mark.parametrize("state", ["stopped", "terminated"])
def test_off_means_stopped_or_terminated_without_a_memory(state: str) -> None:
    """A machine that may wake up with its memory writes on."""
    assert off(reading(NOW, state))
    assert not off(reading(NOW, state, hibernated=True))


@pytest.mark.parametrize("state", ["stopping", "shutting-down", "pending", "running", ""])
def test_no_other_state_is_off(state: str) -> None:
    """A machine on its way down still writes."""
    assert not off(reading(NOW, state))


def test_the_first_reading_that_says_off_begins_a_run() -> None:
    """One is kept; it proves nothing yet."""
    assert kept((), FIRST) == (FIRST,)
    assert not proven((FIRST,), 0.0)


def test_a_run_keeps_its_first_and_its_last_reading() -> None:
    """The first says since when, the last how fresh."""
    last = reading(NOW + 60.0)
    assert kept(kept((FIRST,), LATER), last) == (FIRST, last)


@pytest.mark.parametrize(
    "new", [reading(NOW + 30.0, "running"), reading(NOW + 30.0, hibernated=True)]
)
def test_a_reading_that_says_on_ends_the_run(new: Reading) -> None:
    """Nothing of before counts any more."""
    assert kept((FIRST, LATER), new) == ()


@pytest.mark.parametrize(
    "new",
    [
        reading(NOW + 30.0, subject="i-0f"),
        reading(NOW + 30.0, account="999999999999"),
        reading(NOW + 30.0, launched_at=NOW + 20.0),
        reading(NOW + 30.0, launched_at=None),
    ],
    ids=["another machine", "another account", "launched since", "launch unknown"],
)
def test_a_reading_of_another_machine_or_launch_begins_anew(new: Reading) -> None:
    """Between the two it ran."""
    assert kept((FIRST,), new) == (new,)


def test_a_proof_takes_the_whole_gap() -> None:
    """Exactly the gap is enough, less never is."""
    assert not proven((FIRST, reading(NOW + 29.999)), 30.0)
    assert proven((FIRST, reading(NOW + 30.0)), 30.0)
    assert proven((FIRST, reading(NOW + 30.001)), 30.0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["stopped", "terminated", "running", "stopping"]),
            st.booleans(),
            st.sampled_from([NOW - 50.0, NOW + 5.0]),
            st.sampled_from(["1", "2"]),
        )
    )
)
def test_what_is_kept_is_always_an_unbroken_run_of_one_machine(
    answers: list[tuple[str, bool, float, str]],
) -> None:
    """At most two readings, both off, same launch and owner, and no other reading lies between."""
    readings: tuple[Reading, ...] = ()
    told: list[Reading] = []
    for number, (state, hibernated, launched, account) in enumerate(answers):
        new = reading(
            NOW + number, state, hibernated=hibernated, launched_at=launched, account=account
        )
        told.append(new)
        readings = kept(readings, new)
        assert len(readings) <= 2
        if readings:
            run = told[told.index(readings[0]) :]
            assert all(off(one) for one in run)
            assert all(
                (a.account, a.launched_at) == (b.account, b.launched_at) for a, b in pairwise(run)
            )
            assert readings[-1] is new
