"""When a kind counts as seen: going on being refused, or silence for two minutes."""

import pytest

from exporter.observe import errors
from exporter.observe.kube.reflector import LONGEST_DELAY_SECONDS, delay
from exporter.observe.kube.watch_state import (
    REFUSED_AFTER_SECONDS,
    UNSEEN_AFTER_SECONDS,
    WatchState,
)
from exporter.observe.model import Kind


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def state(clock: Clock) -> WatchState:
    """Return the state of a kind that was listed just now."""
    made = WatchState(Kind.POD, wall=lambda: 5.0, steady=clock)
    made.listed = True
    made.progressed("list")
    return made


def test_before_the_first_list_it_is_unseen(clock: Clock) -> None:
    """With what stands in the way; ready it is not, until it has tried for two minutes."""
    state = WatchState(Kind.POD, wall=clock, steady=clock)
    assert state.unseen() == "pods have not been listed yet"
    state.failed("list", errors.Unreachable("list pods: no answer"))
    assert state.unseen() == "pods have not been listed yet: list pods: no answer"
    assert not state.settled()
    clock.now += UNSEEN_AFTER_SECONDS + 1
    assert state.settled()
    assert state.last_progress is None


def test_a_failing_watch_stands_for_two_minutes(state: WatchState, clock: Clock) -> None:
    """Until then its objects are as good as they were."""
    state.failed("watch", errors.ServerFailed("watch pods: 500"))
    clock.now += UNSEEN_AFTER_SECONDS
    assert not state.unseen()
    clock.now += 1
    assert state.unseen() == "no sign of pods for 121 s: watch pods: 500"
    state.progressed("watch")
    assert not state.unseen()
    assert state.last_progress == 5.0


@pytest.mark.parametrize("error", [errors.Forbidden("not allowed"), errors.Unauthorized("who?")])
def test_a_refusal_before_the_first_list_counts_at_once(
    clock: Clock, error: errors.ObserveError
) -> None:
    """Waiting will not help, and there is nothing that could go away."""
    state = WatchState(Kind.POD, wall=clock, steady=clock)
    state.failed("list", error)
    assert state.unseen() == str(error)
    assert state.settled()


def test_what_was_seen_is_unseen_once_refusals_go_on(state: WatchState, clock: Clock) -> None:
    """One alone may be an API server that has just started and has not read its roles yet."""
    state.failed("watch", errors.Forbidden("not allowed"))
    clock.now += 60
    assert not state.unseen()
    state.failed("watch", errors.Forbidden("not allowed, again"))
    assert state.unseen() == "not allowed, again"


def test_refusals_with_a_success_between_do_not_add_up(state: WatchState, clock: Clock) -> None:
    """Each row begins anew."""
    state.failed("watch", errors.Unauthorized("who?"))
    clock.now += 60
    state.progressed("watch")
    state.failed("watch", errors.Unauthorized("who?"))
    assert not state.unseen()


def test_a_refused_watch_is_not_forgiven_by_a_list(state: WatchState, clock: Clock) -> None:
    """Only what was refused can be allowed again."""
    state.failed("watch", errors.Forbidden("not allowed to watch"))
    clock.now += REFUSED_AFTER_SECONDS
    state.failed("watch", errors.Forbidden("not allowed to watch"))
    state.progressed("list")
    assert state.unseen() == "not allowed to watch"
    state.progressed("watch")
    assert not state.unseen()


@pytest.mark.parametrize(
    ("failures", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 15.0), (5000, 15.0)]
)
def test_waiting_doubles_up_to_a_limit_and_is_jittered_in_full(
    failures: int, longest: float
) -> None:
    """From nothing up to the longest, by chance."""
    assert delay(failures, 0.0) == 0.0
    assert delay(failures, 1.0) == longest <= LONGEST_DELAY_SECONDS


def test_no_less_than_what_the_server_asked_for() -> None:
    """Retry-After is obeyed even beyond our own limit."""
    assert delay(1, 0.0, asked=60.0) == 60.0
    assert delay(6, 1.0, asked=1.0) == 15.0
