"""What the webhook takes: distinct alerts a second, how long an acknowledgement takes, repetitions.

A real API server, and an etcd that waits for the disk. Beside it adnanh/webhook, whose hook writes
one file for each alert and waits for the disk as well. BENCH_ALERTS=300 makes it quick. Printed,
not judged.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from statistics import quantiles
from typing import TYPE_CHECKING

import aiohttp
import pytest

from local import tools
from local.processes import free_ports, listening
from remediator.intake import AT_ONCE
from tests.bench.figures import machine, processor_seconds, resident, tell
from tests.bench.remediator_run import RECORDS, TOKEN, DurableServer, RemediatorRun
from tests.intake.notifications import alert, body
from tests.story.objects import SIGNAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from local.api import Api

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

GROUPS = (1, 10, 100)
ALERTS = int(os.environ.get("BENCH_ALERTS", "3000"))
IN_FLIGHT = 64
RATE = 100.0
AIM_RATE, AIM_P99, AIM_OF_FLOOR = 500, 100, 0.8
FLOOR = 1000
"""Creates that tell the floor beside each measurement, at most."""
AGAIN = 0.5
"""Seconds after which Alertmanager sends again what got a 503, at first."""

HOOK = """#!/bin/sh
# $1: the payload, $2: where to, $3: how many alerts it has
for i in $(seq "$3"); do
  printf %s "$1" | dd of="$(mktemp "$2/XXXXXXXXXX")" conv=fsync status=none || exit 1
done
"""


class Answers:
    """How long each took, and how many were told to come again."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self.again = 0
        self.seconds = 0.0

    def told(self, alerts: int) -> str:
        """Return it as one line."""
        cuts = quantiles(self.took, n=100) if len(self.took) > 1 else self.took * 99
        return (
            f"{alerts / self.seconds:7.0f} alerts/s; acknowledged p50 {cuts[49] * 1e3:7.1f} ms,"
            f" p99 {cuts[98] * 1e3:7.1f} ms; told to come again {self.again}"
        )


def notifications(name: str, number: int, size: int) -> list[bytes]:
    """Return so many alerts, each of its own node, in groups of a size."""
    return [
        body(*(alert(node=f"{name}-{n}") for n in range(first, first + size)))
        for first in range(0, number, size)
    ]


async def send(
    url: str, bodies: Sequence[bytes], in_flight: int = IN_FLIGHT, rate: float = 0.0
) -> Answers:
    """Send all, as fast as so many connections can, or so many a second; again what got a 503."""
    found = Answers()
    rest = iter(enumerate(bodies))
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    began = time.monotonic()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def one() -> None:
            for number, data in rest:
                if rate:
                    await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                while True:
                    sent = time.monotonic()
                    async with session.post(url, data=data) as answer:
                        await answer.read()
                    if answer.status == 200:
                        found.took.append(time.monotonic() - sent)
                        break
                    assert answer.status == 503, answer.status
                    found.again += 1
                    await asyncio.sleep(AGAIN)

        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(one())
    found.seconds = time.monotonic() - began
    return found


async def create(api: Api, name: str, number: int, in_flight: int) -> Answers:
    """Make so many records and nothing else: no intake is faster than this."""
    found = Answers()
    rest = iter(range(number))

    async def one() -> None:
        for n in rest:
            spec = {"signal": SIGNAL, "subject": {"node": f"{name}-{n}"}, "subjectText": "x"}
            record = {
                "apiVersion": "pvmedic.dev/v1alpha1",
                "kind": "Remediation",
                "metadata": {"name": f"{name}-{n}"},
                "spec": {**spec, "episode": 1},
            }
            sent = time.monotonic()
            await api.create(RECORDS, record)
            found.took.append(time.monotonic() - sent)

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(one())
    found.seconds = time.monotonic() - began
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[DurableServer]:
    """One API server for all measurements here."""
    with DurableServer(tools.ensure(tell)) as server:
        yield server


@pytest.mark.parametrize("in_flight", [8, 64])
def test_the_floor(server: DurableServer, in_flight: int) -> None:
    """What this API server and this etcd do for a client that only creates."""
    assert server.api is not None
    name = f"floor-{in_flight}"
    found: Answers = server.run(create(server.api, name, ALERTS, in_flight), 600.0)
    tell(f"\nthe floor, {in_flight} creates in flight: {found.told(ALERTS)}; {machine()}")


@pytest.mark.parametrize("leads", [False, True], ids=["another replica leads", "it leads"])
def test_distinct_alerts_and_repetitions(server: DurableServer, leads: bool) -> None:  # noqa: FBT001 -- the case
    """Where it leads, its engine looks at each new record at the same time."""
    server.led_by_another(not leads)
    who = "leader" if leads else "follower"
    tell(f"\n{'it leads' if leads else 'another replica leads'}; {machine()}")
    for size in GROUPS:
        assert server.api is not None
        # Beside each of ours, so that both have the same etcd and the same load of the machine.
        bare = create(server.api, f"floor-{who}-{size}", min(ALERTS, FLOOR), AT_ONCE)
        floor: Answers = server.run(bare, 600.0)
        with RemediatorRun(server) as run:
            url, name = f"{run.url}/webhook", f"{who}-{size}"
            puts, fsyncs = writes(server)
            bodies = notifications(name, ALERTS, size)
            spent = processor_seconds(run.pid)
            fast = asyncio.run(send(url, bodies))
            spent = processor_seconds(run.pid) - spent
            more, synced = (
                now - then for now, then in zip(writes(server), (puts, fsyncs), strict=True)
            )
            tell(f"  groups of {size:3}: {fast.told(ALERTS)}; aim {AIM_RATE} alerts/s")
            least = min(ALERTS, FLOOR) / floor.seconds
            tell(
                f"    the floor just before, {AT_ONCE} creates in flight: {least:.0f}/s; ours is"
                f" {ALERTS / fast.seconds / least:.2f} of it, aim {AIM_OF_FLOOR}"
            )
            tell(
                f"    processor {spent / ALERTS * 1e3:.2f} ms an alert, resident"
                f" {resident(run.pid):.0f} MiB; etcd {more / ALERTS:.2f} puts and"
                f" {synced / ALERTS:.2f} fsyncs an alert"
            )
            again = asyncio.run(send(url, bodies))
            tell(f"    repeated:     {again.told(ALERTS)}")
            paced = notifications(f"{name}-paced", min(ALERTS, 2000), size)
            calm = asyncio.run(send(url, paced, rate=RATE / size))
            tell(
                f"    at {RATE:.0f} a second: {calm.told(len(paced) * size)}; aim p99 {AIM_P99} ms"
            )


def writes(server: DurableServer) -> tuple[float, float]:
    """Return how often etcd has put a key, and waited for the disk."""
    fsyncs = server.etcd("etcd_disk_wal_fsync_duration_seconds_count")
    return server.etcd("etcd_mvcc_put_total"), fsyncs


def test_nothing_was_lost_and_nothing_is_there_twice(server: DurableServer) -> None:
    """Of all that was sent above."""
    records = [one for one in server.records() if "floor" not in one["metadata"]["name"]]
    found = [json.dumps(one["spec"]["subject"]) for one in records]
    tell(f"\n{len(found)} records, {len(set(found))} subjects")
    sizes = sorted(len(json.dumps(one)) for one in records)
    tell(f"  bytes of a record as JSON: median {sizes[len(sizes) // 2]}, largest {sizes[-1]}")
    assert len(found) == len(set(found)) == 2 * len(GROUPS) * (ALERTS + min(ALERTS, 2000))


@pytest.mark.parametrize("size", GROUPS)
def test_beside_adnanh_webhook(server: DurableServer, size: int) -> None:
    """A process for each notification, a file for each alert, and the disk waited for."""
    directory = server.directory / f"hook-{size}"
    (directory / "files").mkdir(parents=True)
    hook = directory / "hook.sh"
    hook.write_text(HOOK)
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    (port,) = free_ports(1)
    passed = [
        {"source": "entire-payload"},
        {"source": "string", "name": str(directory / "files")},
        {"source": "string", "name": str(size)},
    ]
    settings = {
        "id": "alert",
        "execute-command": str(hook),
        "include-command-output-in-response": True,
        "pass-arguments-to-command": passed,
    }
    (directory / "hooks.json").write_text(json.dumps([settings]))
    program = tools.ensure_adnanh_webhook(tell)
    child = server.processes.start(
        "webhook",
        [program, "-hooks", directory / "hooks.json", "-ip", "127.0.0.1", "-port", str(port)],
    )
    child.wait_ready(lambda: listening(port), 20.0)
    number = max(1, ALERTS // 3 // size) * size
    url = f"http://127.0.0.1:{port}/hooks/alert"
    fast = asyncio.run(send(url, notifications("hook", number, size)))
    paced = notifications("hook-paced", number, size)
    calm = asyncio.run(send(url, paced, rate=RATE / size))
    child.kill()
    tell(f"\nadnanh/webhook, groups of {size:3}: {fast.told(number)}")
    tell(f"    at {RATE:.0f} a second: {calm.told(number)}")
    kept = sum(1 for _ in (directory / "files").iterdir())
    tell(f"    {kept} files for {2 * number} alerts")
