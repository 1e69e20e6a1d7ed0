"""gluster_peer_flapping: a glusterd keeps losing a peer, or does not have it in its pool now.

How it is recognised (GlusterFS 3.12 to 11): `get-state` says how each peer is; lines of the log
(`Peer ... has disconnected from glusterd`) and edges between two looks count how often it went
away. Three times in ten minutes is flapping, even if every look finds it connected. The floods of
lock lines that follow each disconnect, two a volume, are an echo and are not read here.

Since: nothing says when; the last disconnect is not when it began. The time is when we first saw
it, which the state file keeps.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

REJECTED, FLAPPING, DISCONNECTED, OUTSIDE = "Rejected", "Flapping", "Disconnected", "NotInCluster"

STATE_REJECTED = "Peer Rejected"


def subject_of(node: str, peer: str) -> Subject:
    """Return the subject for a node and a peer's host name."""
    return Subject((("node", node), ("peer", peer)))


class GlusterPeerFlapping:
    """Sees it.

    Reasons: Rejected (its volumes differ from ours), Flapping (three disconnects in ten minutes),
    Disconnected (now), NotInCluster (connected, but not a full member).
    """

    name = "gluster_peer_flapping"
    meaning = "A Gluster node loses a peer again and again, or does not have it now."
    subject_labels = ("node", "peer")
    named_labels: tuple[str, ...] = ()
    reasons = frozenset({REJECTED, FLAPPING, DISCONNECTED, OUTSIDE, base.OTHER})
    since_sources = frozenset({SinceSource.FIRST_SEEN})
    patience = 60.0
    needs = frozenset({Kind.GLUSTERD})
    helps = frozenset({Kind.GLUSTER_LOG})
    starts = frozenset({Kind.GLUSTERD, Kind.GLUSTER_LOG})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the peers that are not well, or that went away often."""
        match obj:
            case model.Glusterd():
                return [subject_of(obj.name, p.name) for p in obj.peers if _reason(p)]
            case model.GlusterLog() if obj.disconnects:
                often = [one for one in obj.disconnects if one.flaps]
                return _subjects(obj.name, often, view)
            case _:
                return ()

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the peers of a glusterd, and those of which its log tells."""
        for obj in base.versions(change):
            match obj:
                case model.Glusterd():
                    yield from (subject_of(obj.name, peer.name) for peer in obj.peers)
                    log = view.gluster_log(obj.name)
                    if log is not None:
                        # A name that this version still had, and the one of now.
                        yield from _of_log(obj, log.disconnects)
                        yield from _subjects(obj.name, log.disconnects, view)
                case model.GlusterLog():
                    yield from _subjects(obj.name, obj.disconnects, view)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The node's own glusterd and its log."""
        del view
        yield Want(Kind.GLUSTERD, name=subject["node"])
        yield Want(Kind.GLUSTER_LOG, name=subject["node"])

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the peer is not well, or was not three times a while ago."""
        node, name = subject["node"], subject["peer"]
        glusterd, log = view.glusterd(node), view.gluster_log(node)
        peers = glusterd.peers if glusterd is not None else ()
        peer = next((one for one in peers if one.name == name), None)
        if peer is None and glusterd is not None and glusterd.answers:
            return None  # detached: what the log tells of it is over
        gone = [one for one in log.disconnects if _name(one, peers) == name] if log else []
        flaps = any(one.flaps for one in gone)
        state = _reason(peer) if peer is not None else ""
        reason = state if state == REJECTED or not flaps else FLAPPING
        if not reason:
            return None
        return Signal(
            name=self.name,
            subject=subject,
            since=None,
            since_source=SinceSource.FIRST_SEEN,
            reason=reason,
            evidence=tuple(_evidence(peer, gone)),
        )


def _reason(peer: model.Peer) -> str:
    """Return what is wrong with a peer now; empty when nothing is."""
    if peer.state == STATE_REJECTED:
        return REJECTED
    if not peer.connected:
        return DISCONNECTED
    return "" if peer.well else OUTSIDE


def _name(gone: model.Disconnects, peers: Iterable[model.Peer]) -> str:
    """Return what the peer is called now: by its uuid, else as the log calls it."""
    known = next((one for one in peers if one.uuid and one.uuid == gone.uuid), None)
    return known.name if known is not None else gone.hostname or gone.uuid


def _of_log(glusterd: model.Glusterd, gone: Iterable[model.Disconnects]) -> Iterator[Subject]:
    return (subject_of(glusterd.name, _name(one, glusterd.peers)) for one in gone)


def _subjects(node: str, gone: Iterable[model.Disconnects], view: View) -> list[Subject]:
    glusterd = view.glusterd(node) or model.Glusterd(node, answers=False)
    return list(_of_log(glusterd, gone))


def _evidence(peer: model.Peer | None, gone: Iterable[model.Disconnects]) -> Iterator[str]:
    if peer is not None:
        connected = "connected" if peer.connected else "not connected"
        yield f"peer {peer.name}, uuid {peer.uuid}, is {connected}, in state {peer.state}"
    for one in gone:
        often = f"{one.count} times since this program began, {len(one.recent)} of them lately"
        yield f"uuid {one.uuid or '(not known)'} has disconnected {often}"
