"""volume_filling as values: what a kubelet says, signal or nothing out."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, SinceSource
from exporter.observe.signals.volume_filling import VolumeFilling, subject_of
from exporter.observe.view import Want
from tests.signals import made
from tests.signals.made import view

DETECTOR = VolumeFilling()
DATA = subject_of("web", "data")
GI = 1024**3


def stats(**fields: object) -> model.VolumeStats:
    """Return statistics of a file system with 5 % free."""
    found = model.VolumeStats(
        namespace="web",
        name="data",
        node="a",
        taken=100.0,
        capacity=100 * GI,
        available=5 * GI,
        used=95 * GI,
        inodes=1000,
        inodes_free=900,
    )
    return msgspec.structs.replace(found, **fields)


AROUND: list[Object] = [made.node(), made.pod(phase="Running")]
WORLD: list[Object] = [*AROUND, made.claim(), made.volume(), stats()]


def test_a_file_system_that_is_nearly_full_is_a_signal() -> None:
    """It names the volume, the node that measured, and the driver that could grow it."""
    found = DETECTOR.decide(DATA, view(WORLD))
    assert found is not None
    assert (found.reason, found.since, found.since_source) == (
        "Bytes",
        None,
        SinceSource.FIRST_SEEN,
    )
    assert dict(found.named) == {
        "persistentvolume": "pv-data",
        "node": "a",
        "driver": made.DRIVER,
    }
    assert tuple(label for label, _ in found.named) == DETECTOR.named_labels


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"available": 9 * GI}, "Bytes"),
        ({"available": 0}, "Bytes"),
        ({"available": 50 * GI, "inodes_free": 10}, "Inodes"),
        ({"available": 1, "inodes_free": 0}, "Bytes"),
    ],
)
def test_bytes_and_inodes_run_out(fields: dict[str, object], reason: str) -> None:
    """Bytes are named first: growing the claim helps them."""
    found = DETECTOR.decide(DATA, view([*AROUND, made.claim(), made.volume(), stats(**fields)]))
    assert found is not None
    assert found.reason == reason


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [made.claim(), made.volume()],
        [made.volume(), stats()],
        [made.claim(), stats(available=10 * GI)],
        [made.claim(), stats(available=None)],
        [made.claim(), stats(capacity=None)],
        [made.claim(), stats(capacity=0, available=0)],
        [made.claim(), stats(available=50 * GI, inodes=0, inodes_free=0)],
        [made.claim(block=True), stats()],
        [made.claim(access_modes=("ReadOnlyMany",)), stats()],
    ],
    ids=[
        "nothing",
        "not measured",
        "no claim",
        "a tenth is free",
        "no available",
        "no capacity",
        "a size of 0",
        "a file system without an inode table",
        "a block volume",
        "nobody may write",
    ],
)
def test_other_volumes_are_no_signal(objects: list[Object]) -> None:
    """Each part of the definition is needed."""
    assert DETECTOR.decide(DATA, view([*AROUND, *objects])) is None


@pytest.mark.parametrize("missing", AROUND)
def test_what_was_measured_for_a_pod_or_a_node_that_is_gone_does_not_count(
    missing: Object,
) -> None:
    """The kubelet drops it a moment later."""
    assert DETECTOR.decide(DATA, view(obj for obj in WORLD if obj is not missing)) is None


def test_a_volume_that_is_not_seen_takes_only_the_driver_away() -> None:
    """Volumes only help."""
    found = DETECTOR.decide(DATA, view([*AROUND, made.claim(), stats()]))
    assert found is not None
    assert dict(found.named)["driver"] == ""


def test_what_is_measured_the_claim_and_its_volume_touch_it() -> None:
    """Arrival and removal alike."""
    for obj in WORLD:
        for change in (Change(None, obj), Change(obj, None)):
            assert set(DETECTOR.touched(change, view(WORLD))) == {DATA}


def test_a_fresh_look_asks_the_kubelets_of_the_nodes_that_mount_it() -> None:
    """The claim, then its pods, then their nodes, then those nodes' kubelets."""
    claim = {Want(Kind.CLAIM, "web", "data")}
    assert set(DETECTOR.reads(DATA, view([]))) == claim
    first = claim | {Want(Kind.VOLUME, name="pv-data"), Want(Kind.POD, "web")}
    assert set(DETECTOR.reads(DATA, view([made.claim()]))) == first
    second = first | {Want(Kind.NODE, name="a")}
    assert set(DETECTOR.reads(DATA, view([made.claim(), made.pod()]))) == second
    third = second | {Want(Kind.VOLUME_STATS, name="a")}
    assert set(DETECTOR.reads(DATA, view([made.claim(), made.pod(), made.node()]))) == third
