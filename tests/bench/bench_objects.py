"""What a large cluster costs the exporter: memory, processor time, time to ready, and changes.

Against a real API server with 100,000 pods, claims and volumes and 20,000 attachments; streaming
lists, and pages from the same server without them. Beside it the usual client, which lists a tenth
of them. BENCH_PODS=2000 makes it quick. Printed, not judged.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from local import tools
from tests.bench.exporter_run import ROOT, ExporterRun
from tests.bench.figures import machine, spread, tell
from tests.bench.seeded import SeededServer, counts, pods_asked

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3000)]

RUNS = 3
AIM_CPU, AIM_MEMORY = 10.0, 350.0
RATE, SECONDS = 1000.0, 20.0
OF_CLIENT = 10
"""The client lists one of so many objects: it would need minutes and gigabytes for all."""
PER = 10_000
ready: dict[str, list[tuple[float, float, float]]] = {}


@pytest.fixture(scope="module")
def server() -> Iterator[SeededServer]:
    """One filled server for all measurements here."""
    with SeededServer(tools.ensure(tell), pods_asked()) as server:
        yield server


@pytest.mark.parametrize("how", ["streaming", "pages"])
def test_from_nothing_to_ready(server: SeededServer, how: str) -> None:
    """Processor time, wall time and peak memory until every detector has judged everything."""
    server.control.restart(streams=how == "streaming")
    total = sum(counts(server.pods).values())
    tell(f"\n{how}: {total:,} objects, {RUNS} runs: min, median, max. {machine()}")
    found = []
    for _ in range(RUNS):
        with ExporterRun(server) as run:
            run.rest()
            found.append((run.cpu, run.wall, run.peak))
    ready[how] = found
    cpu, wall, memory = (list(column) for column in zip(*found, strict=True))
    tell(f"  processor time {spread(cpu, f's; aim {AIM_CPU:g} for 320,000 objects')}")
    tell(f"  time to ready  {spread(wall, 's')}")
    tell(f"  peak memory    {spread(memory, f'MiB; aim {AIM_MEMORY:g}')}")
    share = PER / total
    each = spread([value * share for value in cpu], "s")
    tell(f"  processor time for {PER:,} objects {each}")


def test_beside_the_usual_client(server: SeededServer) -> None:
    """The same objects through kubernetes.aio, as far as patience goes."""
    most = max(1, server.pods // OF_CLIENT)
    command = [sys.executable, "-m", "tests.bench.typed_client"]
    done = subprocess.run(
        [*command, str(server.control.kubeconfig), str(most)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(done.stdout)
    share = PER / theirs["objects"]
    tell(f"\nkubernetes.aio, {theirs['objects']:,} objects, for {PER:,} of them:")
    tell(f"  processor time {theirs['cpu'] * share:8.2f} s")
    tell(f"  memory         {theirs['memory'] * share:8.2f} MiB beyond its imports")
    for how, runs in ready.items():
        ours = sorted(cpu for cpu, _, _ in runs)[len(runs) // 2] * PER
        ratio = ours / sum(counts(server.pods).values()) / (theirs["cpu"] * share)
        tell(f"  {how}: our processor time is {ratio:.3f} of its")


def test_a_thousand_changes_a_second(server: SeededServer) -> None:
    """Half of them of what is read, half not, from a process of its own."""
    with ExporterRun(server) as run:
        run.rest()
        before, began = run.cpu, time.monotonic()
        command = [sys.executable, "-m", "tests.bench.changing"]
        where = [server.control.server, str(server.account)]
        numbers = [str(server.pods), str(RATE), str(SECONDS)]
        done = subprocess.run(
            [*command, *where, *numbers],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'deploy'}"},
            capture_output=True,
            text=True,
            check=True,
        )
        passed = time.monotonic() - began
        run.rest()
        spent, made = run.cpu - before, int(done.stdout)
        tell(f"\n{made / passed:.0f} changes a second for {passed:.0f} s. {machine()}")
        tell(f"  processor time {spent / made * 1e6:.0f} us a change")
        tell(f"  at {RATE:.0f} a second: {spent / made * RATE * 100:.0f} % of a core")
        tell(f"  peak memory {run.peak:.0f} MiB")
