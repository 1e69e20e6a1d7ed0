"""What each node shows of Rok: snapshot space and volume group, and what Rok writes on the Node.

The first two are the node's own exporter's, healthy or not; the last is read where Nodes are. How
much of the space is needed follows from Events and is next door, in snapshot_space_exhausted.
"""

from collections.abc import Iterator

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe.model import Node, Object, RokSpace

SIGNAL = "snapshot_space_exhausted"
"""The failure in whose place on the dashboards these are."""


def _family(name: str, meaning: str, *labels: str) -> Family:
    return Family(name, FamilyType.GAUGE, meaning, ("node", *labels), "rok_space")


SIZE = _family(
    "pvmedic_snapshot_space_size_bytes",
    "Size of the file system in which Rok keeps a node's snapshots, as df -B1 has it.",
)
USED = _family(
    "pvmedic_snapshot_space_used_bytes",
    "What is used of a node's snapshot space, as df -B1 has it.",
)
AVAILABLE = _family(
    "pvmedic_snapshot_space_available_bytes",
    "What is available of a node's snapshot space, as df -B1 has it.",
)
GROUP_SIZE = _family(
    "pvmedic_rok_group_size_bytes",
    "Size of the volume group of a node's snapshot space, as LVM reports it."
    " There only where LVM may be asked.",
    "group",
)
GROUP_FREE = _family(
    "pvmedic_rok_group_free_bytes",
    "What no logical volume has of the volume group of a node's snapshot space.",
    "group",
)
DISKS = _family(
    "pvmedic_rok_group_disks",
    "Disks (physical volumes) in the volume group of a node's snapshot space.",
    "group",
)
EXTENDED = _family(
    "pvmedic_rok_node_extended",
    "1 while the volume group has more disks than Rok Disk Manager made: the node must be drained"
    " and removed, and not be rebooted before. Absent where it is not known.",
)
REBOOTED = _family(
    "pvmedic_rok_node_rebooted_since_extension",
    "1 while a node that is extended has been rebooted since. Absent where it is not known.",
)
OF_SPACE = (SIZE, USED, AVAILABLE, GROUP_SIZE, GROUP_FREE, DISKS, EXTENDED, REBOOTED)

CAPACITY = _family(
    "pvmedic_rok_node_capacity_bytes",
    "Room for volumes that Rok says a node has left: its Node's annotation"
    " rok.arrikto.com/capacity.",
)
LARGEST = _family(
    "pvmedic_rok_node_max_instance_capacity_bytes",
    "The most room for volumes that Rok says a node of this kind can have: its Node's label"
    " rok.arrikto.com/max-instance-capacity.",
)
OF_NODE = (CAPACITY, LARGEST)

FAMILIES = (*OF_SPACE, *OF_NODE)


def of_space(obj: Object) -> Iterator[tuple[Family, Sample]]:
    """Return the series of a node's snapshot space."""
    if not isinstance(obj, RokSpace):
        return
    node = ("node", obj.name)
    for family, value in (
        (SIZE, obj.size),
        (USED, obj.used),
        (AVAILABLE, obj.available),
        (EXTENDED, obj.extended),
        (REBOOTED, obj.rebooted),
    ):
        if value is not None:
            yield family, Sample((node,), value)
    for family, value in (
        (GROUP_SIZE, obj.group_size),
        (GROUP_FREE, obj.group_free),
        (DISKS, obj.disks),
    ):
        if value is not None:
            yield family, Sample((node, ("group", obj.group)), value)


def of_node(obj: Object) -> Iterator[tuple[Family, Sample]]:
    """Return what Rok wrote on a Node; nothing on most."""
    if not isinstance(obj, Node):
        return
    for family, value in ((CAPACITY, obj.rok_free), (LARGEST, obj.rok_largest)):
        if value is not None:
            yield family, Sample((("node", obj.name),), value)
