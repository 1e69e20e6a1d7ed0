"""The steps for a node that may be extended, in the order of the runbook."""

from collections.abc import Iterator

from remediator import cloud
from remediator.case import Case
from remediator.rok.drains import eviction_api
from remediator.rok.machine import Elsewhere, Placed
from remediator.rok.preflight import Extendable
from remediator.steps.base import Step
from remediator.steps.disks import (
    AttachDisk,
    AttachDiskByHand,
    AwaitDisk,
    DeleteDiskWithMachine,
    MakeDisk,
    blank,
)
from remediator.steps.drain import AwaitSnapshots, AwaitUnpinned, DrainNode
from remediator.steps.lvm import ExtendGroup, ExtendVolume, GrowSnapshotSpace, LabelDisk
from remediator.steps.machines import (
    AwaitMachineGone,
    ProtectMachine,
    RemoveMachine,
    RemoveMachineByHand,
)
from remediator.steps.nodes import Cordon, MarkExtended, ProtectNode

Named = tuple[str, str, str]
"""Target, uid and owner of a step."""


def steps(ready: Extendable, case: Case) -> Iterator[Step]:
    """Iterate over the steps."""
    node: Named = (ready.node.name, ready.node.uid, case.owner)
    rok, gib, place = case.policy.rok, ready.sized.gib, ready.place
    by_hand = isinstance(place, Elsewhere)
    before = " ".join(one.path for one in blank(ready.storage.disks, gib)) if by_hand else ""
    lvm = " ".join(rok.lvm)
    yield ProtectNode(*node)
    if isinstance(place, Placed):
        yield from _protection(place, case)
    yield Cordon(*node)
    if isinstance(place, Placed):
        yield from _disk(place, node, gib, case)
        yield AwaitDisk(*node, gib, by_hand, before)
    else:
        yield AttachDiskByHand(*node, gib, by_hand, before)
    yield MarkExtended(*node, gib)
    yield LabelDisk(*node, gib, by_hand, before, lvm)
    yield ExtendGroup(*node, lvm, rok.group)
    yield ExtendVolume(*node, lvm, rok.group, rok.volume, ready.extents)
    yield GrowSnapshotSpace(*node, lvm, rok.group, rok.volume, rok.path)
    yield AwaitSnapshots(*node, rok.snapshots_within)
    yield DrainNode(*node, rok.drain_within, eviction_api(case.server))
    yield AwaitUnpinned(*node, rok.drain_within)
    yield from _removal(place, node, ready.node.provider_id, case)


def _machine(place: Placed, case: Case) -> tuple[str, str, str, str, str]:
    """Return target, uid, owner, node and region of a step at the machine."""
    machine = place.machine
    return (machine.instance_id, machine.instance_id, case.owner, machine.name, machine.region)


def _protection(place: Placed, case: Case) -> Iterator[Step]:
    if place.machine.group is not None:
        yield ProtectMachine(*_machine(place, case), place.machine.group.name)


def _disk(place: Placed, node: Named, gib: int, case: Case) -> Iterator[Step]:
    cluster = case.policy.rok.cluster
    # A dry run has no record yet, and so no uid; what the disk is like does not depend on it.
    disk = cloud.new_disk(
        case.record.uid or case.record.name,
        node=node[0],
        cluster=cluster,
        zone=place.reading.zone,
        gib=gib,
        like=place.like,
    )
    yield MakeDisk(
        *node,
        gib,
        place.machine.region,
        disk.zone,
        disk.type,
        disk.encrypted,
        disk.kms_key,
        disk.iops or 0,
        disk.throughput or 0,
        cluster,
    )
    yield AttachDisk(*_machine(place, case), place.device, cluster)
    yield DeleteDiskWithMachine(*_machine(place, case))


def _removal(place: Placed | Elsewhere, node: Named, provider: str, case: Case) -> Iterator[Step]:
    if isinstance(place, Elsewhere):
        yield RemoveMachineByHand(*node, provider, "it is in no cloud that we know")
        return
    if place.by_hand:
        yield RemoveMachineByHand(*node, provider, place.by_hand)
    else:
        shrink = case.policy.rok.when_removed == "decrement"
        yield RemoveMachine(*_machine(place, case), shrink)
    machine = place.machine
    yield AwaitMachineGone(*node, provider, machine.instance_id, machine.region)
