"""NodeAttestations and NetworkFences: from the wire to the model."""

import msgspec

from exporter.observe import model
from exporter.observe.parse.envelope import BareMeta
from exporter.observe.parse.times import seconds

# ruff: noqa: N815 -- field names are the wire's


class WireAttestationSpec(msgspec.Struct):
    """NodeAttestationSpec, of our own definition."""

    node: str | None = None
    nodeUID: str | None = None
    power: str | None = None
    attester: str | None = None
    expires: str | None = None


class WireAttestation(msgspec.Struct):
    """pvmedic.dev/v1alpha1 NodeAttestation."""

    metadata: BareMeta | None = None
    spec: WireAttestationSpec | None = None


def attestation(wire: WireAttestation) -> model.Attestation:
    """Keep a word; one without a time has expired."""
    meta, spec = wire.metadata or BareMeta(), wire.spec or WireAttestationSpec()
    return model.Attestation(
        name=meta.name or "",
        version=meta.resourceVersion or "",
        node=spec.node or "",
        node_uid=spec.nodeUID or "",
        power=spec.power or "",
        attester=spec.attester or "",
        created=seconds(meta.creationTimestamp) or 0.0,
        expires=seconds(spec.expires) or 0.0,
    )


class WireFenceSpec(msgspec.Struct):
    """NetworkFenceSpec of csi-addons."""

    driver: str | None = None
    fenceState: str | None = None
    cidrs: list[str] | None = None


class WireFenceStatus(msgspec.Struct):
    """NetworkFenceStatus."""

    result: str | None = None
    message: str | None = None


class WireNetworkFence(msgspec.Struct):
    """csiaddons.openshift.io/v1alpha1 NetworkFence."""

    metadata: BareMeta | None = None
    spec: WireFenceSpec | None = None
    status: WireFenceStatus | None = None


def network_fence(wire: WireNetworkFence) -> model.NetworkFence:
    """Keep a fence; without a word on its state it is wanted closed."""
    meta, spec = wire.metadata or BareMeta(), wire.spec or WireFenceSpec()
    status = wire.status or WireFenceStatus()
    return model.NetworkFence(
        name=meta.name or "",
        version=meta.resourceVersion or "",
        driver=spec.driver or "",
        state=spec.fenceState or "Fenced",
        cidrs=tuple(spec.cidrs or ()),
        result=status.result or "",
        message=status.message or "",
        created=seconds(meta.creationTimestamp),
        deletion=seconds(meta.deletionTimestamp),
    )
