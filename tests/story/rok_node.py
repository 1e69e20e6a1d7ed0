"""A machine of EC2's with disks, and what LVM on it makes of them, as plain values; a set clock.

It answers as the real parts do: what was told shows a little later, a token makes one disk, LVM
labels only what is blank. It decides nothing about repairs.
"""

import msgspec

from exporter.observe.errors import Conflict, Invalid
from exporter.observe.model import Machine, NodeDisks, RepairDisks
from exporter.observe.model.blocks import BlockDevice, Group, LogicalVolume, PhysicalVolume
from exporter.observe.model.machines import (
    DiskAttachment,
    DiskReading,
    GroupReading,
    MachineReading,
    MachineState,
)
from remediator import cloud, rok_disk
from remediator.rok_extension import GIB, MIB, extents_of

EXTENT = 4 * MIB
GROUP_EXTENTS = 143_051
"""The 600 GB of seed 000."""
SPACE_EXTENTS = 42_896
"""`from 167.56 GiB (42896 extents)`."""
LATER = 4.0
"""Seconds after which what was told is seen."""
INSTANCE, REGION, ZONE = "i-0a", "eu-central-1", "eu-central-1a"
USUAL_GROUP = GroupReading("workers", 2, 5, 9, "InService", protected=False)


class Disk(msgspec.Struct):
    """A disk of the cloud; times are when it was told, None for not."""

    volume_id: str
    gib: int
    tags: dict[str, str]
    made: float = 0.0
    kind: str = "gp3"
    attached: float | None = None
    detached: float | None = None
    device: str = ""
    with_machine: bool = False
    token: str = ""

    def reading(self, now: float) -> DiskReading:
        """Return it as the cloud shows it."""
        on: tuple[DiskAttachment, ...] = ()
        if self.attached is not None:
            state = "attached" if now - self.attached >= LATER else "attaching"
            if self.detached is not None:
                state = "detaching"
            on = (DiskAttachment(INSTANCE, self.device, state, self.with_machine),)  # type: ignore[arg-type]
        idle = "available" if now - self.made >= LATER else "creating"
        return DiskReading(
            self.volume_id,
            "in-use" if on else idle,  # type: ignore[arg-type]
            self.gib,
            self.kind,
            True,  # noqa: FBT003
            ZONE,
            tags=self.tags,
            attachments=on,
        )


class RokNode:
    """One node's cloud and storage. Fields are there to be set by a test.

    by_hand: disks that a person has attached, by path and GiB. calls: what changed something.
    """

    def __init__(self) -> None:
        """Start with a root disk and Rok's."""
        self.state: MachineState = "running"
        self.ended: float | None = None
        self.group: GroupReading | None = USUAL_GROUP
        self.disks = {
            "vol-0root": Disk("vol-0root", 50, {}, attached=0.0, device="/dev/xvda"),
            "vol-0rok": Disk("vol-0rok", 559, {}, attached=0.0, device="/dev/xvdb"),
        }
        self.by_hand: dict[str, int] = {}
        self.labels: dict[str, str] = {}
        self.members: list[str] = []
        self.extents = SPACE_EXTENTS
        self.grown = False
        self.file_system = "ext4"
        self.calls: list[str] = []

    # What is seen.

    def machine(self, now: float, node: str) -> Machine:
        """Return the machine; one that was ended is terminated a little later."""
        self.pass_time(now)
        reading = MachineReading(INSTANCE, self.state, ZONE, "m5.xlarge", "/dev/xvda")
        disks = tuple(one.reading(now) for one in self.disks.values() if one.attached is not None)
        gone = self.state != "running"
        return Machine(node, INSTANCE, REGION, reading, disks, None if gone else self.group)

    def repair(self, now: float, uid: str) -> RepairDisks:
        """Return the disks of a Remediation."""
        self.pass_time(now)
        mine = [one for one in self.disks.values() if one.tags.get(cloud.TAG_REMEDIATION) == uid]
        return RepairDisks(uid, tuple(one.reading(now) for one in mine))

    def node_disks(self, now: float, node: str) -> NodeDisks:
        """Return what lsblk, LVM and wipefs say."""
        self.pass_time(now)
        devices = self._devices(now)
        labelled = [PhysicalVolume("/dev/nvme1n1", "uuid-rok", "rokvg", None, GROUP_EXTENTS, 0)]
        for path, uuid in self.labels.items():
            group = "rokvg" if path in self.members else ""
            labelled.append(PhysicalVolume(path, uuid, group, None, None, None))
        extents = GROUP_EXTENTS + sum(self._extents_on(path, now) for path in self.members)
        whole = Group(
            "rokvg", "g", extents * EXTENT, 1 + len(self.members), EXTENT, extents, extents
        )
        used = {one.device for one in labelled}
        blank = [d.path for d in devices if d.type == "disk" and not d.holders]
        return NodeDisks(
            node,
            tuple(devices),
            tuple(labelled),
            (whole,),
            (LogicalVolume("rokvg", "rok-fisks", self.extents * EXTENT, EXTENT),),
            {path: () for path in blank if path not in used},
            self.file_system,
        )

    def space_bytes(self) -> int:
        """Return the size of the file system: ext4 keeps some of its logical volume."""
        return (self.extents if self.grown else SPACE_EXTENTS) * EXTENT * 98 // 100

    # What is told.

    def call(self, act: cloud.CloudCall, now: float) -> None:
        """Do what a cloud is told."""
        self.calls.append(type(act).__name__)
        match act:
            case cloud.CreateDisk(disk=disk):
                self._make(disk, now)
            case cloud.AttachDisk(volume_id=volume_id, device=device):
                one = self.disks[volume_id]
                if one.attached is not None:
                    raise Conflict(f"{volume_id} is in use")
                one.attached, one.device = now, device
            case cloud.DeleteWithMachine(volume_id=volume_id, on=on):
                self.disks[volume_id].with_machine = on
            case cloud.DetachDisk(volume_id=volume_id, tags=tags):
                assert cloud.ours(self.disks[volume_id].reading(now), tags)
                self.disks[volume_id].detached = now
            case cloud.DeleteDisk(volume_id=volume_id, tags=tags):
                gone = self.disks.pop(volume_id)
                assert cloud.ours(gone.reading(now), tags)
                assert gone.attached is None
            case cloud.ProtectMachine(on=on):
                assert self.group is not None
                self.group = msgspec.structs.replace(self.group, protected=on)
            case cloud.TerminateMachine():
                self.state, self.ended = "shutting-down", now

    def _make(self, disk: cloud.NewDisk, now: float) -> None:
        if all(one.token != disk.token for one in self.disks.values()):
            made = Disk("vol-0new", disk.gib, dict(disk.tags), now, disk.type, token=disk.token)
            self.disks[made.volume_id] = made

    def run(self, argv: tuple[str, ...], now: float) -> None:
        """Run a command as LVM and the file system's tools do; Conflict for a status of not 0."""
        words = [*argv[3:]] if argv[0] == "timeout" else [*argv]
        words = words[1:] if words[0] == "lvm" else words
        self.calls.append(words[0])
        match words:
            case ["pvcreate", "--uuid", uuid, "--norestorefile", path]:
                if path in self.members or path == "/dev/nvme1n1":
                    raise Conflict(f"{path} is in a group")
                self.labels[path] = uuid
            case ["vgextend", "rokvg", path]:
                if path in self.members or path not in self.labels:
                    raise Conflict(f"{path} is in a group, or has no label")
                self.members.append(path)
            case ["lvextend", "--extents", extents, "rokvg/rok-fisks", path]:
                more = int(extents) - self.extents
                if more <= 0 or more > self._extents_on(path, now):
                    raise Conflict("no such extents")
                self.extents = int(extents)
            case ["resize2fs", "/dev/rokvg/rok-fisks"]:
                self.grown = True
            case _:
                raise Invalid(f"no such command: {words}")

    def pass_time(self, now: float) -> None:
        """Let what was told come to pass."""
        for one in list(self.disks.values()):
            if one.detached is not None and now - one.detached >= LATER:
                one.attached = one.detached = None
        if self.ended is not None and now - self.ended >= LATER:
            self.state = "terminated"
            for name, one in list(self.disks.items()):
                if one.with_machine or name in ("vol-0root", "vol-0rok"):
                    del self.disks[name]
                else:
                    one.attached = None

    def _devices(self, now: float) -> list[BlockDevice]:
        root = BlockDevice(
            "/dev/nvme0n1", "disk", 50 * GIB, "vol0root", holders=("/dev/nvme0n1p1",)
        )
        rok = BlockDevice("/dev/nvme1n1", "disk", 559 * GIB, "vol0rok", "LVM2_member")
        new = self.disks.get("vol-0new")
        there = [root, rok]
        if new is not None and new.reading(now).on(INSTANCE) is not None:
            there.append(_disk("/dev/nvme2n1", new.gib, "vol0new"))
        there += [_disk(path, gib, "") for path, gib in self.by_hand.items()]
        return [
            msgspec.structs.replace(one, file_system="LVM2_member")
            if one.path in self.labels
            else one
            for one in there
        ]

    def _extents_on(self, path: str, now: float) -> int:
        sizes = {one.path: one.size or 0 for one in self._devices(now)}
        return extents_of(sizes[path], EXTENT)


def _disk(path: str, gib: int, serial: str) -> BlockDevice:
    return BlockDevice(path, "disk", gib * GIB, serial, read_only=False)


def label_of(uid: str) -> str:
    """Return the uuid of a Remediation's physical volume."""
    return rok_disk.pv_uuid(uid)
