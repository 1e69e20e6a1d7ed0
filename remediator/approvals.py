"""RemediationApproval resources: what people said, as orders. Edge.

We read them and nothing else: our service account may not create one, so the program cannot say
yes to its own plans.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from exporter.observe.errors import Garbage
from remediator.orders import Decision, Order
from remediator.resources import Asked, Resources

PATH = "/apis/pvmedic.dev/v1alpha1/remediationapprovals"


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    uid: str
    creation_timestamp: str


class _Spec(msgspec.Struct, rename="camel"):
    remediation: str
    decision: Decision
    approver: str
    remediation_uid: str = msgspec.field(name="remediationUID")
    plan_hash: str = ""
    expires: str = ""


class _Wire(msgspec.Struct):
    metadata: _Meta
    spec: _Spec


def approvals(api: Asked, said: Callable[[Order], None] = lambda _: None) -> Resources[Order]:
    """Return all orders of people, kept fresh by `run`; `said` hears each that comes."""

    def changed(name: str) -> None:
        if (order := held.held.get(name)) is not None:
            said(order)

    held = Resources(api, PATH, decode, changed)
    return held


def decode(body: bytes | msgspec.Raw) -> Order:
    """Return the order that a resource holds; Garbage when it is none."""
    try:
        wire = msgspec.json.decode(body, type=_Wire)
        meta, spec = wire.metadata, wire.spec
        return Order(
            name=meta.name,
            uid=meta.uid,
            remediation=spec.remediation,
            remediation_uid=spec.remediation_uid,
            decision=spec.decision,
            by=spec.approver,
            created=_seconds(meta.creation_timestamp),
            plan_hash=spec.plan_hash,
            expires=_seconds(spec.expires) if spec.expires else None,
        )
    except (msgspec.DecodeError, ValueError) as error:
        raise Garbage(f"this is no RemediationApproval of ours: {error}") from error


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
