"""Plays Rok Disk Manager's container on a node: what commands in it see and do.

Real: LVM, wipefs, blkid, resize2fs, on the node's disks (`rok_disks` says what is played there).
Played: EC2's part, a disk being there as soon as EC2 says that it is attached; its serial in what
lsblk prints; and the names under which a node has these disks. Nothing else can be run: a command
that no container of Rok's has would be run on this machine.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from local.exec_face import STDOUT, NoProgramError, on_this_host
from local.rok_disks import NAMES, POINT

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

    async def played(self, command: Command, say: Say) -> int:
        """Run a command as in the container: one at a time, as LVM's own lock would have it."""
        async with self._one:
            await asyncio.to_thread(self.sync)
            words = list(command.arguments)
            bound = words[: _length_of_bound(words)]
            words = words[len(bound) :]
            if words[:1] == ["lsblk"]:
                said = await asyncio.to_thread(self.disks.lsblk, words[words.index("--output") + 1])
                await say(STDOUT, said.encode())
                return 0
            words = words[1:] if words[:1] == ["lvm"] else words
            program = words[0] if words else ""
            if program not in LVM | TOOLS:
                raise NoProgramError(program)
            words = [self._here(word) for word in words]
            real = [*bound, *(self.disks.lvm.words if program in LVM else ()), *words]
            there = replace(command, arguments=tuple(real))
            if program == "resize2fs":
                return await self._grown(there, say)
            status = await on_this_host(there, say)
            if program == "lvextend":
                await asyncio.to_thread(self.disks.follow)
            return status

    def sync(self) -> None:
        """Have the disks that EC2 has attached by now."""
        there = self._cloud.attached(self._instance)
        self.disks.sync({one.serial: one.gib for one in there if one.device != ROOT})

    async def _grown(self, command: Command, say: Say) -> int:
        meanwhile = ExitStack()
        await asyncio.to_thread(meanwhile.enter_context, self.disks.let_go())
        try:
            return await on_this_host(command, say)
        finally:
            await asyncio.to_thread(meanwhile.close)

    def _here(self, word: str) -> str:
        """Return how this machine calls what a node calls so."""
        if word in NAMES:
            return self.disks.volume
        if word == POINT:
            return str(self.disks.point)
        return self.disks.devices.get(word.removeprefix(BY_ID), word)


def _length_of_bound(words: list[str]) -> int:
    """Return how many words of `timeout` and its own stand before a command."""
    if words[:1] != [BOUND]:
        return 0
    return next(at for at, word in enumerate(words) if at and not word.startswith("-")) + 1
