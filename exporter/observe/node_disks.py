"""A node's disks and what LVM makes of them, asked in the node's Rok Disk Manager. Edge.

Only when a repair asks, by commands that change nothing. A command that fails makes the whole
reading one that could not be made: half of it would look like a node without a group, or like a
blank disk.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from exporter.observe import disk_commands, errors, model
from exporter.observe.disk_commands import ASKING_SECONDS, KILLED_AFTER, Argv, RokVolume
from exporter.observe.model import NodeDisks, Object
from exporter.observe.model.blocks import BlockDevice, PhysicalVolume
from exporter.observe.objects import Objects
from exporter.observe.parse import blocks
from exporter.observe.shell import Output, Shell
from exporter.observe.view import Want

T = TypeVar("T")

LARGEST = 1024 * 1024
"""Bytes of one answer; a device is 300 of them."""
SECONDS = ASKING_SECONDS + KILLED_AFTER + 5.0
"""How long one command may take, its pod's choice included."""
NOTHING = 2
"""blkid's exit status where it finds nothing."""
NOT_ALLOWED = "commands on nodes are not allowed by the settings (rok.exec)"


class NodeDisksReader:
    """Answers wants of Kind.NODE_DISKS, whose name is a node's.

    `shell` returns where commands run on a node; None: nowhere.
    """

    def __init__(self, shell: Callable[[str], Shell] | None, volume: RokVolume) -> None:
        self._shell = shell
        self._volume = volume

    async def ask(self, want: Want, known: Objects) -> Sequence[Object]:
        """Return the node's NodeDisks; raises ObserveError, and no NotFound.

        Nothing where no command may run: whoever plans knows the setting, and says it.
        A node without a ready pod is not a node without disks.
        """
        del known
        if self._shell is None:
            return ()
        try:
            return [await _Reading(self._shell(want.name), want.name, self._volume).made()]
        except errors.NotFound as error:
            raise errors.Unreachable(f"the disks of node {want.name}: {error}") from error


class _Reading:
    """One reading of one node."""

    def __init__(self, shell: Shell, node: str, volume: RokVolume) -> None:
        self._shell = shell
        self._node = node
        self._volume = volume

    async def made(self) -> NodeDisks:
        lvm, group = self._volume.lvm, self._volume.group
        devices = await self._read(disk_commands.lsblk(), blocks.devices)
        labelled = await self._read(disk_commands.pvs(lvm), blocks.physical_volumes)
        groups = await self._read(disk_commands.vgs(lvm), blocks.groups)
        there = any(one.name == group for one in groups)
        volumes = (
            await self._read(disk_commands.lvs(lvm, group), blocks.logical_volumes) if there else ()
        )
        ours = any((one.group, one.name) == (group, self._volume.name) for one in volumes)
        idle = [one.path for one in devices if _idle(one, labelled)]
        return NodeDisks(
            self._node,
            devices,
            labelled,
            groups,
            volumes,
            {path: await self._signatures(path) for path in idle},
            await self._file_system() if ours else "",
        )

    async def _signatures(self, path: str) -> tuple[str, ...] | None:
        said = await self._run(disk_commands.wipefs(path))
        return blocks.signatures(said.stdout) if said.status == 0 else None

    async def _file_system(self) -> str:
        argv = disk_commands.blkid(self._volume.device)
        said = await self._run(argv)
        if said.status not in (0, NOTHING):
            raise self._failed(argv, said)
        return blocks.file_system(said.stdout) or ""

    async def _read(self, argv: Argv, parse: Callable[[bytes], T | None]) -> T:
        said = await self._run(argv)
        found = parse(said.stdout) if said.status == 0 else None
        if found is None:
            raise self._failed(argv, said)
        return found

    async def _run(self, argv: Argv) -> Output:
        return await self._shell.run(argv, timeout=SECONDS, largest=LARGEST)

    def _failed(self, argv: Argv, said: Output) -> errors.Garbage:
        words = said.stderr.decode(errors="replace").strip()[: model.LONGEST_TEXT]
        command, why = " ".join(argv), words or "no answer that can be read"
        return errors.Garbage(f"{command} on node {self._node} ended with {said.status}: {why}")


def _idle(one: BlockDevice, labelled: Sequence[PhysicalVolume]) -> bool:
    """Whether nothing is seen to use a disk, so that it is worth asking what is on it."""
    bare = one.type == "disk" and disk_commands.is_disk(one.path)
    used = one.mounted or one.holders or one.file_system or one.table
    return bare and not used and all(each.device != one.path for each in labelled)
