"""Asks mounts whether they answer, in processes of their own that are given up when they do not.

A mount whose server is gone holds whoever asks it, sometimes beyond any signal. So nobody asks but
a worker (`worker`, a program of its own), one at a time; one that stays silent is killed, counted
as stuck until the kernel lets go of it, and replaced. The mount that it was asked about is not
asked again before that. When too many are stuck, or have hung in one go, the rest is not asked.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from exporter.observe import errors

log = logging.getLogger(__name__)

PROGRAM = Path(__file__).with_name("worker.py")
SECONDS = 5.0
"""How long one mount may take to answer."""
ALTOGETHER_SECONDS = 60.0
"""How long all of them may take: many that are slow must not make a look that never ends."""
START_SECONDS = 30.0
MOST_STUCK = 8
"""Workers that may hang at once: each keeps 3 MB until the kernel lets go of it.

And new mounts that may hang in one go: 40 seconds.
"""
_AT_ONCE = 16 * 1024
"""Bytes of paths that are under way: a pipe takes more, so that writing never waits."""
_READ = 65536


class Asked(NamedTuple):
    """One mount: `key` tells it from every other, `device` is the file system that it shows."""

    key: Hashable
    device: str
    path: bytes


class Answers(msgspec.Struct):
    """What mounts answered: an errno, 0 from one that is well; those that hang; those not asked."""

    errnos: dict[Hashable, int] = msgspec.field(default_factory=dict)
    hung: set[Hashable] = msgspec.field(default_factory=set)
    unasked: set[Hashable] = msgspec.field(default_factory=set)


class _Worker:
    """One process, with a pipe each way."""

    def __init__(self) -> None:
        theirs, self._to = os.pipe()
        self._from, ours = os.pipe()
        try:
            self.pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", str(PROGRAM)],
                {},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs, 0),
                    (os.POSIX_SPAWN_DUP2, ours, 1),
                ],
            )
        except OSError as error:
            for descriptor in (self._to, self._from):
                os.close(descriptor)
            raise errors.Unreachable(f"no worker to ask mounts with: {error}") from error
        finally:
            os.close(theirs)
            os.close(ours)
        os.set_blocking(self._from, False)
        self._rest = b""

    async def ready(self) -> None:
        """Wait until it listens."""
        if not await self._lines(START_SECONDS):
            raise errors.Unreachable(f"a worker did not start within {START_SECONDS:.0f} s")

    async def ask(self, paths: Sequence[bytes], seconds: float, until: float) -> list[int]:
        """Return an errno for each; fewer when one hangs, or the loop's time comes."""
        self._write(b"".join(path + b"\0" for path in paths))
        found: list[int] = []
        while len(found) < len(paths):
            left = until - asyncio.get_running_loop().time()
            lines = await self._lines(max(0.0, min(seconds, left)))
            if not lines:
                break
            found += [int(line) for line in lines]
        return found

    def _write(self, what: bytes) -> None:
        try:
            os.write(self._to, what)
        except OSError as error:
            raise errors.Unreachable(f"the worker that asks mounts is gone: {error}") from error

    async def _lines(self, seconds: float) -> list[bytes]:
        """Return what it has said by then; nothing when it says nothing."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await _readable(self._from)
        while True:
            try:
                more = os.read(self._from, _READ)
            except BlockingIOError:
                # Only now is it late: we may have been kept from looking ourselves.
                return []
            if not more:
                raise errors.Unreachable("the worker that asks mounts has ended")
            *lines, self._rest = (self._rest + more).split(b"\n")
            if lines:
                return lines

    def end(self) -> None:
        """Kill it and close the pipes; it is gone when `ended` says so."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        for descriptor in (self._to, self._from):
            os.close(descriptor)

    def ended(self) -> bool:
        """Whether the kernel has let go of it."""
        try:
            return os.waitpid(self.pid, os.WNOHANG)[0] == self.pid
        except ChildProcessError:
            return True


class Statfs:
    """All workers of a program. Not for two askers at once."""

    def __init__(
        self,
        seconds: float = SECONDS,
        most_stuck: int = MOST_STUCK,
        altogether: float = ALTOGETHER_SECONDS,
    ) -> None:
        self._seconds = seconds
        self._most_stuck = most_stuck
        self._altogether = altogether
        self._until = 0.0
        self._worker: _Worker | None = None
        self._stuck: dict[Hashable, _Worker] = {}
        self._dying: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._hung: dict[Hashable, None] = {}

    @property
    def workers(self) -> list[int]:
        """The process that waits for a question; for who measures it."""
        return [self._worker.pid] if self._worker is not None else []

    @property
    def stuck(self) -> int:
        """How many workers hang."""
        self._reap()
        return len(self._stuck) + len(self._dying)

    async def ask(self, mounts: Sequence[Asked]) -> Answers:
        """Ask each once; raises Unreachable when there can be no worker.

        Those that hung the last time come last, the one that was asked longest ago first, and one
        of them that still hangs is enough: the others go on as they were.
        """
        self._until = asyncio.get_running_loop().time() + self._altogether
        self._reap()
        answers = Answers()
        known = {one.key: one for one in mounts}
        held = {one.device for one in mounts if one.key in self._stuck}
        again = [known[key] for key in self._hung if key in known]
        fresh = [one for one in mounts if one.key not in self._hung and one.device not in held]
        self._hung = dict.fromkeys(one.key for one in again)
        self._hung |= dict.fromkeys(one.key for one in mounts if one.device in held)
        answers.unasked |= {one.key for one in await self._all(fresh, answers, self._most_stuck)}
        await self._all([one for one in again if one.device not in held], answers, 1)
        answers.hung |= self._hung.keys()
        return answers

    async def _all(self, waiting: list[Asked], answers: Answers, most: int) -> list[Asked]:
        """Ask until so many have hung; return those that were not asked."""
        while waiting and most and not self._enough():
            hangs = await self._until_one_hangs(waiting, answers)
            if hangs is not None:
                most -= 1
                # One file system hangs for all of its mounts.
                for one in waiting:
                    if one.device == hangs.device and one.key not in answers.errnos:
                        self._hung.pop(one.key, None)
                        self._hung[one.key] = None
            waiting = [
                one
                for one in waiting
                if one.key not in answers.errnos and (hangs is None or one.device != hangs.device)
            ]
        return waiting

    def _enough(self) -> bool:
        """Whether nobody else can be asked: too many workers hang, or the time is over."""
        late = asyncio.get_running_loop().time() >= self._until
        return late or len(self._stuck) + len(self._dying) >= self._most_stuck

    async def _until_one_hangs(self, waiting: Sequence[Asked], answers: Answers) -> Asked | None:
        for some in _parts(waiting):
            if self._enough():
                break
            errnos = await self._ask(some)
            for one, number in zip(some, errnos, strict=False):
                answers.errnos[one.key] = number
                self._hung.pop(one.key, None)
            if len(errnos) < len(some):
                hangs = some[len(errnos)]
                if asyncio.get_running_loop().time() >= self._until:
                    # It had not its own time: nothing is known of it.
                    self._abandon()
                    break
                self._give_up(hangs)
                return hangs
        return None

    async def _ask(self, some: Sequence[Asked]) -> list[int]:
        try:
            if self._worker is None:
                self._worker = _Worker()
                await self._worker.ready()
            return await self._worker.ask([one.path for one in some], self._seconds, self._until)
        except BaseException:
            # Cancelled, too: nobody would know which answer is next.
            self._abandon()
            raise

    def _give_up(self, hangs: Asked) -> None:
        if self._worker is None:
            return
        if hangs.key not in self._hung:
            path = hangs.path.decode(errors="replace")
            log.warning("%s does not answer within %g s", path, self._seconds)
        self._worker.end()
        self._stuck[hangs.key] = self._worker
        self._worker = None

    def rest(self) -> None:
        """Keep no process while there is nobody to ask."""
        self._end(self._idle)

    def _abandon(self) -> None:
        """Leave one that was asked something: it may hang."""
        self._end(self._dying)

    def _end(self, among: list[_Worker]) -> None:
        if self._worker is not None:
            self._worker.end()
            among.append(self._worker)
            self._worker = None
        self._reap()

    def _reap(self) -> None:
        self._stuck = {key: one for key, one in self._stuck.items() if not one.ended()}
        for some in (self._dying, self._idle):
            some[:] = [one for one in some if not one.ended()]


def _parts(mounts: Sequence[Asked]) -> Iterator[list[Asked]]:
    """Cut into what may be under way at once."""
    part: list[Asked] = []
    size = 0
    for one in mounts:
        if part and size + len(one.path) >= _AT_ONCE:
            yield part
            part, size = [], 0
        part.append(one)
        size += len(one.path) + 1
    if part:
        yield part


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    told: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not told.done():
            told.set_result(None)

    loop.add_reader(descriptor, tell)
    try:
        await told
    finally:
        loop.remove_reader(descriptor)
