"""Nodes whose kubelet starts nothing by itself: what it says of its pods is crafted by the caller.

Their heartbeats, registration and the end of deleted pods are played as on every other node. For
failures of mounts and node plugins, which a kubelet that starts every pod would hide.
"""

from __future__ import annotations

import asyncio
import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from demo import crafted
from local.api import Api
from local.background import Background
from local.kubelet import Kubelet
from local.statuses import timestamp
from local.world import World

if TYPE_CHECKING:
    import ssl
    from types import TracebackType
    from typing import Self

    from local.cluster import LocalCluster

Object = dict[str, Any]
READY_SECONDS = 60.0
END = "60s"
HIGHEST = 240  # of the numbers that make a node's addresses its own


class ToldKubelet(Kubelet):
    """One that only ends what is deleted."""

    async def _handle(self, pod: Object) -> None:
        if "deletionTimestamp" in pod["metadata"]:
            await super()._handle(pod)


class ToldNodes:
    """Such nodes beside a cluster's own, from `add` on; with `tidy` they are removed at the end."""

    def __init__(self, cluster: LocalCluster, *, tidy: bool = True) -> None:
        """Open nothing yet."""
        self.tidy = tidy
        self.cluster = cluster
        self._background = Background()
        self._kubelets: list[ToldKubelet] = []
        self._tasks: list[asyncio.Task[None]] = []
        context = cluster.control.ssl_context(cluster.control.admin)
        self._api = self._background.run(_api(cluster.server, context))
        self._world = World(self._api)

    def __enter__(self) -> Self:
        """Begin to look at the cluster."""
        self._background.run(self._follow())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the kubelets, and take the nodes away again."""
        gone = self._kubelets if self.tidy else []
        for kubelet in gone:
            self.cluster.kubectl("cordon", kubelet.name)
            selector = f"--field-selector=spec.nodeName={kubelet.name}"
            # Its own kubelet has to end them.
            self.cluster.kubectl("delete", "pods", "-A", selector, f"--timeout={END}")
        self._background.run(self._end())
        for kubelet in gone:
            self.cluster.kubectl("delete", "node", kubelet.name)
        self._background.close()

    def add(self, *names: str, **info: str) -> None:
        """Register nodes and wait until they are Ready; `info` replaces parts of nodeInfo."""
        for name in names:
            self._background.run(self._add(name))
        for name in names:
            self.cluster.wait(f"Ready {name}", partial(self.cluster.usable, name), READY_SECONDS)
            if info:
                self.say_of_node(name, {"nodeInfo": info})

    def say_of_node(self, name: str, status: Object) -> None:
        """Let the kubelet say something of its node."""
        self._patch(("node", name), status)

    def say_of_pod(self, space: str, name: str, status: Object) -> None:
        """Let the kubelet say something of a pod."""
        self._patch(("-n", space, "pod", name), status)

    def run(self, space: str, name: str) -> None:
        """Let the kubelet say that a pod runs."""
        runs = {"running": {"startedAt": timestamp(time.time())}}
        status = {"phase": "Running", "containerStatuses": [crafted.container("main", runs)]}
        self.say_of_pod(space, name, status)

    def _patch(self, what: tuple[str, ...], status: Object) -> None:
        patch = json.dumps({"status": status})
        self.cluster.kubectl(
            "patch", "--subresource=status", "--type=merge", f"--patch={patch}", *what
        )

    async def _follow(self) -> None:
        self._tasks += [asyncio.create_task(cache.follow()) for cache in self._world.caches]

    async def _add(self, name: str) -> None:
        number = HIGHEST - len(self._kubelets)
        kubelet = ToldKubelet(name, f"i-{name}", number, self._api, self._world)
        await kubelet.register()
        kubelet.power_on(f"boot-{name}", self.cluster.timings.heartbeat)
        self._kubelets.append(kubelet)

    async def _end(self) -> None:
        for kubelet in self._kubelets:
            await kubelet.power_off()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.close()


async def _api(server: str, context: ssl.SSLContext) -> Api:
    return Api(server, context)
