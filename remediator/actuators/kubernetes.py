"""Writes to Kubernetes objects, each bound to the uid and the version that was looked at. Edge."""

import msgspec

from exporter.observe.errors import Conflict
from exporter.observe.kube.api import GET_SECONDS, Api
from exporter.observe.view import View
from remediator import plan as plans
from remediator.plan import Step


class KubernetesActuator:
    """Applies taint steps."""

    def __init__(self, api: Api, within: float = GET_SECONDS) -> None:
        """Write through this client; `within` is how long an answer may take, in seconds."""
        self._api = api
        self._within = within

    async def apply(self, step: Step, view: View) -> None:
        """Patch the node as it was seen in `view`; Conflict when it is another one by now."""
        node = view.node(step.node)
        if node is None or node.uid != step.uid:
            raise Conflict(f"node {step.node} is not the one that was planned for")
        await self._api.send(
            "PATCH",
            f"/api/v1/nodes/{step.node}",
            msgspec.json.encode(plans.patch(step, node)),
            content_type="application/merge-patch+json",
            params={"fieldManager": "pvmedic-remediator"},
            timeout=self._within,
        )
