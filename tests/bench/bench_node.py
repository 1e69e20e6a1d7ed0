"""What the role `node` costs on each node, and how it answers while what it looks at hangs.

On a node with nothing, on one of a real GlusterFS pool, and with a `gluster` that knows 5,500
volumes; beside Prometheus' node_exporter and a Python that has only imported aiohttp, in the same
minutes. BENCH_SECONDS is a window, and how often glusterd is asked in it; BENCH_VOLUMES the number
of volumes. It needs root. Printed, not judged, but for what may not be: a hang must hold no scrape.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import urllib.request
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
import pytest

from exporter.observe.kube.reviews import ACCESS, TOKENS
from local import namespaces, tools
from local.gluster import GlusterPool
from local.processes import Processes, free_ports
from local.run_directory import RunDirectory
from tests.bench import node_run
from tests.bench.figures import (
    machine,
    own_memory,
    percentile,
    processor_seconds,
    resident,
    spread,
    tell,
)
from tests.bench.node_run import NodeRun
from tests.edges.fake_api_server import FakeApiServer
from tests.edges.test_reviews import ALLOWED, KNOWN
from tests.filesystems.mounted import needs_fuse
from tests.kit.authority import Authority
from tests.kit.served import client

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

WINDOWS = 3
SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
VOLUMES = int(os.environ.get("BENCH_VOLUMES", "5500"))
EVERY = f"{SECONDS:g}s"
SCRAPED_EVERY = 15.0
MEMORY_AIM, LOAD_AIM = 50, 0.5
RATE = 10.0
"""Scrapes a second while something hangs."""
ASKED = 20
"""Questions for everything, one after the other."""
CALLERS = 1000
WAITS = "import aiohttp, time; time.sleep(36000)"

pytestmark = [
    pytest.mark.timeout(1200),
    pytest.mark.skipif(bool(namespaces.why_not()), reason=f"a pool: {namespaces.why_not()}"),
]


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Start processes that end with the test."""
    run = RunDirectory.create()
    found = Processes(run)
    yield found
    found.end_all()
    run.close(keep_logs=False)


@pytest.fixture
def pool() -> Iterator[GlusterPool]:
    """A real pool with two volumes."""
    with GlusterPool.start(tools.ensure_gluster(print)) as pool:
        pool.create("rep3", "replica", "3")
        pool.create("arb", "replica", "3", "arbiter", "1")
        yield pool


def test_at_rest(processes: Processes, pool: GlusterPool, tmp_path: Path) -> None:
    """Print memory and processor time of each, in windows with one look at glusterd each."""
    a, *_ = pool.nodes
    many = f"{VOLUMES:,} volumes"
    runs = {
        "nothing here": NodeRun(processes, tmp_path, "nothing"),
        "a real glusterd": node_run.on_pool(processes, pool, "real", a),
        many: node_run.scripted(processes, tmp_path, "many", VOLUMES),
    }
    runs["nothing here"].start(gluster={"every": EVERY})
    runs["a real glusterd"].start(gluster={"every": EVERY})
    runs[many].start(gluster=node_run.of_script(tmp_path, "many", EVERY))
    (port,) = free_ports(1)
    other = processes.start(
        "node_exporter",
        [tools.ensure_node_exporter(print), f"--web.listen-address=127.0.0.1:{port}"],
    )
    other.wait_ready(lambda: node_run.answers(f"http://127.0.0.1:{port}/metrics"), 30)
    python = processes.start("python", [sys.executable, "-c", WAITS])
    urls = [f"http://127.0.0.1:{port}/metrics", *(f"{run.url}/metrics" for run in runs.values())]

    figures = {name: (partial(cpu_of, run), partial(memory_of, run)) for name, run in runs.items()}
    for name, child in (("node_exporter", other), ("with aiohttp", python)):
        pid = child.process.pid
        figures[name] = (partial(processor_seconds, pid), partial(resident, pid))
    load: dict[str, list[float]] = {name: [] for name in figures}
    memory: dict[str, list[float]] = {name: [] for name in figures}
    wait(urls)  # what starting costs is over by then
    for _ in range(WINDOWS):
        before = {name: cpu() for name, (cpu, _) in figures.items()}
        began = time.monotonic()
        wait(urls)
        took = time.monotonic() - began
        for name, (cpu, held) in figures.items():
            load[name].append((cpu() - before[name]) / took * 100)
            memory[name].append(held())
    tell(f"\nrole node at rest, {WINDOWS} windows of {SECONDS:g} s: min, median, max. {machine()}")
    tell(f"  glusterd is asked every {SECONDS:g} s, all are scraped every {SCRAPED_EVERY:g} s")
    for name, values in memory.items():
        aim = f"; aim {MEMORY_AIM}" if name in runs else ""
        tell(f"  {name:<18}{spread(values, f'MiB{aim}')}")
    for name, values in load.items():
        aim = f"; aim {LOAD_AIM:g}" if name in runs else ""
        tell(f"  {name:<18}{spread(values, f'% of a core{aim}')}")
    for name, run in runs.items():
        tell(f"  {name:<18}{own_memory(run.pid):8.2f} MiB that it shares with no other process")


@needs_fuse
def test_scrapes_while_things_hang(processes: Processes, pool: GlusterPool) -> None:
    """Print latencies of a node that is well, then with a hung mount and a frozen glusterd."""
    node, *_ = pool.nodes
    run = node_run.on_pool(processes, pool, "hangs", node)
    # A look begins as soon as the one before it has been given up.
    run.start(gluster={"every": "2s", "timeout": "1500ms"})
    well = [scraped(run.url) for _ in range(WINDOWS)]
    point = "/client/pods/1/volumes/kubernetes.io~csi/pv/mount"
    words = [sys.executable, "-m", "tests.bench.node_run", point]
    with subprocess.Popen(
        node.space.command(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"hangs\n"
        node.freeze()
        try:
            pool.wait("both hang", lambda: both_hang(run.url), 90)
            hung = [scraped(run.url) for _ in range(WINDOWS)]
            assert both_hang(run.url)
        finally:
            node.thaw()
            holder.stdin.close()
    tell(f"\nscrapes of the role node, {RATE:g} a second, {WINDOWS} windows: min, median, max.")
    tell(f"  glusterd is asked every 2 s, for 1.5 s. {machine()}")
    for name, windows in (("well", well), ("mount and glusterd hang", hung)):
        for percent in (50, 99):
            values = [percentile(one, percent) for one in windows]
            tell(f"  {name:<26}p{percent}{spread(values, 'ms')}")
    assert min(percentile(one, 99) for one in hung) < 1000


def test_facts(processes: Processes, tmp_path: Path) -> None:
    """Print how long callers wait who ask for a little, for all, and a thousand at once."""
    authority = Authority(tmp_path)
    pair, web = authority.issue("node"), tmp_path / "web.yaml"
    web.write_text(f"tls_server_config: {{cert_file: {pair.certificate}, key_file: {pair.key}}}\n")
    server = FakeApiServer(tmp_path)
    server.json(TOKENS, KNOWN, 201)
    server.json(ACCESS, ALLOWED, 201)
    run = node_run.scripted(processes, tmp_path, "facts", VOLUMES)
    gluster = node_run.of_script(tmp_path, "facts", EVERY)
    tls = client(authority.certificate)

    async def measured() -> None:
        async with server.api():
            where = {"server": server.url, "service_account_directory": str(tmp_path)}
            await asyncio.to_thread(run.start, web, gluster=gluster, kubernetes=where)
            await until_told(run.url, tls)
            before = run.memory
            little = await timed_at_rate(f"{run.url}/facts?kind=glusterd", tls)
            whole = [await asked(f"{run.url}/facts", tls) for _ in range(ASKED)]
            spent, began = run.cpu, time.perf_counter()
            crowd = await asyncio.gather(
                *(asked(f"{run.url}/facts?kind=glusterd", tls) for _ in range(CALLERS))
            )
            took, spent = time.perf_counter() - began, run.cpu - spent
        tell(f"\nfacts of a node of {VOLUMES:,} volumes, over TLS, new connections. {machine()}")
        tell("  callers and the API server are one process of Python on the same machine")
        for name, values in (("glusterd", little), ("everything", whole), ("a crowd", crowd)):
            waits, size = [one for one, _ in values], max(size for _, size in values)
            tell(
                f"  {name:<12}{len(waits):5d} questions: p50 {percentile(waits, 50):8.1f} ms"
                f"  p99 {percentile(waits, 99):8.1f} ms  {size / 1e3:8.1f} kB each"
            )
        tell(f"  {CALLERS} at once took {took:.1f} s, {spent:.1f} s of the node's processor time")
        tell(f"  memory: {before:.1f} MiB before, {run.memory:.1f} MiB after")

    asyncio.run(measured())


def cpu_of(run: NodeRun) -> float:
    """Return its processor time so far, in seconds."""
    return run.cpu


def memory_of(run: NodeRun) -> float:
    """Return its memory now, in MiB."""
    return run.memory


def wait(urls: list[str]) -> None:
    """Let one window pass, scraping as Prometheus does."""
    end = time.monotonic() + SECONDS
    due = time.monotonic()
    while due < end:
        for url in urls:
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 -- loopback
                answer.read()
        due += SCRAPED_EVERY
        time.sleep(max(0.0, min(due, end) - time.monotonic()))


def scraped(url: str) -> list[float]:
    """Return latencies of scrapes at fixed times, in milliseconds, counted from when due."""
    return [wait for wait, _ in asyncio.run(timed_at_rate(f"{url}/metrics", None))]


async def timed_at_rate(url: str, tls: ssl.SSLContext | None) -> list[tuple[float, int]]:
    """Ask at fixed times for a third of a window."""
    began = time.perf_counter()
    tasks = []
    for number in range(int(max(SECONDS / 3, 1) * RATE)):
        due = began + number / RATE
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(asked(url, tls, due)))
    return await asyncio.gather(*tasks)


async def asked(
    url: str, tls: ssl.SSLContext | None, due: float | None = None
) -> tuple[float, int]:
    """Ask once, on a connection of its own; return milliseconds and the answer's size."""
    began = time.perf_counter() if due is None else due
    timeout = aiohttp.ClientTimeout(total=120)
    headers = {"Authorization": "Bearer t"}
    async with (
        aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
        session.get(url, ssl=tls if tls is not None else True, headers=headers) as answer,
    ):
        body = await answer.read()
        assert answer.status == 200, body[:200]
    return (time.perf_counter() - began) * 1e3, len(body)


async def until_told(url: str, tls: ssl.SSLContext) -> None:
    """Wait until the node has looked, which is when it tells much."""
    async with asyncio.timeout(node_run.READY_SECONDS):
        while True:
            try:
                _, size = await asked(f"{url}/facts?kind=glustervolumes", tls)
            except aiohttp.ClientError:
                size = 0
            if size > VOLUMES * 100:
                return
            await asyncio.sleep(0.1)


def both_hang(url: str) -> bool:
    """Say whether the exporter sees that both do."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:  # noqa: S310 -- loopback
        text = answer.read().decode()
    return 'reason="Hung"' in text and "pvmedic_glusterd_unresponsive_since" in text
