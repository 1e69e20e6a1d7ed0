"""Whether each node's Gluster may be taken away now. How that is decided is in gluster_safety.

A node of which nothing is seen has no series, and makes those of its pool 0.
"""

from collections.abc import Iterator

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe import gluster_safety
from exporter.observe.gluster_safety import SafetyReason
from exporter.observe.view import View

_REASONS = [one for one in SafetyReason if one is not SafetyReason.SAFE]

SAFE = Family(
    "pvmedic_gluster_disruption_safe",
    FamilyType.GAUGE,
    "1 only while taking this node's Gluster away would leave every volume of its pool writable."
    f" reason: Safe, or the first that speaks against it: {', '.join(_REASONS)}."
    " As old as the nodes' last looks."
    " It knows of no rebalance and of no brick that is being replaced.",
    labels=("node", "reason"),
    collector="gluster_disruption",
)
FAMILIES = (SAFE,)

KINDS = gluster_safety.KINDS


def series(view: View) -> Iterator[tuple[Family, Sample]]:
    """Return one series a node."""
    for node, found in gluster_safety.safeties(view).items():
        yield SAFE, Sample((("node", node), ("reason", found.reason.value)), float(found.safe))
