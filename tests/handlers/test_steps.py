"""Steps as values: what a call carries, how a step is seen to be done, how it is kept."""

from collections.abc import Mapping

import pytest

from exporter.observe.model import Kind, Node, Taint
from remediator import steps
from remediator.record import StepRecord
from remediator.steps.base import UNDO_ANNOTATION, KubeWrite, Progress, Step
from remediator.steps.taints import RemoveTaint
from tests.story.objects import (
    DEAD,
    KEY,
    NAME,
    NOW,
    OWNER,
    node,
    step,
    taint,
    view_of,
)

ADD = step()
REMOVE = RemoveTaint(ADD.target, ADD.uid, ADD.owner, ADD.key, ADD.value, ADD.effect)
UNREACHABLE = Taint("node.kubernetes.io/unreachable", "", "NoExecute", NOW + 0.9)
WIRE = {
    "key": UNREACHABLE.key,
    "value": "",
    "effect": "NoExecute",
    "timeAdded": "2027-01-15T08:00:00Z",
}
OURS = {"key": KEY, "value": NAME, "effect": "NoExecute"}


def body(wanted: Step, before: Node) -> Mapping[str, object]:
    """Return what the step's request carries, a merge patch of the node."""
    write = wanted.act(view_of(before))
    assert isinstance(write, KubeWrite)
    assert (write.method, write.path) == ("PATCH", f"/api/v1/nodes/{DEAD}")
    return write.body


def test_adding_keeps_every_other_taint_as_it_is() -> None:
    """A merge patch replaces the whole list; when a taint came must not be lost."""
    before = node(DEAD, version="42", taints=(UNREACHABLE,))
    assert body(ADD, before) == {
        "metadata": {
            "uid": f"uid-{DEAD}",
            "resourceVersion": "42",
            "annotations": {UNDO_ANNOTATION: OWNER},
        },
        "spec": {"taints": [WIRE, OURS]},
    }


def test_adding_twice_is_adding_once() -> None:
    """Our own taint is not repeated."""
    before = node(DEAD, taints=(taint(), UNREACHABLE))
    assert body(ADD, before)["spec"] == {"taints": [WIRE, OURS]}


def test_removing_takes_only_our_taint_and_our_note() -> None:
    """In a merge patch, null deletes the annotation."""
    theirs = taint(effect="NoSchedule")
    before = node(DEAD, version="43", taints=(UNREACHABLE, taint(), theirs))
    assert body(REMOVE, before) == {
        "metadata": {
            "uid": f"uid-{DEAD}",
            "resourceVersion": "43",
            "annotations": {UNDO_ANNOTATION: None},
        },
        "spec": {"taints": [WIRE, {**OURS, "effect": "NoSchedule"}]},
    }


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        (ADD, (), Progress.NOT_DONE),
        (ADD, (taint(),), Progress.DONE),
        (ADD, (taint("by-hand"),), Progress.NOT_DONE),
        (ADD, (taint(effect="NoSchedule"),), Progress.NOT_DONE),
        (REMOVE, (taint(),), Progress.NOT_DONE),
        (REMOVE, (), Progress.DONE),
        (REMOVE, (taint("by-hand"),), Progress.DONE),
    ],
)
def test_a_step_is_done_when_the_world_says_so(
    wanted: Step, there: tuple[Taint, ...], expected: Progress
) -> None:
    """Key, value and effect must be ours."""
    assert wanted.observe(view_of(node(DEAD, taints=there))).progress is expected


def test_on_unseen_nodes_no_step_is_known_to_be_done() -> None:
    """Not even the removal from a node that seems to be gone."""
    for wanted in (ADD, REMOVE):
        seen = wanted.observe(view_of(unseen={Kind.NODE: "403"}))
        assert (seen.progress, seen.sentence) == (Progress.UNKNOWN, "cannot see nodes: 403")


@pytest.mark.parametrize("there", [(), (node(DEAD, uid="uid-new", taints=(taint(),)),)])
def test_a_node_that_is_gone_or_another_one_has_no_taint_of_ours(there: tuple[()]) -> None:
    """Removing is done, adding can no more be done; neither is written."""
    assert REMOVE.observe(view_of(*there)).progress is Progress.DONE
    assert ADD.observe(view_of(*there)).progress is Progress.GONE
    assert [ADD.act(view_of(*there)), REMOVE.act(view_of(*there))] == [None, None]


def test_the_note_tells_that_the_taint_was_there() -> None:
    """People who take a taint off leave the annotation."""
    left = node(DEAD, annotations={UNDO_ANNOTATION: OWNER})
    other = node(DEAD, annotations={UNDO_ANNOTATION: "another"})
    assert ADD.noted(view_of(left))
    assert not ADD.noted(view_of(other))
    assert not ADD.noted(view_of(node(DEAD)))
    assert not ADD.noted(view_of())


@pytest.mark.parametrize("wanted", [ADD, REMOVE], ids=["add", "remove"])
def test_a_step_comes_back_from_a_record_as_it_went_in(wanted: Step) -> None:
    """After a restart the record is all that there is."""
    assert steps.from_record(steps.to_record(wanted)) == wanted


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        (StepRecord(kind="Reboot", target=DEAD), "unknown step 'Reboot'"),
        (StepRecord(kind="", target=DEAD), "unknown step ''"),
        (StepRecord(kind="AddTaint", target=DEAD), "other parameters than expected"),
        (
            StepRecord(kind="AddTaint", target=DEAD, params={**OURS, "owner": NAME, "more": "x"}),
            "other parameters than expected",
        ),
    ],
    ids=["unknown", "empty", "too few", "too many"],
)
def test_a_step_of_another_version_is_not_guessed(kept: StepRecord, sentence: str) -> None:
    """A ValueError with a sentence."""
    with pytest.raises(ValueError, match=sentence):
        steps.from_record(kept)


def test_a_step_says_what_it_does() -> None:
    """As an operator would type it."""
    assert ADD.sentence() == f"put taint {KEY}={NAME}:NoExecute on node {DEAD}"
    assert REMOVE.sentence() == f"take taint {KEY}={NAME}:NoExecute off node {DEAD}"
