"""Plays the attacher of one CSI driver: attaches at once, and detaches when asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from local.api import AGAIN_SECONDS, Api
from local.kubelet import TROUBLE
from local.volumes import DRIVER

if TYPE_CHECKING:
    from local.world import World

ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
FINALIZER = "external-attacher/ebs-csi-aws-com"


class Attacher:
    """Works on every VolumeAttachment of the driver, in the players' event loop."""

    def __init__(self, api: Api, world: World) -> None:
        """`run` does the work."""
        self._api = api
        self._world = world
        self._wake = asyncio.Event()
        world.tell_attacher(self._wake.set)

    async def register(self) -> None:
        """Create the CSIDriver object."""
        driver = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSIDriver",
            "metadata": {"name": DRIVER},
            "spec": {"attachRequired": True, "podInfoOnMount": False},
        }
        await self._api.create("/apis/storage.k8s.io/v1/csidrivers", driver)

    async def run(self) -> None:
        """Answer every change of an attachment, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                for attachment in list(self._world.attachments.objects.values()):
                    if attachment["spec"]["attacher"] == DRIVER:
                        await self._handle(attachment)
            except TROUBLE:
                await asyncio.sleep(AGAIN_SECONDS)
                self._wake.set()

    async def _handle(self, attachment: dict[str, Any]) -> None:
        metadata = attachment["metadata"]
        path = f"{ATTACHMENTS}/{metadata['name']}"
        held = FINALIZER in metadata.get("finalizers", ())
        if "deletionTimestamp" in metadata:
            if held:
                await self._api.patch(path, {"metadata": {"finalizers": None}})
        elif not held:
            await self._api.patch(path, {"metadata": {"finalizers": [FINALIZER]}})
        elif not attachment.get("status", {}).get("attached"):
            await self._api.patch(f"{path}/status", {"status": {"attached": True}})
