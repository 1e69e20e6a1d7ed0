"""Taking back what was done to a node, the last first, as long as LVM knows nothing of the disk.

From LabelDisk on nothing is taken back: the node has to go, and with it go all debts.
"""

from exporter.observe.view import View
from remediator import steps
from remediator.debts import Back, Closed, Undo, Wait
from remediator.record import LedgerEntry, Record, StepRecord, StepState
from remediator.rok.looks import step_named
from remediator.steps.base import Progress, Step
from remediator.steps.disks import AttachDisk, DeleteDisk, DetachDisk, MakeDisk, the_only
from remediator.steps.lvm import LabelDisk
from remediator.steps.machines import ProtectMachine, UnprotectMachine, ended
from remediator.steps.nodes import (
    Cordon,
    MarkExtended,
    ProtectNode,
    Uncordon,
    UnmarkExtended,
    UnprotectNode,
)

REMOVE = (
    "node {node} is extended: drain it, see that no volume of Rok's is pinned to it, and remove its"
    " machine; do not reboot it before (rok_extended_node_not_removed)"
)


def undo(entry: LedgerEntry, record: Record, view: View) -> Undo:
    """Say what becomes of one debt."""
    made = StepRecord(entry.kind, entry.target, entry.target_uid, entry.done)
    step = steps.from_record(made)
    match step:
        case MarkExtended():
            return _mark(step, record, view)
        case AttachDisk(target=target, uid=uid, owner=owner):
            detach = DetachDisk(target, uid, owner, step.on, step.region, step.cluster)
            return _judged(detach, "it is on the machine no more", view)
        case MakeDisk():
            return _disk(step, record, view)
        case Cordon(target=target, uid=uid, owner=owner):
            return _judged(Uncordon(target, uid, owner), "our note is not on the node", view)
        case ProtectMachine(target=target, uid=uid, owner=owner):
            unprotect = UnprotectMachine(target, uid, owner, step.on, step.region, step.group)
            return _judged(unprotect, "it is not protected any more", view)
        case ProtectNode(target=target, uid=uid, owner=owner):
            left = the_only(owner, view)
            if left is not None:
                return Wait(f"disk {left.volume_id} carries our tags and stands on no ledger")
            return _judged(UnprotectNode(target, uid, owner), "our note is not on the node", view)
        case _:
            return Wait(f"nobody here knows how to take back {entry.kind}")


def labelled(record: Record) -> bool:
    """Whether the disk may carry LVM's label, as far as the record knows."""
    label = step_named(record, LabelDisk.__name__)
    return label is not None and label.state in (
        StepState.INTENDED,
        StepState.APPLIED,
        StepState.DONE,
    )


def _judged(step: Step, closed: str, view: View) -> Undo:
    """Return what a step that takes back says of itself."""
    seen = step.observe(view)
    match seen.progress:
        case Progress.DONE:
            return Closed(closed)
        case Progress.GONE:
            return Closed("it is gone")
        case Progress.NOT_DONE:
            return Back(step, f"the repair does not go on: {step.sentence()}")
        case _:
            return Wait(seen.sentence)


def _mark(step: MarkExtended, record: Record, view: View) -> Undo:
    """The note stays until the node has gone, or no disk of ours carries a label."""
    if step.found(view) is None:
        machine = view.machine(step.target)
        if machine is not None and not ended(machine):
            return Wait(
                f"the Node object is gone, and its machine {machine.instance_id} runs on:"
                f" {REMOVE.format(node=step.target)}"
            )
        space = view.rok_space(step.target)
        if view.node(step.target) is not None and space is not None and space.extended:
            return Wait(f"the node was registered anew: {REMOVE.format(node=step.target)}")
        return Closed("the extended node is gone")
    label = step_named(record, LabelDisk.__name__)
    if label is not None and label.state is StepState.DONE:
        return Wait(REMOVE.format(node=step.target))
    unmark = UnmarkExtended(step.target, step.uid, step.owner)
    seen = unmark.observe(view)
    if seen.progress is Progress.REFUSED:
        return Wait(REMOVE.format(node=step.target))
    return _judged(unmark, "the note is not on the node", view)


def _disk(step: MakeDisk, record: Record, view: View) -> Undo:
    """A disk that was blank until the end is deleted; one that held snapshots is a person's."""
    delete = DeleteDisk(step.target, step.uid, step.owner, step.region, step.cluster)
    found = _judged(delete, "the disk is gone", view)
    if isinstance(found, Back) and labelled(record):
        return Wait("the machine is gone and left the disk, which held Rok's snapshots", delete)
    return found
