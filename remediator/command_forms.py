"""The forms of every command that this program runs on a node, for whoever is to hold it to them.

Pure. The forms are made by the functions that make the commands, from arguments that stand for any,
so that no command has a form that is not here. An admission policy is made of them
(deploy/exec_policy.py): whoever has stolen our account's token can run these and nothing else.
"""

import re
from collections.abc import Sequence
from itertools import chain

import msgspec

from exporter.observe import disk_commands
from exporter.observe.disk_commands import DISK, Argv, RokVolume
from remediator import rok_disk
from remediator.rok_extension import Refused

_DEVICE, _UID, _SERIAL, _SECONDS, _EXTENTS = "/dev/any", "any", "vol0any", 10**6 + 1, 10**6 + 2

UUID = r"[0-9a-f]{6}(-[0-9a-f]{4}){5}-[0-9a-f]{6}"
"""Of a physical volume, as `rok_disk.pv_uuid` makes them."""
DEVICE = f"({DISK}|{rok_disk.by_id(_SERIAL).replace(_SERIAL, 'vol[0-9a-f]{8,32}')})"
"""A whole disk by the kernel's name or by its serial; by no label, and no other path."""

_ANY = {
    _DEVICE: DEVICE,
    rok_disk.pv_uuid(_UID): UUID,
    str(_SECONDS): "[1-9][0-9]?",
    str(_EXTENTS): "[1-9][0-9]{0,8}",
}


class Form(msgspec.Struct, frozen=True):
    """So many arguments that, with a space between any two, are wholly of a pattern.

    The pattern has exactly one space fewer than there are arguments and allows no other, so that
    no argument can carry one and pass for two. It is RE2's as well as Python's.
    """

    arguments: int
    pattern: str

    def allows(self, argv: Sequence[str]) -> bool:
        """Whether a command has this form."""
        said = " ".join(argv)
        return len(argv) == self.arguments and re.fullmatch(self.pattern, said) is not None


def forms(volume: RokVolume, path: str) -> tuple[Form, ...]:
    """Return the forms of all commands about a snapshot space that is mounted at a path."""
    lvm, group, device = volume.lvm, volume.group, volume.device
    asking = (
        disk_commands.lsblk(),
        disk_commands.wipefs(_DEVICE),
        disk_commands.blkid(device),
        disk_commands.pvs(lvm),
        disk_commands.vgs(lvm),
        disk_commands.lvs(lvm, group),
    )
    changing = (
        rok_disk.pvcreate(lvm, _DEVICE, _UID, _SECONDS),
        rok_disk.vgextend(lvm, group, _DEVICE, _SECONDS),
        rok_disk.lvextend(lvm, group, volume.name, _EXTENTS, _DEVICE, _SECONDS),
    )
    growing = (rok_disk.grow(kind, device, path) for kind in ("ext4", "xfs"))
    grown = (argv for argv in growing if not isinstance(argv, Refused))
    return tuple(map(_form, chain(asking, changing, grown)))


def _form(argv: Argv) -> Form:
    return Form(len(argv), " ".join(_ANY.get(word) or _literal(word) for word in argv))


def _literal(word: str) -> str:
    """Return the pattern of exactly this word; ValueError for one that has a space."""
    if re.search(r"\s", word) or not word:
        raise ValueError(f"{word!r} is no word of a command")
    return re.sub(r"([.+*?^$|()\[\]{}\\])", r"\\\1", word)
