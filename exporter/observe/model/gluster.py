"""What a node knows of its GlusterFS pool: glusterd, volumes with bricks, the log, file systems.

One glusterd sees the state of its own bricks only; of the others' it knows that they exist. Times
are Unix seconds, sizes bytes; None is what could not be known.
"""

from enum import StrEnum

import msgspec

FLAPS = 3
FLAP_SECONDS = 600.0
"""So many disconnects of a peer in so long are no single restart."""

FULL_RATIO = 0.01
"""Bricks refuse writes from here on (`storage.reserve`, 1 %)."""

PEER_IN_CLUSTER = "Peer in Cluster"

QUORUM_NOT_MET = "does_not_meet"

LOCK_KINDS = (
    "not_held",
    "not_released",
    "held_by",
    "not_acquired",
    "another_transaction",
    "locking_failed",
)
"""What a lock error in the glusterd log says, in the words of its text."""


class GlusterdProblem(StrEnum):
    """What is wrong with asking a glusterd.

    With StateUnwritable it answers, but cannot write down what it knows, and so states of bricks
    and the quorum are unknown. With Restarting, which ends again and again, it may.
    """

    NOT_RUNNING = "NotRunning"
    NOT_ANSWERING = "NotAnswering"
    TIMEOUT = "Timeout"
    CLI_MISSING = "CliMissing"
    OTHER = "Other"
    RESTARTING = "Restarting"
    STATE_UNWRITABLE = "StateUnwritable"


class Peer(msgspec.Struct, frozen=True, gc=False):
    """Another glusterd of the pool, as this one sees it. `state` is `Peer in Cluster` when well."""

    uuid: str
    hostname: str
    state: str
    connected: bool

    @property
    def name(self) -> str:
        """What it is called: by its host name, without one by its uuid."""
        return self.hostname or self.uuid

    @property
    def well(self) -> bool:
        """Whether it is connected and a full member."""
        return self.connected and self.state == PEER_IN_CLUSTER


class Glusterd(msgspec.Struct, frozen=True):
    """The glusterd of a node (`name`).

    `answers`: it did what it was asked. `reason` is a GlusterdProblem or empty, and
    `failing_since` is when that began: with an answer since there has been something to say,
    without one since there was none. `alive`: whether its process lives, None where that cannot be
    seen. What it said last is not kept when it does not answer: `uuid` and `peers` are empty then,
    and its volumes are unseen. `release` is the command line's, `op_version` the cluster's.
    `volumes` is how many it knows: whoever holds fewer has not heard of all.
    """

    name: str
    answers: bool
    reason: str = ""
    failing_since: float | None = None
    alive: bool | None = None
    uuid: str = ""
    release: str = ""
    op_version: int = 0
    peers: tuple[Peer, ...] = ()
    volumes: int | None = None
    version: str = ""

    @property
    def node(self) -> str:
        """The node whose facts these are."""
        return self.name


class Brick(msgspec.Struct, frozen=True, gc=False):
    """One brick. `online`, heal counts and sizes are known for bricks of the node itself only.

    `heal_pending` counts entries of the brick's heal index (`.glusterfs/indices/xattrop`): files
    that another brick has not got. `heal_dirty` counts those that are only in `indices/dirty`: a
    write under way, or one that a client never ended. Both stop at 100,000. `host_uuid` is empty
    where nobody of the pool has the brick's host name.
    """

    host: str
    path: str
    host_uuid: str
    local: bool
    online: bool | None = None
    arbiter: bool = False
    heal_pending: int | None = None
    heal_dirty: int | None = None
    size: int | None = None
    free: int | None = None

    @property
    def name(self) -> str:
        """As Gluster writes it: `host:/path`."""
        return f"{self.host}:{self.path}"


class GlusterVolume(msgspec.Struct, frozen=True, gc=False):
    """A volume as the glusterd of `node` knows it.

    `replica`, `arbiter`, `disperse` and `redundancy` are counts as in `volume info`; bricks come in
    its order, one replica or disperse set after the other. `quorum` is the server quorum:
    `meets`, `does_not_meet`, `not_applicable` (glusterd says so also of volumes with a server
    quorum, until a peer first comes or goes) or empty. `options` are those that decide quorum, the
    whole pool's among them.
    """

    node: str
    name: str
    id: str
    kind: str
    started: bool
    bricks: tuple[Brick, ...]
    replica: int = 1
    arbiter: int = 0
    disperse: int = 0
    redundancy: int = 0
    quorum: str = ""
    options: tuple[tuple[str, str], ...] = ()
    version: str = ""

    @property
    def namespace(self) -> str:
        """What sets this node's view of the volume apart from another node's."""
        return self.node

    @property
    def server_quorum(self) -> bool:
        """Whether its bricks are stopped where too few glusterds see each other."""
        return ("cluster.server-quorum-type", "server") in self.options


class LockKind(msgspec.Struct, frozen=True, gc=False):
    """How often lines of one kind (`LOCK_KINDS`) came. `last` is the time of the newest line.

    `echoes` of them follow from a peer that went away and say nothing of locks. `volume` and `peer`
    are those of the newest line that is no echo, as far as it named them.
    """

    kind: str
    count: int
    last: float | None = None
    echoes: int = 0
    volume: str = ""
    peer: str = ""


class HeldLock(msgspec.Struct, frozen=True, gc=False):
    """A lock that is refused to others: `holder` is a glusterd's uuid; `volume` may be empty.

    It was refused `refusals` times from `since` to `last`, to nobody for a few minutes: over.
    """

    volume: str
    holder: str
    since: float
    last: float
    refusals: int = 1


class Disconnects(msgspec.Struct, frozen=True, gc=False):
    """How often a peer went away (log line 106004).

    `recent` are the times of those in the last ten minutes, oldest first. `state` is what the peer
    was to this glusterd when it last went.
    """

    uuid: str
    hostname: str
    count: int
    recent: tuple[float, ...] = ()
    state: str = ""

    @property
    def flaps(self) -> bool:
        """Whether it went away so often in so short a time that it is no single restart."""
        recent = self.recent
        return len(recent) >= FLAPS and recent[-1] - recent[-FLAPS] <= FLAP_SECONDS


class QuorumLost(msgspec.Struct, frozen=True, gc=False):
    """A volume whose bricks glusterd stopped for want of server quorum (log line 106002)."""

    volume: str
    since: float


class GlusterLog(msgspec.Struct, frozen=True):
    """What the glusterd log of a node (`name`) has told since we know it.

    `lines`, `unparsed`, `too_long` and `gaps` (times when lines may have been missed) count;
    `behind` is bytes not yet read. `troubled_since` is when the newest unbroken row of lock errors
    began that no disconnect explains, None: there is none; `troubled_last` is its newest line.
    `starts` and `brick_disconnects` count; `recent_starts` are those of the last ten minutes.
    """

    name: str
    lines: int = 0
    unparsed: int = 0
    behind: int = 0
    locks: tuple[LockKind, ...] = ()
    held: tuple[HeldLock, ...] = ()
    troubled_since: float | None = None
    disconnects: tuple[Disconnects, ...] = ()
    quorum_lost: tuple[QuorumLost, ...] = ()
    too_long: int = 0
    gaps: int = 0
    troubled_last: float | None = None
    troubled_lines: int = 0
    brick_disconnects: int = 0
    starts: int = 0
    recent_starts: tuple[float, ...] = ()
    version: str = ""

    @property
    def node(self) -> str:
        """The node whose facts these are."""
        return self.name


class Space(msgspec.Struct, frozen=True, gc=False):
    """A file system that Gluster needs: `use` is root, work_directory, logs or brick.

    `deleted_open` are bytes of deleted files that glusterd, bricks and clients keep open.
    """

    use: str
    path: str
    size: int
    available: int
    inodes: int | None = None
    inodes_free: int | None = None
    deleted_open: int | None = None

    @property
    def full(self) -> bool:
        """Whether there are no bytes or no inodes to speak of: less than FULL_RATIO is free."""
        if self.size > 0 and self.available < self.size * FULL_RATIO:
            return True
        free, inodes = self.inodes_free, self.inodes
        return free is not None and inodes is not None and free < inodes * FULL_RATIO


class GlusterSpace(msgspec.Struct, frozen=True):
    """The file systems of a Gluster node (`name`)."""

    name: str
    spaces: tuple[Space, ...]
    version: str = ""

    @property
    def node(self) -> str:
        """The node whose facts these are."""
        return self.name
