"""What each Gluster node shows, well or not: glusterd, peers, log, bricks, heal, quorum, space.

Published by the node's own exporter. A family stands with the failure that it explains: that is its
`collector`.
"""

from collections.abc import Iterator, Mapping

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe import model
from exporter.observe.model import (
    Glusterd,
    GlusterLog,
    GlusterSpace,
    GlusterVolume,
    LockKind,
    Object,
)

GAUGE, COUNTER = FamilyType.GAUGE, FamilyType.COUNTER

UP = Family(
    "pvmedic_glusterd_up",
    GAUGE,
    "Whether the glusterd of a node answers get-state, which takes no lock.",
    ("node",),
    "glusterd_unresponsive",
)
INFO = Family(
    "pvmedic_gluster_info",
    GAUGE,
    "Release of a node's Gluster command line, and op-version of its cluster."
    " Nodes of one pool should agree; while they are being upgraded releases may differ.",
    ("node", "release", "op_version"),
    "glusterd_unresponsive",
)
CONNECTED = Family(
    "pvmedic_gluster_peer_connected",
    GAUGE,
    "Whether a node's glusterd is connected to a peer. One that is rejected is connected, too.",
    ("node", "peer"),
    "gluster_peer_flapping",
)
DISCONNECTS = Family(
    "pvmedic_gluster_peer_disconnects_total",
    COUNTER,
    "How often a node's glusterd said that a peer has disconnected.",
    ("node", "peer"),
    "gluster_peer_flapping",
)
LOCK_ERRORS = Family(
    "pvmedic_gluster_lock_errors_total",
    COUNTER,
    "Lines about locks in a node's glusterd log, the echo of disconnects among them."
    f" kind: {', '.join(model.LOCK_KINDS)}.",
    ("node", "kind"),
    "gluster_lock_errors",
)
LOCK_ECHOES = Family(
    "pvmedic_gluster_lock_error_echoes_total",
    COUNTER,
    "Those of the lines about locks that only follow from a peer's disconnect.",
    ("node", "kind"),
    "gluster_lock_errors",
)
LINES = Family(
    "pvmedic_gluster_log_lines_total",
    COUNTER,
    "Lines of a node's glusterd log that were read.",
    ("node",),
    "gluster_lock_errors",
)
UNPARSED = Family(
    "pvmedic_gluster_log_unparsed_lines_total",
    COUNTER,
    "Lines of a node's glusterd log that fit no grammar.",
    ("node",),
    "gluster_lock_errors",
)
TOO_LONG = Family(
    "pvmedic_gluster_log_too_long_lines_total",
    COUNTER,
    "Lines of a node's glusterd log that were thrown away because none may be so long.",
    ("node",),
    "gluster_lock_errors",
)
GAPS = Family(
    "pvmedic_gluster_log_gaps_total",
    COUNTER,
    "Times when lines of a node's glusterd log may have been missed.",
    ("node",),
    "gluster_lock_errors",
)
BEHIND = Family(
    "pvmedic_gluster_log_behind_bytes",
    GAUGE,
    "How much of a node's glusterd log is not read yet.",
    ("node",),
    "gluster_lock_errors",
)
STARTS = Family(
    "pvmedic_glusterd_starts_total",
    COUNTER,
    "How often a node's glusterd began anew, as its log says.",
    ("node",),
    "glusterd_unresponsive",
)
ONLINE = Family(
    "pvmedic_gluster_brick_online",
    GAUGE,
    "Whether a brick of a started volume runs, by the word of its own node.",
    ("node", "volume", "brick"),
    "gluster_brick_offline",
)
PENDING = Family(
    "pvmedic_gluster_heal_pending_entries",
    GAUGE,
    "Entries of a brick's heal index, 100,000 at most: what another brick lacks. Counted without a"
    " lock; what the heal command counts is near it.",
    ("node", "volume", "brick"),
    "gluster_heal_pending",
)
QUORUM = Family(
    "pvmedic_gluster_volume_quorum_met",
    GAUGE,
    "Whether a started volume meets server quorum, as a node's glusterd sees it."
    " Absent where it has none, and until a glusterd that just started knows.",
    ("node", "volume"),
    "gluster_quorum_lost",
)
_SPACE = ("node", "use", "path")
SIZE = Family(
    "pvmedic_gluster_space_size_bytes",
    GAUGE,
    "Size of a file system that Gluster needs. use: root, work_directory, logs, brick.",
    _SPACE,
    "gluster_space_low",
)
AVAILABLE = Family(
    "pvmedic_gluster_space_available_bytes",
    GAUGE,
    "What is available of a file system that Gluster needs.",
    _SPACE,
    "gluster_space_low",
)
INODES = Family(
    "pvmedic_gluster_space_inodes",
    GAUGE,
    "Inodes of a file system that Gluster needs; absent where their number is not fixed.",
    _SPACE,
    "gluster_space_low",
)
INODES_FREE = Family(
    "pvmedic_gluster_space_inodes_free",
    GAUGE,
    "Free inodes of a file system that Gluster needs.",
    _SPACE,
    "gluster_space_low",
)
DELETED_OPEN = Family(
    "pvmedic_gluster_space_deleted_open_bytes",
    GAUGE,
    "Deleted files there that Gluster's processes keep open: not free, and found by no du.",
    _SPACE,
    "gluster_space_low",
)
FAMILIES = (
    UP,
    INFO,
    STARTS,
    CONNECTED,
    DISCONNECTS,
    LOCK_ERRORS,
    LOCK_ECHOES,
    LINES,
    UNPARSED,
    TOO_LONG,
    GAPS,
    BEHIND,
    ONLINE,
    PENDING,
    QUORUM,
    SIZE,
    AVAILABLE,
    INODES,
    INODES_FREE,
    DELETED_OPEN,
)

Series = Iterator[tuple[Family, Sample]]

_MET = {"meets": 1.0, model.QUORUM_NOT_MET: 0.0}


def of_glusterd(obj: Object) -> Series:
    """Return the series of a node's glusterd and its peers."""
    if not isinstance(obj, Glusterd):
        return
    yield _one(UP, float(obj.answers), obj.name)
    if obj.release or obj.op_version:
        yield _one(INFO, 1.0, obj.name, obj.release, str(obj.op_version or ""))
    for peer, connected in {one.name: one.connected for one in obj.peers}.items():
        yield _one(CONNECTED, float(connected), obj.name, peer)


def of_log(obj: Object) -> Series:
    """Return the series of a node's glusterd log; every kind from the start: it can rise then."""
    if not isinstance(obj, GlusterLog):
        return
    for family, value in (
        (LINES, obj.lines),
        (UNPARSED, obj.unparsed),
        (TOO_LONG, obj.too_long),
        (GAPS, obj.gaps),
        (BEHIND, obj.behind),
        (STARTS, obj.starts),
    ):
        yield _one(family, value, obj.name)
    locks = {one.kind: one for one in obj.locks}
    for kind in dict.fromkeys((*model.LOCK_KINDS, *locks)):
        told = locks.get(kind, LockKind(kind, 0))
        yield _one(LOCK_ERRORS, told.count, obj.name, kind)
        yield _one(LOCK_ECHOES, told.echoes, obj.name, kind)
    for peer, count in _disconnects(obj).items():
        yield _one(DISCONNECTS, count, obj.name, peer)


def of_volume(obj: Object) -> Series:
    """Return the series of a volume on a node: of its own bricks, and its quorum."""
    if not isinstance(obj, GlusterVolume) or not obj.started:
        return
    for name, brick in {one.name: one for one in obj.bricks if one.local}.items():
        if brick.online is not None:
            yield _one(ONLINE, float(brick.online), obj.node, obj.name, name)
        if brick.heal_pending is not None:
            yield _one(PENDING, brick.heal_pending, obj.node, obj.name, name)
    met = _MET.get(obj.quorum)
    if met is not None:
        yield _one(QUORUM, met, obj.node, obj.name)


def of_space(obj: Object) -> Series:
    """Return the series of a node's file systems."""
    if not isinstance(obj, GlusterSpace):
        return
    for space in {(one.use, one.path): one for one in obj.spaces}.values():
        values = {
            SIZE: space.size,
            AVAILABLE: space.available,
            INODES: space.inodes,
            INODES_FREE: space.inodes_free,
            DELETED_OPEN: space.deleted_open,
        }
        for family, value in values.items():
            if value is not None:
                yield _one(family, value, obj.name, space.use, space.path)


def _one(family: Family, value: float, *labels: str) -> tuple[Family, Sample]:
    return family, Sample(tuple(zip(family.labels, labels, strict=True)), value)


def _disconnects(log: GlusterLog) -> Mapping[str, int]:
    """Return the counts by name: a peer that was made anew has two uuids and one name."""
    found: dict[str, int] = {}
    for one in log.disconnects:
        name = one.hostname or one.uuid
        found[name] = found.get(name, 0) + one.count
    return found
