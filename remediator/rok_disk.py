"""The commands on a node that put one disk under Rok's snapshot space, as values. Pure.

Each is one list of arguments, never a shell's text: an admission policy can hold every argument
against a list, and none of them is a program. `sh -c` with a clock in it would check a not-after
time, and would make every policy allow any program. So each act is a form whose own semantics
check, and which does no harm when it runs twice, or late:

* `pvcreate --uuid U --norestorefile DISK`, U made from the Remediation: asks before it wipes what a
  disk carries, and nobody answers, so only a blank disk is labelled, or again the one that has this
  label and is in no group; a second disk of that uuid is refused. A label of LVM's without a group
  would be replaced unasked: `used` looks for one before.
* `vgextend GROUP DISK`: refused when the disk is in a group, this one or another.
* `lvextend -l EXTENTS GROUP/VOLUME DISK`: grows to that many, from that disk only. At that size
  or above it changes nothing and fails. Never -r or -L +n.
* `resize2fs DEVICE`, `xfs_growfs PATH`: to the size of the device. Again changes nothing. The
  kernel grows a mounted ext4 only for a container with CAP_SYS_RESOURCE.

So an exit status proves nothing in either direction: what is done is seen by `pvs`, `vgs`, `lvs`
(`exporter.observe.disk_commands`).

LVM's acts begin with `timeout`, shorter than the Lease, which is checked right before: a writer
that lost it has no command running when the next one begins. LVM commits its metadata at once or
not at all, so that ending it is safe. Growing a file system is not bounded: to end it half-way is
worse than to let it end late. The one thing a late command could meet is another disk under the
same name; `by_id` is a name that no other disk has, to be used where the pod's /dev has it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise

from exporter.observe.disk_commands import Argv, within
from exporter.observe.model.blocks import BlockDevice, Group, PhysicalVolume
from remediator.rok_extension import GIB, MIB, Refused


def by_id(serial: str) -> str:
    """Return udev's name of an EBS disk, from its serial (the volume id without its dash)."""
    return f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{serial}"


def pv_uuid(uid: str) -> str:
    """Return the uuid that the physical volume of a Remediation gets, in LVM's form."""
    text = hashlib.sha256(f"pvmedic physical volume of {uid}".encode()).hexdigest()
    cuts = (0, 6, 10, 14, 18, 22, 26, 32)
    return "-".join(text[a:b] for a, b in pairwise(cuts))


# What changes something. `seconds` is how long it may run.


def pvcreate(lvm: Sequence[str], device: str, uid: str, seconds: int) -> Argv:
    """Label a blank disk."""
    words = ("pvcreate", "--uuid", pv_uuid(uid), "--norestorefile", device)
    return (*within(seconds), *lvm, *words)


def vgextend(lvm: Sequence[str], group: str, device: str, seconds: int) -> Argv:
    """Put a labelled disk into a group: from here on there is no way back."""
    return (*within(seconds), *lvm, "vgextend", group, device)


def lvextend(
    lvm: Sequence[str], group: str, volume: str, extents: int, device: str, seconds: int
) -> Argv:
    """Grow a logical volume to so many extents in all, with those of this disk."""
    words = ("lvextend", "--extents", str(extents), f"{group}/{volume}", device)
    return (*within(seconds), *lvm, *words)


def grow(file_system: str | None, device: str, mounted: str) -> Argv | Refused:
    """Grow a mounted file system to its device, by its own tool.

    One that is not mounted is refused: resize2fs would then work on it off-line, where to be cut
    off destroys it.
    """
    if not mounted:
        return Refused(f"the file system on {device} is not mounted")
    if file_system in ("ext2", "ext3", "ext4"):
        return ("resize2fs", device)
    if file_system == "xfs":
        return ("xfs_growfs", mounted)
    return Refused(f"{device} has {file_system or 'no file system'}: only ext4 and xfs are grown")


# What is judged.


def disk(found: Iterable[BlockDevice], serial: str, gib: int) -> BlockDevice | Refused:
    """Return the one disk of this serial; it may carry a label of ours already.

    The same disk seen twice (multipath), another size or a partition is refused, never guessed.
    """
    same = [one for one in found if one.serial == serial and one.type == "disk"]
    if not same:
        return Refused(f"no disk has serial {serial}: it is not seen on the node yet")
    if len(same) > 1:
        names = ", ".join(one.path for one in same)
        return Refused(f"{len(same)} disks have serial {serial}: {names}")
    (one,) = same
    if one.size is None or abs(one.size - gib * GIB) > MIB:
        return Refused(f"{one.path} has {one.size} bytes and should have {gib} GiB")
    return one


def used(
    one: BlockDevice, signatures: tuple[str, ...] | None, labelled: Iterable[PhysicalVolume]
) -> Refused | None:
    """Return why a disk may not be labelled: it must be blank, and nothing may stand on it.

    `signatures` is None where nobody could tell.
    """
    if signatures is None:
        return Refused(f"what is on {one.path} could not be read")
    if one.read_only is not False:
        return Refused(f"{one.path} cannot be written to, as far as is known")
    if one.mounted or one.holders:
        return Refused(f"{one.path} is in use: {', '.join((*one.mounted, *one.holders))}")
    there = sorted({*signatures, one.file_system, one.table} - {""})
    if there:
        return Refused(f"{one.path} is not blank: {', '.join(there)}")
    if any(each.device == one.path for each in labelled):
        return Refused(f"{one.path} carries a label of LVM's")
    return None


def ours(labelled: Iterable[PhysicalVolume], uid: str) -> PhysicalVolume | None:
    """Return the physical volume of a Remediation, on whatever device LVM sees it.

    Before the disk is detached this must be None: what carries the label may be in the group.
    """
    wanted = pv_uuid(uid)
    return next((one for one in labelled if one.uuid == wanted), None)


def only(found: Iterable[Group], name: str) -> Group | Refused:
    """Return the one group of this name; two are refused: a copied disk makes such."""
    same = [one for one in found if one.name == name]
    if len(same) != 1:
        return Refused(f"the node has {len(same)} volume groups {name}")
    return same[0]
