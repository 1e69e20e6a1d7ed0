"""Plays Rok Disk Manager's container on a node: what commands in it see and do.

Real: LVM, wipefs, blkid, resize2fs, on the node's disks (`rok_disks` says what is played there).
Played: EC2's part, a disk being there as soon as EC2 says that it is attached, with its serial; the
root disk; and the names that all of them have on a node, in what is asked and in what is answered.
Nothing else can be run: a command that no container of Rok's has would be run on this machine.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from local.exec_face import STDOUT, NoProgramError, on_this_host
from local.rok_disks import GROUP, VOLUME

if TYPE_CHECKING:
    from local.cloud import Disk
    from local.exec_face import Command, Say
    from local.rok_disks import RokDisks

LVM = frozenset({"pvs", "vgs", "lvs", "pvcreate", "vgextend", "lvextend"})
"""Commands of LVM's that a repair may want; with any other it would be no repair."""
TOOLS = frozenset({"wipefs", "blkid", "resize2fs"})
BOUND = "timeout"
BY_ID = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_"
ROOT = "/dev/sda1"
"""The root disk of an instance: it is there, and no file stands behind it."""
NAMES = (f"/dev/{GROUP}/{VOLUME}", "/dev/mapper/rokvg-rok--fisks")
"""What the logical volume is called on a node."""
POINT = "/mnt/data"
"""Where it is mounted on a node."""
GIB = 2**30


class Cloud(Protocol):
    """Says which disks an instance has."""

    def attached(self, instance: str) -> tuple[Disk, ...]:
        """Return them."""
        ...


class RokNode:
    """One node's container; `played` is for an ExecFace."""

    def __init__(self, disks: RokDisks, cloud: Cloud, instance: str) -> None:
        """Take the node's disks, which EC2 gives and takes from now on."""
        self.disks = disks
        self._cloud = cloud
        self._instance = instance
        self._one = asyncio.Lock()
        self._names: dict[str, str] = {}
        self._root: tuple[Disk, ...] = ()

    async def played(self, command: Command, say: Say) -> int:
        """Run a command as in the container: one at a time, as LVM's own lock would have it."""
        async with self._one:
            await asyncio.to_thread(self.sync)
            words = list(command.arguments)
            bound = words[: _length_of_bound(words)]
            words = words[len(bound) :]
            if words[:1] == ["lsblk"]:
                columns = words[words.index("--output") + 1]
                said = await asyncio.to_thread(self._lsblk, columns)
                await say(STDOUT, said.encode())
                return 0
            words = words[1:] if words[:1] == ["lvm"] else words
            program = words[0] if words else ""
            if program not in LVM | TOOLS:
                raise NoProgramError(program)
            before = (*bound, *(self.disks.lvm.words if program in LVM else ()))
            return await self._ran(replace(command, arguments=before), words, say)

    def sync(self) -> None:
        """Have the disks that EC2 has attached by now."""
        there = self._cloud.attached(self._instance)
        self._root = tuple(one for one in there if one.device == ROOT)
        self.disks.sync({one.serial: one.gib for one in there if one.device != ROOT})
        for serial in self._names.keys() - self.disks.devices.keys():
            del self._names[serial]
        for serial in [one for one in self.disks.devices if one not in self._names]:
            free = (f"/dev/nvme{number}n1" for number in range(1, 30))
            self._names[serial] = next(one for one in free if one not in self._names.values())

    async def _ran(self, before: Command, words: list[str], say: Say) -> int:
        """Run words here; what they say is said once they have ended, with a node's names."""
        said: list[tuple[int, bytes]] = []

        async def keep(channel: int, body: bytes) -> None:
            said.append((channel, body))

        with_it = ExitStack()
        if words[0] == "resize2fs":
            await asyncio.to_thread(with_it.enter_context, self.disks.let_go())
        try:
            real = (*before.arguments, *map(self._here, words))
            status = await on_this_host(replace(before, arguments=real), keep)
        finally:
            await asyncio.to_thread(with_it.close)
        if words[0] == "lvextend":
            await asyncio.to_thread(self.disks.follow)
        for channel in sorted({channel for channel, _ in said}):
            body = b"".join(part for to, part in said if to == channel)
            await say(channel, self._there(body.decode()).encode())
        return status

    def _lsblk(self, columns: str) -> str:
        """Return what lsblk prints, with what it cannot know of a loop device put right.

        Serials and the type of a disk are EC2's; who holds a disk is LVM's; the rest is lsblk's.
        """
        rows = self.disks.rows(columns)
        volume: dict[str, Any] = {
            **rows[self.disks.volume],
            "path": NAMES[1],
            "type": "lvm",
            "fstype": "ext4",
            "mountpoint": POINT,
        }
        holders = self.disks.holders()
        disks = [
            {
                **rows[device],
                "path": self._names[serial],
                "serial": serial,
                "type": "disk",
                **({"children": [volume]} if device in holders else {}),
            }
            for serial, device in self.disks.devices.items()
        ]
        return json.dumps({"blockdevices": [*map(_root_disk, self._root), *disks]})

    def _here(self, word: str) -> str:
        """Return how this machine calls what a node calls so."""
        if word in NAMES:
            return self.disks.volume
        serials = {name: serial for serial, name in self._names.items()}
        serial = serials.get(word, word.removeprefix(BY_ID))
        return self.disks.devices.get(serial, word)

    def _there(self, text: str) -> str:
        """Return a text with the names that a node has for what this machine calls otherwise."""
        names = {device: self._names[serial] for serial, device in self.disks.devices.items()}
        names[self.disks.volume] = NAMES[0]
        names[str(self.disks.point)] = POINT
        pattern = "|".join(rf"{re.escape(name)}(?![0-9])" for name in names)
        return re.sub(pattern, lambda found: names[found[0]], text)


def _root_disk(disk: Disk) -> dict[str, Any]:
    size = disk.gib * GIB
    none = {"serial": None, "fstype": None, "pttype": None, "mountpoint": None, "ro": False}
    part = {"path": "/dev/nvme0n1p1", "size": size - 2**20, "type": "part"}
    return {
        **none,
        "path": "/dev/nvme0n1",
        "serial": disk.serial,
        "size": size,
        "type": "disk",
        "pttype": "gpt",
        "children": [{**none, **part, "fstype": "xfs", "mountpoint": "/"}],
    }


def _length_of_bound(words: list[str]) -> int:
    """Return how many words of `timeout` and its own stand before a command."""
    if words[:1] != [BOUND]:
        return 0
    return next(at for at, word in enumerate(words) if at and not word.startswith("-")) + 1
