"""StorageClasses and what is registered of CSI drivers: from the wire to the model."""

import msgspec

from exporter.observe import model
from exporter.observe.parse import heketi
from exporter.observe.parse.envelope import Meta, WrittenMeta, shared, written
from exporter.observe.parse.times import seconds

# ruff: noqa: N815 -- field names are the wire's

HEKETI_PROVISIONERS = frozenset(
    {"kubernetes.io/glusterfs", "gluster.org/glusterfile", "gluster.org/glusterblock"}
)
"""What has a Heketi make volumes."""

DEFAULT_CLASSES = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


class WireParameters(msgspec.Struct, gc=False):
    """Parameters of a StorageClass: those of Heketi's that are no secret (`restuserkey` is one)."""

    resturl: str | None = None
    clusterid: str | None = None


class WireStorageClass(msgspec.Struct):
    """storage.k8s.io/v1 StorageClass."""

    metadata: Meta | None = None
    provisioner: str | None = None
    volumeBindingMode: str | None = None
    allowVolumeExpansion: bool | None = None
    reclaimPolicy: str | None = None
    parameters: WireParameters | None = None


def storage_class(wire: WireStorageClass) -> model.StorageClass:
    """Keep what is read of a StorageClass."""
    meta = wire.metadata or Meta()
    marks = meta.annotations or {}
    asked = wire.parameters if wire.provisioner in HEKETI_PROVISIONERS else None
    asked = asked or WireParameters()
    pools = (part.strip() for part in (asked.clusterid or "").split(","))
    return model.StorageClass(
        name=shared(meta.name),
        provisioner=shared(wire.provisioner),
        waits=wire.volumeBindingMode == "WaitForFirstConsumer",
        expandable=bool(wire.allowVolumeExpansion),
        default=any(marks.get(key) == "true" for key in DEFAULT_CLASSES),
        reclaim_policy=shared(wire.reclaimPolicy),
        heketi=heketi.endpoint(asked.resturl or ""),
        heketi_clusters=tuple(part for part in pools if part),
        version=meta.resourceVersion or "",
    )


class WireAllocatable(msgspec.Struct, gc=False):
    """VolumeNodeResources."""

    count: int | None = None


class WireCsiNodeDriver(msgspec.Struct):
    """CSINodeDriver."""

    name: str | None = None
    allocatable: WireAllocatable | None = None


class WireCsiNodeSpec(msgspec.Struct):
    """CSINodeSpec."""

    drivers: list[WireCsiNodeDriver] | None = None


class WireCsiNode(msgspec.Struct):
    """storage.k8s.io/v1 CSINode."""

    metadata: WrittenMeta | None = None
    spec: WireCsiNodeSpec | None = None


def csi_node(wire: WireCsiNode) -> model.CsiNode:
    """Keep what is read of a CSINode."""
    meta = wire.metadata or WrittenMeta()
    drivers = (wire.spec.drivers if wire.spec else None) or ()
    return model.CsiNode(
        name=shared(meta.name),
        drivers=tuple(shared(driver.name) for driver in drivers if driver.name),
        created=seconds(meta.creationTimestamp),
        written=written(meta),
        version=meta.resourceVersion or "",
        limits={
            driver.name: driver.allocatable.count
            for driver in drivers
            if driver.name and driver.allocatable and driver.allocatable.count is not None
        },
    )


class WireCsiDriverSpec(msgspec.Struct, gc=False):
    """CSIDriverSpec."""

    attachRequired: bool | None = None


class WireCsiDriver(msgspec.Struct):
    """storage.k8s.io/v1 CSIDriver."""

    metadata: Meta | None = None
    spec: WireCsiDriverSpec | None = None


def csi_driver(wire: WireCsiDriver) -> model.CsiDriver:
    """Keep what is read of a CSIDriver; what it does not say about attaching is yes."""
    meta = wire.metadata or Meta()
    said = wire.spec.attachRequired if wire.spec else None
    return model.CsiDriver(
        name=shared(meta.name),
        attach_required=said is not False,
        version=meta.resourceVersion or "",
    )
