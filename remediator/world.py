"""The engine's eyes: the exporter's own look, the server's version, the kill switch, the cloud.

Edge.
"""

import logging
import re

import msgspec

from exporter.kit.logs import fields
from exporter.observe.ec2 import Ec2
from exporter.observe.errors import NotFound, ObserveError
from exporter.observe.kube.api import Api
from exporter.observe.look import ALONE, Beside, look_again
from exporter.observe.model import Subject
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.parse.provider_id import instance_of
from exporter.observe.shared_lists import SharedLists
from exporter.observe.signals.base import Detector
from remediator.ports import Reads, Sight

LOG = logging.getLogger("pvmedic.world")

PAUSE = "pvmedic-pause"
"""The ConfigMap whose existence is the kill switch."""


class _Version(msgspec.Struct):
    major: str
    minor: str


class KubernetesWorld:
    """Looks through one API client; `namespace` is where the kill switch lies.

    `beside` are those who are asked for what the API server does not tell.
    """

    def __init__(self, api: Api, namespace: str, beside: Beside = ALONE) -> None:
        """Read nothing yet."""
        self._api = api
        self._namespace = namespace
        self._beside = beside
        self._lists = SharedLists(api.list)

    async def look(self, detector: Detector, subject: Subject, extra: Reads) -> Sight:
        """Look again."""
        return await self._look(detector, subject, extra, self._beside)

    async def glance(self, detector: Detector, subject: Subject, extra: Reads, due: float) -> Sight:
        """Look again, by lists that others who were due use, too."""
        shared = msgspec.structs.replace(self._beside, lists=self._lists.since(due))
        return await self._look(detector, subject, extra, shared)

    async def _look(
        self, detector: Detector, subject: Subject, extra: Reads, beside: Beside
    ) -> Sight:
        found = await look_again(self._api, detector, subject, extra, beside=beside)
        return Sight(view=found.view, signal=found.signal, unseen=dict(found.unseen))

    async def version(self) -> tuple[int, int] | None:
        """Read /version; minor versions of some clouds carry a `+`."""
        try:
            found = msgspec.json.decode(await self._api.send("GET", "/version"), type=_Version)
            return int(found.major), int(re.sub(r"\D.*", "", found.minor))
        except (ObserveError, msgspec.DecodeError, ValueError) as error:
            LOG.warning("the API server's version could not be read", extra=fields(why=str(error)))
            return None

    async def paused(self) -> bool | None:
        """Ask for the ConfigMap."""
        try:
            await self._api.send("GET", f"/api/v1/namespaces/{self._namespace}/configmaps/{PAUSE}")
        except NotFound:
            return False
        except ObserveError:
            return None
        return True


class Ec2Power:
    """Reads a node's power from EC2."""

    def __init__(self, ec2: Ec2) -> None:
        """Ask this endpoint."""
        self._ec2 = ec2

    async def read(self, provider_id: str) -> InstanceReading:
        """Read the instance that a providerID names."""
        instance = instance_of(provider_id)
        if instance is None:
            raise NotFound(f"providerID {provider_id!r} names no EC2 instance")
        return await self._ec2.read(instance)
