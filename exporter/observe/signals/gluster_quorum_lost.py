"""gluster_quorum_lost: too few glusterds of the pool see each other, and a volume's bricks stop.

How it is recognised (GlusterFS 3.12 to 11, volumes with `cluster.server-quorum-type: server`):
`get-state` says `does_not_meet`. Where glusterd does not say how the volume is, its log line
`Server quorum lost for volume` counts until the one about the regained quorum. What get-state says
of a volume wins over the log: a line may be missed, the state is read anew every time. Only
`not_applicable` says nothing: a glusterd that just started says it of every volume.

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
    needs = frozenset({Kind.GLUSTER_LOG})  # without its glusterd, a node still has this
    helps = frozenset({Kind.GLUSTER_VOLUME, Kind.GLUSTERD})
    starts = frozenset({Kind.GLUSTER_VOLUME, Kind.GLUSTER_LOG})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name a volume that does not meet quorum, or of which the log says that it lost it."""
        del view
        match obj:
            case model.GlusterVolume(quorum=model.QUORUM_NOT_MET):
                return (subject_of(obj.name),)
            case model.GlusterLog() if obj.quorum_lost:
                return _named(obj)
            case _:
                return ()

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
                case model.Glusterd() if (log := view.gluster_log(obj.name)) is not None:
                    yield from _named(log)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """What every node says: any of them may be on the side that lost."""
        del subject, view
        yield Want(Kind.GLUSTER_VOLUME)
        yield Want(Kind.GLUSTER_LOG)
        yield Want(Kind.GLUSTERD)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while a node says that the volume has no quorum."""
        name = subject["volume"]
        for volume in view.gluster_named(name):
            if volume.started and volume.quorum == model.QUORUM_NOT_MET:
                said = f"the glusterd of node {volume.node} says that the volume has no quorum"
                return self._signal(subject, volume.node, NOT_MET, said)
        for log in view.gluster_logs():
            for lost in log.quorum_lost:
                if lost.volume == name and not _answered(log.name, name, view):
                    said = f"the glusterd log of node {log.name} says that it stopped the bricks"
                    return self._signal(subject, log.name, BRICKS_STOPPED, said)
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


def _named(log: model.GlusterLog) -> list[Subject]:
    return [subject_of(one.volume) for one in log.quorum_lost]


def _answered(node: str, name: str, view: View) -> bool:
    """Whether this node's glusterd says itself how the volume is, or that there is none."""
    volume = view.gluster_volume(node, name)
    if volume is not None:
        return volume.quorum in _SAID or not volume.started or not volume.server_quorum
    glusterd = view.glusterd(node)
    return glusterd is not None and glusterd.answers
