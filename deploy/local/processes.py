"""Starts children that never outlive us, finds ports for them, says why one did not start.

Which programs are started, and with which flags, is decided by the callers.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from local.run_directory import RunDirectory

T = TypeVar("T")
PORT_ATTEMPTS = 3
TAIL_LINES = 15
LOWEST_PORT = 12000
STOP_SECONDS = 5.0
POLL_SECONDS = 0.05
SPAWN_POLL_SECONDS = 0.002


class PortTakenError(LocalClusterError):
    """Somebody else took a port between our choice and the child's bind; choose again."""


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on at 127.0.0.1, none of them ephemeral.

    A server that is stopped for a while must find its port free again, and a client that knocks
    meanwhile must not connect to itself: both happen inside the ephemeral range.
    """
    lowest_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = list(range(LOWEST_PORT, max(lowest_ephemeral, LOWEST_PORT + 4000)))
    random.shuffle(candidates)
    found: list[int] = []
    for port in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    message = f"no {count} free ports on 127.0.0.1"
    raise LocalClusterError(message)


def on_free_ports(start: Callable[[], T]) -> T:
    """Return `start()`, which picks its ports itself, tried again when somebody was faster."""
    for _ in range(PORT_ATTEMPTS - 1):
        with contextlib.suppress(PortTakenError):
            return start()
    return start()


def listening(port: int) -> bool:
    """Say whether something accepts connections on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def dying_with_us() -> tuple[str, ...]:
    """Return what to put before a command, so that it gets SIGKILL when the thread here ends."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        message = "setpriv is missing; it is in the package util-linux"
        raise LocalClusterError(message)
    return setpriv, "--pdeathsig", "KILL", "--"


@dataclass(frozen=True)
class Child:
    """A running program and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def failure(self, what: str) -> LocalClusterError:
        """Return an error that says `what`, where the log is, and its last lines."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        text = f"{self.name} {what}; its log is {self.log}, which ends:\n" + "\n".join(lines)
        taken = "address already in use" in text.lower()
        return PortTakenError(text) if taken else LocalClusterError(text)

    def check(self) -> None:
        """Raise when the program has ended by itself."""
        if (code := self.process.poll()) is not None:
            raise self.failure(f"ended with {code}")

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()`; raises with the log's end when the program ends or is late."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready after {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ask the program to end, and kill it when it has not ended after `seconds`."""
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the program at once (SIGKILL) and wait until it is gone."""
        self.process.kill()
        self.process.wait()


class Processes:
    """The children of one run. Every child gets SIGKILL from the kernel when this process dies.

    The kernel sends that signal when the *thread* that started the child ends, so one thread that
    lives as long as the process starts them all.
    """

    def __init__(self, directory: RunDirectory) -> None:
        """Start the thread that starts the children."""
        self._directory = directory
        self._children: list[Child] = []
        self._orders: SimpleQueue[tuple[Future[Child], Callable[[], Child]] | None] = SimpleQueue()
        self._prefix = dying_with_us()
        threading.Thread(target=self._work, name="local-processes", daemon=True).start()

    def start(
        self, name: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None
    ) -> Child:
        """Start a program with its output appended to `logs/NAME.log`; `env` replaces ours."""
        answer: Future[Child] = Future()
        self._orders.put((answer, lambda: self._start(name, command, env)))
        return answer.result()

    def end_all(self) -> None:
        """Kill every child, newest first: the run's data is thrown away anyway."""
        for child in reversed(self._children):
            child.process.kill()
        for child in self._children:
            child.process.wait()
        self._children.clear()
        self._orders.put(None)

    def _start(
        self, name: str, command: Sequence[str | Path], env: Mapping[str, str] | None
    ) -> Child:
        log = self._directory.logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*self._prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._directory.path,
                env=env,
                # Ctrl-C reaches the whole foreground group, but we still need them to tidy up.
                start_new_session=True,
            )
        self._directory.record(process.pid)
        # Until setpriv has become the program, our death would go unnoticed.
        while process.poll() is None and not _has_become(process.pid):
            time.sleep(SPAWN_POLL_SECONDS)
        child = Child(name, process, log)
        self._children = [other for other in self._children if other.process.poll() is None]
        self._children.append(child)
        return child

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            answer, start = order
            try:
                answer.set_result(start())
            except OSError as error:
                answer.set_exception(LocalClusterError(str(error)))


def _has_become(pid: int) -> bool:
    """Say whether a child has passed setpriv; subprocess returns only after that one runs."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() != "setpriv"
    except (FileNotFoundError, ProcessLookupError):
        return True
