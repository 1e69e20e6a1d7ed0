"""What reading a glusterd's state file costs as the pool grows, beside the usual reader of such.

Volumes of three bricks, seed 003's 5,500 of them and a tenth. configparser only splits the lines;
we also make volumes of them. BENCH_VOLUMES is the largest number. Printed, not judged.
"""

from __future__ import annotations

import configparser
import os
import time
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

import pytest

from exporter.observe.parse.gluster_state import State, state
from tests.bench.figures import MEBIBYTE, machine, spread, tell
from tests.observe.gluster_made import state_file

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.timeout(600)

VOLUMES = int(os.environ.get("BENCH_VOLUMES", "5500"))
RUNS = 5
AIM_SECONDS = 1.0


def test_reading_a_state_file() -> None:
    """Print processor time and peak memory of both readers at each size."""
    tell(f"\nget-state: min, median, max of {RUNS}. {machine()}")
    for volumes in (VOLUMES // 10, VOLUMES):
        body = state_file(f"vol_{number:032x}" for number in range(volumes))
        tell(f"  {volumes:,} volumes of 3 bricks, {len(body) / MEBIBYTE:.1f} MiB")
        ours = [spent(partial(ours_reads, body, volumes)) for _ in range(RUNS)]
        theirs = [spent(partial(theirs_reads, body)) for _ in range(RUNS)]
        tell(f"    ours          {spread(ours, f's; aim {AIM_SECONDS:g} for 5,500 volumes')}")
        tell(f"    configparser  {spread(theirs, 's')}")
        mine, other = peak(partial(ours_reads, body, volumes)), peak(partial(theirs_reads, body))
        tell(f"    peak memory beside the file: ours {mine:.1f}, configparser {other:.1f} MiB")
        tell(f"    our time is {min(ours) / min(theirs):.3f} of its, our memory {mine / other:.3f}")


def ours_reads(body: bytes, volumes: int) -> object:
    """Read all of it into volumes and bricks."""
    found = state(body, "n1")
    assert isinstance(found, State)
    assert len(found.volumes) == volumes
    return found


def theirs_reads(body: bytes) -> object:
    """Split it into keys and values."""
    reader = configparser.RawConfigParser(delimiters=(":",), strict=False)
    reader.read_string(body.decode())
    assert "Volumes" in reader
    return reader


def spent(work: Callable[[], object]) -> float:
    """Return the processor time that some work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def peak(work: Callable[[], object]) -> float:
    """Return the most memory that some work has at once, what it returns included, in MiB."""
    tracemalloc.start()
    try:
        kept = work()
        return tracemalloc.get_traced_memory()[1] / MEBIBYTE if kept else 0.0
    finally:
        tracemalloc.stop()
