"""PersistentVolumeClaims: from the wire to the model."""

import msgspec

from exporter.observe import model
from exporter.observe.parse import causes
from exporter.observe.parse.envelope import Meta, ours, several, shared
from exporter.observe.parse.quantities import whole
from exporter.observe.parse.times import seconds

# ruff: noqa: N815 -- field names are the wire's

PROVISIONER = "volume.kubernetes.io/storage-provisioner"
OLD_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
_KEPT_FAILURES = ("ControllerResizeError", "NodeResizeError", "ModifyVolumeError")


class WireRequestFields(msgspec.Struct):
    """Who owns which request: `{}` stays with a writer whose value somebody else replaced."""

    storage: dict[str, object] | None = msgspec.field(name="f:storage", default=None)


class WireResourceFields(msgspec.Struct):
    """The same, one step up."""

    requests: WireRequestFields | None = msgspec.field(name="f:requests", default=None)


class WireSpecFields(msgspec.Struct):
    """The same, one step up."""

    resources: WireResourceFields | None = msgspec.field(name="f:resources", default=None)


class WireFields(msgspec.Struct):
    """FieldsV1, as far as it says who wrote the size that is asked for."""

    spec: WireSpecFields | None = msgspec.field(name="f:spec", default=None)


class WireManaged(msgspec.Struct):
    """One entry of managedFields; its fields are only read for a claim that grows."""

    time: str | None = None
    fieldsV1: msgspec.Raw = msgspec.Raw(b"null")


_fields = msgspec.json.Decoder(WireFields | None)


class WireClaimMeta(Meta):
    """ObjectMeta of a claim."""

    managedFields: list[WireManaged] | None = None


class WireStorage(msgspec.Struct, gc=False):
    """The one resource of a claim. An old API writes quantities as strings or numbers."""

    storage: str | int | float | None = None


class WireResources(msgspec.Struct):
    """VolumeResourceRequirements."""

    requests: WireStorage | None = None


class WireDataSource(msgspec.Struct, gc=False):
    """TypedObjectReference."""

    kind: str | None = None
    name: str | None = None
    namespace: str | None = None


class WireClaimSpec(msgspec.Struct):
    """PersistentVolumeClaimSpec."""

    volumeName: str | None = None
    accessModes: list[str] | None = None
    storageClassName: str | None = None
    volumeMode: str | None = None
    resources: WireResources | None = None
    dataSource: WireDataSource | None = None
    dataSourceRef: WireDataSource | None = None


class WireClaimCondition(msgspec.Struct, gc=False):
    """PersistentVolumeClaimCondition."""

    type: str | None = None
    status: str | None = None
    lastTransitionTime: str | None = None
    message: str | None = None


class WireStatuses(msgspec.Struct, gc=False):
    """allocatedResourceStatuses."""

    storage: str | None = None


class WireClaimStatus(msgspec.Struct):
    """PersistentVolumeClaimStatus."""

    phase: str | None = None
    capacity: WireStorage | None = None
    conditions: list[WireClaimCondition] | None = None
    allocatedResources: WireStorage | None = None
    allocatedResourceStatuses: WireStatuses | None = None
    resizeStatus: str | None = None


class WireClaim(msgspec.Struct):
    """core/v1 PersistentVolumeClaim."""

    metadata: WireClaimMeta | None = None
    spec: WireClaimSpec | None = None
    status: WireClaimStatus | None = None


def claim(wire: WireClaim) -> model.Claim:
    """Keep what is read of a claim."""
    meta, spec = wire.metadata or WireClaimMeta(), wire.spec or WireClaimSpec()
    status = wire.status or WireClaimStatus()
    marks = meta.annotations or {}
    requested = size(spec.resources.requests if spec.resources else None)
    capacity = size(status.capacity)
    statuses = status.allocatedResourceStatuses
    grows = requested is not None and capacity is not None and requested > capacity
    return model.Claim(
        namespace=shared(meta.namespace),
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        volume=spec.volumeName or "",
        phase=shared(status.phase),
        access_modes=several(spec.accessModes),
        annotations=ours(meta),
        created=seconds(meta.creationTimestamp),
        deletion=seconds(meta.deletionTimestamp),
        finalizers=several(meta.finalizers),
        storage_class=_class(spec.storageClassName, marks.get(OLD_CLASS)),
        block=spec.volumeMode == "Block",
        requested=requested,
        capacity=capacity,
        allocated=size(status.allocatedResources),
        resize_status=shared((statuses.storage if statuses else None) or status.resizeStatus),
        conditions=tuple(_condition(c) for c in status.conditions or ()),
        grow_asked=_resources_written(meta.managedFields) if grows else None,
        data_source=_source(spec.dataSourceRef or spec.dataSource),
        provisioner=shared(marks.get(PROVISIONER) or marks.get(OLD_PROVISIONER)),
        selected_node=shared(marks.get(SELECTED_NODE)),
    )


def size(wire: WireStorage | None) -> int | None:
    """Return bytes of a storage quantity; None for nonsense."""
    found = wire.storage if wire is not None else None
    return whole(found if found is None or isinstance(found, str) else str(found))


def _class(said: str | None, annotated: str | None) -> str | None:
    # The annotation of Kubernetes 1.4 to 1.5 still wins over the field where it is set.
    found = annotated if annotated is not None else said
    return None if found is None else shared(found)


def _condition(wire: WireClaimCondition) -> model.Condition:
    kind = shared(wire.type)
    failure = causes.failure(wire.message) if kind in _KEPT_FAILURES else None
    return model.Condition(kind, wire.status == "True", seconds(wire.lastTransitionTime), failure)


def _source(wire: WireDataSource | None) -> model.DataSource | None:
    if wire is None or not wire.name:
        return None
    return model.DataSource(shared(wire.kind), wire.name, shared(wire.namespace))


def _resources_written(managed: list[WireManaged] | None) -> float | None:
    """Return when the size that is asked for was written; no other field says it.

    A writer's time moves with whatever else it writes, so this is not earlier than the request.
    """
    times = [seconds(one.time) for one in managed or () if _owns_size(one)]
    return max((time for time in times if time is not None), default=None)


def _owns_size(managed: WireManaged) -> bool:
    try:
        found = _fields.decode(managed.fieldsV1)
    except msgspec.MsgspecError:
        return False
    resources = found.spec.resources if found is not None and found.spec else None
    requests = resources.requests if resources else None
    return requests is not None and requests.storage is not None
