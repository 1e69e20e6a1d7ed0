"""What Nodes say of being extended: who has put one more disk under Rok's snapshot space, and when.

Published by the exporter, so that such a node is not forgotten when the remediator, its records and
the memory of the node's own pod are gone.
"""

from collections.abc import Iterator

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe.model import Node, Object
from exporter.observe.parse.times import seconds

SINCE = Family(
    "pvmedic_rok_extended_since_timestamp_seconds",
    FamilyType.GAUGE,
    "When a Node was marked as extended, which has to be drained and removed: its annotation"
    " pvmedic.dev/rok-extended. 0 where it does not say.",
    ("node", "remediation", "disk"),
    "extended_notes",
)
FAMILIES = (SINCE,)


def of_node(obj: Object) -> Iterator[tuple[Family, Sample]]:
    """Return the note on a Node; nothing on most."""
    if not isinstance(obj, Node) or obj.extended_by is None:
        return
    owner, disk, when = obj.extended_by
    labels = (("node", obj.name), ("remediation", owner.partition("/")[0]), ("disk", disk))
    yield SINCE, Sample(labels, seconds(when) or 0.0)
