"""Heketi's `/db/dump` (versions 4 to 10) to what we keep of it, and how an endpoint is written.

What asking it looks like is the edge's matter.
"""

import urllib.parse

import msgspec

from exporter.observe.model import HeketiCluster, HeketiVolume
from exporter.observe.parse.envelope import shared

GIB = 2**30
"""Heketi counts sizes of volumes in these."""

PORTS = {"http": 80, "https": 443}


class UndecodableError(ValueError):
    """The bytes are not what Heketi promises; the text says where."""


class WireHostnames(msgspec.Struct, gc=False):
    """HostAddresses."""

    manage: list[str] | None = None
    storage: list[str] | None = None


class WireNodeInfo(msgspec.Struct):
    """NodeInfo: the cluster's field is `cluster`."""

    cluster: str | None = None
    hostnames: WireHostnames | None = None


class WireNode(msgspec.Struct):
    """NodeEntry."""

    Info: WireNodeInfo | None = None


class WireBlockInfo(msgspec.Struct):
    """What a block hosting volume holds."""

    blockvolume: list[str] | None = None


class WireVolumeInfo(msgspec.Struct):
    """VolumeInfo; `size` is GiB."""

    id: str | None = None
    name: str | None = None
    size: int | None = None
    cluster: str | None = None
    block: bool | None = None
    blockinfo: WireBlockInfo | None = None


class WirePending(msgspec.Struct, gc=False):
    """PendingItem: the operation that this volume belongs to."""

    Id: str | None = None


class WireVolume(msgspec.Struct):
    """VolumeEntry."""

    Info: WireVolumeInfo | None = None
    Pending: WirePending | None = None


class WireChange(msgspec.Struct, gc=False):
    """PendingOperationAction: what an operation does to which entry."""

    Id: str | None = None


class WireOperation(msgspec.Struct):
    """PendingOperationEntry."""

    Actions: list[WireChange] | None = None


class WireDump(msgspec.Struct):
    """Db: each map is by id."""

    clusterentries: dict[str, msgspec.Raw] | None = None
    nodeentries: dict[str, WireNode] | None = None
    volumeentries: dict[str, WireVolume] | None = None
    pendingoperations: dict[str, WireOperation] | None = None


class Dump(msgspec.Struct, frozen=True):
    """A Heketi's whole database, as far as we keep it."""

    clusters: tuple[HeketiCluster, ...]
    volumes: tuple[HeketiVolume, ...]


_dump = msgspec.json.Decoder(WireDump)


def dump(endpoint: str, body: bytes) -> Dump:
    """Read the answer to `GET /db/dump`; raises UndecodableError.

    A database without any entry of volumes is no database: an empty one has an empty map.
    """
    try:
        found = _dump.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(str(error)) from error
    if found.clusterentries is None or found.volumeentries is None:
        raise UndecodableError("neither clusters nor volumes: this is no dump of a Heketi")
    busy = _busy(found)
    volumes = (
        _volume(endpoint, key, entry, pending=key in busy)
        for key, entry in found.volumeentries.items()
    )
    return Dump(tuple(_clusters(found)), tuple(one for one in volumes if one is not None))


def endpoint(url: str) -> str:
    """Return a Heketi's URL in the one way in which we write it; empty for what is none.

    Without what a person may have written in front of the host: that is a password.
    """
    try:
        parts = urllib.parse.urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in PORTS or not host:
        return ""
    name = f"[{host}]" if ":" in host else host
    where = name if port in (None, PORTS[parts.scheme]) else f"{name}:{port}"
    return f"{parts.scheme}://{where}{parts.path.rstrip('/')}"


def _clusters(found: WireDump) -> list[HeketiCluster]:
    hosts: dict[str, set[str]] = {key: set() for key in found.clusterentries or ()}
    for node in (found.nodeentries or {}).values():
        info = node.Info
        if info is None or info.hostnames is None or info.cluster not in hosts:
            continue
        hosts[info.cluster].update(info.hostnames.manage or (), info.hostnames.storage or ())
    return [HeketiCluster(key, tuple(sorted(names))) for key, names in sorted(hosts.items())]


def _busy(found: WireDump) -> frozenset[str]:
    """Return the ids of all that an operation that is not over changes."""
    operations = (found.pendingoperations or {}).values()
    return frozenset(change.Id for one in operations for change in one.Actions or () if change.Id)


def _volume(endpoint: str, key: str, entry: WireVolume, *, pending: bool) -> HeketiVolume | None:
    info = entry.Info
    if info is None or not info.name:
        return None
    mark = entry.Pending.Id if entry.Pending is not None else ""
    blocks = info.blockinfo.blockvolume if info.blockinfo is not None else None
    return HeketiVolume(
        endpoint=endpoint,
        name=info.name,
        id=info.id or key,
        size=max(0, info.size or 0) * GIB,
        cluster=shared(info.cluster),
        pending=pending or bool(mark),
        block_host=bool(info.block) or bool(blocks),
    )
