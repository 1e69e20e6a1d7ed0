"""A new disk for a node: made, attached, seen on the node; and taken away again.

Which disk is ours is told by its tags, and on the node by its serial: never by a device name. What
is written on it is in lvm.py.
"""

from typing import ClassVar

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.model.blocks import BlockDevice
from exporter.observe.model.machines import DiskReading
from exporter.observe.view import View
from remediator import cloud, rok_disk
from remediator.rok_extension import GIB, Refused, free_device
from remediator.steps.base import (
    DONE,
    GONE,
    SHOWN,
    Observation,
    not_done,
    refused,
    unknown,
    unseen,
)
from remediator.steps.machines import BY_HAND_WITHIN, SEEN_WITHIN, OfMachine, ended
from remediator.steps.nodes import OfNode, uid_of

MADE_WITHIN = 300.0
"""Seconds for a disk to be made, and to be attached."""
ON_NODE_WITHIN = 900.0
"""Seconds for the node's kernel to show an attached disk; nearly always a few."""


def disk_of(owner: str, view: View) -> DiskReading | Observation:
    """Return the one disk of a Remediation, or what is to be said without it."""
    made = view.repair_disks(uid_of(owner))
    if made is None:
        return unknown("nobody asked for our disk")
    if not made.disks:
        return not_done("there is no disk of ours")
    if len(made.disks) > 1:
        ids = ", ".join(one.volume_id for one in made.disks[:SHOWN])
        return refused(f"{len(made.disks)} disks carry the tags of this Remediation: {ids}")
    return made.disks[0]


def the_only(owner: str, view: View) -> DiskReading | None:
    """Return the one disk of a Remediation, None where there is not exactly one."""
    found = disk_of(owner, view)
    return found if isinstance(found, DiskReading) else None


class MakeDisk(OfNode, frozen=True):
    """Make a disk in the cloud, with the tags and the client token of the Remediation.

    iops and throughput are 0 where its type has none.
    """

    owes: ClassVar[bool] = True
    settles: ClassVar[float] = MADE_WITHIN

    gib: int
    region: str
    zone: str
    disk_type: str
    encrypted: bool
    kms_key: str
    iops: int
    throughput: int
    cluster: str

    def sentence(self) -> str:
        """Return what it does."""
        how = "encrypted" if self.encrypted else "not encrypted"
        return f"make a disk of {self.gib} GiB in {self.zone} ({self.disk_type}, {how})"

    def observe(self, view: View) -> Observation:
        """Say whether it is made; with its machine it is gone."""
        if (blind := unseen(view, Kind.REPAIR_DISKS, Kind.NODE)) is not None:
            return blind
        disk = disk_of(self.owner, view)
        if isinstance(disk, Observation):
            over = self.found(view) is None or ended(view.machine(self.target))
            return GONE if over and self._none(view) else disk
        if disk.size_gib != self.gib or disk.zone != self.zone:
            return refused(
                f"{disk.volume_id} has {disk.size_gib} GiB in {disk.zone}, not {self.gib} GiB in"
                f" {self.zone}"
            )
        if disk.state in ("available", "in-use"):
            return DONE
        return not_done(f"{disk.volume_id} is {disk.state}")

    def noted(self, view: View) -> bool:
        """Whether a disk with our tags is there: nobody else makes such."""
        return the_only(self.owner, view) is not None

    def act(self, view: View) -> cloud.CreateDisk | None:
        """Return the call; the same token makes the same disk."""
        if self.found(view) is None or not self._none(view):
            return None
        uid = uid_of(self.owner)
        disk = cloud.NewDisk(
            cloud.token(uid),
            self.zone,
            self.gib,
            self.disk_type,
            self.encrypted,
            cloud.tags(uid, self.target, self.cluster),
            self.kms_key,
            self.iops or None,
            self.throughput or None,
        )
        return cloud.CreateDisk(disk, self.region)

    def _none(self, view: View) -> bool:
        made = view.repair_disks(uid_of(self.owner))
        return made is not None and not made.disks


class DeleteDisk(OfNode, frozen=True):
    """Delete the disk that we made, once nothing has it any more."""

    pays: ClassVar[str] = MakeDisk.__name__
    settles: ClassVar[float] = MADE_WITHIN

    region: str
    cluster: str

    def sentence(self) -> str:
        """Return what it does."""
        return f"delete the disk that was made for node {self.target}"

    def observe(self, view: View) -> Observation:
        """Say whether it is gone, and whether it may go."""
        if (blind := unseen(view, Kind.REPAIR_DISKS)) is not None:
            return blind
        made = view.repair_disks(uid_of(self.owner))
        if made is None:
            return unknown("nobody asked for our disk")
        if not made.disks:
            return DONE
        disk = disk_of(self.owner, view)
        if isinstance(disk, Observation):
            return disk
        if disk.state not in ("available", "error"):
            return unknown(f"{disk.volume_id} is {disk.state}")
        return not_done()

    def act(self, view: View) -> cloud.DeleteDisk | None:
        """Return the call, for a disk that is attached nowhere."""
        disk = the_only(self.owner, view)
        if disk is None or disk.state not in ("available", "error"):
            return None
        tags = cloud.tags(uid_of(self.owner), self.target, self.cluster)
        return cloud.DeleteDisk(disk.volume_id, tags, self.region)


def _on_machine(step: OfMachine, view: View) -> DiskReading | Observation:
    """Return our disk, or what is to be said without it, or of a machine that is over."""
    other = step.looked(view, Kind.REPAIR_DISKS)
    return other if other is not None else disk_of(step.owner, view)


class AttachDisk(OfMachine, frozen=True):
    """Attach our disk. `device` is a name that was free when it was planned; others come and go."""

    readings: ClassVar[frozenset[str]] = frozenset({"device"})
    owes: ClassVar[bool] = True
    settles: ClassVar[float] = MADE_WITHIN

    device: str
    cluster: str

    def sentence(self) -> str:
        """Return what it does."""
        return f"attach the new disk to machine {self.target}"

    def observe(self, view: View) -> Observation:
        """Say whether it is attached: a disk is in use while it is still attaching."""
        disk = _on_machine(self, view)
        if isinstance(disk, Observation):
            return disk
        other_machine = disk.elsewhere(self.target)
        if other_machine is not None:
            return refused(f"{disk.volume_id} is on machine {other_machine.instance_id}")
        here = disk.on(self.target)
        if here is None:
            return not_done(f"{disk.volume_id} is attached to nothing")
        return DONE if here.state == "attached" else not_done(f"{disk.volume_id} is {here.state}")

    def act(self, view: View) -> cloud.AttachDisk | None:
        """Return the call, with a device name that is free now."""
        machine, disk = self.machine(view), the_only(self.owner, view)
        if machine is None or ended(machine) or disk is None or disk.on(self.target) is not None:
            return None
        device = free_device(device_names(machine))
        if device is None:
            return None
        return cloud.AttachDisk(disk.volume_id, self.target, device, self.region)


class DetachDisk(OfMachine, frozen=True):
    """Detach our disk, while LVM knows nothing of it. Never by force."""

    pays: ClassVar[str] = AttachDisk.__name__
    settles: ClassVar[float] = MADE_WITHIN

    cluster: str

    def sentence(self) -> str:
        """Return what it does."""
        return f"detach our disk from machine {self.target}"

    def observe(self, view: View) -> Observation:
        """Say whether it is on no machine, and whether it may leave this one."""
        kinds = (Kind.MACHINE, Kind.REPAIR_DISKS, Kind.NODE_DISKS)
        if (blind := unseen(view, *kinds)) is not None:
            return blind
        if view.repair_disks(uid_of(self.owner)) is None:
            return unknown("nobody asked for our disk")
        disk = the_only(self.owner, view)
        if disk is None or disk.on(self.target) is None:
            return DONE
        disks = view.node_disks(self.on)
        if disks is None:
            return unknown(f"LVM on node {self.on} could not be asked whether it knows the disk")
        if rok_disk.ours(disks.labelled, uid_of(self.owner)) is not None:
            return refused("it carries LVM's label: it may hold snapshots of Rok's")
        return not_done()

    def act(self, view: View) -> cloud.DetachDisk | None:
        """Return the call."""
        disk = the_only(self.owner, view)
        if disk is None or self.observe(view) != not_done():
            return None
        tags = cloud.tags(uid_of(self.owner), self.on, self.cluster)
        return cloud.DetachDisk(disk.volume_id, self.target, tags, self.region)


class DeleteDiskWithMachine(OfMachine, frozen=True):
    """Let our disk end with the machine."""

    settles: ClassVar[float] = SEEN_WITHIN

    def sentence(self) -> str:
        """Return what it does."""
        return f"let the new disk be deleted with machine {self.target}"

    def observe(self, view: View) -> Observation:
        """Say whether the attachment itself says so."""
        disk = _on_machine(self, view)
        if isinstance(disk, Observation):
            return disk
        here = disk.on(self.target)
        if here is None:
            return unknown(f"{disk.volume_id} is not attached to machine {self.target}")
        return DONE if here.delete_on_termination else not_done("it would be left over")

    def act(self, view: View) -> cloud.DeleteWithMachine | None:
        """Return the call, for the name under which the disk is attached."""
        disk = the_only(self.owner, view)
        here = disk.on(self.target) if disk is not None else None
        if disk is None or here is None:
            return None
        return cloud.DeleteWithMachine(
            disk.volume_id, self.target, here.device, on=True, region=self.region
        )


class NewOnNode(OfNode, frozen=True):
    """The new disk as the node sees it.

    `gib` is its size, where `by_hand` the least. A person's disk has no tags: it is the one blank
    disk of that size that nothing uses, and none of those that were there before: `before` names
    them, with blanks between.
    """

    readings: ClassVar[frozenset[str]] = frozenset({"before"})

    gib: int
    by_hand: bool
    before: str

    def device(self, view: View) -> BlockDevice | Refused | None:
        """Return the disk, blank or with our label; None where nobody asked."""
        disks = view.node_disks(self.target)
        if disks is None:
            return None
        labelled = rok_disk.ours(disks.labelled, uid_of(self.owner))
        if labelled is not None:
            there = (one for one in disks.devices if one.path == labelled.device)
            return next(there, Refused(f"lsblk does not show {labelled.device}"))
        if self.by_hand:
            return self._of_a_person(disks)
        disk = the_only(self.owner, view)
        if disk is None:
            return None
        found = rok_disk.disk(disks.devices, disk.serial, self.gib)
        if isinstance(found, Refused):
            return found
        why = rok_disk.used(found, disks.signatures.get(found.path), disks.labelled)
        return why if why is not None else found

    def _of_a_person(self, disks: model.NodeDisks) -> BlockDevice | Refused:
        fits = [one for one in blank(disks, self.gib) if one.path not in self.before.split()]
        if len(fits) == 1:
            return fits[0]
        if fits:
            paths = ", ".join(one.path for one in fits[:SHOWN])
            return Refused(f"{len(fits)} blank disks fit, and only one may: {paths}")
        return Refused(f"there is no new blank disk of {self.gib} GiB or more on the node")

    def seen(self, view: View) -> Observation:
        """Say whether the node sees it."""
        kinds = (Kind.NODE_DISKS,) if self.by_hand else (Kind.NODE_DISKS, Kind.REPAIR_DISKS)
        if (other := self.looked(view, *kinds)) is not None:
            return other
        found = self.device(view)
        if found is None:
            return unknown(f"nobody asked for the disks of node {self.target}")
        return not_done(found.why) if isinstance(found, Refused) else DONE


class AwaitDisk(NewOnNode, frozen=True):
    """Wait until the node sees the disk by its serial: of the right size, blank, and unused."""

    @property
    def waits_for(self) -> float:
        """Return how long."""
        return ON_NODE_WITHIN

    def sentence(self) -> str:
        """Return what it waits for."""
        return (
            f"wait until node {self.target} sees the new disk, by its serial: {self.gib} GiB,"
            " blank, unused"
        )

    def observe(self, view: View) -> Observation:
        """Say whether it is seen."""
        return self.seen(view)


class AttachDiskByHand(NewOnNode, frozen=True):
    """Wait until a person has attached a disk."""

    @property
    def waits_for(self) -> float:
        """Return how long."""
        return BY_HAND_WITHIN

    def sentence(self) -> str:
        """Return what it waits for."""
        return (
            f"wait until a person has attached a blank disk of {self.gib} GiB or more to node"
            f" {self.target}, one that is deleted with the machine"
        )

    def observe(self, view: View) -> Observation:
        """Say whether it is seen."""
        return self.seen(view)


def blank(disks: model.NodeDisks, gib: int) -> list[BlockDevice]:
    """Return the disks of at least this size that are blank and used by nothing."""
    return [
        one
        for one in disks.devices
        if one.type == "disk"
        and one.size is not None
        and one.size >= gib * GIB
        and rok_disk.used(one, disks.signatures.get(one.path), disks.labelled) is None
    ]


def device_names(machine: model.Machine) -> list[str]:
    """Return the device names that are taken on a machine."""
    mapped = [one.device for one in machine.reading.devices] if machine.reading else []
    on = (disk.on(machine.instance_id) for disk in machine.disks)
    return [*mapped, *(one.device for one in on if one is not None)]
