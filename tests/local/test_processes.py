"""Ports that are free and stay so, and errors that say why a program did not start."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.errors import LocalClusterError
from local.processes import PortTakenError, Processes, free_ports, listening, on_free_ports
from local.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    """Children of a run of this test."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    directory = RunDirectory.create()
    started = Processes(directory)
    yield started
    started.end_all()
    directory.close()


def test_free_ports_are_distinct_and_not_for_outgoing_connections() -> None:
    """No client on this machine can be given one of them while a server is restarted."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(port < max(lowest, 16000) for port in ports)


def test_a_port_that_somebody_listens_on_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first candidate is taken, so the next one is returned."""
    monkeypatch.setattr("random.shuffle", list[int].sort)
    (first,) = free_ports(1)
    with socket.socket() as server:
        server.bind(("127.0.0.1", first))
        server.listen()
        assert listening(first)
        assert free_ports(1) != [first]
    assert not listening(first)


def test_a_start_on_a_port_that_was_just_taken_is_tried_again() -> None:
    """Losing the race for a port twice is no failure."""
    answers: Iterator[Exception | int] = iter((PortTakenError(""), PortTakenError(""), 7))

    def start() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert on_free_ports(start) == 7


def test_a_program_that_ends_is_named_with_the_end_of_its_log(processes: Processes) -> None:
    """The error says which program, its exit code, where the log is, and its last words."""
    child = processes.start("loser", ["sh", "-c", "echo no such flag; exit 3"])
    with pytest.raises(LocalClusterError, match=r"loser ended with 3.*\n.*no such flag") as caught:
        child.wait_ready(lambda: False, seconds=10)
    assert str(child.log) in str(caught.value)


def test_a_taken_port_is_told_from_other_failures(processes: Processes) -> None:
    """What the programs print about it leads to another try instead of a message."""
    child = processes.start("unlucky", ["sh", "-c", "echo bind: address already in use; exit 1"])
    with pytest.raises(PortTakenError):
        child.wait_ready(lambda: False, seconds=10)


def test_a_program_that_is_never_ready_is_named(processes: Processes) -> None:
    """Waiting has an end, and the error says how long it was."""
    child = processes.start("sleeper", ["sleep", "1000"])
    with pytest.raises(LocalClusterError, match="sleeper was not ready after 0 s"):
        child.wait_ready(lambda: False, seconds=0.1)


def test_a_program_that_does_not_exist_is_an_error_of_ours(processes: Processes) -> None:
    """The child process itself says that there is no such program."""
    child = processes.start("ghost", ["no-such-program-anywhere"])
    with pytest.raises(LocalClusterError, match="no-such-program-anywhere"):
        child.wait_ready(lambda: False, seconds=10)
