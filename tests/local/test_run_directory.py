"""What is left of a run whose owner was killed is swept; what still lives is not touched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from local.processes import Processes
from local.run_directory import FAILED, PROCESSES, RunDirectory, sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

SECONDS = 10.0
DEPLOY = Path(__file__).parents[2] / "deploy"
OWNER = """
import sys, time
sys.path.insert(0, {deploy!r})
from local.processes import Processes
from local.run_directory import RunDirectory
directory = RunDirectory.create()
child = Processes(directory).start("sleeper", ["sleep", "1000"])
print(directory.path, child.process.pid, flush=True)
time.sleep(1000)
"""


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait for a condition, ten seconds at most."""
    deadline = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def lives(pid: int) -> bool:
    """Say whether a process exists and is more than an entry waiting to be collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_killed_owner_leaves_no_process_and_its_directory_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel ends the children of a killed owner, and the next run removes its files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", OWNER.format(deploy=str(DEPLOY))],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as owner:
        assert owner.stdout is not None
        directory, pid = owner.stdout.readline().split()
        assert lives(int(pid))
        assert sweep() == ()
        owner.kill()
    assert eventually(lambda: not lives(int(pid)))
    assert sweep() == (Path(directory),)
    assert not Path(directory).exists()


def test_a_recorded_process_that_outlived_its_owner_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep kills what the directory names, even when the kernel did not."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    directory = RunDirectory.create()
    with subprocess.Popen(["/bin/sleep", "1000"]) as stray:
        directory.record(stray.pid)
        os.close(directory.lock)
        assert sweep() == (directory.path,)
        assert stray.wait(SECONDS) < 0


def test_a_process_that_only_got_the_same_pid_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record whose start time does not fit names somebody else by now."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    directory = RunDirectory.create()
    with subprocess.Popen(["/bin/sleep", "1000"]) as stranger:
        (directory.path / PROCESSES).write_text(f"{stranger.pid} 1\n")
        os.close(directory.lock)
        sweep()
        assert lives(stranger.pid)
        stranger.kill()


def test_a_failed_start_keeps_its_logs_for_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log that an error message points at is still there, until a day has passed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    directory = RunDirectory.create()
    processes = Processes(directory)
    child = processes.start("speaker", ["echo", "why it failed"])
    child.process.wait(SECONDS)
    processes.end_all()
    directory.close(keep_logs=True)
    assert sweep() == ()
    assert child.log.read_text() == "why it failed\n"
    os.utime(directory.path / FAILED, (1.0, 1.0))
    assert sweep() == (directory.path,)
