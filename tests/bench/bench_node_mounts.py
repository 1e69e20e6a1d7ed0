"""What looking at a node's mounts costs: 10,000 real ones, a hung one, and the worker that asks.

The many are bind mounts in a mount namespace of their own, where this file runs again as a program.
BENCH_MOUNTS is how many. It needs root. Printed, not judged, but for what may not be: a hung mount
must not hold the event loop, and so no scrape.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.observe.kernel_log import KernelLog
from exporter.observe.model import Mount, MountCount
from exporter.observe.mounts import Mounts, Places
from exporter.observe.parse import mountinfo
from exporter.observe.statfs import Statfs
from exporter.observe.volumes import Volumes
from local import fuse_mount
from tests.bench.figures import MEBIBYTE, machine, own_memory, resident, spread, tell
from tests.filesystems.mounted import Api, needs_fuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.observe.model import Object

MOUNTS = int(os.environ.get("BENCH_MOUNTS", "10000"))
USUAL = 150
"""Mounts of a busy node: a hundred pods, some with claims."""
RUNS = 5
LOOK_EVERY_SECONDS = 15.0
_BIND = 4096


@needs_fuse
@pytest.mark.timeout(300)
def test_many_mounts(tmp_path: Path) -> None:
    """Print what a look at a usual node's mounts costs, and at very many."""
    tell(f"\nMounts of a node: min, median, max of {RUNS}. {machine()}")
    for count in (USUAL, MOUNTS):
        command = ["unshare", "--mount", "--propagation", "private", sys.executable, __file__]
        folder = tmp_path / str(count)
        done = subprocess.run(
            [*command, str(folder), str(count)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert done.returncode == 0, done.stderr
        tell(done.stdout.rstrip())


@needs_fuse
def test_a_hung_mount_holds_nobody_but_its_worker(tmp_path: Path) -> None:
    """Print how late the event loop is while a mount hangs: a scrape waits no longer than that."""
    seconds = 3.0
    table = tmp_path / "mountinfo"
    point = tmp_path / "pods/1/volumes/kubernetes.io~csi/pv/mount"
    with fuse_mount.hung(point):
        ours = [
            line
            for line in Path("/proc/self/mountinfo").read_bytes().splitlines(keepends=True)
            if bytes(point) in line
        ]
        table.write_bytes(b"".join(ours))
        statfs = Statfs(seconds)
        mounts = Mounts("a", Volumes(Api()), Places(mountinfo=table), statfs)
        found, late = asyncio.run(_looked_beside_a_clock(mounts))
        statfs.rest()
    assert [one.problem for one in found if isinstance(one, Mount)] == ["Hung"]
    late.sort()
    p99 = late[int(len(late) * 0.99)]
    tell(f"\n  a hung mount, given up after {seconds:g} s: the event loop is late by")
    tell(f"    p50 {late[len(late) // 2] * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms, of {len(late):,}")
    assert p99 < 0.1


@pytest.mark.skipif(not os.access("/dev/kmsg", os.R_OK), reason="/dev/kmsg cannot be read")
def test_the_kernel_log() -> None:
    """Print what the first look at the kernel's log costs, and a later one."""
    log = KernelLog("a", Path("/dev/kmsg"), time.time, time.monotonic)
    first, later = _spent(log.look), _spent(log.look)
    log.close()
    tell(f"\n  the kernel's log: first look {first * 1e3:.2f} ms, a later one {later * 1e3:.2f} ms")


async def _looked_beside_a_clock(mounts: Mounts) -> tuple[Sequence[Object], list[float]]:
    looking = asyncio.create_task(mounts.look())
    late: list[float] = []
    while not looking.done():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        late.append(time.perf_counter() - began - 0.001)
    return await looking, late


def _spent(look: object) -> float:
    assert callable(look)
    began = time.process_time()
    asyncio.run(look())
    return time.process_time() - began


def _main(folder: Path, count: int) -> None:
    """Make that many mounts here, and look at them again and again."""
    libc = ctypes.CDLL(None, use_errno=True)
    source = folder / "source"
    source.mkdir(parents=True)
    for number in range(count):
        point = folder / f"pods/{number}/volumes/kubernetes.io~csi/pv-{number}/mount"
        point.mkdir(parents=True)
        if libc.mount(bytes(source), bytes(point), None, _BIND, None) != 0:
            raise OSError(ctypes.get_errno(), f"mount {point}")
    asyncio.run(_measured(count))


def _read() -> tuple[float, float, int]:
    """Return how many milliseconds the kernel takes to write its table, we to read it, its size."""
    began = time.perf_counter()
    text = Path("/proc/self/mountinfo").read_bytes()
    written, spent = time.perf_counter(), time.process_time()
    mountinfo.table(text)
    return (written - began) * 1e3, (time.process_time() - spent) * 1e3, len(text)


async def _measured(count: int) -> None:
    walls, ours, theirs = [], [], []
    reads, parses, sizes = zip(*(_read() for _ in range(RUNS)), strict=True)
    statfs = Statfs()
    mounts = Mounts("a", Volumes(Api()), Places(mountinfo=Path("/proc/self/mountinfo")), statfs)
    await mounts.look()
    (worker,) = statfs.workers
    for _ in range(RUNS):
        began, spent, used = time.perf_counter(), time.process_time(), _nanoseconds(worker)
        found = await mounts.look()
        walls.append((time.perf_counter() - began) * 1e3)
        ours.append((time.process_time() - spent) * 1e3)
        theirs.append((_nanoseconds(worker) - used) / 1e6)
        (counted,) = [one for one in found if isinstance(one, MountCount)]
        assert counted.well >= count
    share = (sum(ours) + sum(theirs)) / RUNS / 1e3 / LOOK_EVERY_SECONDS
    tell(f"  {count:,} mounts, {sizes[0] / MEBIBYTE:.2f} MiB of mountinfo")
    tell(f"    the kernel writes it  {spread(reads, 'ms')}")
    tell(f"    we read it            {spread(parses, 'ms of processor')}")
    tell(f"    a whole look          {spread(walls, 'ms')}")
    tell(f"      of ours             {spread(ours, 'ms of processor')}")
    tell(f"      of the worker       {spread(theirs, 'ms of processor')}")
    tell(f"    every {LOOK_EVERY_SECONDS:g} s that is {share:.2%} of a core")
    tell(
        f"    the worker: {resident(worker):.1f} MiB resident, {own_memory(worker):.1f} MiB its own"
    )
    statfs.rest()


def _nanoseconds(pid: int) -> int:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]))
