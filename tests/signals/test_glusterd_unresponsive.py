"""glusterd_unresponsive as values: whether a glusterd answers, signal or nothing out."""

import pytest

from exporter.observe.model import Change, Kind, SinceSource
from exporter.observe.signals.glusterd_unresponsive import GlusterdUnresponsive, subject_of
from exporter.observe.view import Want
from tests.signals import made
from tests.signals.made import view

DETECTOR = GlusterdUnresponsive()
NODE = subject_of("a")


@pytest.mark.parametrize("reason", sorted(DETECTOR.reasons))
@pytest.mark.parametrize("word", ["yes", "no", ""])
def test_a_glusterd_that_does_not_answer_is_a_signal(reason: str, word: str) -> None:
    """With its reason, and whether the process lives."""
    alive = {"yes": True, "no": False, "": None}[word]
    down = made.glusterd("a", answers=False, reason=reason, alive=alive, failing_since=500.0)
    found = DETECTOR.decide(NODE, view([down]))
    assert found is not None
    assert (found.reason, found.since, found.since_source) == (
        reason,
        None,
        SinceSource.FIRST_SEEN,
    )
    assert found.named == (("alive", word),)
    assert list(DETECTOR.suspects(down, view([down]))) == [NODE]


def test_a_reason_that_is_not_known_is_other() -> None:
    """The closed set stays closed, and the evidence keeps the word."""
    down = made.glusterd("a", answers=False, reason="Weird")
    found = DETECTOR.decide(NODE, view([down]))
    assert found is not None
    assert (found.reason, "Weird" in found.evidence[0]) == ("Other", True)


@pytest.mark.parametrize("reason", ["Restarting", "StateUnwritable"])
def test_one_that_answers_and_still_is_not_well_is_a_signal(reason: str) -> None:
    """What it says may be old or gone a minute later."""
    found = DETECTOR.decide(NODE, view([made.glusterd("a", reason=reason)]))
    assert found is not None
    assert found.reason == reason


def test_one_that_answers_and_one_that_is_not_there_are_no_signal() -> None:
    """A node without Gluster has no failure of Gluster."""
    assert DETECTOR.decide(NODE, view([made.glusterd("a")])) is None
    assert DETECTOR.decide(NODE, view([made.glusterd("b", answers=False)])) is None
    assert not list(DETECTOR.suspects(made.glusterd("a"), view([])))


def test_only_the_node_s_glusterd_touches_it() -> None:
    """And only it is read."""
    assert set(DETECTOR.touched(Change(made.glusterd("a"), None), view([]))) == {NODE}
    assert not set(DETECTOR.touched(Change(None, made.gluster_space("a")), view([])))
    assert set(DETECTOR.reads(NODE, view([]))) == {Want(Kind.GLUSTERD, name="a")}
