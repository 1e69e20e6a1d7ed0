"""gluster_heal_pending: a brick knows of files that another brick of its set does not have yet.

How it is recognised (GlusterFS 3.12 to 11): entries in the brick's own heal index
(`.glusterfs/indices/xattrop`), which are counted without the heal command and its lock. Which of
them are in split-brain the index does not tell. A few entries for a few minutes are everyday life:
the self-heal daemon looks every ten minutes.

Since: nothing says when. The time is when we first saw it, which the state file keeps.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.signals.reasons import bricks
from exporter.observe.view import View, Want

PENDING, PEER_DOWN = "Pending", "PeerDown"

subject_of = bricks.subject_of


class GlusterHealPending:
    """Sees it.

    Reasons: PeerDown (a node with another brick of the volume is not connected, so nothing can
    heal yet), Pending (all are).
    """

    name = "gluster_heal_pending"
    meaning = "A Gluster brick holds data that another brick of its volume still lacks."
    subject_labels = ("volume", "brick")
    named_labels = ("node",)
    reasons = frozenset({PENDING, PEER_DOWN, base.OTHER})
    since_sources = frozenset({SinceSource.FIRST_SEEN})
    patience = 900.0
    needs = frozenset({Kind.GLUSTER_VOLUME})
    helps = frozenset({Kind.GLUSTERD})
    starts = frozenset({Kind.GLUSTER_VOLUME})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the bricks of a node's volume that have something to give to others."""
        del view
        if not isinstance(obj, model.GlusterVolume):
            return ()
        return [subject_of(obj.name, one.name) for one in bricks.own(obj) if one.heal_pending]

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the bricks on the node that tells of a volume, or of its peers."""
        for obj in base.versions(change):
            if isinstance(obj, model.Glusterd):
                for volume in view.gluster_on(obj.name):
                    yield from self.suspects(volume, view)
        yield from bricks.told_of(change)

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The volume, as every node knows it, then the glusterd of the node of the brick."""
        yield Want(Kind.GLUSTER_VOLUME)
        for volume, _ in bricks.meant(subject, view):
            yield Want(Kind.GLUSTERD, name=volume.node)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the brick's own index has entries."""
        for volume, brick in bricks.meant(subject, view):
            if brick.heal_pending:
                away = _away(volume, view)
                return Signal(
                    name=self.name,
                    subject=subject,
                    since=None,
                    since_source=SinceSource.FIRST_SEEN,
                    reason=PEER_DOWN if away else PENDING,
                    named=(("node", volume.node),),
                    evidence=(
                        f"the heal index of {brick.name} has {brick.heal_pending} entries",
                        *(f"{host} has another brick and is not connected" for host in away),
                    ),
                )
        return None


def _away(volume: model.GlusterVolume, view: View) -> list[str]:
    """Return the hosts of the volume's other bricks that its node's glusterd cannot reach."""
    glusterd = view.glusterd(volume.node)
    if glusterd is None:
        return []
    holders = {brick.host_uuid for brick in volume.bricks}
    return [one.hostname for one in glusterd.peers if not one.connected and one.uuid in holders]
