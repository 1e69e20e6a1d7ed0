"""A disk for a machine, and a machine's end: what is asked of a cloud, as values and ports. Pure.

A step says what is to be called as one of the values below, an actuator hands it to a CloudWriter.

Everything is named by the uid of the Remediation that wants it, so that whoever comes after a crash
asks for the same disk and not for another one, and nobody deletes what is not ours.
"""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

import msgspec

from exporter.observe.model import OURS
from exporter.observe.model.machines import DiskReading, GroupReading, MachineReading

TAG_REMEDIATION = OURS + "remediation"
TAG_NODE = OURS + "node"
TAG_CLUSTER = OURS + "cluster"

LONGEST_TOKEN = 64
"""ASCII characters of a client token."""
COPYING_MIB_PER_SECOND = 250
"""What a gp3 disk gets at least: by default it has half of what a large gp2 has."""

_WITH_IOPS = frozenset({"io1", "io2"})


class NewDisk(msgspec.Struct, frozen=True):
    """A disk that is to be made. `token` is the same whenever the same Remediation asks."""

    token: str
    zone: str
    gib: int
    type: str
    encrypted: bool
    tags: Mapping[str, str]
    kms_key: str = ""
    iops: int | None = None
    throughput: int | None = None


class CreateDisk(msgspec.Struct, frozen=True):
    """Make a disk."""

    disk: NewDisk
    region: str


class AttachDisk(msgspec.Struct, frozen=True):
    """Attach a disk to a machine under a device name."""

    volume_id: str
    instance_id: str
    device: str
    region: str


class DeleteWithMachine(msgspec.Struct, frozen=True):
    """Let a disk end with the machine, or not."""

    volume_id: str
    instance_id: str
    device: str
    on: bool
    region: str


class DetachDisk(msgspec.Struct, frozen=True):
    """Detach a disk that carries these tags."""

    volume_id: str
    instance_id: str
    tags: Mapping[str, str]
    region: str


class DeleteDisk(msgspec.Struct, frozen=True):
    """Delete a disk that carries these tags."""

    volume_id: str
    tags: Mapping[str, str]
    region: str


class ProtectMachine(msgspec.Struct, frozen=True):
    """Let scaling in spare a machine, or not."""

    group: str
    instance_id: str
    on: bool
    region: str


class TerminateMachine(msgspec.Struct, frozen=True):
    """End a machine through its scaling group; `shrink`: for good."""

    instance_id: str
    shrink: bool
    region: str


CloudCall: TypeAlias = (
    CreateDisk
    | AttachDisk
    | DeleteWithMachine
    | DetachDisk
    | DeleteDisk
    | ProtectMachine
    | TerminateMachine
)


def tags(uid: str, node: str, cluster: str) -> dict[str, str]:
    """Return what a disk of ours carries. ValueError without a uid: it would be anybody's."""
    if not uid:
        raise ValueError("a disk without a Remediation is nobody's")
    return {TAG_REMEDIATION: uid, TAG_NODE: node, TAG_CLUSTER: cluster}


def token(uid: str) -> str:
    """Return the client token of a Remediation's disk; ValueError when it cannot be one."""
    made = f"pvmedic-{uid}"
    if not uid or not made.isascii() or len(made) > LONGEST_TOKEN:
        raise ValueError(f"{uid!r} makes no client token")
    return made


def new_disk(
    uid: str, *, node: str, cluster: str, zone: str, gib: int, like: DiskReading
) -> NewDisk:
    """Return the disk that is wanted for a node: of the type and encrypted as `like` is."""
    gp3 = like.type == "gp3"
    return NewDisk(
        token(uid),
        zone,
        gib,
        like.type,
        like.encrypted,
        tags(uid, node, cluster),
        like.kms_key if like.encrypted else "",
        like.iops if like.type in _WITH_IOPS or gp3 else None,
        max(like.throughput or 0, COPYING_MIB_PER_SECOND) if gp3 else None,
    )


def ours(disk: DiskReading, wanted: Mapping[str, str]) -> bool:
    """Whether a disk carries all these tags."""
    return bool(wanted) and all(disk.tags.get(key) == value for key, value in wanted.items())


class CloudReader(Protocol):
    """Sees a cloud as it is now; every method raises ObserveError where it does not."""

    async def disk(self, volume_id: str, *, region: str) -> DiskReading | None:
        """Return a disk; None when the cloud knows none."""

    async def disks_tagged(
        self, tags: Mapping[str, str], *, region: str
    ) -> tuple[DiskReading, ...]:
        """Return the disks that carry all these tags."""
        ...

    async def disks_of(self, instance_id: str, *, region: str) -> tuple[DiskReading, ...]:
        """Return a machine's disks."""
        ...

    async def machine(self, instance_id: str, *, region: str) -> MachineReading:
        """Return a machine; NotFound proves nothing."""
        ...

    async def group_of(self, instance_id: str, *, region: str) -> GroupReading | None:
        """Return a machine's scaling group."""


class CloudWriter(Protocol):
    """Changes a cloud. What an error says of a call is in `exporter.observe.aws`."""

    async def may_create(self, disk: NewDisk, *, region: str) -> None:
        """Ask whether we may make it, and make nothing; Forbidden when we may not."""

    async def create_disk(self, disk: NewDisk, *, region: str) -> str:
        """Make a disk, or find it where it was made before; return its volume id."""
        ...

    async def attach(self, volume_id: str, instance_id: str, device: str, *, region: str) -> None:
        """Ask for it to be attached; whether it is, a look tells."""

    async def delete_with_machine(
        self, volume_id: str, instance_id: str, device: str, *, on: bool, region: str
    ) -> None:
        """Let the disk end with the machine, or not; whether it will, a look tells."""

    async def detach(
        self, volume_id: str, instance_id: str, tags: Mapping[str, str], *, region: str
    ) -> None:
        """Ask for a disk of ours to be detached; never by force."""

    async def delete_disk(self, volume_id: str, tags: Mapping[str, str], *, region: str) -> None:
        """Delete a disk that carries these tags; no disk is no error."""

    async def protect(self, group: str, instance_id: str, *, on: bool, region: str) -> None:
        """Let scaling in spare a machine, or not."""

    async def terminate(self, instance_id: str, *, shrink: bool, region: str) -> None:
        """End a machine through its group: for good with `shrink`, else it is replaced."""
