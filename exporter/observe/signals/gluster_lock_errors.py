"""gluster_lock_errors: glusterd refuses commands, because a lock is held or cannot be taken.

How it is recognised: lines of the glusterd log (3.12 to 11), told apart where they are read. A lock
on a volume that the same glusterd is said to hold again and again is Held; a row of errors that no
disconnect explains is trouble of the node as a whole (volume empty), unless a held lock explains
it. `Lock for vol ... not held` and `Lock not released` right after a peer went away are an echo,
two lines a volume, and no lock error: see gluster_peer_flapping. A lock times out after three
minutes by itself; one that is held for longer than five is stuck.

Since: the first line of the row. No object shows it, so a restart that forgets the log's past
forgets this.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

HELD, BUSY, FAILING = "Held", "Busy", "Failing"

ANOTHER_TRANSACTION = "another_transaction"
ECHOES = frozenset({"not_held", "not_released"})
"""Kinds of lines that a disconnect writes for every volume: they are never the cause."""


def subject_of(node: str, volume: str) -> Subject:
    """Return the subject for a node and a volume; without one, the node as a whole."""
    return Subject((("node", node), ("volume", volume)))


class GlusterLockErrors:
    """Sees it.

    Reasons: Held (a lock that `holder`, a glusterd's uuid, does not give back), Busy (commands get
    in each other's way: often monitoring that asks for `volume status`), Failing (locks cannot be
    taken). `holder_host` is the holder's name, where the node's glusterd knows it.
    """

    name = "gluster_lock_errors"
    meaning = "A glusterd cannot take the locks that its commands need."
    subject_labels = ("node", "volume")
    named_labels = ("holder", "holder_host")
    reasons = frozenset({HELD, BUSY, FAILING, base.OTHER})
    since_sources = frozenset({SinceSource.LOG})
    patience = 300.0
    needs = frozenset({Kind.GLUSTER_LOG})
    helps = frozenset({Kind.GLUSTERD})
    starts = frozenset({Kind.GLUSTER_LOG})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the volumes whose lock is held, or the node that is in trouble."""
        del view
        return _subjects(obj) if isinstance(obj, model.GlusterLog) else ()

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name what a log tells of, or told of; a glusterd knows what the holders are called."""
        for obj in base.versions(change):
            match obj:
                case model.GlusterLog():
                    yield from _subjects(obj)
                case model.Glusterd() if (log := view.gluster_log(obj.name)) is not None:
                    yield from _subjects(log)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The node's own log and glusterd."""
        del view
        yield Want(Kind.GLUSTER_LOG, name=subject["node"])
        yield Want(Kind.GLUSTERD, name=subject["node"])

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while a lock is held, or the row of errors is not broken."""
        log = view.gluster_log(subject["node"])
        if log is None:
            return None
        held = [one for one in log.held if one.volume == subject["volume"]]
        if held:
            first = min(held, key=lambda one: (one.since, one.holder))
            host = _host(first.holder, view.glusterd(log.name))
            said = f"{host or 'a glusterd that is not known here'}, uuid {first.holder}"
            evidence = (f"the lock is held by {said}", f"it was refused {first.refusals} times")
            return self._signal(subject, first.since, HELD, evidence, first.holder, host)
        if subject["volume"] or log.held or log.troubled_since is None:
            return None
        return self._signal(subject, log.troubled_since, _kind(log), tuple(_counts(log)))

    def _signal(
        self,
        subject: Subject,
        since: float,
        reason: str,
        evidence: tuple[str, ...],
        holder: str = "",
        host: str = "",
    ) -> Signal:
        return Signal(
            name=self.name,
            subject=subject,
            since=since,
            since_source=SinceSource.LOG,
            reason=reason,
            named=(("holder", holder), ("holder_host", host)),
            evidence=evidence,
        )


def _subjects(log: model.GlusterLog) -> list[Subject]:
    found = [subject_of(log.name, one.volume) for one in log.held]
    if log.troubled_since is not None:
        found.append(subject_of(log.name, ""))
    return found


def _host(uuid: str, glusterd: model.Glusterd | None) -> str:
    """Return what a glusterd is called by its peer; its own node's name for itself."""
    if glusterd is None or not uuid:
        return ""
    if uuid == glusterd.uuid:
        return glusterd.name
    return next((peer.hostname for peer in glusterd.peers if peer.uuid == uuid), "")


def _kind(log: model.GlusterLog) -> str:
    """Return what the newest line of the row that is no echo says."""
    began = log.troubled_since or 0.0
    told = [(one.last, one.kind) for one in log.locks if one.kind not in ECHOES and one.last]
    newest = max((one for one in told if one[0] >= began), default=(0.0, ""))
    return BUSY if newest[1] == ANOTHER_TRANSACTION else FAILING


def _counts(log: model.GlusterLog) -> Iterator[str]:
    for one in log.locks:
        where = f", volume {one.volume}" if one.volume else ""
        whom = f", peer {one.peer}" if one.peer else ""
        yield (
            f"{one.kind}: {one.count} lines, {one.echoes} of them echoes of a disconnect"
            + where
            + whom
        )
