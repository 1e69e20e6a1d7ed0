"""What a thousand Remediations cost that wait: processor time, memory, and how late looks are.

A real API server whose etcd waits for the disk. Each record is about a node whose object is gone
and whose volume is attached to it still, which waits until Kubernetes has cleaned up; mode observe.
BENCH_WAITING=100 and BENCH_SECONDS=60 make it quick. Printed, not judged.
"""

from __future__ import annotations

import asyncio
import os
import time
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import pytest

from local import tools
from tests.bench.bench_intake import notifications, send
from tests.bench.figures import machine, processor_seconds, resident, tell
from tests.bench.remediator_run import RECORDS, DurableServer, RemediatorRun
from tests.intake.notifications import alert, body

if TYPE_CHECKING:
    from local.api import Api

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

WAITING = int(os.environ.get("BENCH_WAITING", "1000"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "300"))
PARTS = 5
FRESH = 20
AT_ONCE = 8
NAME = "waits"


async def volumes(api: Api, name: str, number: int) -> None:
    """Attach a volume to each node of these names."""
    rest = iter(range(number))

    async def some() -> None:
        for n in rest:
            await api.create("/api/v1/persistentvolumes", _volume(f"{name}-{n}"))
            where = "/apis/storage.k8s.io/v1/volumeattachments"
            await api.create(where, _attachment(f"{name}-{n}"))

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())


def _volume(node: str) -> dict[str, Any]:
    return {
        "metadata": {"name": f"pv-{node}"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": f"vol-{node}"},
        },
    }


def _attachment(node: str) -> dict[str, Any]:
    source = {"persistentVolumeName": f"pv-{node}"}
    return {
        "metadata": {"name": f"csi-{node}"},
        "spec": {"attacher": "ebs.csi.aws.com", "nodeName": node, "source": source},
    }


def test_a_thousand_that_wait() -> None:
    """Part by part, then new alerts on top, from their acknowledgement to the first call."""
    with DurableServer(tools.ensure(tell)) as server:
        assert server.api is not None
        server.run(volumes(server.api, NAME, WAITING), 900.0)
        server.run(volumes(server.api, "fresh", FRESH))
        with RemediatorRun(server) as run:
            sent = asyncio.run(send(f"{run.url}/webhook", notifications(NAME, WAITING, 10)))
            tell(f"\n{WAITING} records: {sent.told(WAITING)}; {machine()}")
            for part in range(PARTS):
                looks, spent = looked(run), processor_seconds(run.pid)
                began = time.monotonic()
                time.sleep(SECONDS / PARTS)
                passed = time.monotonic() - began
                looks, spent = looked(run) - looks, processor_seconds(run.pid) - spent
                tell(
                    f"  part {part + 1} of {PARTS}: processor {spent / passed * 100:3.0f} % of a"
                    f" core, resident {resident(run.pid):.0f} MiB, {looks / passed:.1f} looks/s:"
                    f" each of {WAITING} every {WAITING * passed / max(looks, 1):.0f} s;"
                    f" {late(server)} never looked at"
                )
            told = [fresh(server, run, number) for number in range(FRESH)]
            cuts = quantiles(told, n=100)
            tell(
                f"  a new alert beside them, until its first look is on record, {FRESH} times:"
                f" p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s"
            )


def looked(run: RemediatorRun) -> float:
    """Return how often the pods of a node were asked for: once a look at a node that is gone."""
    return run.metric("pvmedic_kube_requests_total", resource="pods")


def late(server: DurableServer) -> int:
    """Return how many records were never looked at."""
    return sum(1 for one in server.records() if not one.get("status", {}).get("history"))


def fresh(server: DurableServer, run: RemediatorRun, number: int) -> float:
    """Send one alert and return the seconds until its record says what a look saw."""
    before = {one["metadata"]["name"] for one in server.records()}
    began = time.monotonic()
    asyncio.run(send(f"{run.url}/webhook", [body(alert(node=f"fresh-{number}"))], 1))
    (made,) = {one["metadata"]["name"] for one in server.records()} - before
    while not server.call("GET", f"{RECORDS}/{made}").get("status", {}).get("history"):
        assert time.monotonic() - began < 120.0
        time.sleep(0.02)
    return time.monotonic() - began
