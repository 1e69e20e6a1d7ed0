"""Which pod of a Service is on a node: EndpointSlices (discovery.k8s.io/v1, Kubernetes >= 1.21).

Older API servers have Endpoints, which are read where there are no slices.
"""

from collections.abc import Iterable

import msgspec

from exporter.observe.parse.wire import UndecodableError

# ruff: noqa: N815 -- field names are the wire's

PORT = "facts"
"""The port's name where a Service has several."""


class WireConditions(msgspec.Struct):
    """EndpointConditions."""

    ready: bool | None = None
    terminating: bool | None = None


class WireEndpoint(msgspec.Struct):
    """Endpoint."""

    addresses: list[str] | None = None
    nodeName: str | None = None
    conditions: WireConditions | None = None


class WirePort(msgspec.Struct):
    """EndpointPort."""

    name: str | None = None
    port: int | None = None


class WireSlice(msgspec.Struct):
    """EndpointSlice."""

    endpoints: list[WireEndpoint] | None = None
    ports: list[WirePort] | None = None


class WireSlices(msgspec.Struct):
    """EndpointSliceList."""

    items: list[WireSlice] | None = None


class WireAddress(msgspec.Struct):
    """EndpointAddress."""

    ip: str | None = None
    nodeName: str | None = None


class WireSubset(msgspec.Struct):
    """EndpointSubset."""

    addresses: list[WireAddress] | None = None
    notReadyAddresses: list[WireAddress] | None = None
    ports: list[WirePort] | None = None


class WireEndpoints(msgspec.Struct):
    """Endpoints."""

    subsets: list[WireSubset] | None = None


class NodePod(msgspec.Struct, frozen=True):
    """Where the pod on `node` listens."""

    node: str
    address: str
    port: int


_slices = msgspec.json.Decoder(WireSlices)
_endpoints = msgspec.json.Decoder(WireEndpoints)


def pods(body: bytes) -> dict[str, NodePod]:
    """Return one pod a node: a ready one before others, and one that is about to go last.

    Raises UndecodableError.
    """
    try:
        slices = _slices.decode(body).items or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(str(error)) from error
    return _chosen(slices)


def pods_of_endpoints(body: bytes) -> dict[str, NodePod]:
    """Return one pod a node, a ready one before others; raises UndecodableError."""
    try:
        subsets = _endpoints.decode(body).subsets or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(str(error)) from error
    slices = []
    for one in subsets:
        ends = [_end(address, ready=True) for address in one.addresses or ()]
        ends += [_end(address, ready=False) for address in one.notReadyAddresses or ()]
        slices.append(WireSlice(ends, one.ports))
    return _chosen(slices)


def _end(address: WireAddress, *, ready: bool) -> WireEndpoint:
    addresses = [address.ip] if address.ip else None
    return WireEndpoint(addresses, address.nodeName, WireConditions(ready))


def _chosen(slices: Iterable[WireSlice]) -> dict[str, NodePod]:
    found: dict[str, tuple[tuple[bool, bool, str], NodePod]] = {}
    for one in slices:
        port = _port(one.ports or ())
        for end in one.endpoints or ():
            if not port or not end.nodeName or not end.addresses:
                continue
            state = end.conditions or WireConditions()
            rank = (bool(state.terminating), state.ready is False, end.addresses[0])
            known = found.get(end.nodeName)
            if known is None or rank < known[0]:
                found[end.nodeName] = (rank, NodePod(end.nodeName, end.addresses[0], port))
    return {node: pod for node, (_, pod) in found.items()}


def _port(ports: Iterable[WirePort]) -> int:
    known = {one.name or "": one.port or 0 for one in ports}
    return known.get(PORT, next(iter(known.values())) if len(known) == 1 else 0)
