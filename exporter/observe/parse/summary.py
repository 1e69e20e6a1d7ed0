"""The kubelet's `/stats/summary` (Kubernetes 1.8 to 1.36) to VolumeStats; only claims are kept."""

import msgspec

from exporter.observe import model
from exporter.observe.parse.envelope import shared
from exporter.observe.parse.times import seconds
from exporter.observe.parse.wire import UndecodableError

# ruff: noqa: N815 -- field names are the wire's


class WireClaimRef(msgspec.Struct, gc=False):
    """PVCReference."""

    name: str | None = None
    namespace: str | None = None


class WireVolumeStats(msgspec.Struct):
    """VolumeStats; a block volume, and a volume that was not measured yet, has few of these."""

    pvcRef: WireClaimRef | None = None
    time: str | None = None
    capacityBytes: int | None = None
    availableBytes: int | None = None
    usedBytes: int | None = None
    inodes: int | None = None
    inodesFree: int | None = None


class WirePodStats(msgspec.Struct):
    """PodStats."""

    volume: list[WireVolumeStats] | None = None


class WireSummary(msgspec.Struct):
    """Summary."""

    pods: list[WirePodStats] | None = None


_summary = msgspec.json.Decoder(WireSummary)


def stats(node: str, body: bytes) -> tuple[model.VolumeStats, ...]:
    """Read what a node's kubelet says of its claims; raises UndecodableError."""
    try:
        found = _summary.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(str(error)) from error
    claims: dict[tuple[str, str], model.VolumeStats] = {}
    for pod in found.pods or ():
        for one in pod.volume or ():
            ref = one.pvcRef
            if ref is None or not ref.name or not ref.namespace:
                continue
            claims[ref.namespace, ref.name] = model.VolumeStats(
                namespace=shared(ref.namespace),
                name=ref.name,
                node=node,
                taken=seconds(one.time),
                capacity=one.capacityBytes,
                available=one.availableBytes,
                used=one.usedBytes,
                inodes=one.inodes,
                inodes_free=one.inodesFree,
            )
    return tuple(claims.values())
