"""cooldown, rate, concurrency, one_node: counted from the other records."""

import pytest

from exporter.observe.model import Subject
from remediator.case import Policy
from remediator.guards.base import Allowed, NotYet
from remediator.guards.pacing import concurrency, cooldown, one_node, rate
from remediator.record import ACTING, Phase, Record
from tests.story.objects import DEAD, LIVE, NOW, SIGNAL, SPARE, case, planned, question, record

OTHER = Subject((("node", LIVE),))
TWO_SLOTS = case(policy=Policy(mode="auto", concurrency=2))


def acting(on: str = LIVE, phase: Phase = Phase.RUNNING) -> Record:
    """Return another node's record under repair."""
    return record(subject=Subject((("node", on),)), phase=phase, plan=planned(on))


def test_a_subject_that_was_never_acted_on_is_allowed() -> None:
    """Earlier episodes that only watched do not count."""
    assert cooldown(question()) == Allowed()
    assert cooldown(question(others=(record(2),))) == Allowed()


def test_a_subject_cools_down_from_its_last_act() -> None:
    """The verdict knows until when; exactly then it is allowed again."""
    earlier = (record(2, acted_at=NOW - 1799.0), record(3, acted_at=NOW - 9000.0))
    verdict = cooldown(question(others=earlier))
    assert isinstance(verdict, NotYet)
    assert verdict.until == NOW + 1.0
    assert cooldown(question(others=(record(2, acted_at=NOW - 1800.0),))) == Allowed()


@pytest.mark.parametrize(
    "other",
    [record(subject=OTHER, acted_at=NOW), record(signal="multi_attach", acted_at=NOW)],
    ids=["another subject", "another signal"],
)
def test_an_act_on_something_else_is_no_reason_to_wait(other: Record) -> None:
    """A cooldown is the subject's own."""
    assert cooldown(question(others=(other,))) == Allowed()


@pytest.mark.parametrize("phase", Phase)
def test_only_running_and_verifying_take_a_slot(phase: Phase) -> None:
    """A plan that waits, or holds, takes none."""
    verdict = concurrency(question(others=(acting(phase=phase),)))
    assert isinstance(verdict, NotYet) is (phase in ACTING)


def test_a_busy_slot_names_who_has_it() -> None:
    """So that one can look there."""
    other = acting()
    verdict = concurrency(question(others=(other,)))
    assert verdict == NotYet(f"no free execution slot: {other.name} is running")


def test_as_many_slots_as_the_policy_has() -> None:
    """Two slots: one other is fine, two are not."""
    assert concurrency(question(TWO_SLOTS, others=(acting(),))) == Allowed()
    assert isinstance(concurrency(question(TWO_SLOTS, others=(acting(), acting(SPARE)))), NotYet)


@pytest.mark.parametrize("phase", Phase)
def test_another_node_under_repair_is_waited_for_whatever_the_slots(phase: Phase) -> None:
    """Two nodes at once may be the whole quorum."""
    verdict = one_node(question(TWO_SLOTS, others=(acting(phase=phase),)))
    assert isinstance(verdict, NotYet) is (phase in ACTING)
    if isinstance(verdict, NotYet):
        assert LIVE in verdict.reason


def test_another_record_about_the_same_node_does_not_count_as_another_node() -> None:
    """The slots are counted elsewhere."""
    assert one_node(question(others=(acting(DEAD),))) == Allowed()


def test_a_record_without_a_plan_works_on_no_node() -> None:
    """It has named none."""
    other = record(subject=OTHER, phase=Phase.RUNNING)
    assert one_node(question(others=(other,))) == Allowed()


def repaired(number: int, ago: float, signal: str = SIGNAL) -> Record:
    """Return another subject's record that was acted on so many seconds ago."""
    return record(number, signal=signal, acted_at=NOW - ago)


def test_a_handler_may_act_so_often_within_the_window() -> None:
    """The verdict knows when the oldest of them leaves it; exactly then there is room again."""
    others = (repaired(2, 3000.0), repaired(3, 2000.0), repaired(4, 1000.0))
    verdict = rate(question(others=others))
    assert isinstance(verdict, NotYet)
    assert verdict.until == NOW + 600.0
    assert rate(question(others=others[1:])) == Allowed()
    assert rate(question(others=(repaired(2, 3600.0), *others[1:]))) == Allowed()


def test_all_handlers_together_have_a_limit_of_their_own() -> None:
    """Many kinds of failure at once are one disaster, not many."""
    others = tuple(repaired(number, 10.0, "multi_attach") for number in range(6))
    verdict = rate(question(others=others))
    assert isinstance(verdict, NotYet)
    assert "repairs of all kinds" in verdict.reason
    assert rate(question(others=others[1:])) == Allowed()
