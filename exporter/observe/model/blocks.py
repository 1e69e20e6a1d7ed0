"""Disks as a node's own tools see them, and what LVM makes of them. No I/O, no clock.

Sizes are bytes; None is what a tool did not say.
"""

from collections.abc import Mapping

import msgspec


class BlockDevice(msgspec.Struct, frozen=True):
    """A device of `lsblk`: what is told of it, and whether anything stands on it.

    `serial` may be missing where neither udev nor the kernel tells it. `holders` are devices made
    of it: partitions, logical volumes. `mounted` is where we see it mounted; another container's
    mounts are not seen.
    """

    path: str
    type: str
    size: int | None
    serial: str = ""
    file_system: str = ""
    table: str = ""
    mounted: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    read_only: bool | None = None


class PhysicalVolume(msgspec.Struct, frozen=True):
    """A disk with LVM's label; `group` is empty while it is in none."""

    device: str
    uuid: str
    group: str
    size: int | None
    extents: int | None
    used_extents: int | None


class Group(msgspec.Struct, frozen=True):
    """A volume group, in extents."""

    name: str
    uuid: str
    size: int | None
    disks: int | None
    extent_size: int | None
    extents: int | None
    free_extents: int | None


class LogicalVolume(msgspec.Struct, frozen=True):
    """A logical volume of a group."""

    group: str
    name: str
    size: int | None
    extent_size: int | None

    @property
    def extents(self) -> int | None:
        """Its size in extents: LVM makes no other sizes."""
        if self.size is None or not self.extent_size:
            return None
        return self.size // self.extent_size


class NodeDisks(msgspec.Struct, frozen=True):
    """The disks of a node (`name`), and what LVM makes of them; read in one go.

    `volumes` are those of Rok's group. `signatures` are what wipefs finds, by path, on disks that
    nothing uses and that carry no label of LVM's; a disk that is not in it was not looked at, None
    could not be read. `file_system` is the type on Rok's logical volume, empty when there is none.
    """

    name: str
    devices: tuple[BlockDevice, ...]
    labelled: tuple[PhysicalVolume, ...]
    groups: tuple[Group, ...]
    volumes: tuple[LogicalVolume, ...]
    signatures: Mapping[str, tuple[str, ...] | None] = {}
    file_system: str = ""
    version: str = ""
