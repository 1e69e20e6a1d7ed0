"""Rok's Events as seed 000 has them, on one node, and what is decided and published of them."""

from itertools import count

import msgspec

from exporter.collectors.snapshot_space_exhausted import further
from exporter.observe import model
from exporter.observe.model import KubeEvent, Object, Signal
from exporter.observe.parse import events
from exporter.observe.signals.snapshot_space_exhausted import SnapshotSpaceExhausted, subject_of
from tests.signals import made

DETECTOR = SnapshotSpaceExhausted()
ON_A = (model.NodeTerm("kubernetes.io/hostname", "In", ("a",), field=False),)
NODE = made.node("a", unschedulable=True)
CLAIM = made.claim()
VOLUME = made.volume(driver=model.ROK, affinity=ON_A)
SNAP = made.snapshot()
WORLD: list[Object] = [NODE, CLAIM, VOLUME, SNAP]
LOGS: list[Object] = [
    made.claim("logs", volume="pv-logs"),
    made.volume("pv-logs", claim_name="logs", driver=model.ROK, affinity=ON_A),
]
"""Another claim on the same node."""
NUMBERS = count()

STARTED = "Starting job `26143f83-791b-4496-a180-c6c279184657' (worker `a')..."
ELSEWHERE = "Starting job `26143f83' (worker `b')..."
COPY = "[ 31%] About to copy 53941051 changed blocks of size 4KiB (206GiB)..."
COPIED = 53941051 * 4096
FOUND = (
    "Found 52836 blocks of size 4MiB (206GiB) reported as changed by the underlying storage device"
)
REPORTED = 52836 * 4 * 2**20
FAILED = (
    "Job Failed: SCSI command {} failed with status `SCSI_STATUS_CHECK_CONDITION' and KCQ"
    " `SCSI_KCQ_LOGICAL_UNIT_NOT_READY_SPACE_ALLOCATION_IN_PROGRESS' (errno: {}): Run `kubectl"
    " logs -n rok rok-csi-node-xrdw6 -c csi-node' for more information"
)
ENOSPC = "No space left on device (28)"
WRITE = FAILED.format("0x8A(SCSI_OPCODE_WRITE16)", ENOSPC)
CLONE = FAILED.format("0xC3(SCSI_OPCODE_ROK_CLONE_FISK)", ENOSPC)
BROKEN = FAILED.format("0x8A(SCSI_OPCODE_WRITE16)", "Input/output error (5)")
MARKING = (
    "Marking PVC 'web/data' (PV 'pv-data'), bound on cordoned node 'a', for unpinning (unpin"
    " reason: 'NodeCordoned')..."
)


def said(about: Object, reason: str, text: str, at: float, first: float | None = None) -> KubeEvent:
    """Return an Event of rok-csi with this text."""
    name = f"{about.name}.{next(NUMBERS):08x}"
    event = made.event(about, None, name=name, component="rok-csi", reason=reason, last=at)
    fact = events.fact(text, event)
    assert fact is not None
    return msgspec.structs.replace(event, fact=fact, first=at if first is None else first)


def job(about: Object, at: float, failed: str = WRITE, copy: str = COPY) -> list[Object]:
    """Return the Events of a job that failed 300 s after it began."""
    found: list[Object] = [said(about, "JobStarted", STARTED, at)]
    if copy:
        found.append(said(about, "PROGRESS", copy, at + 60))
    if failed:
        found.append(said(about, "JobFailed", failed, at + 300))
    return found


def decided(*objects: Object, node: str = "a") -> Signal | None:
    """Decide over the usual objects and these; the later one of a name counts."""
    return DETECTOR.decide(subject_of(node), made.view([*WORLD, *objects]))


def published(*objects: Object, node: str = "a") -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return what the collector publishes of a node."""
    view = made.view([*WORLD, *objects])
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family, sample in further(subject_of(node), None, view):
        found.setdefault(family.name, []).append((dict(sample.labels), sample.value))
    return found


def changed(*objects: Object) -> list[tuple[str, float]]:
    """Return estimator and bytes of every claim on node a."""
    series = published(*objects).get("pvmedic_volume_changed_bytes", [])
    return [(labels["estimator"], value) for labels, value in series]


def reason_of(*objects: Object) -> str:
    """Return why the usual node's space is exhausted."""
    found = decided(*objects)
    assert found is not None
    return found.reason


def space(size: int, available: int) -> model.RokSpace:
    """Return the snapshot space of node a."""
    return model.RokSpace("a", size, size - available, available)
