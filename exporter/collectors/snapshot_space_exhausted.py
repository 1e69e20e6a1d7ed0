"""Changed bytes per volume and summed over its node: what the next snapshots there will need.

Known as soon as a job of Rok has looked, so published whether or not one failed. A claim whose
Events are gone has no series: the sum is of what is known, a lower bound of what is needed.
"""

from collections.abc import Iterator

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe import rok_jobs
from exporter.observe.model import Signal, Subject
from exporter.observe.view import View

CHANGED = Family(
    "pvmedic_volume_changed_bytes",
    FamilyType.GAUGE,
    "Data of a volume that changed since its last snapshot, as Rok's newest job on it said."
    " estimator: copied is exact, reported an upper bound in the storage device's larger blocks.",
    labels=("namespace", "persistentvolumeclaim", "node", "estimator"),
    collector="snapshot_space_exhausted",
)
REQUIRED = Family(
    "pvmedic_snapshot_space_required_bytes",
    FamilyType.GAUGE,
    "Snapshot space that the known changed data of a node's volumes needs, each claim once.",
    labels=("node",),
    collector="snapshot_space_exhausted",
)
RATIO = Family(
    "pvmedic_snapshot_space_changed_ratio",
    FamilyType.GAUGE,
    "Known changed data of a node's volumes over the total size of its snapshot space. Above 1 it"
    " never fits, where it is copied; above available over size it fits once old snapshots are"
    " collected."
    " estimator: copied is exact, reported an upper bound, mixed has some of both.",
    labels=("node", "estimator"),
    collector="snapshot_space_exhausted",
)
FAMILIES = (CHANGED, REQUIRED, RATIO)


def further(subject: Subject, signal: Signal | None, view: View) -> Iterator[tuple[Family, Sample]]:
    """Return the series of one node."""
    del signal
    node = subject["node"]
    changes = rok_jobs.changes_on(node, view)
    for one in changes:
        labels = (*one.claim, node, one.estimator)
        yield CHANGED, Sample(tuple(zip(CHANGED.labels, labels, strict=True)), one.bytes)
    if not changes:
        return
    required = sum(one.bytes for one in changes)
    yield REQUIRED, Sample((("node", node),), required)
    space = view.rok_space(node)
    if space is not None and space.size:
        estimators = {one.estimator for one in changes}
        how = estimators.pop() if len(estimators) == 1 else "mixed"
        yield RATIO, Sample((("node", node), ("estimator", how)), required / space.size)
