"""A remediator as it ships on an API server alone, whose etcd waits for the disk with every write.

No controller runs and no node lives, so nothing writes but what is measured. What is asked of it is
the measurements'.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.request
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.line import ROOT, answers
from local.api import Api, ApiError
from local.background import Background
from local.closing import Closing
from local.processes import Child, Processes, free_ports
from local.run_directory import RunDirectory
from local.tokens import ServiceAccountTokens
from tests.bench.seeded import ApiServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine
    from types import TracebackType
    from typing import Self

    from local.tools import Tools

TOKEN = "a-token-for-measurements"  # noqa: S105 -- opens nothing
START_SECONDS = 60.0
RECORDS = "/apis/pvmedic.dev/v1alpha1/remediations"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/pvmedic/leases"


class DurableServer(Closing):
    """etcd with fsync and the API server, with what pvmedic needs in it; `with` ends both."""

    def __init__(self, tools: Tools) -> None:
        """Start them and apply what ships."""
        self.tools = tools
        self._run = RunDirectory.create()
        self.directory = self._run.path
        self.processes = Processes(self._run)
        self.background = Background()
        self.api: Api | None = None
        try:
            # The last word counts, and is that every write is on the disk before its answer.
            durable = "--unsafe-no-fsync=false"
            self.control = ApiServer(tools, self._run, self.processes, durable)
            self.control.start()
            self._context = self.control.ssl_context(self.control.admin)
            self.api = self.background.run(_client(self.control.server, self._context))
            self._prepare(self.api)
        except BaseException:
            self.close()
            raise

    def _prepare(self, api: Api) -> None:
        self._kubectl("apply", "-k", str(ROOT / "deploy" / "manifests" / "access"))
        self._kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
        tokens = ServiceAccountTokens(
            self.background, api, self.directory / "tokens", self.control.ca_file
        )
        self.account = tokens.directory("pvmedic", "pvmedic-remediator")

    def _kubectl(self, *arguments: str) -> None:
        child = self.processes.start(
            f"kubectl-{arguments[0]}",
            [self.tools.kubectl, f"--kubeconfig={self.control.kubeconfig}", *arguments],
        )
        if child.process.wait(START_SECONDS) != 0:
            raise child.failure("failed")

    def close(self) -> None:
        """End every process and remove the directory."""
        self.processes.end_all()
        if self.api is not None:
            self.background.run(self.api.close())
        self.background.close()
        self._run.close()

    def run(self, work: Coroutine[Any, Any, Any], seconds: float = 120.0) -> Any:  # noqa: ANN401 -- any coroutine
        """Run a coroutine in the background's loop."""
        return self.background.run(work, seconds)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 -- JSON
        """Ask the API server as its administrator."""
        assert self.api is not None
        return self.run(self.api.call(method, path, body))

    def records(self) -> list[dict[str, Any]]:
        """Return all Remediations."""
        found: list[dict[str, Any]] = self.call("GET", RECORDS)["items"]
        return found

    def etcd(self, name: str) -> float:
        """Return one of etcd's own counters, summed over its series."""
        url = f"{self.control.etcd}/metrics"
        with urllib.request.urlopen(url, timeout=30, context=self._context) as answer:  # noqa: S310 -- loopback
            text = answer.read().decode()
        lines = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, lines))

    def led_by_another(self, led: bool) -> None:  # noqa: FBT001 -- what it is about
        """Let another replica that never ends hold the Lease, or nobody."""
        spec = {"holderIdentity": "another", "leaseDurationSeconds": 36000}
        lease = {"metadata": {"name": "pvmedic-remediator"}, "spec": spec}
        try:
            self.call("DELETE", f"{LEASE}/pvmedic-remediator")
        except ApiError as error:
            if error.status != 404:
                raise
        if led:
            self.call("POST", LEASE, lease)


class RemediatorRun:
    """The program, from its start to its end."""

    def __init__(self, server: DurableServer, **settings: object) -> None:
        """Start it; `settings` are added to the file."""
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        token = server.directory / "token"
        token.write_text(TOKEN)
        found = {
            "listen": f"127.0.0.1:{port}",
            "webhook": {"token_file": str(token)},
            "kubernetes": {
                "server": server.control.server,
                "service_account_directory": str(server.account),
            },
            **settings,
        }
        path = server.directory / f"remediator-{port}.yaml"
        path.write_text(json.dumps(found))
        own = {name: value for name, value in os.environ.items() if not name.startswith("PVMEDIC_")}
        self._child: Child = server.processes.start(
            "pvmedic-remediator",
            [sys.executable, "-m", "remediator", "--config", path],
            env={**own, "PYTHONPATH": str(ROOT)},
        )
        self.pid = self._child.process.pid

    def __enter__(self) -> Self:
        """Wait until it is ready."""
        self._child.wait_ready(partial(answers, f"{self.url}/readyz"), START_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._child.kill()

    @property
    def log(self) -> str:
        """What it has said so far."""
        return Path(self._child.log).read_text(errors="replace")

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of a name that carry these labels."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=60) as answer:  # noqa: S310 -- loopback
            lines = answer.read().decode().splitlines()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if re.match(rf"{name}[{{ ]", line) and all(one in line for one in wanted)
        )


async def _client(server: str, context: ssl.SSLContext) -> Api:
    return Api(server, context)
