"""Plays one node's kubelet: registers, sends heartbeats, starts and ends pods.

A pod starts when its volumes are attached. A volume that has grown under it gets its file system
grown: in the claim's status, for there is no file system. A kubelet without power does nothing at
all, so that what Kubernetes does about it is Kubernetes' own.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp

from local import expansion, statuses
from local.api import AGAIN_SECONDS, MERGE_PATCH, Api, ApiError

if TYPE_CHECKING:
    from local.world import World

Object = dict[str, Any]
TROUBLE = (aiohttp.ClientError, OSError, TimeoutError, ApiError)


class Kubelet:
    """One node. Every method runs in the players' event loop."""

    def __init__(self, name: str, instance: str, number: int, api: Api, world: World) -> None:
        """Prepare; `number` (0-250) makes the addresses of this node's pods its own.

        `version` may be set to what it calls itself.
        """
        self.version = statuses.KUBELET_VERSION
        self.name = name
        self.instance = instance
        self.boot_id = ""
        self._api = api
        self._world = world
        self._number = number
        self._pods_started = 0
        self._node_path = f"/api/v1/nodes/{name}"
        self._wake = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        world.tell_kubelet(name, self._wake.set)

    @property
    def alive(self) -> bool:
        """Whether heartbeats are sent and pods handled."""
        return bool(self._tasks)

    async def register(self) -> None:
        """Create the Node and the CSINode."""
        provider_id = f"aws:///{statuses.ZONE}/{self.instance}"
        await self._api.create("/api/v1/nodes", statuses.node(self.name, provider_id))
        csi_node = statuses.csi_node(self.name, await self._uid(), self.instance)
        await self._api.create("/apis/storage.k8s.io/v1/csinodes", csi_node)

    def power_on(self, boot_id: str, heartbeat: float) -> None:
        """Start, or go on, with this boot ID; the Lease is renewed every `heartbeat` seconds."""
        self.boot_id = boot_id
        if not self._tasks:
            self._wake.set()
            self._tasks = (
                asyncio.create_task(self._send_heartbeats(heartbeat)),
                asyncio.create_task(self._work()),
            )

    async def power_off(self) -> None:
        """Stop at once, in the middle of whatever is going on."""
        tasks, self._tasks = self._tasks, ()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_heartbeats(self, heartbeat: float) -> None:
        leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        while True:
            try:
                renewed = {"spec": {"renewTime": statuses.timestamp(time.time(), micro=True)}}
                path = f"{leases}/{self.name}"
                await self._api.call("PATCH", path, renewed, MERGE_PATCH)
            except ApiError as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    await self._create_lease(leases)
            except TROUBLE:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            await asyncio.sleep(heartbeat)

    async def _create_lease(self, leases: str) -> None:
        try:
            body = statuses.lease(self.name, await self._uid(), time.time())
            await self._api.create(leases, body)
        except TROUBLE:
            await asyncio.sleep(AGAIN_SECONDS)

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                pods = self._world.pods_on(self.name)
                await self._report_node(pods)
                for pod in pods:
                    await self._handle(pod)
            except TROUBLE:
                await asyncio.sleep(AGAIN_SECONDS)
                self._wake.set()

    async def _report_node(self, pods: list[Object]) -> None:
        node = self._world.nodes.objects.get(("", self.name))
        if node is None:
            return
        status = node.get("status", {})
        conditions = status.get("conditions", [])
        patch: Object = {}
        if (
            not statuses.healthy(conditions)
            or status.get("nodeInfo", {}).get("bootID") != self.boot_id
        ):
            patch = statuses.node_status(conditions, self.boot_id, time.time(), self.version)
        in_use = sorted({name for pod in pods for name in (self._world.wanted(pod) or {}).values()})
        if in_use != sorted(status.get("volumesInUse", [])):
            patch["volumesInUse"] = in_use
        if patch:
            await self._api.patch(f"{self._node_path}/status", {"status": patch})

    async def _handle(self, pod: Object) -> None:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        if "deletionTimestamp" in metadata:
            options = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
            await self._api.delete(path, options)
        elif not statuses.pod_ready(pod):
            wanted = self._world.wanted(pod)
            running = wanted is not None and wanted.keys() <= self._world.attached(self.name)
            if not running and pod.get("status", {}).get("containerStatuses"):
                return
            status = statuses.pod_status(pod, self._address(), time.time(), running=running)
            body = {"metadata": {"uid": metadata["uid"]}, "status": status}
            await self._api.patch(f"{path}/status", body)
        else:
            await self._grow(pod)

    async def _grow(self, pod: Object) -> None:
        """Do the node's step for each volume of a running pod that waits for it."""
        space = pod["metadata"]["namespace"]
        for claim, volume in self._world.mounts(pod):
            if expansion.waits_for_node(claim):
                name = claim["metadata"]["name"]
                path = f"/api/v1/namespaces/{space}/persistentvolumeclaims/{name}/status"
                await self._api.patch(path, expansion.grown(claim, volume))

    def _address(self) -> str:
        self._pods_started += 1
        return f"10.244.{self._number}.{self._pods_started % 250 + 1}"

    async def _uid(self) -> str:
        node = await self._api.call("GET", self._node_path)
        uid: str = node["metadata"]["uid"]
        return uid
