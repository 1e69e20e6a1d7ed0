"""Arithmetic of extending Rok's snapshot space by one disk. Pure.

Whether a disk is needed, how large it must be, what LVM makes of it, and under which name it fits
on the machine. No cloud is asked here and no command is known; sizes are bytes where a name does
not say GiB, and never rounded for people: `vgs --units G` prints 1000-based GB, EBS sells GiB.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum
from string import ascii_lowercase

import msgspec

from exporter.observe.model import RokSpace
from exporter.observe.signals.reasons import snapshot_space
from exporter.observe.signals.reasons.snapshot_space import Need

MIB = 2**20
GIB = 2**30
PV_METADATA = MIB
"""What pvcreate keeps at a disk's begin: extents start at 1 MiB."""
SPARE_SLOTS = 1
"""Attach slots that are left free: a pod that waits for its volume must not wait for us."""


class Decision(StrEnum):
    """What the node's sizes ask for."""

    EXTEND = "Extend"
    WAIT = "Wait"
    """Rok's garbage collection makes the room."""
    FITS = "Fits"
    """There is room by now, or the cause is another one."""
    UNKNOWN = "Unknown"
    """Not known, or only suspected: never a reason to extend."""


_DECISIONS = {
    snapshot_space.EXTENSION_NEEDED: Decision.EXTEND,
    snapshot_space.COLLECTION_PENDING: Decision.WAIT,
    snapshot_space.ROOM_AGAIN: Decision.FITS,
}


def decide(needed: Need, space: RokSpace | None) -> Decision:
    """Return what is to be done, by the rule that gives the signal its reason.

    `needed` is the sum over all Rok volumes of the node, for a cordon starts the unpinning of each.
    """
    return _DECISIONS.get(snapshot_space.reason(needed, space, largest=0), Decision.UNKNOWN)


class Sized(msgspec.Struct, frozen=True):
    """How large the new disk is, and what asked for so much."""

    gib: int
    why: str

    @property
    def bytes(self) -> int:
        """The disk's size in bytes."""
        return self.gib * GIB


class Refused(msgspec.Struct, frozen=True):
    """Why it cannot be; a sentence an operator can act on."""

    why: str


def size(
    group_bytes: int, changed_bytes: int, *, margin_percent: int, cap_gib: int, largest_gib: int
) -> Sized | Refused:
    """Return twice the volume group or what changed with a margin, whichever is more, in full GiB.

    A margin of 25 makes 125 % of it. `cap_gib` is the settings', `largest_gib` the most that the
    disk's type can have (EBS gp2: 16,384). What is too large is refused and not cut: a disk in
    which the snapshots do not fit extends the node for nothing.
    """
    if group_bytes <= 0:
        return Refused("the volume group's size is not known")
    if changed_bytes < 0 or margin_percent < 0:
        return Refused("what has changed is not known")
    doubled = 2 * group_bytes
    wanted = -(-changed_bytes * (100 + margin_percent) // 100)
    gib = -(-max(doubled, wanted) // GIB)
    why = (
        "twice the volume group"
        if doubled >= wanted
        else f"what has changed and {margin_percent} % more"
    )
    if gib > cap_gib:
        return Refused(f"{why} need {gib} GiB, and the settings allow {cap_gib} GiB for one disk")
    if gib > largest_gib:
        return Refused(f"{why} need {gib} GiB, and a disk of this type has {largest_gib} at most")
    return Sized(gib, why)


def extents_of(disk_bytes: int, extent_bytes: int) -> int:
    """Return how many extents a new physical volume on such a disk has.

    `extent_bytes` is `vgs -o vg_extent_size`. The first MiB is LVM's own and an extent that does
    not fit whole is lost: 1200 GiB have 307,199 of 4 MiB, and not 307,200. ValueError without a
    size of an extent.
    """
    if extent_bytes <= 0:
        raise ValueError(f"{extent_bytes} bytes are no extent")
    return max(0, disk_bytes - PV_METADATA) // extent_bytes


def grown_to(volume_extents: int, disk_bytes: int, extent_bytes: int) -> int:
    """Return the extents of the logical volume once it has all of the new disk's, and no others.

    The form is absolute, so that asking twice grows once. Extents that were free before stay free.
    """
    return volume_extents + extents_of(disk_bytes, extent_bytes)


def free_device(taken: Iterable[str], avoid: Collection[str] = ()) -> str | None:
    """Return a device name that nothing on the machine has; None when all are taken.

    `taken` are the names of the instance's mappings and of attachments that are under way.
    `/dev/sdba` and `/dev/xvdba` are one name. The EBS CSI driver takes the first free one of
    /dev/xvdaa and on, so the last is taken here: who asks at the same time gets another. `avoid`
    are names that were freed a short time ago: attaching under one of them may never end.
    """
    used = {_letters(name) for name in (*taken, *avoid)}
    names = (one + two for one in "dcb" for two in reversed(ascii_lowercase))
    return next((f"/dev/xvd{name}" for name in names if name not in used), None)


def slot(limit: int | None, attached: int) -> Refused | None:
    """Return why no further disk may be attached; None where it may.

    `limit` is CSINode's allocatable count of the EBS driver, `attached` the disks that are on the
    machine or on their way to it, the root disk left out. The driver may have left out of its
    limit what was there when it began; to count it again errs on the safe side.
    """
    if limit is None:
        return Refused("how many disks the machine can have is not known: its CSINode has no count")
    free = limit - attached
    if free > SPARE_SLOTS:
        return None
    return Refused(f"the machine has {attached} of at most {limit} disks, and one slot stays free")


def _letters(name: str) -> str:
    """Return what follows sd or xvd: both are one name to EC2's block device driver."""
    bare = name.removeprefix("/dev/")
    return bare.removeprefix("xvd") if bare.startswith("xvd") else bare.removeprefix("sd")
