"""Takes a node's Lease before the first write to it, keeps it, and gives it back. Edge.

What is not held by us is not written to. Each write is bound to the version that was looked at, so
of two tools that take it at once one hears a Conflict.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from exporter.observe.errors import Conflict, ObserveError
from exporter.observe.kube.api import GET_SECONDS, Api
from exporter.observe.model import Lease, Node
from exporter.observe.view import View
from remediator.node_lease import DURATION, held_by, holder_of, name_of
from remediator.ports import Actuator
from remediator.record import ACTING, Record
from remediator.steps.base import Step

LOG = logging.getLogger("pvmedic.node_leases")


class NodeLeases:
    """An actuator that has the node first. `space`: the Leases' namespace; empty: none is taken."""

    def __init__(
        self,
        actuator: Actuator,
        api: Api,
        space: str,
        now: Callable[[], float],
        fence: Callable[[], None],
        within: float = GET_SECONDS,
    ) -> None:
        """Act through this one; `fence` raises when we may not write any more."""
        self._actuator = actuator
        self._api = api
        self._space = space
        self._now = now
        self._fence = fence
        self._within = within

    async def apply(self, step: Step, view: View) -> None:
        """Do one step on a node that is ours; Conflict when somebody else works on it."""
        if self._space and step.node:
            await self._take(step.node, holder_of(step.owner.partition("/")[0]), view)
        await self._actuator.apply(step, view)

    async def tend(self, record: Record, view: View) -> None:
        """Renew what a record holds while it acts or owes, else give it back; never raises.

        What fails is tried again with the next look, and at last the Lease runs out.
        """
        plan, us = record.status.plan, holder_of(record.name)
        if not self._space or plan is None:
            return
        needed = bool(record.owes) or (record.written and record.status.phase in ACTING)
        for node in plan.nodes:
            try:
                if needed:
                    await self._take(node, us, view)
                else:
                    await self._give_back(view.lease(self._space, name_of(node)), us)
            except ObserveError as error:
                LOG.warning("the Lease of a node: %s", error, extra={"fields": {"node": node}})

    async def _take(self, node: str, us: str, view: View) -> None:
        lease, now = view.lease(self._space, name_of(node)), self._now()
        holder = held_by(lease, now)
        if holder and holder != us:
            raise Conflict(f"{holder} works on node {node}")
        if holder and lease is not None and now - (lease.renewed or 0.0) < DURATION / 2:
            return
        self._fence()
        spec = {"holderIdentity": us, "leaseDurationSeconds": DURATION, "renewTime": _fine(now)}
        if not holder:
            spec["acquireTime"] = _fine(now)
        if lease is None:
            meta = {"name": name_of(node), "namespace": self._space, **_owner(view.node(node))}
            kind = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
            await self._send("POST", "", {**kind, "metadata": meta, "spec": spec})
        else:
            await self._patch(lease, spec)

    async def _give_back(self, lease: Lease | None, us: str) -> None:
        if lease is not None and lease.holder == us:
            self._fence()
            await self._patch(lease, {"holderIdentity": None, "leaseDurationSeconds": 1})

    async def _patch(self, lease: Lease, spec: dict[str, object]) -> None:
        body = {"metadata": {"resourceVersion": lease.version}, "spec": spec}
        await self._send("PATCH", f"/{lease.name}", body, "application/merge-patch+json")

    async def _send(
        self, method: str, name: str, body: object, content_type: str = "application/json"
    ) -> None:
        await self._api.send(
            method,
            f"/apis/coordination.k8s.io/v1/namespaces/{self._space}/leases{name}",
            msgspec.json.encode(body),
            content_type=content_type,
            timeout=self._within,
        )


def _owner(node: Node | None) -> dict[str, object]:
    """Return what lets a node's Lease go with the node, as medik8s does."""
    if node is None:
        return {}
    owner = {"apiVersion": "v1", "kind": "Node", "name": node.name, "uid": node.uid}
    return {"ownerReferences": [owner]}


def _fine(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
