"""How a measurement is told: the middle of several runs, with the least and the most beside it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MEBIBYTE = 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")
USER_AND_SYSTEM = slice(11, 13)  # fields 14 and 15 of /proc/PID/stat, from the one after the name
AND_CHILDREN = slice(11, 15)  # and those of children that have ended


def machine() -> str:
    """Return what the numbers were measured on."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}, load {load:.1f}"
    )


def tell(line: str) -> None:
    """Print one line."""
    print(line)  # noqa: T201 -- a measurement is for a person at a terminal


def spread(values: Sequence[float], unit: str) -> str:
    """Return min, median and max."""
    low, middle, high = min(values), median(values), max(values)
    return f"{low:8.2f} {middle:8.2f} {high:8.2f} {unit}"


def resident(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE


def own_memory(pid: int) -> float:
    """Return the memory of a process that no other one shares, in MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = [int(line.split()[1]) for line in lines if line.startswith("Private_")]
    return sum(sizes) / 1024


def processor_seconds(pid: int, *, children: bool = False) -> float:
    """Return the processor time that a process has used; `children`: and those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[AND_CHILDREN if children else USER_AND_SYSTEM])) / TICKS


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile; of few values the largest."""
    if len(values) < 2:
        return values[0] if values else float("nan")
    return quantiles(values, n=100, method="inclusive")[percent - 1]
