"""Reads a whole glusterd log as the exporter does, in a process of its own, and prints how it went.

`python -m tests.bench.log_run PATH`.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from datetime import UTC
from pathlib import Path

import msgspec

from exporter.observe.gluster_told import Told
from exporter.observe.log_file import NOWHERE
from exporter.observe.parse import gluster_log
from exporter.observe.tail import Tail
from tests.bench.figures import resident


class Run(msgspec.Struct):
    """How it went: seconds, counts, and after each look bytes behind and MiB of memory."""

    cpu: float
    wall: float
    lines: int
    unparsed: int
    kinds: dict[str, int]
    behind: list[int]
    memory: list[float]


def run(path: Path) -> Run:
    """Look until nothing is left, from the first line on."""
    tail, told = Tail([path], NOWHERE), Told()
    behind: list[int] = []
    memory: list[float] = []
    wall, cpu = time.perf_counter(), time.process_time()
    while not behind or behind[-1]:
        for lines in tail.pieces():
            told.take(gluster_log.scan(lines, UTC), time.time())
        behind.append(tail.behind)
        memory.append(resident(os.getpid()))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    log = told.seen("node", time.time())
    kinds = Counter({one.kind: one.count for one in log.locks})
    kinds["peer"] = sum(one.count for one in log.disconnects)
    kinds["brick"], kinds["start"] = log.brick_disconnects, log.starts
    some = {kind: count for kind, count in kinds.items() if count}
    return Run(cpu, wall, log.lines, log.unparsed, some, behind, memory)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(run(Path(sys.argv[1]))))
