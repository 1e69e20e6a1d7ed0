"""Keeping a node to ourselves: what is done, seen, and taken back, and what others did is left."""

import msgspec
import pytest

from exporter.observe.model import Kind, Object
from exporter.observe.view import View
from remediator.rok_extension import GIB
from remediator.steps.base import Step
from remediator.steps.nodes import (
    CORDON_NOTE,
    EXTENDED,
    SCALE_DOWN,
    SCALE_DOWN_NOTE,
    SCALE_DOWN_WAS,
    Cordon,
    MarkExtended,
    ProtectNode,
    Uncordon,
    UnmarkExtended,
    UnprotectNode,
)
from tests.handlers.rok_views import ON_NODE, another, labelled, node, seen, view_of, with_disk
from tests.story.acts import kube_write
from tests.story.rok_cluster import NODE, OWNER, job

UNDO = "pvmedic.dev/undo"
MARK = MarkExtended(*ON_NODE, 1118)
STEPS = [
    ProtectNode(*ON_NODE),
    UnprotectNode(*ON_NODE),
    Cordon(*ON_NODE),
    Uncordon(*ON_NODE),
    MARK,
    UnmarkExtended(*ON_NODE),
]
OURS = {SCALE_DOWN: "true", SCALE_DOWN_NOTE: OWNER, UNDO: OWNER}
NOTE = f"{OWNER} vol-0new 2027-01-15T08:00:00Z"


def patch(step: Step, view: View) -> tuple[dict[str, object], object]:
    """Return annotations and spec of a step's patch."""
    write = kube_write(step, view)
    assert write is not None
    assert (write.method, write.path) == ("PATCH", f"/api/v1/nodes/{NODE}")
    meta = write.body["metadata"]
    assert isinstance(meta, dict)
    assert (meta["uid"], meta["resourceVersion"]) == (f"uid-{NODE}", "1")
    return meta["annotations"], write.body.get("spec")


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_another_node_of_that_name_is_left_alone(step: Step) -> None:
    """It is gone, and no call is made; an unseen one is unknown."""
    assert seen(step, view_of(None, another()))[0] == "Gone"
    assert seen(step, view_of(without=[NODE]))[0] == "Gone"
    assert kube_write(step, view_of(None, another())) is None
    assert seen(step, view_of(unseen={Kind.NODE: "403"})) == ("Unknown", "cannot see nodes: 403")
    assert step.node == NODE


@pytest.mark.parametrize(
    ("step", "there", "progress"),
    [
        (ProtectNode(*ON_NODE), node(), "NotDone"),
        (ProtectNode(*ON_NODE), node(annotations={SCALE_DOWN: "false"}), "NotDone"),
        (ProtectNode(*ON_NODE), node(annotations={SCALE_DOWN: "true"}), "Done"),
        (UnprotectNode(*ON_NODE), node(annotations={SCALE_DOWN: "true"}), "Done"),
        (UnprotectNode(*ON_NODE), node(annotations=OURS), "NotDone"),
        (Cordon(*ON_NODE), node(), "NotDone"),
        (Cordon(*ON_NODE), node(unschedulable=True), "Done"),
        (Uncordon(*ON_NODE), node(unschedulable=True), "Done"),
        (Uncordon(*ON_NODE), node(annotations={CORDON_NOTE: OWNER}), "NotDone"),
        (Uncordon(*ON_NODE), node(annotations={CORDON_NOTE: "other/uid"}), "Done"),
        (MARK, node(annotations={EXTENDED: NOTE}), "Done"),
        (MARK, node(annotations={EXTENDED: "other/uid vol-1 then"}), "NotDone"),
        (UnmarkExtended(*ON_NODE), node(), "Done"),
        (UnmarkExtended(*ON_NODE), node(annotations={EXTENDED: NOTE}), "NotDone"),
    ],
)
def test_how_far_it_is(step: Step, there: Object, progress: str) -> None:
    """By what is on the node; what others have put there is not ours to take away."""
    assert seen(step, view_of(with_disk(), there))[0] == progress


def test_what_we_did_is_told_from_what_others_did_by_our_note() -> None:
    """The note comes in the same request."""
    cordoned = view_of(None, node(unschedulable=True))
    assert not Cordon(*ON_NODE).ours(cordoned)
    notes, spec = patch(Cordon(*ON_NODE), view_of())
    assert (notes, spec) == ({CORDON_NOTE: OWNER, UNDO: OWNER}, {"unschedulable": True})
    assert Cordon(*ON_NODE).ours(view_of(None, node(unschedulable=True, annotations=notes)))


def test_protection_is_put_back_as_it_was() -> None:
    """With what the annotation said before; where somebody changed it since, it is left."""
    before = node(annotations={SCALE_DOWN: "false"})
    protect, back = ProtectNode(*ON_NODE), UnprotectNode(*ON_NODE)
    notes, _ = patch(protect, view_of(None, before))
    assert notes == {**OURS, SCALE_DOWN_WAS: "false"}
    assert protect.prior(view_of(None, before)) == {"was": "false"}
    taken, _ = patch(back, view_of(None, node(annotations=notes)))
    assert taken == {SCALE_DOWN: "false", SCALE_DOWN_NOTE: None, SCALE_DOWN_WAS: None, UNDO: None}
    changed = {**notes, SCALE_DOWN: "maybe"}
    assert SCALE_DOWN not in patch(back, view_of(None, node(annotations=changed)))[0]


def test_the_common_note_goes_with_the_last_of_ours() -> None:
    """It says that any of them is there."""
    both = {**OURS, CORDON_NOTE: OWNER}
    there = node(unschedulable=True, annotations=both)
    notes, spec = patch(Uncordon(*ON_NODE), view_of(None, there))
    assert (notes, spec) == ({CORDON_NOTE: None}, {"unschedulable": None})
    alone = node(unschedulable=True, annotations={CORDON_NOTE: OWNER, UNDO: OWNER})
    assert patch(Uncordon(*ON_NODE), view_of(None, alone))[0] == {CORDON_NOTE: None, UNDO: None}


def test_a_node_that_somebody_uncordoned_loses_our_note_only() -> None:
    """It is as they want it."""
    there = node(annotations={CORDON_NOTE: OWNER})
    assert patch(Uncordon(*ON_NODE), view_of(None, there))[1] is None


def test_the_note_says_who_with_which_disk_and_when() -> None:
    """Whoever finds the node needs no record of ours."""
    notes, _ = patch(MARK, view_of(with_disk()))
    assert notes == {EXTENDED: f"{OWNER} vol-0new 2027-01-15T08:00:00Z"}
    assert node(annotations=notes).extended_by == (OWNER, "vol-0new", "2027-01-15T08:00:00Z")
    assert node(annotations={EXTENDED: ""}).extended_by == ("", "", "")
    assert node().extended_by is None


def test_a_node_on_which_too_much_has_changed_by_now_is_not_extended() -> None:
    """Pods could write until the cordon: all is read again before the first write to LVM."""
    fits = view_of(with_disk(), *job(blocks=1118 * GIB // 4096))
    assert seen(MARK, fits) == ("NotDone", "the note is not there")
    grown = view_of(with_disk(), *job(blocks=1118 * GIB // 4096 + 1))
    progress, sentence = seen(MARK, grown)
    assert progress == "Refused"
    assert "and the disk has 1118 GiB" in sentence
    assert seen(MARK, view_of(asked=False))[0] == "Unknown"


def test_the_note_stays_while_a_disk_of_ours_carries_a_label() -> None:
    """Then it is true."""
    there = node(annotations={EXTENDED: NOTE})
    step = UnmarkExtended(*ON_NODE)
    assert seen(step, view_of(labelled(), there))[0] == "Refused"
    assert kube_write(step, view_of(labelled(), there)) is None
    assert seen(step, view_of(None, there, asked=False))[0] == "Unknown"
    assert patch(step, view_of(with_disk(), there))[0] == {EXTENDED: None}


def test_more_than_one_field_is_not_needed_to_write_a_step_down() -> None:
    """Its size is what a person says yes to."""
    assert msgspec.structs.asdict(MARK)["gib"] == 1118
