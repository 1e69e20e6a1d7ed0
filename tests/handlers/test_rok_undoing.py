"""What becomes of each debt of an extension, before and after its disk is labelled."""

from collections.abc import Callable

import msgspec
import pytest

from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator import plan as plans
from remediator import steps
from remediator.debts import Back, Closed, Undo, Wait
from remediator.handlers.snapshot_space_exhausted import SnapshotSpaceExhausted
from remediator.record import Phase, Record, StepState
from remediator.steps.base import Step
from remediator.steps.taints import AddTaint
from tests.handlers.rok_cases import planned
from tests.handlers.rok_views import another, labelled, node, view_of, with_disk
from tests.story import objects as made
from tests.story.objects import NOW
from tests.story.rok_cluster import NODE, OWNER, SIGNAL, SUBJECT, UID, space
from tests.story.rok_node import RokNode

HANDLER = SnapshotSpaceExhausted()
PLAN = planned()
NOTES = {
    "pvmedic.dev/undo": OWNER,
    "pvmedic.dev/undo-cordon": OWNER,
    "pvmedic.dev/undo-scale-down": OWNER,
    "pvmedic.dev/rok-extended": f"{OWNER} vol-0new 2027-01-15T07:00:00Z",
    "cluster-autoscaler.kubernetes.io/scale-down-disabled": "true",
}
MARKED = node(annotations=NOTES, unschedulable=True)


def step_of(kind: str) -> Step:
    """Return a step of the plan."""
    return next(one for one in PLAN.steps if type(one).__name__ == kind)


def kept(label: StepState = StepState.PENDING) -> Record:
    """Return a record that failed, with its label so far."""
    plan = plans.to_record(PLAN)
    told = tuple(
        msgspec.structs.replace(one, state=label) if one.kind == "LabelDisk" else one
        for one in plan.steps
    )
    return made.record(
        subject=SUBJECT,
        signal=SIGNAL,
        phase=Phase.FAILED,
        plan=msgspec.structs.replace(plan, steps=told),
    )


def undone(kind: str, view: View, label: StepState = StepState.PENDING) -> Undo:
    """Return what becomes of the debt of one step."""
    return HANDLER.undo(steps.debt(step_of(kind), {}, NOW), kept(label), view, None)


def protected() -> RokNode:
    """Return a node whose machine we protect."""
    there = RokNode()
    assert there.group is not None
    there.group = msgspec.structs.replace(there.group, protected=True)
    return there


def ended(*, leaves: bool = False) -> RokNode:
    """Return a node whose machine is terminated; `leaves`: and left our disk."""
    there = with_disk(with_machine=not leaves)
    there.state, there.ended = "shutting-down", 0.0
    return there


def after(rok: RokNode, *more: object) -> View:
    """Return a View of the cloud, when the node is gone."""
    beside = [rok.machine(NOW, NODE), rok.repair(NOW, UID), made.node("node-b"), *more]
    return View(Objects(beside), NOW)  # type: ignore[arg-type]


TAKEN: list[tuple[str, Callable[[], View], str]] = [
    ("ProtectNode", lambda: view_of(None, MARKED), "UnprotectNode"),
    ("ProtectMachine", lambda: view_of(protected()), "UnprotectMachine"),
    ("Cordon", lambda: view_of(None, MARKED), "Uncordon"),
    ("MakeDisk", lambda: view_of(with_disk(attached=None)), "DeleteDisk"),
    ("AttachDisk", lambda: view_of(with_disk()), "DetachDisk"),
    ("MarkExtended", lambda: view_of(with_disk(), MARKED), "UnmarkExtended"),
]


@pytest.mark.parametrize(("kind", "make", "back"), TAKEN, ids=[kind for kind, _, _ in TAKEN])
def test_until_the_disk_is_labelled_each_is_taken_back(
    kind: str, make: Callable[[], View], back: str
) -> None:
    """By a step that says what it does."""
    found = undone(kind, make())
    assert isinstance(found, Back)
    assert type(found.step).__name__ == back
    assert found.sentence == f"the repair does not go on: {found.step.sentence()}"


@pytest.mark.parametrize(
    ("kind", "make", "words"),
    [
        ("ProtectNode", lambda: view_of(None, node()), "our note is not on the node"),
        ("ProtectNode", lambda: view_of(None, another()), "it is gone"),
        ("ProtectMachine", view_of, "it is not protected any more"),
        ("ProtectMachine", lambda: view_of(ended()), "it is gone"),
        ("Cordon", lambda: view_of(None, node(unschedulable=True)), "our note is not on the node"),
        ("MakeDisk", view_of, "the disk is gone"),
        ("AttachDisk", lambda: view_of(with_disk(attached=None)), "it is on the machine no more"),
        ("MarkExtended", lambda: view_of(None, node()), "the note is not on the node"),
        ("MarkExtended", lambda: after(ended()), "the extended node is gone"),
    ],
)
def test_what_others_have_done_already_is_closed(
    kind: str, make: Callable[[], View], words: str
) -> None:
    """It is not ours any more."""
    found = undone(kind, make())
    assert isinstance(found, Closed)
    assert found.sentence == words


EXTENDED = [
    (
        lambda: undone("MarkExtended", view_of(labelled(), MARKED), StepState.DONE),
        "node node-a is extended: drain it",
    ),
    (
        lambda: undone("MarkExtended", view_of(labelled(), MARKED), StepState.INTENDED),
        "node node-a is extended: drain it",
    ),
    (
        lambda: undone("MarkExtended", after(with_disk()), StepState.DONE),
        "the Node object is gone, and its machine i-0a runs on",
    ),
    (
        lambda: undone("MarkExtended", view_of(ended(), another(), space(extended=True))),
        "the node was registered anew",
    ),
    (lambda: undone("AttachDisk", view_of(labelled())), "it carries LVM's label"),
    (lambda: undone("AttachDisk", after(with_disk())), "could not be asked whether it knows"),
    (lambda: undone("MakeDisk", view_of(with_disk())), "vol-0new is in-use"),
    (lambda: undone("ProtectNode", view_of(with_disk(), MARKED)), "stands on no ledger"),
]


@pytest.mark.parametrize(
    ("make", "words"), EXTENDED, ids=[f"{n} {words}" for n, (_, words) in enumerate(EXTENDED)]
)
def test_what_may_not_be_taken_back_is_waited_for(make: Callable[[], Undo], words: str) -> None:
    """And nobody can demand it either."""
    found = make()
    assert isinstance(found, Wait)
    assert words in found.sentence
    assert found.step is None


def test_a_disk_that_held_snapshots_is_deleted_only_if_somebody_asks() -> None:
    """The machine has gone and left it."""
    found = undone("MakeDisk", after(ended(leaves=True)), StepState.DONE)
    assert isinstance(found, Wait)
    assert "which held Rok's snapshots" in found.sentence
    assert type(found.step).__name__ == "DeleteDisk"


def test_a_note_whose_label_never_landed_is_taken_off() -> None:
    """The command was refused: LVM on the node says that it knows nothing."""
    found = undone("MarkExtended", view_of(with_disk(), MARKED), StepState.INTENDED)
    assert isinstance(found, Back)


def test_a_debt_of_another_kind_is_nobody_s_here() -> None:
    """It stays on the record."""
    step = AddTaint(NODE, f"uid-{NODE}", OWNER, "key", "x", "NoSchedule")
    found = HANDLER.undo(steps.debt(step, {}, NOW), kept(), view_of(), None)
    assert isinstance(found, Wait)
    assert "AddTaint" in found.sentence
