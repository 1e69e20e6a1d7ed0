"""What was looked at, in sentences for whoever is woken at night and has to say yes or no."""

from collections.abc import Iterator

from remediator.node_loss.drains import drained_by
from remediator.rok import drains
from remediator.rok.machine import Elsewhere, Placed
from remediator.rok.need import gib
from remediator.rok.preflight import Extendable
from remediator.rok_extension import MIB
from remediator.steps.base import listed
from remediator.steps.disks import blank
from remediator.steps.nodes import SCALE_DOWN


def findings(ready: Extendable) -> Iterator[str]:
    """Say why, how much, on what, and what it costs those who work there."""
    yield from _bytes(ready)
    yield from _node(ready)
    yield _sizes(ready)
    if isinstance(ready.place, Placed):
        yield from _machine(ready.place)
    else:
        yield from _elsewhere(ready.place, ready)
    yield from drains.findings(ready.leaves)
    yield (
        "once the disk is labelled there is no way back: Rok cannot handle it after a reboot, so"
        " the node must be drained and removed, and must not be rebooted before"
    )


def _bytes(ready: Extendable) -> Iterator[str]:
    needed = ready.needed
    each = [
        f"{'/'.join(one.claim)} {'at most ' if one.reported else ''}{gib(one.bytes)}"
        for one in sorted(needed.changes, key=lambda one: -one.bytes)
    ]
    yield (
        f"{gib(needed.bytes)} have changed since the last snapshots ({listed(each, ', ')}), and the"
        f" whole snapshot space holds {gib(needed.size)}: no garbage collection helps"
    )
    if needed.unknown:
        names = [f"{namespace}/{name}" for namespace, name in needed.unknown]
        yield f"how much has changed of {listed(names, ', ')} is not known: it comes on top"


def _node(ready: Extendable) -> Iterator[str]:
    node = ready.node
    cordon = (
        "is cordoned already, by somebody else: that stays so"
        if node.unschedulable
        else "is not cordoned yet: the cordon makes Rok unpin every volume on it"
    )
    yield f"node {node.name} is Ready and {cordon}"
    if (sentence := drained_by(node)) is not None:
        yield f"{sentence}: stop that first, it may end the machine before its volumes have left"
    if node.annotations.get(SCALE_DOWN) == "true":
        yield "somebody keeps the cluster autoscaler from removing it: that stays so"


def _sizes(ready: Extendable) -> str:
    there, sized = ready.storage, ready.sized
    after = ready.extents * there.extent_bytes
    disks = "1 disk, Rok's own" if there.group.disks == 1 else f"{there.group.disks} disks, Rok's"
    return (
        f"volume group {there.group.name} has {gib(there.group_bytes)} ({disks}, not extended"
        f" before); a disk of {sized.gib} GiB ({sized.why}) grows {there.volume.name} from"
        f" {there.extents} to {ready.extents} extents of {there.extent_bytes // MIB} MiB, to"
        f" {gib(after)}"
    )


def _machine(place: Placed) -> Iterator[str]:
    machine, reading, like = place.machine, place.reading, place.like
    limit = place.limit if place.limit is not None else "an unknown number"
    yield (
        f"machine {machine.instance_id} ({reading.type}, {reading.zone}) has {place.attached} of at"
        f" most {limit} disks beside its root disk; {place.device} is free"
    )
    how = "encrypted" if like.encrypted else "not encrypted"
    yield f"the new disk is {like.type}, {how}, as {like.volume_id} is; it goes with the machine"
    if place.by_hand:
        yield f"the machine is removed by a person in the end: {place.by_hand}"
    elif machine.group is not None:
        group = machine.group
        yield (
            f"scaling group {group.name} lets it go: it wants {group.desired} machines, and at"
            f" least {group.smallest}"
        )


def _elsewhere(place: Elsewhere, ready: Extendable) -> Iterator[str]:
    where = f"its providerID is {place.provider_id}" if place.provider_id else "no providerID"
    yield (
        f"the machine is in no cloud that we know ({where}): a person attaches the disk, and"
        " removes the machine in the end; both are waited for and checked"
    )
    there = [one.path for one in blank(ready.storage.disks, ready.sized.gib)]
    if there:
        yield f"blank disks that are there already are not taken: {listed(there, ', ')}"
