"""Follows the kernel's log of this node: what it says of file systems and devices.

/dev/kmsg tells every reader all lines from the oldest one on, and never waits for a slow one: lines
that were overwritten are counted as lost. What is younger than an hour when we begin is told as a
fault, since a mount may still fail for it, but only what is said afterwards is counted, so that our
restart counts nothing twice. Faults are told by device and cause, until nothing more was said of
them for hours.

Reading it needs rights that no other part of the exporter needs, so it is read only where the
settings name it. Any file or pipe of the same grammar will do.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from exporter.observe import errors
from exporter.observe.model import (
    LONGEST_TEXT,
    Cause,
    FaultCount,
    KernelFault,
    Kind,
    Object,
)
from exporter.observe.model import KernelLog as Summary
from exporter.observe.parse import kmsg

EVERY_SECONDS = 15.0
RECENT_SECONDS = 3600.0
"""How old a line may be that was there before us."""
KEPT_SECONDS = 6 * 3600.0
"""How long a fault is told of after it was last heard of."""
MOST_FAULTS = 256
"""Told of at once; the ones heard of longest ago go."""
MOST_LINES = 100_000
"""Read in one look: more than any kernel's buffer holds."""
_READ = 16 * 1024
"""Bytes: a shorter buffer than a record is refused."""
_LONGEST = 64 * 1024
"""Bytes kept of a line without an end."""
_SLICE = 500


class KernelLog:
    """The source. `wall` and `steady` give Unix seconds and the seconds that the kernel counts."""

    name = "kernel_log"
    kinds = frozenset({Kind.KERNEL_FAULT, Kind.KERNEL_LOG})

    def __init__(
        self,
        node: str,
        path: Path,
        wall: Callable[[], float],
        steady: Callable[[], float],
        every: float = EVERY_SECONDS,
        read: Callable[[int, int], bytes] = os.read,
    ) -> None:
        self.node = node
        self.every = every
        self._path = path
        self._wall = wall
        self._steady = steady
        self._read_some = read
        self._began = wall()
        self._descriptor = -1
        self._rest = b""
        self._next = -1
        self._lines = self._lost = 0
        self._faults: dict[str, KernelFault] = {}
        self._counts: Counter[tuple[str, Cause]] = Counter()

    async def look(self) -> Sequence[Object]:
        """Read what is new, and tell what is known; raises ObserveError."""
        try:
            await self._read()
        except OSError as error:
            self.close()
            raise _refused(f"{self._path} cannot be read: {error}", error) from error
        self._forget()
        counts = (FaultCount(*key, count) for key, count in sorted(self._counts.items()))
        summary = Summary(self.node, self._lines, self._lost, tuple(counts))
        return (*self._faults.values(), summary)

    def close(self) -> None:
        """Close it; the next look goes on where this one was."""
        descriptor, self._descriptor, self._rest = self._descriptor, -1, b""
        if descriptor >= 0:
            os.close(descriptor)

    async def _read(self) -> None:
        if self._descriptor < 0:
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags)
        # The kernel's clock and ours go on at the same pace, as far as a log is concerned.
        booted = self._wall() - self._steady()
        for number in range(MOST_LINES):
            try:
                more = self._read_some(self._descriptor, _READ)
            except BlockingIOError:
                return
            except BrokenPipeError:
                # Overwritten before we came: the sequence says how many.
                continue
            if not more:
                return
            *lines, self._rest = (self._rest + more).split(b"\n")
            if len(self._rest) > _LONGEST:
                self._rest = b""
            for line in lines:
                self._take(line, booted)
            if number % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)

    def _take(self, line: bytes, booted: float) -> None:
        found = kmsg.record(line)
        if found is None or found.sequence < self._next:
            return
        if self._next >= 0:
            self._lost += found.sequence - self._next
        self._next = found.sequence + 1
        self._lines += 1
        said = kmsg.said(found.text) if found.by_kernel else None
        when = min(booted + found.seconds, self._wall())
        if said is None or when < self._began - RECENT_SECONDS:
            return
        if when >= self._began:
            self._counts[said.fs_type, said.cause] += 1
        name = f"{said.device}/{said.cause}"
        known = self._faults.pop(name, None)
        # The newest is the last one: that is the order in which they are forgotten.
        self._faults[name] = KernelFault(
            node=self.node,
            name=name,
            device=said.device,
            fs_type=said.fs_type or (known.fs_type if known is not None else ""),
            cause=said.cause,
            count=1 + (known.count if known is not None else 0),
            first=known.first if known is not None else when,
            last=when,
            text=found.text[:LONGEST_TEXT],
        )

    def _forget(self) -> None:
        oldest = self._wall() - KEPT_SECONDS
        kept = [one for one in self._faults.values() if one.last >= oldest]
        self._faults = {one.name: one for one in kept[-MOST_FAULTS:]}


def _refused(sentence: str, error: OSError) -> errors.ObserveError:
    if isinstance(error, PermissionError):
        return errors.Forbidden(f"{sentence}; it needs a privileged container")
    if isinstance(error, FileNotFoundError):
        return errors.NotFound(sentence)
    return errors.Unreachable(sentence)
