"""Nodes, namespaces, leases and Events: from the wire to the model. Pods are next door."""

from collections.abc import Iterable

import msgspec

from exporter.observe import model
from exporter.observe.model.names import LONGEST_TEXT
from exporter.observe.parse import causes, events
from exporter.observe.parse.conditions import WireCondition, condition_of
from exporter.observe.parse.envelope import Meta, ours, shared
from exporter.observe.parse.quantities import whole
from exporter.observe.parse.times import seconds

# ruff: noqa: N815 -- field names are the wire's


ROK_FREE = f"{model.ROK}/capacity"
ROK_LARGEST = f"{model.ROK}/max-instance-capacity"


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
    unschedulable: bool | None = None


class WireNodeInfo(msgspec.Struct, gc=False):
    """NodeSystemInfo."""

    bootID: str | None = None
    kubeletVersion: str | None = None
    kernelVersion: str | None = None


class WireAddress(msgspec.Struct, gc=False):
    """NodeAddress."""

    type: str | None = None
    address: str | None = None


class WireEndpoint(msgspec.Struct, gc=False):
    """DaemonEndpoint; its field begins with a capital letter."""

    Port: int | None = None


class WireEndpoints(msgspec.Struct):
    """NodeDaemonEndpoints."""

    kubeletEndpoint: WireEndpoint | None = None


class WireAttached(msgspec.Struct, gc=False):
    """AttachedVolume."""

    name: str | None = None


class WireNodeStatus(msgspec.Struct):
    """NodeStatus."""

    conditions: list[WireCondition] | None = None
    nodeInfo: WireNodeInfo | None = None
    addresses: list[WireAddress] | None = None
    daemonEndpoints: WireEndpoints | None = None
    volumesAttached: list[WireAttached] | None = None
    volumesInUse: list[str] | None = None


class WireNode(msgspec.Struct):
    """core/v1 Node."""

    metadata: Meta | None = None
    spec: WireNodeSpec | None = None
    status: WireNodeStatus | None = None


def node(wire: WireNode) -> model.Node:
    """Keep what is read of a Node."""
    meta, spec = wire.metadata or Meta(), wire.spec or WireNodeSpec()
    status = wire.status or WireNodeStatus()
    info = status.nodeInfo or WireNodeInfo()
    ready = condition_of(status.conditions, "Ready")
    endpoint = status.daemonEndpoints.kubeletEndpoint if status.daemonEndpoints else None
    return model.Node(
        name=shared(meta.name),
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        ready=_ready(ready.status if ready else None),
        ready_since=seconds(ready.lastTransitionTime) if ready else None,
        provider_id=spec.providerID or "",
        boot_id=info.bootID or "",
        labels=meta.labels or {},
        annotations=meta.annotations or {},
        taints=tuple(
            model.Taint(t.key or "", t.value or "", t.effect or "", seconds(t.timeAdded))
            for t in spec.taints or ()
        ),
        unschedulable=bool(spec.unschedulable),
        created=seconds(meta.creationTimestamp),
        kubelet_version=shared(info.kubeletVersion),
        kernel_version=shared(info.kernelVersion),
        address=_address(status.addresses or []),
        internal_ips=tuple(
            one.address
            for one in status.addresses or ()
            if one.type == "InternalIP" and one.address
        ),
        kubelet_port=(endpoint.Port if endpoint else None) or 0,
        attached=tuple(one.name for one in status.volumesAttached or () if one.name),
        in_use=tuple(status.volumesInUse or ()),
        rok_free=_size((meta.annotations or {}).get(ROK_FREE)),
        rok_largest=_size((meta.labels or {}).get(ROK_LARGEST)),
    )


def _size(text: str | None) -> int | None:
    """Read bytes; what is no size, or less than nothing, is not said."""
    size = whole(text.strip()) if text else None
    return size if size is not None and size >= 0 else None


def _address(addresses: list[WireAddress]) -> str:
    by_type = {one.type: one.address for one in reversed(addresses) if one.address}
    wanted = ("InternalIP", "Hostname", "ExternalIP")
    return next((by_type[kind] or "" for kind in wanted if kind in by_type), "")


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
    holderIdentity: str | None = None
    leaseDurationSeconds: int | None = None


class WireLease(msgspec.Struct):
    """coordination.k8s.io/v1 Lease."""

    metadata: Meta | None = None
    spec: WireLeaseSpec | None = None


def lease(wire: WireLease) -> model.Lease:
    """Keep what is read of a Lease."""
    meta, spec = wire.metadata or Meta(), wire.spec or WireLeaseSpec()
    return model.Lease(
        meta.namespace or "",
        meta.name or "",
        meta.resourceVersion or "",
        seconds(spec.renewTime),
        spec.holderIdentity or "",
        spec.leaseDurationSeconds,
    )


class WireObjectReference(msgspec.Struct, gc=False):
    """ObjectReference."""

    kind: str | None = None
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


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
    firstTimestamp: str | None = None
    lastTimestamp: str | None = None
    eventTime: str | None = None
    reportingComponent: str | None = None


def event(wire: WireEvent) -> model.KubeEvent:
    """Keep what is read of an Event.

    Newer writers fill `series`, older ones `count` and `lastTimestamp`.
    """
    meta, series = wire.metadata or Meta(), wire.series or WireEventSeries()
    about, source = wire.involvedObject or WireObjectReference(), wire.source or WireEventSource()
    last = (series.lastObservedTime, wire.lastTimestamp, wire.eventTime, meta.creationTimestamp)
    first = (wire.firstTimestamp, wire.eventTime, meta.creationTimestamp)
    message = causes.plain(wire.message or "")
    read = model.KubeEvent(
        namespace=shared(meta.namespace),
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        reason=shared(wire.reason),
        message=message[:LONGEST_TEXT],
        component=shared(source.component or wire.reportingComponent),
        about_kind=shared(about.kind),
        about_namespace=shared(about.namespace),
        about_name=about.name or "",
        count=max(1, series.count or wire.count or 1),
        last=_first_time(last),
        first=_first_time(first),
        about_uid=about.uid or "",
    )
    fact = events.fact(message, read)
    return msgspec.structs.replace(read, fact=fact) if fact is not None else read


def _first_time(texts: Iterable[str | None]) -> float | None:
    return next((time for text in texts if (time := seconds(text)) is not None), None)
