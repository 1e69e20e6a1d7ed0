"""Commands on this host, each a process group of its own that never outlives its time.

A process that hangs in the kernel (a dead mount) cannot be killed: it is left behind and counted,
and when too many are, no more are started until some have ended.
"""

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import cast

from exporter.observe import errors
from exporter.observe.shell import Output

ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {"LC_ALL": "C", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
)
"""All that a command gets: the same words whoever starts us, and none of our secrets."""
LAST_WORDS_SECONDS = 1.0
"""How long a pipe may stay open after its command has ended: a daemon it started may hold it."""
KILL_SECONDS = 1.0
MOST_LEFT = 8
"""Processes that cannot be killed, above which none is started."""


class Host:
    """The host we run on, as a Shell.

    `before` stands before every command: what enters another root or network, for example.
    """

    def __init__(
        self, before: Sequence[str] = (), environment: Mapping[str, str] = ENVIRONMENT
    ) -> None:
        self._before = tuple(before)
        self._environment = dict(environment)
        self._left: list[subprocess.Popen[bytes]] = []

    async def run(
        self,
        command: Sequence[str],
        *,
        timeout: float,  # noqa: ASYNC109 -- what was started is ended within it
        largest: int,
    ) -> Output:
        """Run it; see Shell."""
        name = Path(command[0]).name
        self._left = [one for one in self._left if one.poll() is None]
        if len(self._left) >= MOST_LEFT:
            why = f"{name} is not started: {len(self._left)} commands before it cannot be killed"
            raise errors.Unreachable(why)
        process = self._started([*self._before, *command], name)
        running = _Running(process, largest)
        try:
            async with asyncio.timeout(timeout):
                await running.end()
        except TimeoutError as late:
            why = f"{name} did not end within {timeout:g} s and was killed"
            raise errors.Unreachable(why) from late
        finally:
            try:
                await running.close()
            finally:
                if process.poll() is None:
                    self._left.append(process)
        if running.too_much:
            raise errors.Garbage(f"{name} said more than {largest} bytes and was killed")
        return running.output()

    def _started(self, full: Sequence[str], name: str) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                full,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment,
                cwd="/",
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise errors.NotFound(f"there is no program {full[0]} here") from error
        except (OSError, ValueError) as error:
            raise errors.Unreachable(f"{name} cannot be started: {error}") from error


class _Running:
    """One command under way."""

    def __init__(self, process: subprocess.Popen[bytes], largest: int) -> None:
        self.too_much = False
        self._process = process
        self._room_left = largest
        self._said: list[_Said] = []
        self._unread = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        threading.Thread(target=self._wait, name="command", daemon=True).start()

    async def end(self) -> None:
        """Read what it says until it has ended and said all, or too much."""
        while self._unread:
            # From here on the loop closes it, whatever happens.
            pipe = self._unread.pop(0)
            _, said = await self._loop.connect_read_pipe(lambda: _Said(self._room), pipe)
            self._said.append(said)
        await self._ended.wait()
        # Whoever it left in its group has no more to say.
        self._kill()
        await asyncio.wait([one.whole for one in self._said], timeout=LAST_WORDS_SECONDS)

    async def close(self) -> None:
        """Kill what is left of its group, and wait a moment for its end."""
        if self._process.returncode is None:
            self._kill()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(KILL_SECONDS):
                    await self._ended.wait()
        finally:
            for one in self._said:
                one.close()
            # Where time was up before anybody read them, nobody else closes them.
            for pipe in self._unread:
                pipe.close()

    def output(self) -> Output:
        """Return what it said; only after it has ended."""
        out, err = (bytes(one.body) for one in self._said)
        return Output(out, err, self._process.returncode)

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _wait(self) -> None:
        # In a thread, for kernels without pidfd; and nothing is reaped here, so that until the
        # group has been killed its number is no other's.
        with suppress(ChildProcessError, RuntimeError):  # the last: our loop has ended
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
            self._loop.call_soon_threadsafe(self._ended.set)

    def _room(self, size: int) -> bool:
        self._room_left -= size
        if self._room_left < 0 and not self.too_much:
            self.too_much = True
            self._kill()
        return not self.too_much


class _Said(asyncio.Protocol):
    """Takes what comes through one pipe, as long as there is room."""

    def __init__(self, room: Callable[[int], bool]) -> None:
        self.body = bytearray()
        self.whole = asyncio.get_running_loop().create_future()
        self.transport: asyncio.ReadTransport | None = None
        self._room = room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember whom to close."""
        self.transport = cast("asyncio.ReadTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Take it."""
        if self._room(len(data)):
            self.body += data
        elif self.transport is not None:
            self.transport.close()

    def close(self) -> None:
        """Take nothing more, and know nobody any more.

        Megabytes in a circle of objects would stay until somebody looks for such.
        """
        self._room = _no_room
        if self.transport is not None:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that there is no more."""
        del exc
        if not self.whole.done():
            self.whole.set_result(None)


def _no_room(size: int) -> bool:
    del size
    return False
