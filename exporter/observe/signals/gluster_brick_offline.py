"""gluster_brick_offline: a brick of a started volume does not run on its node.

How it is recognised (GlusterFS 3.12 to 11): `get-state` on the brick's own node. Another node's
glusterd knows of the brick only that it exists, and is not asked. A glusterd that has just started
brings up its bricks one after the other, which takes hours where there are thousands: they are
offline until it is their turn.

Since: nothing says when. The time is when we first saw it, which the state file keeps.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.signals.reasons import bricks
from exporter.observe.view import View, Want

OFFLINE, QUORUM_LOST = "Offline", "QuorumLost"

subject_of = bricks.subject_of


class GlusterBrickOffline:
    """Sees it.

    Reasons: Offline, QuorumLost (glusterd stopped it itself, for want of server quorum: starting it
    by force would undo what protects the data).
    """

    name = "gluster_brick_offline"
    meaning = "A brick of a started Gluster volume is not online."
    subject_labels = ("volume", "brick")
    named_labels = ("node",)
    reasons = frozenset({OFFLINE, QUORUM_LOST, base.OTHER})
    since_sources = frozenset({SinceSource.FIRST_SEEN})
    patience = 120.0
    needs = frozenset({Kind.GLUSTER_VOLUME})
    helps: frozenset[Kind] = frozenset()
    starts = frozenset({Kind.GLUSTER_VOLUME})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the bricks of a node's volume that do not run."""
        del view
        if not isinstance(obj, model.GlusterVolume):
            return ()
        return [subject_of(obj.name, one.name) for one in bricks.own(obj) if one.online is False]

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the bricks on the node that tells of a volume."""
        del view
        return bricks.told_of(change)

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The volume, as every node knows it: which one the brick lies on is not in its name."""
        del subject, view
        yield Want(Kind.GLUSTER_VOLUME)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the brick's own node says that it does not run."""
        for volume, brick in bricks.meant(subject, view):
            if brick.online is False:
                lost = volume.quorum == model.QUORUM_NOT_MET
                return Signal(
                    name=self.name,
                    subject=subject,
                    since=None,
                    since_source=SinceSource.FIRST_SEEN,
                    reason=QUORUM_LOST if lost else OFFLINE,
                    named=(("node", volume.node),),
                    evidence=tuple(_evidence(volume, brick)),
                )
        return None


def _evidence(volume: model.GlusterVolume, brick: model.Brick) -> Iterator[str]:
    others = len(volume.bricks) - 1
    yield f"the glusterd of node {volume.node} says that {brick.name} is not online"
    yield f"volume {volume.name} ({volume.kind}) has {others} other bricks"
    if volume.quorum == model.QUORUM_NOT_MET:
        yield "the volume has lost server quorum, so glusterd stopped its bricks itself"
