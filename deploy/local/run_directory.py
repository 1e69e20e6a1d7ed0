"""One directory per run: its owner, its processes, and what happens when the owner is gone.

A run holds a lock on its directory for as long as its process lives. A directory whose lock is free
belongs to a run that crashed: its processes are ended and it is removed. Nothing is started here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

KEEP_FAILED_SECONDS = 24 * 3600.0
OWNER, PROCESSES, FAILED = "owner.lock", "processes", "failed"
START_TIME_FIELD = 19  # field 22 of /proc/PID/stat, counted from the one after the command name


def prefix() -> str:
    """Return how the names of this user's run directories begin."""
    return f"pvmedic-local-{os.getuid()}-"


@dataclass(frozen=True)
class RunDirectory:
    """A directory that this process owns until `close`, or until it dies."""

    path: Path
    lock: int

    @classmethod
    def create(cls) -> RunDirectory:
        """Sweep what crashed runs left, then make and lock a new directory (mode 0700)."""
        with _one_at_a_time():
            sweep()
            path = Path(tempfile.mkdtemp(prefix=prefix()))
            lock = os.open(path / OWNER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
        (path / "logs").mkdir()
        return cls(path, lock)

    @property
    def logs(self) -> Path:
        """Where the standard output and error of every process of this run go."""
        return self.path / "logs"

    def record(self, pid: int) -> None:
        """Note that `pid` is ours, with its start time, so that a reused pid is never hit."""
        with (self.path / PROCESSES).open("a") as file:
            file.write(f"{pid} {_start_time(pid)}\n")

    def close(self, *, keep_logs: bool = False) -> None:
        """End what still runs and remove the directory; `keep_logs` keeps logs for a day."""
        end_recorded(self.path)
        if keep_logs:
            (self.path / FAILED).touch()
            for entry in self.path.iterdir():
                if entry.is_dir() and entry != self.logs:
                    shutil.rmtree(entry, ignore_errors=True)
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def sweep() -> tuple[Path, ...]:
    """Remove every run directory of this user whose owner is gone; returns what was removed."""
    removed = []
    for path in Path(tempfile.gettempdir()).glob(f"{prefix()}*"):
        # Another run may be removing its own directory at this moment.
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            if path.is_symlink() or not path.is_dir() or path.stat().st_uid != os.getuid():
                continue
            if _sweep_one(path):
                removed.append(path)
    return tuple(removed)


def _sweep_one(path: Path) -> bool:
    """Remove a directory unless its logs are to stay; raises BlockingIOError while it is owned."""
    if not (path / OWNER).exists():
        shutil.rmtree(path, ignore_errors=True)
        return True
    lock = os.open(path / OWNER, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        end_recorded(path)
        if not _recently_failed(path):
            shutil.rmtree(path, ignore_errors=True)
            return True
        return False
    finally:
        os.close(lock)


def end_recorded(path: Path) -> None:
    """Kill the processes recorded in a run directory that still live, and only those."""
    with contextlib.suppress(FileNotFoundError):
        for line in (path / PROCESSES).read_text().splitlines():
            pid, started = line.split(maxsplit=1)
            if _start_time(int(pid)) == started != "":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)


def _recently_failed(path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return time.time() - (path / FAILED).stat().st_mtime < KEEP_FAILED_SECONDS
    return False


def _start_time(pid: int) -> str:
    """Return when a process started, in clock ticks since boot, or "" when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return stat.rpartition(")")[2].split()[START_TIME_FIELD]


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep a sweep from finding a directory that another run has made but not yet locked."""
    path = Path(tempfile.gettempdir()) / f"{prefix()[:-1]}.lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
