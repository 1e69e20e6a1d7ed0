"""Machines of a cloud, their disks, and the group that keeps their number. No I/O, no clock.

Read from the cloud in a repair's fresh look only. Names follow EC2. Times are Unix seconds.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

NO_TAGS: Mapping[str, str] = MappingProxyType({})

DiskState: TypeAlias = Literal["creating", "available", "in-use", "deleting", "deleted", "error"]
AttachmentState: TypeAlias = Literal["attaching", "attached", "detaching", "detached", "busy"]
MachineState: TypeAlias = Literal[
    "pending", "running", "shutting-down", "terminated", "stopping", "stopped"
]


class DiskAttachment(msgspec.Struct, frozen=True):
    """A disk on a machine, or on its way: a disk is "in-use" as soon as it is "attaching"."""

    instance_id: str
    device: str
    state: AttachmentState
    delete_on_termination: bool = False


class DiskReading(msgspec.Struct, frozen=True):
    """A disk. `throughput` is in MiB/s; `iops` and `throughput` None where its type has none."""

    volume_id: str
    state: DiskState
    size_gib: int
    type: str
    encrypted: bool
    zone: str
    kms_key: str = ""
    iops: int | None = None
    throughput: int | None = None
    tags: Mapping[str, str] = NO_TAGS
    attachments: tuple[DiskAttachment, ...] = ()

    @property
    def gone(self) -> bool:
        """Whether it is being deleted, or was: a cloud tells of such for a while."""
        return self.state in ("deleting", "deleted")

    @property
    def serial(self) -> str:
        """What the machine's kernel calls it: NVMe serials have no dash."""
        return self.volume_id.replace("-", "", 1)

    def on(self, instance_id: str) -> DiskAttachment | None:
        """Return its attachment to a machine that is not over yet."""
        here = (one for one in self.attachments if one.instance_id == instance_id)
        return next((one for one in here if one.state != "detached"), None)

    def elsewhere(self, instance_id: str) -> DiskAttachment | None:
        """Return an attachment to another machine."""
        other = (one for one in self.attachments if one.instance_id != instance_id)
        return next((one for one in other if one.state != "detached"), None)


class DeviceMapping(msgspec.Struct, frozen=True):
    """What a machine says is on it under a device name."""

    device: str
    volume_id: str
    state: AttachmentState
    delete_on_termination: bool


class MachineReading(msgspec.Struct, frozen=True):
    """A machine; `launched` is its last start."""

    instance_id: str
    state: MachineState
    zone: str
    type: str
    root_device: str = ""
    devices: tuple[DeviceMapping, ...] = ()
    launched: float | None = None
    tags: Mapping[str, str] = NO_TAGS


class GroupReading(msgspec.Struct, frozen=True):
    """The scaling group of one machine, and what it says of that machine.

    `lifecycle` is the machine's, such as "InService"; `protected`: scaling in spares it.
    `suspended` are processes of the group that somebody stopped.
    """

    name: str
    smallest: int
    desired: int
    largest: int
    lifecycle: str
    protected: bool
    suspended: tuple[str, ...] = ()

    @property
    def can_shrink(self) -> bool:
        """Whether one machine fewer is still enough for the group."""
        return self.desired > self.smallest


class Machine(msgspec.Struct, frozen=True):
    """The machine of a node (`name`), with the disks that are on it or on their way.

    `reading` is None where the cloud knows no such machine, which proves nothing; `group` where it
    is in no scaling group.
    """

    name: str
    instance_id: str
    region: str
    reading: MachineReading | None
    disks: tuple[DiskReading, ...] = ()
    group: GroupReading | None = None
    version: str = ""


class RepairDisks(msgspec.Struct, frozen=True):
    """The disks that carry the tags of one Remediation, whose uid is `name`; gone ones not."""

    name: str
    disks: tuple[DiskReading, ...] = ()
    version: str = ""
