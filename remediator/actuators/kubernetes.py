"""Writes to Kubernetes objects, each bound to the uid and the version that was looked at. Edge."""

import msgspec

from exporter.observe.errors import Conflict
from exporter.observe.kube.api import GET_SECONDS, Api
from exporter.observe.view import View
from remediator.steps.base import KubeWrite, Step


class KubernetesActuator:
    """Sends what steps say."""

    def __init__(self, api: Api, within: float = GET_SECONDS) -> None:
        """Write through this client; `within` is how long an answer may take, in seconds."""
        self._api = api
        self._within = within

    async def apply(self, step: Step, view: View) -> None:
        """Do one step to its object as seen in `view`; Conflict when it is another one by now."""
        act = step.act(view)
        if not isinstance(act, KubeWrite):
            raise Conflict(f"not the object that was planned for: {step.sentence()}")
        await self._api.send(
            act.method,
            act.path,
            msgspec.json.encode(act.body),
            content_type=act.content_type,
            params={"fieldManager": "pvmedic-remediator"},
            timeout=self._within,
        )
