"""A whole local cluster: control plane, players and cloud, started together and gone together."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from local.background import Background
from local.closing import Closing
from local.cloud import Cloud
from local.controlplane import ControlPlane
from local.errors import LocalClusterError
from local.players import Players
from local.processes import Processes
from local.run_directory import RunDirectory
from local.timings import Timings
from local.tokens import ServiceAccountTokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Self

    from local.api import Object
    from local.ec2_face import PowerChange
    from local.progress import Report
    from local.tools import Tools

NODES = ("node-a", "node-b", "node-c")
READY_SECONDS = 60.0
POLL_SECONDS = 0.1


class LocalCluster(Closing):
    """A running cluster; leaving the context ends every process and removes its directory.

    A start that fails keeps its logs for a day, where the error says.
    """

    def __init__(self, tools: Tools, timings: Timings) -> None:
        """Make the parts; `start` is the way in."""
        self.tools = tools
        self.timings = timings
        self._run = RunDirectory.create()
        self.directory = self._run.path
        self.processes = Processes(self._run)
        self._background = Background()
        self._instances: dict[str, str] = {}
        self._logs_wanted = False
        self._parts = ExitStack()
        self._parts.callback(self.processes.end_all)
        self._parts.callback(self._background.close)

    @classmethod
    def start(
        cls,
        tools: Tools,
        nodes: Sequence[str] = NODES,
        timings: Timings | None = None,
        report: Report = print,
    ) -> Self:
        """Start everything and wait until every node is Ready; raises LocalClusterError."""
        cluster = cls(tools, timings or Timings.demo())
        try:
            cluster._start(nodes, report)
        except BaseException as error:
            cluster.close(keep_logs=isinstance(error, Exception))
            raise
        return cluster

    def _start(self, nodes: Sequence[str], report: Report) -> None:
        started = time.monotonic()
        report(f"Starting etcd, Kubernetes and an EC2 endpoint in {self.directory} (usually 15 s)")
        self.cloud = Cloud(self._background, self.processes)
        self.control = ControlPlane(self.tools, self._run, self.processes, self.timings)
        self.control.start()
        self.server, self.ca_file = self.control.server, self.control.ca_file
        context = self.control.ssl_context(self.control.admin)
        self.players = Players(self._background, self.server, context, self.timings.heartbeat)
        self._parts.callback(self.players.close)
        self.tokens = ServiceAccountTokens(
            self._background, self.players.api, self.directory / "tokens", self.ca_file
        )
        self.cloud.open(self._power_changed)
        self._parts.callback(self.cloud.close)
        self._instances = {node: self.cloud.run_instance() for node in nodes}
        self.players.start(self._instances)
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self.wait("the default service account", lambda: self.get(account), READY_SECONDS)
        self.wait("Ready nodes", lambda: all(map(self.usable, nodes)), READY_SECONDS)
        report(f"  ready after {time.monotonic() - started:.0f} s; {self.timings.sentence()}")

    def close(self, *, keep_logs: bool = False) -> None:
        """End every process and remove the directory.

        Its logs stay with `keep_logs`, and when a `wait` in vain has pointed at them.
        """
        try:
            self._parts.close()
        finally:
            self._run.close(keep_logs=keep_logs or self._logs_wanted)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.control.kubeconfig

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the administrator, return its output; raises with its error text."""
        done = subprocess.run(
            [self.tools.kubectl, f"--kubeconfig={self.kubeconfig}", *arguments],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "HOME": str(self.directory)},
        )
        if done.returncode != 0:
            message = f"kubectl {' '.join(arguments)}: {done.stderr.strip()}"
            raise LocalClusterError(message)
        return done.stdout

    def apply(self, manifests: str | Path) -> None:
        """Apply YAML text, a file, or a kustomization directory."""
        if isinstance(manifests, str):
            self.kubectl("apply", "-f", "-", stdin=manifests)
        else:
            self.kubectl("apply", "-k" if manifests.is_dir() else "-f", str(manifests))

    def get(self, path: str) -> Object | None:
        """Read an API path such as /api/v1/nodes/node-a as administrator; None without one.

        Raises aiohttp.ClientError while the API server is away.
        """
        return self._background.run(self.players.api.get(path))

    def post(self, path: str, body: Object) -> Object:
        """Create an object as administrator; return it, or what is answered to a question."""
        return self._background.run(self.players.api.call("POST", path, body))

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes."""
        return tuple(self._instances)

    def instance_of(self, node: str) -> str:
        """Return the EC2 instance ID of a node."""
        if node not in self._instances:
            message = f"no node {node}; there are {', '.join(self._instances)}"
            raise LocalClusterError(message)
        return self._instances[node]

    def service_account(self, namespace: str, name: str) -> Path:
        """Return a directory with a fresh `token`, `ca.crt` and `namespace`, as in a pod."""
        return self.tokens.directory(namespace, name)

    def condition(self, node: str) -> str:
        """Return the status of a Ready condition: True, False, Unknown, or "" without one."""
        found = self.get(f"/api/v1/nodes/{node}") or {}
        for condition in found.get("status", {}).get("conditions", ()):
            if condition["type"] == "Ready":
                return str(condition["status"])
        return ""

    def usable(self, node: str) -> bool:
        """Say whether a node is Ready and has no taint, so that pods can go there."""
        found = self.get(f"/api/v1/nodes/{node}") or {}
        return self.condition(node) == "True" and not found.get("spec", {}).get("taints")

    def wait(self, description: str, predicate: Callable[[], object], timeout: float) -> float:
        """Wait until `predicate()` is true; returns the seconds, raises after `timeout`."""
        started = time.monotonic()
        while not predicate():
            if time.monotonic() - started > timeout:
                self._logs_wanted = True
                message = (
                    f"waited {timeout:.0f} s in vain for {description}; logs: {self._run.logs}"
                )
                raise LocalClusterError(message)
            time.sleep(POLL_SECONDS)
        return time.monotonic() - started

    async def _power_changed(self, change: PowerChange) -> None:
        for node, instance in self._instances.items():
            if instance == change.instance and change.running:
                boot_id = self.players.boot_id(node) if change.resumed else None
                await self.players.power_on(node, boot_id)
            elif instance == change.instance:
                await self.players.power_off(node)
