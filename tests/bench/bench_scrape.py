"""A scrape of 100,000 series, gzip, beside prometheus_client's own handler. Printed, not judged.

Scrapes are due at fixed times, ours ten a second, and their latency counts from when they were due:
who falls behind shows it. The server is a process of its own; the gaps of its event loop without
any scrape are the machine's noise.
"""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from tests.bench.figures import machine, percentile, processor_seconds, resident, tell

pytestmark = [pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
SECONDS = 10
RATES = {"ours": 10.0, "theirs": 0.2}
"""Scrapes a second. Theirs needs more than a second of CPU for each: at ten a second it falls
behind until there is no memory left, and what is measured is the queue.
"""

CHANGES = (0, 1000)
AIM = 10.0
SERIES = b"pvmedic_bench_"


@pytest.mark.parametrize("changes", CHANGES)
def test_scrape(changes: int) -> None:
    """Measure each in turn, in the same minute."""
    tell(f"\nscrape of 100,000 series, gzip, {SECONDS} s, {changes} changes a second. {machine()}")
    latencies = {name: measure(name, rate, changes) for name, rate in RATES.items()}
    ratio = percentile(latencies["ours"], 50) / percentile(latencies["theirs"], 50)
    tell(f"  ratio of the medians, ours at 10 a second to theirs at one in 5 s: {ratio:.3f}")


def measure(name: str, rate: float, changes: int) -> list[float]:
    """Serve, scrape, print, and return the latencies in milliseconds."""
    command = [sys.executable, "-m", "tests.bench.scrape_server", name, str(changes)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/metrics"
        first, size = asyncio.run(scrape(url))
        gaps(server)
        asyncio.run(idle())
        noise, _ = gaps(server)
        before = processor_seconds(server.pid)
        found = asyncio.run(scrapes(url, rate))
        cpu = (processor_seconds(server.pid) - before) / max(len(found), 1)
        stall, usual = gaps(server)
        memory = resident(server.pid)
        server.stdin.close()
        server.wait(30)
    tell(
        f"  {name:<8}{len(found):4d} scrapes: p50 {percentile(found, 50):8.1f} ms"
        f"  p99 {percentile(found, 99):8.1f} ms  first {first:7.1f} ms  {size / 1e6:.2f} MB"
        f"  CPU {cpu * 1e3:7.1f} ms each  {memory:4.0f} MiB"
    )
    tell(
        f"  {'':<8}event loop: longest gap {stall:7.1f} ms (aim {AIM:g}), p99 {usual:5.1f} ms,"
        f" longest without scrapes {noise:5.1f} ms"
    )
    return found


async def scrapes(url: str, rate: float) -> list[float]:
    """Scrape at fixed times, and give up on what has not come long after the end."""
    began = time.perf_counter()
    tasks = []
    for number in range(max(int(SECONDS * rate), 1)):
        due = began + number / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.ensure_future(scrape(url, due)))
    done, late = await asyncio.wait(tasks, timeout=60)
    for task in late:
        task.cancel()
    return sorted(task.result()[0] for task in done)


async def scrape(url: str, due: float | None = None) -> tuple[float, int]:
    """Return how long one scrape took in milliseconds, and its size."""
    began = time.perf_counter() if due is None else due
    headers = {"Accept-Encoding": "gzip"}
    timeout = aiohttp.ClientTimeout(total=120)
    async with (
        aiohttp.ClientSession(auto_decompress=False, timeout=timeout) as session,
        session.get(url, headers=headers) as answer,
    ):
        body = await answer.read()
    took = (time.perf_counter() - began) * 1e3
    if due is None:
        assert gzip.decompress(body).count(b"\n" + SERIES) == 100_000
    return took, len(body)


async def idle() -> None:
    """Let some seconds pass without a scrape."""
    await asyncio.sleep(3)


def gaps(server: subprocess.Popen[str]) -> tuple[float, float]:
    """Return the longest gap of the server's loop since the last time, and the 99th percentile."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write("\n")
    server.stdin.flush()
    longest, usual = server.stdout.readline().split()
    return float(longest), float(usual)
