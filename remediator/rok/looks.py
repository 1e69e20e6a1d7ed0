"""What a repair asks of the cloud, of the node's own tools and of the drain, and when.

Those questions cost: a command on a node, calls that a cloud counts. So each step and each debt
has only those that it needs, and a step that waits for hours for others has none at all.
"""

from collections.abc import Iterator, Mapping

from exporter.observe.model import Kind
from exporter.observe.parse.provider_id import instance_of
from exporter.observe.view import View, Want
from remediator.record import (
    ENDS,
    WAITING,
    LedgerEntry,
    Phase,
    Record,
    StepRecord,
    StepState,
)
from remediator.rok.need import decision_on
from remediator.rok_extension import Decision
from remediator.steps import disks, drain, lvm, machines, nodes

MACHINE, REPAIR = Kind.MACHINE, Kind.REPAIR_DISKS
NODE_DISKS, DRAIN = Kind.NODE_DISKS, Kind.DRAIN

OF_STEP: Mapping[str, frozenset[Kind]] = {
    machines.ProtectMachine.__name__: frozenset({MACHINE}),
    disks.MakeDisk.__name__: frozenset({REPAIR}),
    disks.AttachDisk.__name__: frozenset({MACHINE, REPAIR}),
    disks.DeleteDiskWithMachine.__name__: frozenset({MACHINE, REPAIR}),
    disks.AwaitDisk.__name__: frozenset({NODE_DISKS, REPAIR}),
    disks.AttachDiskByHand.__name__: frozenset({NODE_DISKS}),
    nodes.MarkExtended.__name__: frozenset({NODE_DISKS, REPAIR}),
    lvm.LabelDisk.__name__: frozenset({NODE_DISKS, REPAIR}),
    lvm.ExtendGroup.__name__: frozenset({NODE_DISKS}),
    lvm.ExtendVolume.__name__: frozenset({NODE_DISKS}),
    lvm.GrowSnapshotSpace.__name__: frozenset({NODE_DISKS}),
    drain.DrainNode.__name__: frozenset({DRAIN}),
    machines.RemoveMachine.__name__: frozenset({MACHINE}),
    machines.AwaitMachineGone.__name__: frozenset({MACHINE, REPAIR}),
}
OF_DEBT: Mapping[str, frozenset[Kind]] = {
    nodes.ProtectNode.__name__: frozenset({REPAIR}),
    machines.ProtectMachine.__name__: frozenset({MACHINE}),
    disks.MakeDisk.__name__: frozenset({MACHINE, REPAIR}),
    disks.AttachDisk.__name__: frozenset({MACHINE, REPAIR, NODE_DISKS}),
}


def step_named(record: Record, kind: str) -> StepRecord | None:
    """Return a step of the record's plan."""
    plan = record.status.plan
    return next((one for one in plan.steps if one.kind == kind), None) if plan is not None else None


def wants(record: Record, view: View) -> Iterator[Want]:
    """Name what is read beside the API server."""
    node = record.subject["node"]
    if record.status.phase in WAITING or not (record.written or record.owes):
        yield from _before(node, record, view)
        return
    kinds = _asked_now(record, view)
    made = step_named(record, machines.AwaitMachineGone.__name__)
    if made is not None:
        region, instance = made.params["region"], made.params["instance"]
        if MACHINE in kinds:
            # Of a node that is gone nobody else tells the machine.
            yield Want(MACHINE, f"{region}/{instance}", node)
        if REPAIR in kinds and record.uid:
            yield Want(REPAIR, region, record.uid)
    if view.node(node) is not None:
        yield from (Want(kind, name=node) for kind in sorted(kinds & {NODE_DISKS, DRAIN}))


def _before(node: str, record: Record, view: View) -> Iterator[Want]:
    """Name all that a plan is made of, once it is known that one is needed."""
    there = view.node(node)
    if there is None or decision_on(node, view) is not Decision.EXTEND:
        return
    yield Want(NODE_DISKS, name=node)
    yield Want(DRAIN, name=node)
    instance = instance_of(there.provider_id)
    if instance is None:
        return
    yield Want(MACHINE, name=node)
    yield Want(Kind.CSI_NODE, name=node)
    if record.uid:
        yield Want(REPAIR, instance.region, record.uid)


def _asked_now(record: Record, view: View) -> frozenset[Kind]:
    plan = record.status.plan
    index = plan.next_step if plan is not None else None
    if record.status.phase is Phase.RUNNING and plan is not None and index is not None:
        return OF_STEP.get(plan.steps[index].kind, frozenset())
    if not record.owes or record.status.phase not in ENDS | {Phase.HOLDING}:
        return frozenset()
    debt = record.owes[-1]
    if debt.kind == nodes.MarkExtended.__name__:
        return _of_mark(debt, record, view)
    return OF_DEBT.get(debt.kind, frozenset())


def _of_mark(debt: LedgerEntry, record: Record, view: View) -> frozenset[Kind]:
    """Return what decides about the note: with the node there, nothing once it is extended."""
    if not view.nodes():
        # Nothing was read yet: all nodes are, always.
        return frozenset()
    there, label = view.node(debt.target), step_named(record, lvm.LabelDisk.__name__)
    if there is None or there.uid != debt.target_uid:
        return frozenset({MACHINE})
    extended = label is not None and label.state is StepState.DONE
    return frozenset() if extended else frozenset({NODE_DISKS})
