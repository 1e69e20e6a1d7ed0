"""Steps as values: what a patch carries, how a step is seen to be done, how it is kept."""

import msgspec
import pytest

from exporter.observe.model import Kind, Taint
from remediator import plan as plans
from remediator.plan import UNDO_ANNOTATION, Plan, Progress, RemoveTaint, Step
from remediator.record import StepRecord, StepState
from tests.story.objects import (
    DEAD,
    KEY,
    NAME,
    NOW,
    OWNER,
    node,
    plan,
    planned,
    step,
    taint,
    view_of,
)

ADD = step()
REMOVE = RemoveTaint(ADD.node, ADD.uid, ADD.key, ADD.value, ADD.effect, ADD.owner)
UNREACHABLE = Taint("node.kubernetes.io/unreachable", "", "NoExecute", NOW + 0.9)
WIRE = {
    "key": UNREACHABLE.key,
    "value": "",
    "effect": "NoExecute",
    "timeAdded": "2027-01-15T08:00:00Z",
}
OURS = {"key": KEY, "value": NAME, "effect": "NoExecute"}


def test_adding_keeps_every_other_taint_as_it_is() -> None:
    """A merge patch replaces the whole list; when a taint came must not be lost."""
    before = node(DEAD, version="42", taints=(UNREACHABLE,))
    assert plans.patch(ADD, before) == {
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
    assert plans.patch(ADD, before)["spec"] == {"taints": [WIRE, OURS]}


def test_removing_takes_only_our_taint_and_our_note() -> None:
    """In a merge patch, null deletes the annotation."""
    theirs = taint(effect="NoSchedule")
    before = node(DEAD, version="43", taints=(UNREACHABLE, taint(), theirs))
    assert plans.patch(REMOVE, before) == {
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
    assert plans.observe(wanted, view_of(node(DEAD, taints=there))) is expected


def test_on_unseen_nodes_no_step_is_known_to_be_done() -> None:
    """Not even the removal from a node that seems to be gone."""
    for wanted in (ADD, REMOVE):
        assert plans.observe(wanted, view_of(unseen={Kind.NODE: "403"})) is Progress.UNKNOWN


@pytest.mark.parametrize("there", [(), (node(DEAD, uid="uid-new", taints=(taint(),)),)])
def test_a_node_that_is_gone_or_another_one_has_no_taint_of_ours(there: tuple[()]) -> None:
    """Removing is done, adding can no more be known."""
    assert plans.observe(REMOVE, view_of(*there)) is Progress.DONE
    assert plans.observe(ADD, view_of(*there)) is Progress.UNKNOWN


def test_the_note_tells_that_the_taint_was_there() -> None:
    """People who take a taint off leave the annotation."""
    left = node(DEAD, annotations={UNDO_ANNOTATION: OWNER})
    other = node(DEAD, annotations={UNDO_ANNOTATION: "another"})
    assert plans.was_done(ADD, view_of(left))
    assert not plans.was_done(ADD, view_of(other))
    assert not plans.was_done(ADD, view_of(node(DEAD)))
    assert not plans.was_done(ADD, view_of())


@pytest.mark.parametrize("wanted", [ADD, REMOVE], ids=["add", "remove"])
def test_a_step_comes_back_from_a_record_as_it_went_in(wanted: Step) -> None:
    """After a restart the record is all that there is."""
    assert plans.from_record(plans.step_record(wanted)) == wanted


def test_a_plan_stands_on_record_with_nothing_done() -> None:
    """Every step is Pending."""
    kept = planned()
    assert kept.goal == plan().goal
    assert kept.used_claims == ("web/files", "web/rows")
    assert [one.state for one in kept.steps] == [StepState.PENDING]


def test_a_plan_keeps_its_claims_uids_by_name() -> None:
    """Events about a claim need its uid."""
    uids = msgspec.structs.replace(plan(), claim_uids=("u1", "u2"))
    assert plans.to_record(uids).claim_uids == {"web/files": "u1", "web/rows": "u2"}


def test_a_plans_hash_names_goal_steps_and_targets() -> None:
    """Readings and claims that come and go do not change it."""
    same = msgspec.structs.replace(plan(), used_claims=(), drivers=())
    assert plans.to_record(same).hash == planned().hash
    others = [
        msgspec.structs.replace(plan(), goal="another goal"),
        msgspec.structs.replace(plan(), steps=(REMOVE,)),
        msgspec.structs.replace(plan(), steps=(msgspec.structs.replace(ADD, uid="uid-new"),)),
        msgspec.structs.replace(plan(), steps=(step("node-z"),)),
        Plan(goal=plan().goal, steps=()),
    ]
    hashes = {plans.to_record(other).hash for other in others}
    assert len(hashes) == len(others)
    assert planned().hash not in hashes


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
        plans.from_record(kept)


def test_a_step_says_what_it_does() -> None:
    """As an operator would type it."""
    assert plans.sentence(ADD) == f"put taint {KEY}={NAME}:NoExecute on node {DEAD}"
    assert plans.sentence(REMOVE) == f"take taint {KEY}={NAME}:NoExecute off node {DEAD}"
