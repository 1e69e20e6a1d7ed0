"""What must be remembered of a node's Rok to tell an extended volume group, and a reboot since.

Pure: what was known and what is seen now give what is known now. Who looks, and who writes it down,
is the source in `rok`.
"""

import msgspec

from exporter.observe.parse.lvm import VolumeGroup

STAYS_FULL_SECONDS = 6 * 3600.0
"""For as long Rok's garbage collection may take to make room."""
FORGET_SECONDS = 900.0
"""After a longer time without a look it may have been emptied and filled again."""


class RokMemory(msgspec.Struct, frozen=True):
    """All of it. `saved` is when it was last true.

    `made` is how many disks the group (`uuid`) had when it was seen with the fewest. `boot` is the
    boot in which it was last seen with no more than it should have, and then, while it is
    `extended`, the one in which that was first seen. `certain`: both were the same.
    """

    saved: float = 0.0
    uuid: str = ""
    made: int | None = None
    extended: bool = False
    boot: str = ""
    certain: bool = False
    full_since: float | None = None


class Extension(msgspec.Struct, frozen=True):
    """Whether the group has more disks than were made for it, and a reboot came since."""

    extended: bool | None
    rebooted: bool | None


UNKNOWN = Extension(None, None)


def grown(
    known: RokMemory, group: VolumeGroup, made: int | None, boot: str
) -> tuple[RokMemory, Extension]:
    """Compare a group with what it should have: `made` disks, or what was seen with the fewest."""
    if known.uuid != group.uuid:
        known = RokMemory(known.saved, group.uuid, full_since=known.full_since)
    if group.disks is None:
        return known, UNKNOWN
    fewest = group.disks if known.made is None else min(known.made, group.disks)
    known = msgspec.structs.replace(known, made=fewest)
    if group.disks <= (fewest if made is None else made):
        known = msgspec.structs.replace(known, extended=False, boot=boot, certain=False)
        return known, Extension(extended=False, rebooted=False)
    if not known.extended or (boot and not known.boot):
        certain = bool(boot) and known.boot == boot and not known.extended
        known = msgspec.structs.replace(known, extended=True, boot=boot, certain=certain)
    return known, Extension(extended=True, rebooted=_rebooted(known, boot))


def filled(known: RokMemory, now: float, *, full: bool) -> RokMemory:
    """Remember since when the space has been full, and that it was looked at now."""
    since = known.full_since if full else None
    if since is None or since > now or not 0.0 <= now - known.saved <= FORGET_SECONDS:
        since = now if full else None
    return msgspec.structs.replace(known, saved=now, full_since=since)


def stays_full(known: RokMemory, now: float) -> bool:
    """Whether it has been full for longer than Rok takes to make room."""
    return known.full_since is not None and now - known.full_since > STAYS_FULL_SECONDS


def _rebooted(known: RokMemory, boot: str) -> bool | None:
    if not boot or not known.boot:
        return None
    if boot != known.boot:
        return True
    # In the boot in which it was first seen extended it may have come from an earlier one.
    return False if known.certain else None
