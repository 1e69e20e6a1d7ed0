"""A node's pods and the budgets over them, read in one go when a repair asks. Edge.

The rights are to list pods and poddisruptionbudgets. Nothing is kept between two questions.
"""

from collections.abc import Sequence

from exporter.observe import errors
from exporter.observe.kube.api import LIST_SECONDS, Api
from exporter.observe.model import Object
from exporter.observe.objects import Objects
from exporter.observe.parse import drain as parse
from exporter.observe.view import Want

PODS = "/api/v1/pods"
BUDGETS = "/apis/policy/v1/poddisruptionbudgets"
OLDER = "/apis/policy/v1beta1/poddisruptionbudgets"
"""Before Kubernetes 1.21."""


class DrainReader:
    """Answers wants of Kind.DRAIN, whose name is a node's."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def ask(self, want: Want, known: Objects) -> Sequence[Object]:
        """Return the node's Drain; raises ObserveError, for neither list may be missing."""
        del known
        selector = {"fieldSelector": f"spec.nodeName={want.name}"}
        pods = await self._api.send("GET", PODS, params=selector, timeout=LIST_SECONDS)
        beta = False
        try:
            budgets = await self._api.send("GET", BUDGETS, timeout=LIST_SECONDS)
        except errors.NotInstalled:
            budgets, beta = await self._api.send("GET", OLDER, timeout=LIST_SECONDS), True
        try:
            return [parse.drain(want.name, pods, budgets, beta=beta)]
        except parse.UNREADABLE as error:
            what = f"the pods of node {want.name} and the PodDisruptionBudgets"
            raise errors.Garbage(f"list {what}: cannot read the answer: {error}") from error
