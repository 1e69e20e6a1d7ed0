"""A real API server and etcd full of objects: what a large cluster's exporter starts into.

No controller runs, so nothing changes but what a measurement changes. Each kind's first object goes
through the API server, written by whoever writes it in life; the many are copies of the bytes that
it stored, with other names, uids and times of the same length, put into etcd directly. etcd runs
without fsync: that makes only writing faster, and how fast the server writes is not what is
measured.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shlex
import time
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import aiohttp

from local.api import MERGE_PATCH, Api
from local.background import Background
from local.closing import Closing
from local.controlplane import ControlPlane
from local.errors import LocalClusterError
from local.processes import PortTakenError, Processes, on_free_ports
from local.run_directory import RunDirectory
from local.timings import Timings
from local.tokens import ServiceAccountTokens
from tests.bench.copies import (
    CLASSES,
    FIRST_TIME,
    NAMESPACES,
    TOKENS,
    copy,
    names,
    of_node,
    parts,
    varint,
)
from tests.bench.figures import tell
from tests.bench.samples import SAMPLES, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.tools import Tools

Object = dict[str, Any]
IN_ONE_WRITE = 100  # etcd allows 128 operations in a transaction
AT_ONCE = 4
SEED_SECONDS = 900.0
PER_SECOND = 4000
"""How many objects were put into etcd a second on two cores: only for the time that is told."""
PER_VOLUME = 0.2
"""From this many for a pod on, a kind's objects belong to a pod; the others to a node."""
ACCOUNT = "bench"
READ_SECONDS = 600.0
QUOTA = 8 * 1024**3


def counts(pods: int) -> dict[str, int]:
    """Return how many objects of each kind there are, by their names in etcd."""
    fixed = {"storageclasses": len(CLASSES), "csidrivers": 1}
    return {s.stored: fixed.get(s.stored) or max(1, round(pods * s.per_pod)) for s in SAMPLES}


class ApiServer(ControlPlane):
    """etcd and the API server alone."""

    def __init__(
        self,
        tools: Tools,
        directory: RunDirectory,
        processes: Processes,
        etcd_flag: str = f"--quota-backend-bytes={QUOTA}",
    ) -> None:
        """Start nothing yet."""
        self._real, self._run = tools, directory
        scripts = directory.path / "bin"
        scripts.mkdir()
        etcd = script(scripts / "etcd", tools.etcd, etcd_flag)
        super().__init__(replace(tools, etcd=etcd), directory, processes, Timings.kubernetes())

    def start(self) -> None:
        """Start both and wait until the API server answers."""
        on_free_ports(self._start_etcd)
        on_free_ports(self._start_first_api_server)
        self._write_kubeconfig(self.kubeconfig, self.admin)

    def start_api_server(self) -> None:
        """Start it as usual, and give it as long as it needs to read so many objects."""
        try:
            super().start_api_server()
        except PortTakenError:
            raise
        except LocalClusterError:
            self._running_api_server().wait_ready(self.ready, READ_SECONDS)

    def restart(self, *, streams: bool) -> None:
        """Start the API server anew, with or without streaming lists."""
        self.stop_api_server()
        flag = f"--feature-gates=WatchList={str(streams).lower()}"
        path = self._run.path / "bin" / f"kube-apiserver-{streams}"
        program = script(path, self._real.kube_apiserver, flag)
        self._tools = replace(self._tools, kube_apiserver=program)
        self.start_api_server()

    @property
    def etcd(self) -> str:
        """Where etcd answers."""
        return self._etcd


class SeededServer(Closing):
    """Leaving the context ends every process and removes the directory."""

    def __init__(self, tools: Tools, pods: int) -> None:
        """Start the server and fill it; takes minutes for 100,000 pods, and says so."""
        self.pods = pods
        self.tools = tools
        self._run = RunDirectory.create()
        self.directory = self._run.path
        self.processes = Processes(self._run)
        self._background = Background()
        self.api: Api | None = None
        try:
            self.control = ApiServer(tools, self._run, self.processes)
            self.control.start()
            context = self.control.ssl_context(self.control.admin)
            self.api = self.run(_client(self.control.server, context))
            self.run(self._seed(self.api), SEED_SECONDS)
            self.account = self._account(self.api)
        except BaseException:
            self.close()
            raise

    def run(self, work: Any, seconds: float = 60.0) -> Any:  # noqa: ANN401 -- any coroutine
        """Run a coroutine in the background's loop."""
        return self._background.run(work, seconds)

    def close(self) -> None:
        """End every process and remove the directory."""
        self.processes.end_all()
        if self.api is not None:
            self.run(self.api.close())
        self._background.close()
        self._run.close()

    def _account(self, api: Api) -> Path:
        """Return the directory of a service account that may do everything."""
        group = "rbac.authorization.k8s.io"
        binding = {
            "metadata": {"name": ACCOUNT},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "namespace": "default", "name": ACCOUNT}],
        }
        account = {"metadata": {"name": ACCOUNT}}
        self.run(api.create("/api/v1/namespaces/default/serviceaccounts", account))
        self.run(api.create(f"/apis/{group}/v1/clusterrolebindings", binding))
        tokens = ServiceAccountTokens(
            self._background, api, self.directory / "tokens", self.control.ca_file
        )
        return tokens.directory("default", ACCOUNT)

    async def _seed(self, api: Api) -> None:
        now = int(time.time())
        for namespace in (TOKENS["namespace"], *(f"team-{n:02d}" for n in range(NAMESPACES))):
            await api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        account = f"/api/v1/namespaces/{TOKENS['namespace']}/serviceaccounts"
        await api.create(account, {"metadata": {"name": "default"}})
        uids = [(sample, await _create(api, sample)) for sample in SAMPLES]
        self.control.stop_api_server()
        total = sum(counts(self.pods).values())
        tell(f"filling etcd with {total:,} objects (usually {total / PER_SECOND:.0f} s)")
        began = time.monotonic()
        context = self.control.ssl_context(self.control.admin)
        connector = aiohttp.TCPConnector(ssl=context, limit=AT_ONCE)
        where = f"{self.control.etcd}/v3/kv/"
        async with aiohttp.ClientSession(where, connector=connector) as etcd:
            done = 0
            for sample, uid in uids:
                copies = await self._copies(etcd, sample, uid, now)
                async with asyncio.TaskGroup() as group:
                    for _ in range(AT_ONCE):
                        group.create_task(_put_all(etcd, copies))
                done += counts(self.pods)[sample.stored]
                tell(f"  {done:,} after {time.monotonic() - began:.0f} s")
        self.control.start_api_server()
        tell(f"  the API server has read them after {time.monotonic() - began:.0f} s")

    async def _copies(
        self, etcd: aiohttp.ClientSession, sample: Sample, uid: str, seconds: int
    ) -> Iterator[tuple[bytes, bytes]]:
        """Take the sample out of etcd and return its copies."""
        key = f"/registry/{sample.stored}/{_place(sample)}".encode()
        found = await _call(etcd, "range", {"key": _coded(key)})
        stored = base64.b64decode(found["kvs"][0]["value"])
        await _call(etcd, "deleterange", {"key": _coded(key)})
        keys, values = parts(key, uid, seconds), parts(stored, uid, seconds)
        of_one = of_node if sample.per_pod < PER_VOLUME else names

        def made() -> Iterator[tuple[bytes, bytes]]:
            for number in range(counts(self.pods)[sample.stored]):
                put = {token: text.encode() for token, text in of_one(number).items()}
                put["time"] = varint(FIRST_TIME + number * 7 % 4_000_000)
                copied = copy(values, put)
                if len(copied) != len(stored):
                    message = f"a copy of {sample.stored} is longer or shorter than its sample"
                    raise RuntimeError(message)
                yield copy(keys, put), copied

        return made()


async def _client(server: str, context: Any) -> Api:  # noqa: ANN401 -- an SSL context
    return Api(server, context)


async def _create(api: Api, sample: Sample) -> str:
    """Create a sample, written by whoever writes it in life; return its uid."""
    made = await api.call("POST", _by(sample.collection, sample.created_by), sample.body)
    path = f"{sample.collection}/{sample.body['metadata']['name']}"
    for subresource, patch, writer in sample.writers:
        await api.call("PATCH", _by(f"{path}/{subresource}", writer), patch, MERGE_PATCH)
    uid: str = made["metadata"]["uid"]
    return uid


async def _put_all(etcd: aiohttp.ClientSession, copies: Iterator[tuple[bytes, bytes]]) -> None:
    while batch := list(islice(copies, IN_ONE_WRITE)):
        puts = [{"requestPut": {"key": _coded(k), "value": _coded(v)}} for k, v in batch]
        await _call(etcd, "txn", {"success": puts})


async def _call(etcd: aiohttp.ClientSession, method: str, body: Object) -> Object:
    async with etcd.post(method, json=body) as answer:
        answer.raise_for_status()
        found: Object = await answer.json()
        return found


def _coded(text: bytes) -> str:
    return base64.b64encode(text).decode()


def _place(sample: Sample) -> str:
    metadata = sample.body["metadata"]
    name: str = metadata["name"]
    return f"{metadata['namespace']}/{name}" if sample.namespaced else name


def _by(path: str, writer: str) -> str:
    return f"{path}?fieldManager={writer}"


def script(path: Path, program: Path, flag: str) -> Path:
    """Write a script that runs a program with one more flag, which has the last word."""
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(str(program))} "$@" {shlex.quote(flag)}\n')
    path.chmod(0o700)
    return path


def pods_asked() -> int:
    """Return how many pods to measure with: BENCH_PODS, or 100,000."""
    return int(os.environ.get("BENCH_PODS", "100000"))
