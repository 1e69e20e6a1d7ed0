"""The commands that ask a node about its disks and about LVM, as lists of arguments. Pure.

None of them changes anything or takes a lock. Each begins with `timeout`: what asks over an API
server and gives up leaves its command behind, and a report of LVM's that hangs on a dead disk would
be asked for again and again. What they say is read by `parse.blocks`; commands that change
something are the remediator's.
"""

import re
from collections.abc import Sequence

import msgspec

from exporter.observe.parse import blocks

Argv = tuple[str, ...]

ASKING_SECONDS = 15
"""How long one of them may run."""
KILLED_AFTER = 3
"""Seconds that a command has to end once it is told to."""
REPORT = ("--reportformat", "json", "--units", "b", "--nosuffix", "--readonly")
"""LVM's reports: in bytes, and without a lock."""
DISK = r"/dev/(nvme[0-9]{1,3}n[0-9]{1,2}|(sd|vd|xvd)[a-z]{1,3})"
"""Kernels' names of whole disks that may be blank and new; nothing is asked about another path."""


class RokVolume(msgspec.Struct, frozen=True):
    """Where Rok's snapshot space lies; `lvm` are the words that begin a command of LVM's."""

    group: str = "rokvg"
    name: str = "rok-fisks"
    lvm: tuple[str, ...] = ("lvm",)

    @property
    def device(self) -> str:
        """The path of the logical volume."""
        return f"/dev/{self.group}/{self.name}"


def within(seconds: int) -> Argv:
    """Return what begins a command that may run for so long, and is killed a little later."""
    return ("timeout", f"--kill-after={KILLED_AFTER}", str(seconds))


def is_disk(path: str) -> bool:
    """Whether a path is a kernel's name of a whole disk."""
    return re.fullmatch(DISK, path) is not None


def lsblk() -> Argv:
    """Ask for every block device; `blocks.devices` reads it."""
    return (
        *within(ASKING_SECONDS),
        *("lsblk", "--json", "--bytes", "--output", ",".join(blocks.LSBLK)),
    )


def wipefs(device: str) -> Argv:
    """Ask what is on a device, and wipe nothing; `blocks.signatures` reads it at status 0."""
    return (*within(ASKING_SECONDS), "wipefs", "--no-act", "--json", device)


def blkid(device: str) -> Argv:
    """Ask which file system is on a device; `blocks.file_system` reads it; 2 is for none."""
    return (*within(ASKING_SECONDS), "blkid", "--probe", "--output", "export", device)


def pvs(lvm: Sequence[str]) -> Argv:
    """Ask for physical volumes; `blocks.physical_volumes` reads it.

    `lvm` are the words that begin a command of LVM's, such as ("lvm",).
    """
    return _report(lvm, "pvs", blocks.PVS)


def vgs(lvm: Sequence[str]) -> Argv:
    """Ask for volume groups; `blocks.groups` reads it."""
    return _report(lvm, "vgs", blocks.VGS)


def lvs(lvm: Sequence[str], group: str) -> Argv:
    """Ask for the logical volumes of a group; `blocks.logical_volumes` reads it."""
    return (*_report(lvm, "lvs", blocks.LVS), group)


def _report(lvm: Sequence[str], command: str, columns: Sequence[str]) -> Argv:
    words = (*lvm, command, *REPORT, "--options", ",".join(columns))
    return (*within(ASKING_SECONDS), *words)
