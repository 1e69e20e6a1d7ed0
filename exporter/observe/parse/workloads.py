"""Nodes, pods, namespaces, leases and Events: from the wire to the model."""

import msgspec

from exporter.observe import model
from exporter.observe.parse.envelope import Meta, ours
from exporter.observe.parse.times import seconds

# ruff: noqa: N815 -- field names are the wire's


class WireCondition(msgspec.Struct, gc=False):
    """One entry of status.conditions."""

    type: str | None = None
    status: str | None = None
    lastTransitionTime: str | None = None


class WireTaint(msgspec.Struct, gc=False):
    """One entry of spec.taints."""

    key: str | None = None
    value: str | None = None
    effect: str | None = None
    timeAdded: str | None = None


class WireNodeSpec(msgspec.Struct):
    """NodeSpec."""

    providerID: str | None = None
    taints: list[WireTaint] | None = None


class WireNodeInfo(msgspec.Struct, gc=False):
    """NodeSystemInfo."""

    bootID: str | None = None


class WireNodeStatus(msgspec.Struct):
    """NodeStatus."""

    conditions: list[WireCondition] | None = None
    nodeInfo: WireNodeInfo | None = None


class WireNode(msgspec.Struct):
    """core/v1 Node."""

    metadata: Meta | None = None
    spec: WireNodeSpec | None = None
    status: WireNodeStatus | None = None


def node(wire: WireNode) -> model.Node:
    """Keep what is read of a Node."""
    meta, spec, status = wire.metadata or Meta(), wire.spec, wire.status
    ready = _condition(status.conditions if status else None, "Ready")
    info = status.nodeInfo if status else None
    return model.Node(
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        ready=_ready(ready.status if ready else None),
        ready_since=seconds(ready.lastTransitionTime) if ready else None,
        provider_id=(spec.providerID if spec else None) or "",
        boot_id=(info.bootID if info else None) or "",
        labels=meta.labels or {},
        annotations=meta.annotations or {},
        taints=tuple(
            model.Taint(t.key or "", t.value or "", t.effect or "", seconds(t.timeAdded))
            for t in (spec.taints if spec else None) or ()
        ),
    )


def _condition(conditions: list[WireCondition] | None, name: str) -> WireCondition | None:
    return next((c for c in conditions or () if c.type == name), None)


def _ready(status: str | None) -> model.Ready:
    match status:
        case "True":
            return model.Ready.TRUE
        case "False":
            return model.Ready.FALSE
        case None | "":
            return model.Ready.MISSING
        case _:
            return model.Ready.UNKNOWN


class WireClaimSource(msgspec.Struct, gc=False):
    """PersistentVolumeClaimVolumeSource."""

    claimName: str | None = None


class WireEphemeral(msgspec.Struct, gc=False):
    """EphemeralVolumeSource: its presence is what counts."""


class WirePodVolume(msgspec.Struct):
    """One entry of a pod's spec.volumes."""

    name: str | None = None
    persistentVolumeClaim: WireClaimSource | None = None
    ephemeral: WireEphemeral | None = None


class WirePodSpec(msgspec.Struct):
    """PodSpec."""

    nodeName: str | None = None
    volumes: list[WirePodVolume] | None = None


class WirePodStatus(msgspec.Struct):
    """PodStatus."""

    phase: str | None = None
    conditions: list[WireCondition] | None = None


class WirePod(msgspec.Struct):
    """core/v1 Pod."""

    metadata: Meta | None = None
    spec: WirePodSpec | None = None
    status: WirePodStatus | None = None


def pod(wire: WirePod) -> model.Pod:
    """Keep what is read of a Pod. A generic ephemeral volume's claim is named `<pod>-<volume>`."""
    meta, spec, status = wire.metadata or Meta(), wire.spec, wire.status
    scheduled = _condition(status.conditions if status else None, "PodScheduled")
    placed = scheduled is not None and scheduled.status == "True"
    return model.Pod(
        namespace=meta.namespace or "",
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        node=(spec.nodeName if spec else None) or "",
        phase=(status.phase if status else None) or "",
        claims=_claims(meta.name or "", (spec.volumes if spec else None) or []),
        created=seconds(meta.creationTimestamp),
        scheduled=seconds(scheduled.lastTransitionTime) if scheduled and placed else None,
        deletion=seconds(meta.deletionTimestamp),
    )


def _claims(name: str, volumes: list[WirePodVolume]) -> tuple[str, ...]:
    found = []
    for volume in volumes:
        if volume.persistentVolumeClaim is not None and volume.persistentVolumeClaim.claimName:
            found.append(volume.persistentVolumeClaim.claimName)
        elif volume.ephemeral is not None and volume.name:
            found.append(f"{name}-{volume.name}")
    return tuple(found)


class WireNamespace(msgspec.Struct):
    """core/v1 Namespace."""

    metadata: Meta | None = None


def namespace(wire: WireNamespace) -> model.Namespace:
    """Keep what is read of a Namespace."""
    meta = wire.metadata or Meta()
    return model.Namespace(meta.name or "", meta.resourceVersion or "", ours(meta))


class WireLeaseSpec(msgspec.Struct, gc=False):
    """LeaseSpec."""

    renewTime: str | None = None


class WireLease(msgspec.Struct):
    """coordination.k8s.io/v1 Lease."""

    metadata: Meta | None = None
    spec: WireLeaseSpec | None = None


def lease(wire: WireLease) -> model.Lease:
    """Keep what is read of a Lease."""
    meta = wire.metadata or Meta()
    renewed = seconds(wire.spec.renewTime) if wire.spec else None
    return model.Lease(meta.namespace or "", meta.name or "", meta.resourceVersion or "", renewed)


class WireObjectReference(msgspec.Struct, gc=False):
    """ObjectReference."""

    kind: str | None = None
    namespace: str | None = None
    name: str | None = None


class WireEventSource(msgspec.Struct, gc=False):
    """EventSource."""

    component: str | None = None


class WireEventSeries(msgspec.Struct, gc=False):
    """EventSeries."""

    count: int | None = None
    lastObservedTime: str | None = None


class WireEvent(msgspec.Struct):
    """core/v1 Event."""

    metadata: Meta | None = None
    involvedObject: WireObjectReference | None = None
    source: WireEventSource | None = None
    series: WireEventSeries | None = None
    reason: str | None = None
    message: str | None = None
    count: int | None = None
    lastTimestamp: str | None = None
    eventTime: str | None = None
    reportingComponent: str | None = None


def event(wire: WireEvent) -> model.KubeEvent:
    """Keep what is read of an Event.

    Newer writers fill `series`, older ones `count` and `lastTimestamp`.
    """
    meta, series = wire.metadata or Meta(), wire.series or WireEventSeries()
    about, source = wire.involvedObject or WireObjectReference(), wire.source or WireEventSource()
    times = (series.lastObservedTime, wire.lastTimestamp, wire.eventTime, meta.creationTimestamp)
    return model.KubeEvent(
        namespace=meta.namespace or "",
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        reason=wire.reason or "",
        message=wire.message or "",
        component=source.component or wire.reportingComponent or "",
        about_kind=about.kind or "",
        about_namespace=about.namespace or "",
        about_name=about.name or "",
        count=series.count or wire.count or 1,
        last=next((time for text in times if (time := seconds(text)) is not None), None),
    )
