"""Hands what a step says to whoever does acts of that type. Edge, and no writer itself."""

from exporter.observe.errors import Conflict, Forbidden
from exporter.observe.node_disks import NOT_ALLOWED
from exporter.observe.view import View
from remediator.actuators.cloud import CloudActuator
from remediator.actuators.kubernetes import KubernetesActuator
from remediator.actuators.nodes import NodeActuator
from remediator.steps.base import KubeWrite, NodeCommand, Step


class Routed:
    """An actuator. Without `nodes` no command runs, without `cloud` no cloud is written to."""

    def __init__(
        self,
        kubernetes: KubernetesActuator,
        nodes: NodeActuator | None = None,
        cloud: CloudActuator | None = None,
    ) -> None:
        """Write through these."""
        self._kubernetes = kubernetes
        self._nodes = nodes
        self._cloud = cloud

    async def apply(self, step: Step, view: View) -> None:
        """Do one step to its object as seen in `view`; Conflict when it is another one by now."""
        act = step.act(view)
        if act is None:
            raise Conflict(f"not the object that was planned for: {step.sentence()}")
        if isinstance(act, KubeWrite):
            await self._kubernetes.send(act)
        elif isinstance(act, NodeCommand):
            if self._nodes is None:
                raise Forbidden(NOT_ALLOWED)
            await self._nodes.run(act)
        else:
            if self._cloud is None:
                raise Forbidden("no cloud is written to by this program")
            await self._cloud.call(act)
