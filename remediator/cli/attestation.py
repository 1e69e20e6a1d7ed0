"""NodeAttestation: a person's word that a node has no power. The object, as a value.

Pure. It is immutable, carries the attester's own name (an admission policy sees to it), is for one
Node by its uid, and ends. The remediator reads it with a decoder of its own, see
remediator/node_loss/proofs.py for when it counts.
"""

from datetime import datetime

import msgspec

from exporter.observe.errors import Garbage
from exporter.observe.model import rfc3339

PATH = "/apis/pvmedic.dev/v1alpha1/nodeattestations"
OFF = "Off"


class Attestation(msgspec.Struct, frozen=True):
    """One word about one node. Times are Unix seconds."""

    name: str
    node: str
    node_uid: str
    power: str
    attester: str
    created: float
    expires: float
    note: str = ""


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    creation_timestamp: str


class _Spec(msgspec.Struct, rename="camel"):
    node: str
    power: str
    attester: str
    expires: str
    node_uid: str = msgspec.field(name="nodeUID")
    note: str = ""


class _Wire(msgspec.Struct):
    metadata: _Meta
    spec: _Spec


def decode(body: bytes | msgspec.Raw) -> Attestation:
    """Return what a resource says; Garbage when it is none of ours."""
    try:
        wire = msgspec.json.decode(body, type=_Wire)
        meta, spec = wire.metadata, wire.spec
        return Attestation(
            name=meta.name,
            node=spec.node,
            node_uid=spec.node_uid,
            power=spec.power,
            attester=spec.attester,
            created=datetime.fromisoformat(meta.creation_timestamp).timestamp(),
            expires=datetime.fromisoformat(spec.expires).timestamp(),
            note=spec.note,
        )
    except (msgspec.DecodeError, ValueError) as error:
        raise Garbage(f"this is no NodeAttestation of ours: {error}") from error


def encode(node: str, uid: str, attester: str, expires: float, note: str) -> bytes:
    """Return a resource that says that a node is off."""
    spec = {
        "node": node,
        "nodeUID": uid,
        "power": OFF,
        "attester": attester,
        "expires": rfc3339(expires),
        "note": note,
    }
    return msgspec.json.encode(
        {
            "apiVersion": "pvmedic.dev/v1alpha1",
            "kind": "NodeAttestation",
            "metadata": {"generateName": f"{node[:200]}-off-"},
            "spec": spec,
        }
    )
