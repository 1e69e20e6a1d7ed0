"""VolumeSnapshots, contents and classes (v1, v1beta1): from the wire to the model."""

import msgspec

from exporter.observe import model
from exporter.observe.parse import causes
from exporter.observe.parse.envelope import Meta, several, shared
from exporter.observe.parse.quantities import whole
from exporter.observe.parse.times import seconds

# ruff: noqa: N815 -- field names are the wire's

DEFAULT_CLASS = "snapshot.storage.kubernetes.io/is-default-class"
BEING_DELETED = "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted"


class WireError(msgspec.Struct, gc=False):
    """VolumeSnapshotError; its time is when this text was first written."""

    time: str | None = None
    message: str | None = None


class WireSnapshotSource(msgspec.Struct, gc=False):
    """VolumeSnapshotSource."""

    persistentVolumeClaimName: str | None = None
    volumeSnapshotContentName: str | None = None


class WireSnapshotSpec(msgspec.Struct):
    """VolumeSnapshotSpec."""

    source: WireSnapshotSource | None = None
    volumeSnapshotClassName: str | None = None


class WireSnapshotStatus(msgspec.Struct):
    """VolumeSnapshotStatus."""

    boundVolumeSnapshotContentName: str | None = None
    readyToUse: bool | None = None
    restoreSize: str | int | None = None
    error: WireError | None = None


class WireSnapshot(msgspec.Struct):
    """VolumeSnapshot."""

    metadata: Meta | None = None
    spec: WireSnapshotSpec | None = None
    status: WireSnapshotStatus | None = None


def snapshot(wire: WireSnapshot) -> model.Snapshot:
    """Keep what is read of a VolumeSnapshot."""
    meta, spec = wire.metadata or Meta(), wire.spec or WireSnapshotSpec()
    status, source = wire.status or WireSnapshotStatus(), spec.source or WireSnapshotSource()
    said = spec.volumeSnapshotClassName
    return model.Snapshot(
        namespace=shared(meta.namespace),
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        claim=source.persistentVolumeClaimName or "",
        content=source.volumeSnapshotContentName or "",
        snapshot_class=None if said is None else shared(said),
        created=seconds(meta.creationTimestamp),
        deletion=seconds(meta.deletionTimestamp),
        finalizers=several(meta.finalizers),
        ready=status.readyToUse,
        error=_error(status.error),
        bound_content=status.boundVolumeSnapshotContentName or "",
        touched=wire.status is not None or bool(meta.finalizers),
        restore_size=whole(None if status.restoreSize is None else str(status.restoreSize)),
    )


class WireContentSource(msgspec.Struct, gc=False):
    """A content's volumeSnapshotRef."""

    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


class WireContentSpec(msgspec.Struct):
    """VolumeSnapshotContentSpec."""

    driver: str | None = None
    deletionPolicy: str | None = None
    volumeSnapshotClassName: str | None = None
    volumeSnapshotRef: WireContentSource | None = None


class WireContentStatus(msgspec.Struct):
    """VolumeSnapshotContentStatus."""

    snapshotHandle: str | None = None
    creationTime: int | None = None
    readyToUse: bool | None = None
    error: WireError | None = None

    @property
    def said(self) -> bool:
        """Whether anybody has written anything here."""
        fields = (self.snapshotHandle, self.creationTime, self.readyToUse, self.error)
        return any(field is not None for field in fields)


class WireContent(msgspec.Struct):
    """VolumeSnapshotContent."""

    metadata: Meta | None = None
    spec: WireContentSpec | None = None
    status: WireContentStatus | None = None


def content(wire: WireContent) -> model.SnapshotContent:
    """Keep what is read of a VolumeSnapshotContent."""
    meta, spec = wire.metadata or Meta(), wire.spec or WireContentSpec()
    status, owner = wire.status or WireContentStatus(), spec.volumeSnapshotRef
    owner = owner or WireContentSource()
    return model.SnapshotContent(
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        driver=shared(spec.driver),
        snapshot_namespace=shared(owner.namespace),
        snapshot_name=owner.name or "",
        snapshot_uid=owner.uid or "",
        snapshot_class=shared(spec.volumeSnapshotClassName),
        deletion_policy=shared(spec.deletionPolicy),
        created=seconds(meta.creationTimestamp),
        deletion=seconds(meta.deletionTimestamp),
        finalizers=several(meta.finalizers),
        ready=status.readyToUse,
        error=_error(status.error),
        touched=status.said,
        being_deleted=(meta.annotations or {}).get(BEING_DELETED) == "yes",
    )


class WireSnapshotClass(msgspec.Struct):
    """VolumeSnapshotClass."""

    metadata: Meta | None = None
    driver: str | None = None


def snapshot_class(wire: WireSnapshotClass) -> model.SnapshotClass:
    """Keep what is read of a VolumeSnapshotClass."""
    meta = wire.metadata or Meta()
    return model.SnapshotClass(
        name=shared(meta.name),
        driver=shared(wire.driver),
        default=(meta.annotations or {}).get(DEFAULT_CLASS) == "true",
        version=meta.resourceVersion or "",
    )


def _error(wire: WireError | None) -> model.Failure | None:
    if wire is None:
        return None
    # An error without a text is an error still.
    return causes.failure(wire.message or "no message", seconds(wire.time))
