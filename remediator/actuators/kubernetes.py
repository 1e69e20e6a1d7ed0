"""Writes to Kubernetes objects, each bound to the uid and the version that was looked at. Edge."""

import msgspec

from exporter.observe.kube.api import GET_SECONDS, Api
from remediator.steps.base import KubeWrite


class KubernetesActuator:
    """Sends what steps say."""

    def __init__(self, api: Api, within: float = GET_SECONDS) -> None:
        """Write through this client; `within` is how long an answer may take, in seconds."""
        self._api = api
        self._within = within

    async def send(self, act: KubeWrite) -> None:
        """Send one request; raises ObserveError, Conflict when its object has changed."""
        await self._api.send(
            act.method,
            act.path,
            msgspec.json.encode(act.body),
            content_type=act.content_type,
            params={"fieldManager": "pvmedic-remediator"},
            timeout=self._within,
        )
