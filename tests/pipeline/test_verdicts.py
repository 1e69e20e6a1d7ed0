"""What verdicts lead to: the table, line by line."""

import pytest

from remediator.guards.base import Allowed, Denied, NeedsApproval, NotYet, Verdict
from remediator.record import Phase, VerdictRecord
from remediator.verdicts import outcome, recorded

YES, NO = Allowed(), Denied("no")
ASK = NeedsApproval("ask")
SOON, LATER, SOMETIME = NotYet("soon", 10.0), NotYet("later", 20.0), NotYet("sometime")


def verdicts(*given: Verdict, mode: Verdict = YES) -> tuple[tuple[str, Verdict], ...]:
    """Return verdicts of the mode guard and of others, named by place."""
    return (("mode", mode), *((f"guard{n}", verdict) for n, verdict in enumerate(given, 1)))


@pytest.mark.parametrize(
    ("given", "phase", "sentence", "until"),
    [
        ((YES, YES), Phase.RUNNING, "every guard allows it; the goal: it is well", None),
        ((YES, NO), Phase.BLOCKED, "guard2: no", None),
        ((SOON, NO, ASK), Phase.BLOCKED, "guard2: no", None),
        ((SOON, YES), Phase.DEFERRED, "guard1: soon", 10.0),
        ((SOON, LATER), Phase.DEFERRED, "guard1: soon; guard2: later", 20.0),
        ((SOON, SOMETIME), Phase.DEFERRED, "guard1: soon; guard2: sometime", None),
        ((SOON, ASK), Phase.DEFERRED, "guard1: soon", 10.0),
        ((YES, ASK), Phase.AWAITING_APPROVAL, "guard2: ask", None),
    ],
)
def test_in_auto_mode_the_strongest_refusal_decides(
    given: tuple[Verdict, ...], phase: Phase, sentence: str, until: float | None
) -> None:
    """Denied beats Deferred beats NeedsApproval; all Allowed runs."""
    found = outcome(verdicts(*given), "auto", "it is well")
    assert (found.phase, found.sentence, found.until) == (phase, sentence, until)
    assert not found.would_have_acted


def test_in_approve_mode_a_plan_that_all_others_allow_waits_for_a_person() -> None:
    """The mode guard itself asks."""
    found = outcome(verdicts(YES, mode=NeedsApproval("say yes")), "approve", "g")
    assert found.phase is Phase.AWAITING_APPROVAL


@pytest.mark.parametrize("mode", ["observe", "", "Auto"])
def test_in_observe_mode_nothing_runs_and_it_is_said_that_it_would_have(mode: str) -> None:
    """What is no mode at all is observe, too."""
    found = outcome(verdicts(YES, mode=Denied("observe")), mode, "it is well")
    assert found.phase is Phase.OBSERVED
    assert found.would_have_acted
    assert found.sentence == "mode is observe: would have acted, so that it is well"


@pytest.mark.parametrize("refusal", [NO, SOON, ASK])
def test_in_observe_mode_another_refusal_means_it_would_not_have_acted(refusal: Verdict) -> None:
    """The count of what auto mode would have done is honest."""
    found = outcome(verdicts(YES, refusal, mode=Denied("observe")), "observe", "g")
    assert found.phase is Phase.OBSERVED
    assert not found.would_have_acted
    assert "guard2" in found.sentence


def test_verdicts_are_recorded_by_the_words_of_the_design() -> None:
    """The resource's schema knows these four."""
    assert recorded((("a", YES), ("b", NO), ("c", SOON), ("d", ASK))) == (
        VerdictRecord("a", "Allowed"),
        VerdictRecord("b", "Denied", "no"),
        VerdictRecord("c", "Deferred", "soon"),
        VerdictRecord("d", "NeedsApproval", "ask"),
    )
