"""What a node shows of its mounted volumes and of its kernel's log, healthy or not.

Which volume is in trouble, and since when, is the signal filesystem_readonly.
"""

from collections.abc import Iterator

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe.model import KernelLog, MountCount, Object

SIGNAL = "filesystem_readonly"
"""The failure in whose place on the dashboards these are."""


def _family(name: str, type_: FamilyType, meaning: str, *labels: str) -> Family:
    return Family(name, type_, meaning, ("node", *labels), "filesystems")


MOUNTS = _family(
    "pvmedic_volume_mounts",
    FamilyType.GAUGE,
    "Mounts of claims on a node, by state: well, troubled, unasked. Nothing is known of those that"
    " are not asked, because too many others hang, but whether they are read-only.",
    "state",
)
STUCK = _family(
    "pvmedic_mount_workers_stuck",
    FamilyType.GAUGE,
    "Processes of ours that hang in a mount of this node, and cannot be ended before it answers.",
)
ERRORS = _family(
    "pvmedic_filesystem_errors_total",
    FamilyType.COUNTER,
    "Lines of a node's kernel about file systems and their devices since this program began, by"
    " cause. fstype is empty where the device itself failed. Only where the kernel's log is read.",
    "fstype",
    "reason",
)
LINES = _family(
    "pvmedic_kernel_log_lines_total",
    FamilyType.COUNTER,
    "Lines that were read of a node's kernel log, those from before this program began included.",
)
LOST = _family(
    "pvmedic_kernel_log_lost_lines_total",
    FamilyType.COUNTER,
    "Lines of a node's kernel log that were overwritten before they could be read.",
)
FAMILIES = (MOUNTS, STUCK, ERRORS, LINES, LOST)


def of_mounts(obj: Object) -> Iterator[tuple[Family, Sample]]:
    """Return how many mounts a node has."""
    if not isinstance(obj, MountCount):
        return
    states = {"well": obj.well, "troubled": obj.troubled, "unasked": obj.unasked}
    for state, count in states.items():
        yield MOUNTS, Sample((("node", obj.name), ("state", state)), count)
    yield STUCK, Sample((("node", obj.name),), obj.stuck)


def of_log(obj: Object) -> Iterator[tuple[Family, Sample]]:
    """Return what was read of a node's kernel log."""
    if not isinstance(obj, KernelLog):
        return
    for one in obj.faults:
        labels = (("node", obj.name), ("fstype", one.fs_type), ("reason", one.cause.value))
        yield ERRORS, Sample(labels, one.count)
    yield LINES, Sample((("node", obj.name),), obj.lines)
    yield LOST, Sample((("node", obj.name),), obj.lost)
