"""The kinds of steps, one line each: what the product can do to a cluster is what stands here.

A step is data and goes into the record as text; from there it comes back as the same step, in any
version that knows its kind. What a step means is in the file beside.
"""

import msgspec

from remediator.record import LedgerEntry, StepRecord
from remediator.steps.bare_pods import RecreatePod, StopPod
from remediator.steps.base import Step
from remediator.steps.claims import GrowClaim, LowerRequest
from remediator.steps.disks import (
    AttachDisk,
    AttachDiskByHand,
    AwaitDisk,
    DeleteDisk,
    DeleteDiskWithMachine,
    DetachDisk,
    MakeDisk,
)
from remediator.steps.drain import AwaitSnapshots, AwaitUnpinned, DrainNode
from remediator.steps.lvm import ExtendGroup, ExtendVolume, GrowSnapshotSpace, LabelDisk
from remediator.steps.machines import (
    AwaitMachineGone,
    ProtectMachine,
    RemoveMachine,
    RemoveMachineByHand,
    UnprotectMachine,
)
from remediator.steps.nodes import (
    Cordon,
    MarkExtended,
    ProtectNode,
    Uncordon,
    UnmarkExtended,
    UnprotectNode,
)
from remediator.steps.pods import AwaitDetached, ForceDeletePod
from remediator.steps.scales import StartScale, StopScale
from remediator.steps.taints import AddTaint, RemoveTaint
from remediator.steps.users import AwaitNoPods, AwaitRwxClear
from remediator.steps.workloads import StartWorkload, StopWorkload

STEPS: tuple[type[Step], ...] = (
    AddTaint,
    RemoveTaint,
    StopWorkload,
    AwaitNoPods,
    AwaitRwxClear,
    StartWorkload,
    StopScale,
    StartScale,
    StopPod,
    RecreatePod,
    GrowClaim,
    LowerRequest,
    ForceDeletePod,
    AwaitDetached,
    ProtectNode,
    UnprotectNode,
    ProtectMachine,
    UnprotectMachine,
    Cordon,
    Uncordon,
    MakeDisk,
    DeleteDisk,
    AttachDisk,
    DetachDisk,
    DeleteDiskWithMachine,
    AwaitDisk,
    AttachDiskByHand,
    MarkExtended,
    UnmarkExtended,
    LabelDisk,
    ExtendGroup,
    ExtendVolume,
    GrowSnapshotSpace,
    AwaitSnapshots,
    DrainNode,
    AwaitUnpinned,
    RemoveMachine,
    RemoveMachineByHand,
    AwaitMachineGone,
)


def to_record(step: Step) -> StepRecord:
    """Return a step as it stands in the resource, nothing of it done."""
    fields = msgspec.structs.asdict(step)
    target, uid = fields.pop("target"), fields.pop("uid")
    params = {name: _text(value) for name, value in fields.items()}
    return StepRecord(
        kind=type(step).__name__,
        target=target,
        target_uid=uid,
        params=params,
        says=step.sentence(),
        final=step.final,
    )


def from_record(record: StepRecord) -> Step:
    """Return the step that a resource holds.

    A kind that this version does not know, or parameters that it does not, raise ValueError.
    """
    kind = next((one for one in STEPS if one.__name__ == record.kind), None)
    if kind is None:
        raise ValueError(f"unknown step {record.kind!r}")
    fields = {**record.params, "target": record.target, "uid": record.target_uid}
    try:
        return msgspec.convert(fields, type=kind, strict=False)
    except msgspec.ValidationError as error:
        sentence = f"step {record.kind!r} has other parameters than expected: {error}"
        raise ValueError(sentence) from error


def debt(step: Step, prior: dict[str, str], now: float) -> LedgerEntry:
    """Return what is owed once a step is done, with what was there before."""
    told = to_record(step)
    return LedgerEntry(
        kind=told.kind,
        target=told.target,
        target_uid=told.target_uid,
        at=now,
        prior=prior,
        done=told.params,
    )


def made_by(step: Step, entry: LedgerEntry) -> bool:
    """Whether an open debt is the one that this step made, and not another one at its object."""
    if entry.closed or (entry.kind, entry.target_uid) != (type(step).__name__, step.uid):
        return False
    return entry.done == to_record(step).params


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
