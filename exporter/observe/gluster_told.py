"""What the lines of a glusterd log add up to: counts, locks that are held, peers that come and go.

Each line counts once. When a peer goes away, glusterd tries to release its lock on every volume and
says of each that there was none, in two lines: with 5,500 volumes 11,000 lines that mean nothing.
They are told apart by their time, and by the function that writes one of the two. What is left, and
what only a lock really held makes glusterd write, is trouble.

Plain data, so that it can be written down together with how far the log was read. Times are those
of the lines; windows end by the clock, which is an argument. No I/O.
"""

from typing import TypeVar

import msgspec

from exporter.observe.model import (
    Disconnects,
    GlusterLog,
    HeldLock,
    LockKind,
    QuorumLost,
)
from exporter.observe.model.gluster_lines import (
    BrickGone,
    GlusterdStarted,
    LockError,
    LogFact,
    PeerGone,
    QuorumTurned,
    Scanned,
)

T = TypeVar("T")

EXPLICABLE = frozenset({"not_held", "not_released"})
"""Kinds that a disconnect may explain."""
ECHO_SECONDS = 5.0
"""So close to a disconnect, or to another of its echoes, `not held` says nothing of locks."""
QUIET_SECONDS = 240.0
"""What no line repeats for so long is over: glusterd gives a lock up by itself after 180 s."""
RECENT_SECONDS = 600.0
MOST_RECENT = 100
"""Times kept of what happens again and again."""
MOST_PEERS = 1000
MOST_VOLUMES = 20_000
"""Kept of each; the oldest go first. A pool has some thousand volumes."""


class Row(msgspec.Struct):
    """Lock errors that follow each other."""

    since: float
    last: float
    lines: int


class Pending(msgspec.Struct):
    """Lines of one kind in one second that a disconnect may yet explain."""

    at: float
    kind: str
    lines: int


class Told(msgspec.Struct):
    """All that a log has told. `echoed` is the time of the newest sign of a disconnect."""

    lines: int = 0
    unparsed: int = 0
    locks: dict[str, LockKind] = {}
    pending: list[Pending] = []
    echoed: float = 0.0
    row: Row | None = None
    held: dict[str, HeldLock] = {}
    disconnects: dict[str, Disconnects] = {}
    quorum_lost: dict[str, QuorumLost] = {}
    brick_disconnects: int = 0
    starts: int = 0
    recent_starts: list[float] = []

    def take(self, scanned: Scanned, now: float) -> None:
        """Count what was read; a line from the future is of now."""
        self.lines += scanned.lines
        self.unparsed += scanned.unparsed
        for fact in scanned.facts:
            self._take(fact, min(fact.at, now))

    def seen(self, name: str, now: float) -> GlusterLog:
        """Return what is to be known of it at a time."""
        self._settle(now)
        self._forget(now)
        row = self.row
        return GlusterLog(
            name,
            lines=self.lines,
            unparsed=self.unparsed,
            locks=tuple(self.locks[kind] for kind in sorted(self.locks)),
            held=tuple(self.held[volume] for volume in sorted(self.held)),
            troubled_since=row.since if row is not None else None,
            troubled_last=row.last if row is not None else None,
            troubled_lines=row.lines if row is not None else 0,
            disconnects=tuple(self.disconnects[peer] for peer in sorted(self.disconnects)),
            quorum_lost=tuple(self.quorum_lost[volume] for volume in sorted(self.quorum_lost)),
            brick_disconnects=self.brick_disconnects,
            starts=self.starts,
            recent_starts=tuple(self.recent_starts),
        )

    def _take(self, fact: LogFact, at: float) -> None:
        match fact:
            case LockError():
                self._lock(fact, at)
            case PeerGone():
                self._gone(fact, at)
            case QuorumTurned(lost=True):
                self.quorum_lost.setdefault(fact.volume, QuorumLost(fact.volume, at))
                _bound(self.quorum_lost, MOST_VOLUMES)
            case QuorumTurned():
                self.quorum_lost.pop(fact.volume, None)
            case BrickGone():
                self.brick_disconnects += fact.times
            case GlusterdStarted():
                # It decides anew about quorum, and remembers no lock.
                self.starts += 1
                self.recent_starts = [*self.recent_starts[1 - MOST_RECENT :], at]
                self.held.clear()
                self.quorum_lost.clear()

    def _lock(self, fact: LockError, at: float) -> None:
        self._settle(at)
        explicable = fact.kind in EXPLICABLE
        echo = fact.release or (explicable and abs(at - self.echoed) <= ECHO_SECONDS)
        old = self.locks.get(fact.kind) or LockKind(fact.kind, 0)
        self.locks[fact.kind] = LockKind(
            fact.kind,
            old.count + fact.times,
            max(at, old.last or at),
            old.echoes + (fact.times if echo else 0),
            old.volume if echo else fact.volume,
            old.peer if echo else fact.peer,
        )
        if fact.release:
            self._disconnect(at)
        elif not echo and explicable:
            self._may_be_explained(fact, at)
        elif not echo:
            self._trouble(at, fact.times)
        if fact.holder:
            self._refused(fact, at)

    def _gone(self, fact: PeerGone, at: float) -> None:
        self._settle(at)
        self._disconnect(at)
        peer = fact.uuid or fact.hostname
        old = self.disconnects.pop(peer, None) or Disconnects(fact.uuid, fact.hostname, 0)
        first, many = min(fact.first, at), min(fact.times, MOST_RECENT)
        # A folded text came at its last time, and between that and the first, nobody knows when.
        times = [at - (at - first) * number / many for number in reversed(range(many))]
        self.disconnects[peer] = Disconnects(
            fact.uuid,
            fact.hostname,
            old.count + fact.times,
            tuple(sorted((*old.recent, *times))[-MOST_RECENT:]),
            fact.state,
        )
        _bound(self.disconnects, MOST_PEERS)

    def _refused(self, fact: LockError, at: float) -> None:
        """Somebody was told who holds a lock; when that changes it was free in between."""
        old = self.held.pop(fact.volume, None)
        if old is None or old.holder != fact.holder or at - old.last > QUIET_SECONDS:
            old = HeldLock(fact.volume, fact.holder, at, at, 0)
        self.held[fact.volume] = HeldLock(
            fact.volume,
            fact.holder,
            old.since,
            max(at, old.last),
            old.refusals + fact.times,
        )
        _bound(self.held, MOST_VOLUMES)

    def _disconnect(self, at: float) -> None:
        """What lies close before is explained by it, as what comes close after will be."""
        self.echoed = max(self.echoed, at)
        left = []
        for one in self.pending:
            if abs(at - one.at) <= ECHO_SECONDS:
                kind = self.locks[one.kind]
                self.locks[one.kind] = msgspec.structs.replace(kind, echoes=kind.echoes + one.lines)
            else:
                left.append(one)
        self.pending = left

    def _may_be_explained(self, fact: LockError, at: float) -> None:
        # The two lines of a volume take turns; one of each kind in a second, however many come.
        for one in reversed(self.pending):
            if int(one.at) != int(at):
                break
            if one.kind == fact.kind:
                one.lines += fact.times
                return
        self.pending.append(Pending(at, fact.kind, fact.times))

    def _settle(self, now: float) -> None:
        """What nothing has explained in time is trouble."""
        while self.pending and now - self.pending[0].at > ECHO_SECONDS:
            one = self.pending.pop(0)
            self._trouble(one.at, one.lines)

    def _trouble(self, at: float, lines: int) -> None:
        row = self.row
        if row is None or at - row.last > QUIET_SECONDS:
            self.row = Row(at, at, lines)
        else:
            row.last = max(row.last, at)
            row.lines += lines

    def _forget(self, now: float) -> None:
        if self.row is not None and now - self.row.last > QUIET_SECONDS:
            self.row = None
        for volume, lock in list(self.held.items()):
            if now - lock.last > QUIET_SECONDS:
                del self.held[volume]
        for peer, gone in list(self.disconnects.items()):
            recent = tuple(at for at in gone.recent if now - at <= RECENT_SECONDS)
            if recent != gone.recent:
                self.disconnects[peer] = msgspec.structs.replace(gone, recent=recent)
        self.recent_starts = [at for at in self.recent_starts if now - at <= RECENT_SECONDS]


def _bound(kept: dict[str, T], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]
