"""What the remediator has written on Nodes: which Remediation owes them an undo.

Published by the exporter, so that it is seen when the record is lost or the remediator is not there
any more. What is owed elsewhere (claims, workloads) is told by the records alone.
"""

from collections.abc import Iterator

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe.model import UNDO_ANNOTATION, Node, Object

NOTED = Family(
    "pvmedic_undo_noted",
    FamilyType.GAUGE,
    "1 while a Node carries the note of a change that pvmedic has to take back: its annotation"
    " pvmedic.dev/undo.",
    ("node", "remediation"),
    "undo_notes",
)
FAMILIES = (NOTED,)


def of_node(obj: Object) -> Iterator[tuple[Family, Sample]]:
    """Return the note on a Node; nothing on most."""
    if isinstance(obj, Node) and (owner := obj.annotations.get(UNDO_ANNOTATION, "")):
        remediation, _, _ = owner.partition("/")
        yield NOTED, Sample((("node", obj.name), ("remediation", remediation)), 1.0)
