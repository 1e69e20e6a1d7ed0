"""How many volumes of each pool some list lacks, and their bytes, for each direction.

A direction that could not be judged has no series: 0 is seen to be 0.
"""

from collections.abc import Iterator

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe import gluster_orphans
from exporter.observe.model import Kind
from exporter.observe.view import View

VOLUMES = Family(
    "pvmedic_gluster_orphaned_volumes",
    FamilyType.GAUGE,
    "Volumes that Gluster, Heketi or Kubernetes has and another one has not, each counted once."
    " kind: gluster_without_heketi, heketi_without_gluster, heketi_without_pv, pv_without_heketi,"
    " pv_without_gluster. Absent while this cannot be judged.",
    labels=("pool", "kind"),
    collector="gluster_volumes_orphaned",
)
BYTES = Family(
    "pvmedic_gluster_orphaned_bytes",
    FamilyType.GAUGE,
    "How much fits into these volumes, as far as their sizes are known: a lower bound.",
    labels=("pool", "kind"),
    collector="gluster_volumes_orphaned",
)
FAMILIES = (VOLUMES, BYTES)

KINDS = frozenset({Kind.HEKETI, Kind.HEKETI_VOLUME, Kind.GLUSTERD, Kind.GLUSTER_VOLUME})
"""Not PersistentVolumes, which may be a million: each look at a Heketi brings these up to date."""


def series(view: View) -> Iterator[tuple[Family, Sample]]:
    """Return the series of every pool."""
    for pool in gluster_orphans.pools(view):
        found = gluster_orphans.difference(pool, view)
        counts = dict.fromkeys(sorted(found.judged), 0)
        sizes = dict.fromkeys(sorted(found.judged), 0)
        for one in found.orphans:
            counts[one.missing] += 1
            sizes[one.missing] += one.size or 0
        for kind, count in counts.items():
            labels = (("pool", pool.name), ("kind", kind.value))
            yield VOLUMES, Sample(labels, count)
            yield BYTES, Sample(labels, sizes[kind])
