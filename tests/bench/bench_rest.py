"""Memory and processor time of each program at rest, beside peers of the same minutes.

Peers: a bare Python process, one that has imported the usual Kubernetes client, and Prometheus and
Alertmanager, which do their own work. Printed, not judged.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.bench.figures import machine, processor_seconds, resident, spread, tell

if TYPE_CHECKING:
    from demo.line import Line

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

WINDOWS = 3
SECONDS = 30.0
AIM = 60
PEERS = {
    "bare Python": "import sys;",
    "with aiohttp": "import aiohttp;",
    "with kubernetes": "import kubernetes;",
    "with kubernetes.aio": "import kubernetes.aio.client;",
}
WAITS = "import time; time.sleep(3600)"


def test_at_rest(line: Line) -> None:
    """Measure some windows of the same length, print min, median and max of each program."""
    programs = ("exporter", "remediator", "prometheus", "alertmanager")
    pids = {name: line.child(name).process.pid for name in programs}
    for name, imports in PEERS.items():
        command = [sys.executable, "-c", imports + WAITS]
        pids[name] = line.cluster.processes.start(name.replace(" ", "-"), command).process.pid
    memory: dict[str, list[float]] = {name: [] for name in pids}
    load: dict[str, list[float]] = {name: [] for name in pids}
    pause(line)  # what starting costs is over by then
    for _ in range(WINDOWS):
        before = {name: processor_seconds(pid) for name, pid in pids.items()}
        pause(line)
        for name, pid in pids.items():
            load[name].append((processor_seconds(pid) - before[name]) / SECONDS * 100)
            memory[name].append(resident(pid))
    tell(f"\nat rest, {WINDOWS} windows of {SECONDS:g} s: min, median, max. {machine()}")
    tell("  scraped every second, the demo's pace; three nodes, no workload")
    for name in pids:
        ours = f"; aim {AIM}" if name in ("exporter", "remediator") else ""
        tell(f"  {name:<20}{spread(memory[name], 'MiB' + ours)}")
    for name in pids:
        tell(f"  {name:<20}{spread(load[name], '% of a core')}")


def pause(line: Line) -> None:
    """Let one window pass."""
    end = time.monotonic() + SECONDS
    line.cluster.wait("the window's end", lambda: time.monotonic() >= end, SECONDS * 2)
