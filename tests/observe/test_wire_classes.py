"""Wire to model: classes of storage and of snapshots, and the drivers of nodes."""

from exporter.observe import model
from exporter.observe.model import Kind


def test_classes_and_registered_drivers_are_read() -> None:
    """The small kinds."""
    fast = one(
        Kind.STORAGE_CLASS,
        {
            "metadata": {
                "name": "fast",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "d",
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": True,
            "reclaimPolicy": "Delete",
        },
    )
    assert fast == model.StorageClass("fast", "d", True, True, True, "Delete")  # noqa: FBT003
    registered = one(
        Kind.CSI_NODE, {"metadata": {"name": "a"}, "spec": {"drivers": [{"name": "d"}, {}]}}
    )
    assert registered == model.CsiNode("a", ("d",))
    limited = {"name": "e", "allocatable": {"count": 25}}
    bare = {"name": "f", "allocatable": {}}
    found = one(Kind.CSI_NODE, {"metadata": {"name": "a"}, "spec": {"drivers": [limited, bare]}})
    assert found == model.CsiNode("a", ("e", "f"), limits={"e": 25})
    driver = one(Kind.CSI_DRIVER, {"metadata": {"name": "d"}, "spec": {"attachRequired": False}})
    assert driver == model.CsiDriver("d", attach_required=False)
    snapshots = one(
        Kind.SNAPSHOT_CLASS,
        {
            "metadata": {
                "name": "s",
                "annotations": {"snapshot.storage.kubernetes.io/is-default-class": "true"},
            },
            "driver": "d",
        },
    )
    assert snapshots == model.SnapshotClass("s", "d", default=True)
