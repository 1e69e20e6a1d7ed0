"""Real processes on this host: they end in time, whole, and say no more than they may."""

import asyncio
import gc
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.observe import errors
from exporter.observe.shell import Output
from exporter.observe.shell.host import MOST_LEFT, Host

WAIT = 10.0


def ran(*command: str, timeout: float = WAIT, largest: int = 1000) -> Output:
    """Run one command."""
    return asyncio.run(Host().run(command, timeout=timeout, largest=largest))


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait(what: str, predicate: Callable[[], bool]) -> None:
    """Wait for a condition."""
    end = time.monotonic() + WAIT
    while not predicate():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)


def test_what_a_command_says_and_its_status_are_returned() -> None:
    """Both streams apart; a status that is not 0 is no error of ours."""
    found = ran("/bin/sh", "-c", "echo out; echo err >&2; exit 3")
    assert found == Output(b"out\n", b"err\n", 3)


def test_a_signal_is_a_negative_status() -> None:
    """As Python says it."""
    assert ran("/bin/sh", "-c", "kill -9 $$").status == -9


def test_arguments_are_arguments() -> None:
    """No shell reads them."""
    assert ran("echo", "$HOME;", "*", "`id`").stdout == b"$HOME; * `id`\n"


def test_a_command_gets_a_clean_environment_and_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same language everywhere, none of our secrets, nobody to wait for."""
    monkeypatch.setenv("SECRET", "s")
    lines = ran("env").stdout.decode().splitlines()
    assert {line.partition("=")[0] for line in lines} == {"LC_ALL", "PATH"}
    assert ran("cat").stdout == b""


def test_what_stands_before_a_command_is_run_with_it() -> None:
    """For another root or network."""
    found = asyncio.run(Host(("env", "A=b")).run(("env",), timeout=WAIT, largest=1000))
    assert b"A=b\n" in found.stdout


def test_a_program_that_is_not_there_is_not_found() -> None:
    """The sentence names it."""
    with pytest.raises(errors.NotFound, match="no program nosuchprogram here"):
        ran("nosuchprogram")


def test_what_cannot_be_started_is_said(tmp_path: Path) -> None:
    """A file that is no program, and an argument that is none."""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(errors.Unreachable, match="file cannot be started"):
        ran(str(file))
    with pytest.raises(errors.Unreachable, match="echo cannot be started"):
        ran("echo", "a\0b")


def test_a_command_that_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    """Its children, too, which would hold what it held."""
    file = tmp_path / "child"
    began = time.monotonic()
    with pytest.raises(errors.Unreachable, match=r"sh did not end within 0\.5 s and was killed"):
        ran("/bin/sh", "-c", f"sleep 300 & echo $! > {file}; wait", timeout=0.5)
    assert time.monotonic() - began < WAIT
    wait("the child's end", lambda: not alive(int(file.read_text())))


def test_a_child_that_stays_does_not_hold_the_answer(tmp_path: Path) -> None:
    """It ends with the command that started it."""
    file = tmp_path / "child"
    found = ran("/bin/sh", "-c", f"sleep 300 & echo $! > {file}; echo done")
    assert found == Output(b"done\n", b"", 0)
    wait("the child's end", lambda: not alive(int(file.read_text())))


def test_a_daemon_of_its_own_does_not_hold_the_answer_for_long(tmp_path: Path) -> None:
    """It left the group and keeps the pipe: what was said until then is the answer."""
    file = tmp_path / "daemon"
    began = time.monotonic()
    daemon = f"setsid sh -c 'echo $$ > {file}; exec sleep 300' &"
    found = ran("/bin/sh", "-c", f"{daemon} until [ -s {file} ]; do :; done; echo done")
    try:
        assert found == Output(b"done\n", b"", 0)
        assert time.monotonic() - began < WAIT
    finally:
        os.kill(int(file.read_text()), 9)


@pytest.mark.parametrize("command", ["yes", "cat /dev/zero", "cat /dev/zero >&2"])
def test_who_says_too_much_is_killed_at_once(command: str) -> None:
    """However much it would say, no more is kept than it may say; binary or not."""
    began = time.monotonic()
    with pytest.raises(errors.Garbage, match="said more than 100000 bytes and was killed"):
        ran("/bin/sh", "-c", command, timeout=60, largest=100_000)
    assert time.monotonic() - began < WAIT


def test_as_much_as_allowed_is_not_too_much() -> None:
    """To the byte."""
    assert len(ran("head", "-c", "300000", "/dev/zero", largest=300_000).stdout) == 300_000


@pytest.mark.parametrize("largest", [2_000_000, 1000])
def test_what_was_said_is_let_go_of_at_once(largest: int) -> None:
    """A state of 5,500 volumes is 9 MB each minute: it must not wait for a collector of circles."""

    async def run() -> list[asyncio.Protocol]:
        for _ in range(3):
            with suppress(errors.Garbage):
                await Host().run(
                    ["head", "-c", "1000000", "/dev/zero"], timeout=10, largest=largest
                )
        # A pipe is closed in the loop's own time; nothing is collected meanwhile.
        end = time.monotonic() + WAIT
        while others() and time.monotonic() < end:  # noqa: ASYNC110 -- nothing tells of it
            await asyncio.sleep(0.01)
        return others()

    def others() -> list[asyncio.Protocol]:
        return [one for one in protocols() if id(one) not in before]

    def protocols() -> list[asyncio.Protocol]:
        return [one for one in gc.get_objects() if isinstance(one, asyncio.Protocol)]

    gc.collect()
    gc.disable()
    # What other tests left behind is none of this one's.
    before = {id(one): one for one in protocols()}
    try:
        assert asyncio.run(run()) == []
    finally:
        gc.enable()


def test_who_stops_waiting_leaves_nothing_running(tmp_path: Path) -> None:
    """A cancelled look kills its command."""
    file = tmp_path / "pid"

    async def run() -> None:
        command = ("/bin/sh", "-c", f"echo $$ > {file}.new; mv {file}.new {file}; exec sleep 300")
        task = asyncio.create_task(Host().run(command, timeout=60, largest=1000))
        async with asyncio.timeout(WAIT):
            while not file.exists():  # noqa: ASYNC110 -- another process makes it
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert not alive(int(file.read_text()))


def test_a_command_whose_time_is_up_at_once_leaves_no_pipe_open() -> None:
    """Nobody has read of them yet; on a busy host that happens with more time, too."""

    def pipes() -> set[str]:
        found = set()
        for file in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):
                found.add(str(file.readlink()))
        return {one for one in found if one.startswith("pipe:")}

    async def run() -> None:
        before = pipes()
        with pytest.raises(errors.Unreachable, match="did not end within 0 s") as raised:
            await Host().run(("sleep", "300"), timeout=0, largest=10)
        # What the error holds is held on purpose: nothing is closed by being collected.
        async with asyncio.timeout(WAIT):
            while pipes() - before:  # noqa: ASYNC110 -- the loop closes in its own time
                await asyncio.sleep(0.01)
        del raised

    asyncio.run(run())


def test_many_at_once_do_not_mix(tmp_path: Path) -> None:
    """Each has its own words."""
    del tmp_path

    async def run() -> list[Output]:
        host = Host()
        runs = (host.run(("echo", str(n)), timeout=WAIT, largest=100) for n in range(20))
        return await asyncio.gather(*runs)

    assert [one.stdout for one in asyncio.run(run())] == [b"%d\n" % n for n in range(20)]


def test_what_cannot_be_killed_is_left_and_no_more_are_started_after_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a dead mount; played by a kill that does nothing."""
    kill, host = os.killpg, Host()
    groups: list[int] = []
    monkeypatch.setattr("os.killpg", lambda group, _signal: groups.append(group))
    monkeypatch.setattr("exporter.observe.shell.host.KILL_SECONDS", 0.05)

    async def run() -> None:
        sleeps = (host.run(("sleep", "300"), timeout=0.1, largest=10) for _ in range(MOST_LEFT))
        for one in await asyncio.gather(*sleeps, return_exceptions=True):
            assert isinstance(one, errors.Unreachable)
        with pytest.raises(errors.Unreachable, match="8 commands before it cannot be killed"):
            await host.run(("true",), timeout=WAIT, largest=10)
        for group in set(groups):
            kill(group, 9)
        wait("their end", lambda: not any(map(alive, groups)))
        assert (await host.run(("true",), timeout=WAIT, largest=10)).status == 0

    asyncio.run(run())
