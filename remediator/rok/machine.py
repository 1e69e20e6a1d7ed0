"""The node's machine in its cloud: whether a disk fits on it, like which, and who may remove it."""

import msgspec

from exporter.observe import model
from exporter.observe.model.machines import DiskReading, MachineReading
from exporter.observe.parse.provider_id import instance_of
from exporter.observe.view import View
from remediator.case import Case
from remediator.cloud import TAG_REMEDIATION
from remediator.growth.policy import EBS
from remediator.plan import Declined, Deferred
from remediator.rok_extension import Refused, free_device, slot
from remediator.steps.disks import device_names
from remediator.steps.machines import ENDING, barred

LARGEST = {"io2": 65_536, "standard": 1024}
"""GiB that a disk of a type can have at most; all others have LARGEST_OTHER."""
LARGEST_OTHER = 16_384
"""What AWS' older accounts allow for gp3, and all for gp2, io1, st1 and sc1."""


class Placed(msgspec.Struct, frozen=True):
    """A machine on which a disk fits. `like` is the disk that the new one is to be like.

    `by_hand` is why a person removes the machine in the end; empty where its group does.
    `attached` are its disks without the root disk, `limit` how many it can have.
    """

    machine: model.Machine
    reading: MachineReading
    like: DiskReading
    device: str
    by_hand: str
    attached: int
    limit: int | None


class Elsewhere(msgspec.Struct, frozen=True):
    """A machine of no cloud that we know: a person attaches the disk and removes the machine."""

    provider_id: str


def placed(
    node: model.Node, serials: tuple[str, ...], case: Case
) -> Placed | Elsewhere | Declined | Deferred:
    """Return where the disk goes; `serials` are those of the disks that Rok has."""
    instance = instance_of(node.provider_id)
    if instance is None:
        return Elsewhere(node.provider_id)
    machine = case.view.machine(node.name)
    if machine is None:
        return Deferred(f"nobody has asked for machine {instance.instance_id}")
    if machine.reading is None:
        return Declined(
            f"EC2 knows no machine {machine.instance_id}: another account's credentials, or another"
            " region's?"
        )
    if (no := _forbidden(machine, machine.reading, case)) is not None:
        return no
    device = free_device(device_names(machine))
    if device is None:
        return Declined(f"machine {machine.instance_id} has no free device name for a disk")
    limit, attached = _limit(node.name, case.view), _attached(machine, machine.reading)
    full = slot(limit, attached) if limit is not None else None
    if isinstance(full, Refused):
        return Declined(f"{full.why}: move a pod with a volume to another node")
    like = _like(machine, machine.reading, serials)
    if like is None:
        return Declined(f"machine {machine.instance_id} has no disk that a new one could be like")
    by_hand = _by_hand(machine, shrink=case.policy.rok.when_removed == "decrement")
    return Placed(machine, machine.reading, like, device, by_hand, attached, limit)


def largest(type_of_disk: str) -> int:
    """Return how many GiB a disk of this type can have."""
    return LARGEST.get(type_of_disk, LARGEST_OTHER)


def _forbidden(
    machine: model.Machine, reading: MachineReading, case: Case
) -> Declined | Deferred | None:
    if reading.state != "running":
        return Deferred(f"machine {machine.instance_id} is {reading.state}")
    if machine.group is not None and machine.group.lifecycle.startswith(ENDING):
        return Declined(
            f"scaling group {machine.group.name} is ending machine {machine.instance_id} already"
            f" ({machine.group.lifecycle}): stop that first, or what has changed is lost with it"
        )
    for disk in machine.disks:
        repair = disk.tags.get(TAG_REMEDIATION, "")
        if repair not in ("", case.record.uid):
            return Declined(
                f"disk {disk.volume_id} of another Remediation ({repair}) is on machine"
                f" {machine.instance_id}: nothing is extended twice"
            )
    return None


def _limit(node: str, view: View) -> int | None:
    there = view.csi_node(node)
    return there.limits.get(EBS) if there is not None else None


def _attached(machine: model.Machine, reading: MachineReading) -> int:
    """Return how many disks it has or gets, the root disk left out."""
    on = (disk.on(machine.instance_id) for disk in machine.disks)
    return sum(one is not None and one.device != reading.root_device for one in on)


def _like(
    machine: model.Machine, reading: MachineReading, serials: tuple[str, ...]
) -> DiskReading | None:
    """Return the disk that Rok has, else the root disk: Rok's may be the machine's own."""
    roks = [one for one in machine.disks if one.serial in serials]
    root = [one for one in machine.disks if _device(one, machine) == reading.root_device]
    return next(iter([*roks, *root, *machine.disks]), None)


def _device(disk: DiskReading, machine: model.Machine) -> str:
    on = disk.on(machine.instance_id)
    return on.device if on is not None else ""


def _by_hand(machine: model.Machine, *, shrink: bool) -> str:
    """Return why the group does not let the machine go: that is shown, and not overridden."""
    if machine.group is None:
        return "it is in no scaling group"
    if machine.group.protected:
        return f"somebody protects it from scaling in, in scaling group {machine.group.name}"
    return barred(machine.group, shrink=shrink)
