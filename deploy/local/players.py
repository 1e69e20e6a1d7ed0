"""Plays what a cluster has beside its control plane: the kubelets of its nodes and a CSI attacher.

The methods may be called from any thread; the playing happens in the background thread.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

from local.api import Api
from local.attacher import Attacher
from local.errors import LocalClusterError
from local.kubelet import Kubelet
from local.world import World

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from local.background import Background


class Players:
    """The kubelets, by node name, and the attacher, from `start` until the background ends."""

    def __init__(
        self,
        background: Background,
        server: str,
        context: ssl.SSLContext,
        heartbeat: float,
    ) -> None:
        """Prepare; nothing is created in the cluster before `start`."""
        self._background = background
        self._heartbeat = heartbeat
        self._tasks: set[asyncio.Task[None]] = set()
        self._kubelets: dict[str, Kubelet] = {}
        self.api = background.run(_make_api(server, context))
        self._world = World(self.api)

    def start(self, instances: Mapping[str, str]) -> None:
        """Register a node for every {name: EC2 instance ID} and bring it to life."""
        self._background.run(self._start(instances))

    def die(self, node: str) -> None:
        """Stop a node's heartbeats and pod handling, at once; EC2 is not told."""
        self._background.run(self.power_off(node))

    def revive(self, node: str, boot_id: str | None = None) -> None:
        """Bring a node back: with a new boot ID, as after a power cycle, unless one is given."""
        self._background.run(self.power_on(node, boot_id))

    def alive(self, node: str) -> bool:
        """Say whether a node plays its part."""
        return self._kubelet(node).alive

    def boot_id(self, node: str) -> str:
        """Return the boot ID of a node's present or last life."""
        return self._kubelet(node).boot_id

    async def power_off(self, node: str) -> None:
        """Do what `die` does, from inside the background's event loop."""
        await self._kubelet(node).power_off()

    async def power_on(self, node: str, boot_id: str | None = None) -> None:
        """Do what `revive` does, from inside the background's event loop."""
        self._kubelet(node).power_on(boot_id or str(uuid.uuid4()), self._heartbeat)

    def close(self) -> None:
        """Stop every player and close the connections."""
        self._background.run(self._close())

    def _kubelet(self, node: str) -> Kubelet:
        if node not in self._kubelets:
            message = f"no node {node}; there are {', '.join(self._kubelets)}"
            raise LocalClusterError(message)
        return self._kubelets[node]

    async def _start(self, instances: Mapping[str, str]) -> None:
        attacher = Attacher(self.api, self._world)
        await attacher.register()
        server = await self.api.call("GET", "/version")
        for number, (name, instance) in enumerate(instances.items()):
            kubelet = Kubelet(name, instance, number, self.api, self._world)
            # None is newer than its API server.
            kubelet.version = server["gitVersion"]
            await kubelet.register()
            self._kubelets[name] = kubelet
        for work in (*(cache.follow() for cache in self._world.caches), attacher.run()):
            self._tasks.add(asyncio.create_task(work))
        for name in self._kubelets:
            await self.power_on(name)

    async def _close(self) -> None:
        for kubelet in self._kubelets.values():
            await kubelet.power_off()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.api.close()


async def _make_api(server: str, context: ssl.SSLContext) -> Api:
    return Api(server, context)
