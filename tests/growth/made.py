"""A claim that fills up in a cluster that would let it grow, piece by piece."""

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator.growth.growing import Grow, Later, Never, grown
from remediator.growth.policy import CEILING, GIB, Growth

NOW = 1_800_000_000.0
CAP = 1000
DRIVER = "csi.example.com"
CEILED = {CEILING: "100Gi"}


def claim(**fields: object) -> model.Claim:
    """Return a Bound claim with 10Gi, which may become 100Gi."""
    whole = {
        "namespace": "web",
        "name": "data",
        "uid": "uid-data",
        "version": "7",
        "volume": "pv-data",
        "phase": "Bound",
        "access_modes": ("ReadWriteOnce",),
        "annotations": CEILED,
        "storage_class": "fast",
        "requested": 10 * GIB,
        "capacity": 10 * GIB,
    }
    return model.Claim(**{**whole, **fields})  # type: ignore[arg-type]


def volume(**fields: object) -> model.Volume:
    """Return the claim's volume."""
    whole = {
        "name": "pv-data",
        "uid": "uid-pv",
        "version": "3",
        "driver": DRIVER,
        "handle": "vol-1",
        "phase": "Bound",
        "access_modes": ("ReadWriteOnce",),
        "claim_namespace": "web",
        "claim_name": "data",
        "claim_uid": "uid-data",
        "on_node": False,
        "affinity": (),
        "reclaim_policy": "Delete",
        "capacity": 10 * GIB,
    }
    return model.Volume(**{**whole, **fields})  # type: ignore[arg-type]


def storage_class(*, expandable: bool = True) -> model.StorageClass:
    """Return the claim's class."""
    return model.StorageClass("fast", DRIVER, waits=False, expandable=expandable)


def stats(free: float = 0.05, inodes_free: int = 900) -> model.VolumeStats:
    """Return what its kubelet says: the share of bytes that is free, and inodes of 1000."""
    size = 10 * GIB
    left = int(size * free)
    return model.VolumeStats("web", "data", "a", NOW, size, left, size - left, 1000, inodes_free)


def pod(owner: str = "") -> model.Pod:
    """Return a Pod that uses the claim."""
    return model.Pod(
        "web", "db-0", "u", "1", "a", "Running", ("data",), 1.0, 2.0, None, owner=owner
    )


def view(*objects: model.Object, unseen: dict[Kind, str] | None = None) -> View:
    """Return these, and class, volume and statistics where none are given."""
    given = {model.KIND_OF[type(one)] for one in objects}
    rest = [
        one
        for one in (storage_class(), volume(), stats())
        if model.KIND_OF[type(one)] not in given | (unseen or {}).keys()
    ]
    return View(Objects([*rest, *objects]), NOW, unseen)


def answer(
    one: model.Claim, *objects: model.Object, growth: Growth | None = None, cap: int = CAP
) -> Grow | Never | Later:
    """Return what may be done about this claim beside these objects."""
    return grown(one, view(*objects), growth or Growth(), cap, NOW)


def size(found: object) -> int:
    """Return the GiB that it grows to."""
    assert isinstance(found, Grow)
    assert found.size % GIB == 0
    return found.size // GIB


def never(found: object) -> str:
    """Return why a person has to change something."""
    assert isinstance(found, Never)
    return found.sentence


def later(found: object) -> str:
    """Return why it waits."""
    assert isinstance(found, Later)
    return found.sentence
