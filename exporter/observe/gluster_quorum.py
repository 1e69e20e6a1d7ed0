"""What a Gluster volume needs to stay writable: server quorum, and enough bricks in each set.

The rules are Gluster's own (3.12 to 11), for counts and options as `get-state` has them. Values in,
values out; who is there and who is not is decided by whoever asks.
"""

import math
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache

from exporter.observe.model import GlusterVolume

SERVER_RATIO = "cluster.server-quorum-ratio"
CLIENT_TYPE = "cluster.quorum-type"
CLIENT_COUNT = "cluster.quorum-count"
DISPERSE_COUNT = "disperse.quorum-count"

UNKNOWN_KINDS = ("stripe", "tier")
"""Of these a brick's place in the list does not say which set it is in."""


class Loss(Enum):
    """What a volume would lose without some of its bricks, the least first."""

    NOTHING = 0
    UNKNOWN = 1
    WRITING = 2
    DATA = 3


def servers_needed(volume: GlusterVolume, pool: int) -> int | None:
    """Return how many glusterds of a pool must see each other, or its bricks stop.

    None: any number will do. A ratio that cannot be read counts as not set, as glusterd has it.
    """
    if not volume.server_quorum:
        return None
    ratio = _number(dict(volume.options).get(SERVER_RATIO, ""))
    if ratio is None:
        return pool // 2 + 1
    return math.ceil(pool * ratio / 100)


def loss(volume: GlusterVolume, there: Sequence[bool]) -> Loss:
    """Return what is lost while only these bricks are there, in the volume's order."""
    arbiters = tuple(brick.arbiter for brick in volume.bricks)
    counts = (volume.replica, volume.arbiter, volume.disperse, volume.redundancy)
    return _loss(volume.kind, counts, arbiters, volume.options, tuple(there))


@lru_cache(maxsize=4096)
def _loss(
    kind: str,
    counts: tuple[int, int, int, int],
    arbiters: tuple[bool, ...],
    options: tuple[tuple[str, str], ...],
    there: tuple[bool, ...],
) -> Loss:
    """Of thousands of volumes most look alike."""
    replica, arbiter, disperse, redundancy = counts
    size = disperse or max(1, replica)
    if len(there) % size or any(one in kind.lower() for one in UNKNOWN_KINDS):
        return Loss.NOTHING if all(there) else Loss.UNKNOWN
    asked = dict(options)
    worst = Loss.NOTHING
    for begin in range(0, len(there), size):
        left, marks = there[begin : begin + size], arbiters[begin : begin + size]
        if all(left):
            continue
        if disperse:
            found = _of_disperse(size - redundancy, left, asked)
        else:
            data = [
                here and not mark and place < size - arbiter
                for place, (here, mark) in enumerate(zip(left, marks, strict=True))
            ]
            found = _of_replica(left, asked) if any(data) else Loss.DATA
        worst = max(worst, found, key=lambda one: one.value)
    return worst


def _of_disperse(readable: int, left: Sequence[bool], options: Mapping[str, str]) -> Loss:
    if sum(left) < readable:
        return Loss.DATA
    asked = _number(options.get(DISPERSE_COUNT, "")) or 0
    return Loss.WRITING if sum(left) < asked else Loss.NOTHING


def _of_replica(left: Sequence[bool], options: Mapping[str, str]) -> Loss:
    size = len(left)
    # Without a word of the administrator's, sets of more than two have a quorum and others none.
    kind = options.get(CLIENT_TYPE) or ("auto" if size > 2 else "none")  # noqa: PLR2004 -- above
    if kind == "none":
        return Loss.NOTHING
    if kind == "fixed":
        count = _number(options.get(CLIENT_COUNT, ""))
        return Loss.WRITING if count is None or sum(left) < count else Loss.NOTHING
    # auto, and what we do not know. Of an even set the half with the first brick counts.
    votes = 2 * sum(left) + (1 if left[0] else 0)
    return Loss.NOTHING if votes > size else Loss.WRITING


def _number(text: str) -> float | None:
    try:
        found = float(text.strip().removesuffix("%"))
    except ValueError:
        return None
    return found if math.isfinite(found) else None
