"""gluster_volumes_orphaned: Gluster, Heketi and Kubernetes disagree about which volumes there are.

How it is recognised (seed 003): three lists of a pool are compared, see `gluster_orphans`. The
nodes' glusterds have Gluster's, Heketi's database (`/db/dump`) has Heketi's and shows unfinished
operations, as `/volumes` does not. Kubernetes' are PersistentVolumes, by CSI handle or by
`spec.glusterfs.path`: that is Gluster's name, and Heketi's id in an annotation says no more. They
come apart when a create runs into a time limit and is tried again under another name, when cleaning
up meets a lock, when Heketi ends half-way or gets an old database.

A verdict needs both lists: what has a volume and what has it not. Not orphans: what an operation
is not over for, what came or went within the hour, Heketi's own database volume, volumes that
hold block volumes, and volumes that neither Heketi made nor its StorageClass.

Since: when it was first seen. No list says when a volume was lost.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from exporter.observe import gluster_orphans, model
from exporter.observe.gluster_orphans import Difference, Missing, Orphan
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

NAMED = 5
"""So many volumes are named in the evidence of each kind; the role `orphans` lists all."""

REASONS: Mapping[Missing, str] = {
    Missing.PV_WITHOUT_GLUSTER: "PvWithoutGluster",
    Missing.HEKETI_WITHOUT_GLUSTER: "HeketiWithoutGluster",
    Missing.PV_WITHOUT_HEKETI: "PvWithoutHeketi",
    Missing.GLUSTER_WITHOUT_HEKETI: "GlusterWithoutHeketi",
    Missing.HEKETI_WITHOUT_PV: "HeketiWithoutPv",
}

_SAID: Mapping[Missing, str] = {
    Missing.PV_WITHOUT_GLUSTER: "have a PersistentVolume and are not in Gluster",
    Missing.HEKETI_WITHOUT_GLUSTER: "are in Heketi's database and not in Gluster",
    Missing.PV_WITHOUT_HEKETI: "have a PersistentVolume and are not in Heketi's database",
    Missing.GLUSTER_WITHOUT_HEKETI: "are in Gluster and neither Heketi's nor anybody's",
    Missing.HEKETI_WITHOUT_PV: "are in Heketi's database and have no PersistentVolume",
}


def subject_of(pool: str) -> Subject:
    """Return the subject for a pool's name."""
    return Subject((("pool", pool),))


class GlusterVolumesOrphaned:
    """Sees it. Reason: the gravest kind of difference that there is."""

    name = "gluster_volumes_orphaned"
    meaning = "Gluster, Heketi and Kubernetes disagree about which volumes a pool has."
    subject_labels = ("pool",)
    named_labels = ()
    reasons = frozenset({*REASONS.values(), base.OTHER})
    since_sources = frozenset({SinceSource.FIRST_SEEN})
    patience = 3600.0
    needs = frozenset({Kind.VOLUME})
    helps = frozenset(
        {
            Kind.HEKETI,
            Kind.HEKETI_VOLUME,
            Kind.GLUSTERD,
            Kind.GLUSTER_VOLUME,
            Kind.STORAGE_CLASS,
        }
    )
    # Not glusterds: most clusters have none that tell, and without a Heketi there is no verdict.
    starts = frozenset({Kind.HEKETI})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Let the first Heketi name every pool, those that no Heketi shows among them."""
        if obj.name != min((one.name for one in view.heketis()), default=""):
            return ()
        return [subject_of(pool.name) for pool in gluster_orphans.pools(view)]

    def touched(self, change: Change, view: View) -> Iterable[Subject]:
        """Name everything: pools are few, and a node or a volume may belong to any."""
        del view
        old, new = (_read(obj) for obj in (change.old, change.new))
        return () if old == new else (base.EVERYTHING,)

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """All of it: that something is in no list takes whole lists."""
        del subject, view
        for kind in sorted(self.needs | self.helps):
            yield Want(kind)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while a list of this pool lacks what another one has."""
        pools = {pool.name: pool for pool in gluster_orphans.pools(view)}
        pool = pools.get(subject["pool"])
        found = gluster_orphans.difference(pool, view) if pool is not None else None
        if found is None or not found.orphans:
            return None
        by_kind = {kind: [one for one in found.orphans if one.missing is kind] for kind in Missing}
        gravest = next(kind for kind, orphans in by_kind.items() if orphans)
        return Signal(
            name=self.name,
            subject=subject,
            since=None,
            since_source=SinceSource.FIRST_SEEN,
            reason=REASONS[gravest],
            evidence=(*_evidence(by_kind), *seen(found)),
        )


def seen(found: Difference) -> Iterator[str]:
    """Say in sentences which lists were seen, and whose: that is what proves anything here."""
    lists = found.lists
    if lists.gluster is None:
        yield "Gluster's list was not seen as a whole: nothing is said of what Gluster lacks or has"
    else:
        nodes = ", ".join(one.name for one in found.pool.glusterds)
        yield f"Gluster's list has {len(lists.some)} volumes (glusterd of {nodes})"
    if lists.heketi is None:
        yield "Heketi's database was not seen: nothing is said of what it lacks or has"
    else:
        endpoints = ", ".join(sorted({endpoint for endpoint, _ in found.pool.clusters}))
        yield f"Heketi's database has {len(lists.heketi)} volumes ({endpoints})"
    yield f"{len(lists.claimed)} PersistentVolumes of this cluster are Gluster's"
    if lists.shared:
        yield "those of other clusters, which use this Heketi too, cannot be seen from here"


def _evidence(by_kind: Mapping[Missing, Sequence[Orphan]]) -> Iterator[str]:
    for kind, orphans in by_kind.items():
        if orphans:
            names = ", ".join(one.name for one in orphans[:NAMED])
            more = ", ..." if len(orphans) > NAMED else ""
            size = sum(one.size or 0 for one in orphans)
            yield f"{len(orphans)} volumes ({size} bytes) {_SAID[kind]}: {names}{more}"


def _read(obj: Object | None) -> object:
    """Return what of an object decides here; the rest of it changes all the time."""
    match obj:
        case model.Volume() if obj.gluster_name:
            claim = (obj.claim_namespace, obj.claim_name)
            return (obj.gluster_name, obj.created, obj.storage_class, obj.capacity, claim)
        case model.StorageClass() if obj.heketi:
            return (obj.heketi, obj.heketi_clusters)
        case model.Heketi():
            return (obj.listed, obj.looked, obj.clusters, obj.volumes, obj.shared)
        case model.Glusterd():
            return (obj.answers, obj.uuid, obj.peers, obj.volumes)
        case model.GlusterVolume():
            bricks = [(one.host, one.path, one.size, one.arbiter) for one in obj.bricks]
            counts = (obj.replica, obj.arbiter, obj.disperse, obj.redundancy)
            return (bricks, counts)
        case model.HeketiVolume():
            return obj
        case _:
            return None
