"""Serves a hundred thousand series in a process of its own, and tells how its event loop fares.

`python -m tests.bench.scrape_server ours|theirs CHANGES`: CHANGES series change a second. It prints
its port, and then, for each line that it reads, the gaps of the loop since the line before:
longest and 99th percentile, in milliseconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.aiohttp import make_aiohttp_handler

from exporter.exposition import Exposition, Family, FamilyType, Sample
from exporter.kit.values import Address
from exporter.kit.web import About, Web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.kit.packing import Piece

FAMILIES = 20
SERIES = 5000
"""Of each family."""

HERE = "127.0.0.1"
TICK = 0.001
LABELS = ("namespace", "persistentvolumeclaim", "node", "driver", "reason", "since_source")


def labels(number: int) -> tuple[str, ...]:
    """Return the label values of a series: lengths as in a real cluster."""
    return (
        f"team-{number % 97}",
        f"data-postgres-cluster-{number}",
        f"ip-10-0-{number % 250}-{number % 31}.eu-central-1.compute.internal",
        "ebs.csi.aws.com",
        "FailedMount",
        "object",
    )


class Ours:
    """The exporter's store and web face."""

    def __init__(self) -> None:
        self._names = [f"pvmedic_bench_{index}_timestamp_seconds" for index in range(FAMILIES)]
        families = [Family(name, FamilyType.GAUGE, "Bench.", LABELS) for name in self._names]
        self._store = Exposition(families, limit=SERIES)

    def change(self, number: int) -> None:
        """Give one series another value."""
        family, series = divmod(number % (FAMILIES * SERIES), SERIES)
        sample = Sample(tuple(zip(LABELS, labels(series), strict=True)), 1.7e9 + number)
        self._store.put(self._names[family], series, [sample])

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Serve, and tell the port."""
        about = About("bench", "1", "bench", {})

        def pieces(openmetrics: bool) -> list[Piece]:  # noqa: FBT001 -- the web's own call
            return self._store.pieces(openmetrics=openmetrics)

        async with Web(Address(HERE, 0), about, pieces, str) as face:
            yield face.address.port


class Theirs:
    """prometheus_client's gauges and its own handler for aiohttp."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        names = [f"pvmedic_bench_{index}_timestamp_seconds" for index in range(FAMILIES)]
        self._gauges = [Gauge(name, "Bench.", LABELS, registry=self._registry) for name in names]

    def change(self, number: int) -> None:
        """Give one series another value."""
        family, series = divmod(number % (FAMILIES * SERIES), SERIES)
        self._gauges[family].labels(*labels(series)).set(1.7e9 + number)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Serve, and tell the port."""
        app = web.Application()
        app.router.add_get("/metrics", make_aiohttp_handler(self._registry))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, HERE, 0)
        await site.start()
        yield int(runner.addresses[0][1])
        await runner.cleanup()


async def run(served: Ours | Theirs, changes: float) -> None:
    """Serve until the input ends."""
    gaps: list[float] = []
    loop = asyncio.get_running_loop()
    async with served.serving() as port, asyncio.TaskGroup() as group:
        tasks = [group.create_task(_watch(gaps)), group.create_task(_change(served, changes))]
        print(port, flush=True)  # noqa: T201 -- to who started us
        while await loop.run_in_executor(None, sys.stdin.readline):
            found, gaps[:] = sorted(gaps) or [0.0], []
            print(found[-1] * 1e3, found[len(found) * 99 // 100] * 1e3, flush=True)  # noqa: T201 -- same
        for task in tasks:
            task.cancel()


async def _watch(gaps: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(TICK)
        gaps.append(time.perf_counter() - began - TICK)


async def _change(served: Ours | Theirs, changes: float) -> None:
    number, done, began = 0, 0, time.perf_counter()
    while changes:
        await asyncio.sleep(0.01)
        due = int((time.perf_counter() - began) * changes)
        for _ in range(due - done):
            number += 7919  # a prime, so that changes are everywhere
            served.change(number)
        done = due


def main() -> None:
    """Fill and serve."""
    served = Ours() if sys.argv[1] == "ours" else Theirs()
    for number in range(FAMILIES * SERIES):
        served.change(number)
    asyncio.run(run(served, float(sys.argv[2])))


if __name__ == "__main__":
    main()
