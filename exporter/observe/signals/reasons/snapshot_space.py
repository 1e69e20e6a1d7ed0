"""Whether a node's snapshot space will ever hold what changed: its needs against its sizes.

What is known of the need is a range: a figure that was copied is exact, one that was reported an
upper bound, and of a claim whose Events are gone nothing is known. A reason is given where the
whole range says the same.
"""

from collections.abc import Iterable, Iterator

import msgspec

from exporter.observe.model import RokSpace
from exporter.observe.rok_jobs import Changed, Key

EXTENSION_NEEDED = "ExtensionNeeded"
"""More has changed than the whole space holds: no collection of old snapshots will help."""
COLLECTION_PENDING = "CollectionPending"
"""More than is free and no more than the space holds: Rok's garbage collection makes room."""
ROOM_AGAIN = "RoomAgain"
"""It fits into what is free: room has been made since, or the cause is another one."""
SUSPECTED = "Suspected"
"""Nothing is known of the need, but the space has been full for hours, or a volume is larger."""
UNKNOWN = "Unknown"
"""The sizes are not known, or not what has changed."""

REASONS = frozenset({EXTENSION_NEEDED, COLLECTION_PENDING, ROOM_AGAIN, SUSPECTED, UNKNOWN})


class Need(msgspec.Struct, frozen=True):
    """What the next snapshots copy: at least, and at most (None: nobody knows), in bytes."""

    least: int
    most: int | None


def need(changes: Iterable[Changed], failed: Iterable[Key]) -> Need:
    """Sum what is known; `failed` are the claims whose jobs ran out of space."""
    known = list(changes)
    unknown = set(failed) - {one.claim for one in known}
    least = sum(one.bytes for one in known if not one.reported)
    return Need(least, None if unknown else sum(one.bytes for one in known))


def reason(needed: Need, space: RokSpace | None, largest: int) -> str:
    """Return why; `largest` is the capacity of the largest volume of Rok's on the node."""
    if space is None or space.size is None or space.available is None:
        return UNKNOWN
    if needed.least > space.size:
        return EXTENSION_NEEDED
    if needed.most is not None and needed.most <= space.available:
        return ROOM_AGAIN
    if needed.most is not None and needed.most <= space.size:
        return COLLECTION_PENDING
    if space.full and (largest > space.size or space.stays_full):
        return SUSPECTED
    return UNKNOWN


def evidence(space: RokSpace | None, unseen: str) -> Iterator[str]:
    """Say what the node's sizes are, and what is special about its volume group.

    `unseen` is why no node's are known, if that is so.
    """
    if space is None:
        why = unseen or "its exporter tells of none"
        yield f"the sizes of the node's snapshot space are not known: {why}"
        return
    if space.size is None:
        yield f"volume group {space.group} is there and the snapshot space is not mounted"
    else:
        yield f"snapshot space: {space.size} bytes, {space.used} used, {space.available} available"
    if space.group_unseen:
        yield f"its volume group is not known: {space.group_unseen}"
    if space.extended:
        since = {True: ", and the node was rebooted since", False: "", None: ""}[space.rebooted]
        yield (
            f"volume group {space.group} was extended, to {space.disks} disks{since}:"
            " this node must be drained and removed"
        )
