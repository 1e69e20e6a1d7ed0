"""gluster_quorum_lost: too few glusterds of the pool see each other, and a volume's bricks stop.

How it is recognised (GlusterFS 3.12 to 11, volumes with `cluster.server-quorum-type: server`):
`get-state` says `does_not_meet`. Where glusterd does not say how the volume is, its log line
`Server quorum lost for volume` counts until the one about the regained quorum. What get-state says
of a volume wins over the log: a line may be missed, the state is read anew every time. Only
`not_applicable` says nothing: a glusterd that just started says it of every volume. Either source
is enough: a glusterd that does not answer hides no quorum that its log has seen lost.

Since: get-state has no time, and the log's would be another one than first sight after a restart.
The time is when we first saw it, which the state file keeps.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

NOT_MET, BRICKS_STOPPED = "NotMet", "BricksStopped"

_SAID = frozenset({"meets", model.QUORUM_NOT_MET})


def subject_of(volume: str) -> Subject:
    """Return the subject for a Gluster volume's name."""
    return Subject((("volume", volume),))


class GlusterQuorumLost:
    """Sees it.

    Reasons: NotMet (glusterd says so), BricksStopped (only its log does). `node` is the first that
    says so.
    """

    name = "gluster_quorum_lost"
    meaning = "A Gluster volume has lost server quorum."
    subject_labels = ("volume",)
    named_labels = ("node",)
    reasons = frozenset({NOT_MET, BRICKS_STOPPED, base.OTHER})
    since_sources = frozenset({SinceSource.FIRST_SEEN})
    patience = 30.0
    needs = frozenset({Kind.GLUSTERD})
    helps = frozenset({Kind.GLUSTER_VOLUME, Kind.GLUSTER_LOG})
    starts = frozenset({Kind.GLUSTERD})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the volumes of which a node's glusterd or its log says that they have no quorum."""
        return _of_node(obj.name, view) if isinstance(obj, model.Glusterd) else ()

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the volume, or those that a node's log names; a size that changes says nothing."""
        if not _moved(change):
            return
        for obj in base.versions(change):
            match obj:
                case model.GlusterVolume():
                    yield subject_of(obj.name)
                case model.GlusterLog():
                    yield from _named(obj)
                case model.Glusterd():
                    yield from _of_node(obj.name, view)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """What every node says: any of them may be on the side that lost."""
        del subject, view
        yield Want(Kind.GLUSTERD)
        yield Want(Kind.GLUSTER_VOLUME)
        yield Want(Kind.GLUSTER_LOG)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while a node says that the volume has no quorum."""
        name = subject["volume"]
        nodes = sorted(view.glusterds(), key=lambda one: one.name)
        for glusterd in nodes:
            volume = view.gluster_volume(glusterd.name, name)
            if volume is not None and _lost(volume):
                said = f"the glusterd of node {volume.node} says that the volume has no quorum"
                return self._signal(subject, volume.node, NOT_MET, said)
        for glusterd in nodes:
            log = view.gluster_log(glusterd.name)
            lost = log is not None and any(one.volume == name for one in log.quorum_lost)
            if lost and not _answered(glusterd, name, view):
                said = f"the glusterd log of node {glusterd.name} says that it stopped the bricks"
                return self._signal(subject, glusterd.name, BRICKS_STOPPED, said)
        return None

    def _signal(self, subject: Subject, node: str, reason: str, said: str) -> Signal:
        return Signal(
            name=self.name,
            subject=subject,
            since=None,
            since_source=SinceSource.FIRST_SEEN,
            reason=reason,
            named=(("node", node),),
            evidence=(said,),
        )


def _moved(change: Change) -> bool:
    old, new = change.old, change.new
    if not isinstance(old, model.GlusterVolume) or not isinstance(new, model.GlusterVolume):
        return True
    before, now = (old.started, old.quorum, old.options), (new.started, new.quorum, new.options)
    return before != now


def _of_node(node: str, view: View) -> list[Subject]:
    found = [subject_of(volume.name) for volume in view.gluster_on(node) if _lost(volume)]
    log = view.gluster_log(node)
    return found + _named(log) if log is not None else found


def _named(log: model.GlusterLog) -> list[Subject]:
    return [subject_of(one.volume) for one in log.quorum_lost]


def _lost(volume: model.GlusterVolume) -> bool:
    return volume.started and volume.quorum == model.QUORUM_NOT_MET


def _answered(glusterd: model.Glusterd, name: str, view: View) -> bool:
    """Whether a node's glusterd says itself how the volume is, or that there is none."""
    volume = view.gluster_volume(glusterd.name, name)
    if volume is not None:
        return volume.quorum in _SAID or not volume.started or not volume.server_quorum
    return glusterd.answers
