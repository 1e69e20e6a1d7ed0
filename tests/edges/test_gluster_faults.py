"""A glusterd that fails in every way: each is a reason, nothing hangs, nothing is left behind."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from exporter.observe import errors, gluster
from exporter.observe.model import Glusterd, GlusterdProblem
from exporter.observe.shell import Output
from tests.edges.gluster_stage import DOWN, Stage
from tests.observe.gluster_made import UUIDS, state_file

WHOLE = state_file(["v", "w"])
MEBIBYTE = 1024 * 1024


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Return a node whose glusterd is well."""
    return Stage(tmp_path)


@pytest.mark.parametrize(
    ("get_state", "problem"),
    [
        (DOWN, GlusterdProblem.NOT_ANSWERING),
        ("echo Error : Request timed out; exit 1", GlusterdProblem.TIMEOUT),
        ("exit 127", GlusterdProblem.CLI_MISSING),
    ],
)
def test_each_failure_has_its_reason(
    stage: Stage, get_state: str, problem: GlusterdProblem
) -> None:
    """And no facts of a glusterd that has not answered are kept."""
    stage.look()
    stage.answers(get_state)
    found = stage.look()
    assert (found.answers, found.reason, found.alive) == (False, problem, True)
    assert (found.uuid, found.peers) == ("", ())


def test_volumes_are_unseen_while_it_does_not_answer(stage: Stage) -> None:
    """Not gone, and not well."""
    stage.answers(DOWN)
    with pytest.raises(errors.Unreachable, match="Connection failed"):
        stage.look_at_volumes()


def test_one_that_does_not_run_is_told_from_one_that_does_not_answer(stage: Stage) -> None:
    """Its pid file stays behind when it is killed; the number may be somebody else's."""
    stage.answers(DOWN)
    stage.dies()
    assert (stage.look().reason, stage.look().alive) == ("NotRunning", False)
    stage.lives(41, name="sshd")
    assert stage.look().reason == "NotRunning"


def test_where_no_process_is_seen_nothing_is_said_of_it(stage: Stage) -> None:
    """A /proc that is not the host's tells nothing."""
    (stage.root / "proc/1").rmdir()
    stage.answers(DOWN)
    found = stage.look()
    assert (found.reason, found.alive) == ("NotAnswering", None)


@pytest.mark.parametrize(
    "get_state", ["sleep 1000", "trap '' TERM; while :; do sleep 1000; done", "kill -STOP $$"]
)
def test_a_command_that_never_returns_is_ended(tmp_path: Path, get_state: str) -> None:
    """In time, also one that does not want to end."""
    stage = Stage(tmp_path, seconds=0.2)
    stage.answers(get_state)
    assert stage.look().reason == "Timeout"


def test_a_program_that_is_missing_is_said(stage: Stage) -> None:
    """There is a glusterd, and nothing to ask it with."""
    (stage.root / "bin/gluster").unlink()
    assert stage.look().reason == "CliMissing"


@pytest.mark.parametrize("what", ["yes gigabytes", "cat /dev/urandom", "cat /dev/zero"])
def test_words_without_end_are_no_answer(stage: Stage, what: str) -> None:
    """They are cut off; asked for its parts it answers."""
    stage.answers(what)
    assert stage.look().reason == "StateUnwritable"


@pytest.mark.parametrize(
    "get_state",
    [
        "echo 'Failed to get daemon state: Output directory /x does not exist.'; exit 1",
        "echo 'unrecognized word: get-state (position 0)'; exit 1",
        "true",
        "kill -9 $$",
    ],
)
def test_without_a_state_file_it_is_asked_for_its_parts(stage: Stage, get_state: str) -> None:
    """Peers and volumes are known then, states of bricks are not; this is said, too."""
    stage.answers(get_state)
    stage.index("v", pending=["a", "b"])
    found = stage.look()
    assert (found.answers, found.reason) == (True, "StateUnwritable")
    assert (found.uuid, found.op_version) == (UUIDS[0], 40100)
    assert [one.hostname for one in found.peers] == ["b"]
    (volume,) = stage.look_at_volumes()
    (brick,) = volume.bricks
    assert (brick.local, brick.online, brick.heal_pending) == (True, None, 2)
    assert brick.size is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        WHOLE[: len(WHOLE) // 2],
        WHOLE.replace(b"[Misc]", b""),
        WHOLE.replace(b"Volume1.brickcount: 3", b"Volume1.brickcount: 4"),
        b"\x00\xff" * 5000,
    ],
)
def test_half_a_state_is_none(stage: Stage, body: bytes) -> None:
    """A disk that is full, a glusterd that was killed: the command line says success."""
    stage.writes(body)
    assert (stage.look().answers, stage.look().reason) == (True, "StateUnwritable")
    assert not stage.state.exists()


def test_a_state_of_100_megabytes_is_not_read(stage: Stage) -> None:
    """Nor does it stay."""
    stage.answers(f"truncate -s {100 * MEBIBYTE} {stage.state}")
    assert stage.look().reason == "StateUnwritable"
    assert not stage.state.exists()


def test_sections_that_nobody_knows_are_no_failure(stage: Stage) -> None:
    """Another version may write more."""
    stage.writes(WHOLE.replace(b"[Services]", b"[Weather]\nsun: 1\n\n[Services]"))
    assert stage.look().reason == ""


def test_parts_that_make_no_sense_are_no_answer(stage: Stage) -> None:
    """Plain text instead of XML is not an empty pool."""
    stage.answers("exit 1", pool="who knows")
    assert (stage.look().answers, stage.look().reason) == (False, "Other")
    stage.answers("exit 1", volumes="<cliOutput><opRet>-1</opRet></cliOutput>")
    assert (stage.look().answers, stage.look().reason) == (False, "Other")


def test_a_state_that_cannot_be_removed_is_overwritten(stage: Stage) -> None:
    """It is the same file each time."""
    (stage.root / "bin/rm").write_text("#!/bin/sh\nexit 1\n")
    (stage.root / "bin/rm").chmod(0o755)
    assert stage.look().reason == ""
    assert stage.state.exists()
    (stage.root / "bin/rm").unlink()
    assert stage.look().reason == ""
    assert not stage.state.exists()


def test_the_time_of_failing_is_kept_from_look_to_look(stage: Stage) -> None:
    """It begins with the first look that fails, whatever the reason, and ends with an answer."""
    stage.answers(DOWN)
    assert stage.look().failing_since == 1000.0
    stage.time = 1060.0
    stage.dies()
    assert stage.look().failing_since == 1000.0
    stage.lives(42)
    stage.writes(WHOLE)
    assert stage.look().failing_since is None
    stage.time = 1120.0
    stage.answers("exit 1")
    assert (stage.look().answers, stage.look().failing_since) == (True, 1120.0)
    stage.time = 1180.0
    stage.answers(DOWN)
    assert (stage.look().answers, stage.look().failing_since) == (False, 1180.0)


def test_a_glusterd_that_begins_again_and_again_says_so(stage: Stage) -> None:
    """Once is somebody's doing; twice in ten minutes is a loop, whether it answers or not."""
    assert stage.look().reason == ""
    stage.lives(42)
    assert stage.look().reason == ""
    stage.lives(42, started=900)
    assert (stage.look().answers, stage.look().reason) == (True, "Restarting")
    stage.answers(DOWN)
    stage.dies(42)
    assert (stage.look().answers, stage.look().reason) == (False, "Restarting")
    stage.time += 601.0
    assert stage.look().reason == "NotRunning"


class Broken:
    """A shell that reaches nobody, after a while."""

    def __init__(self, error: errors.ObserveError, seconds: float) -> None:
        self.now = 0.0
        self._error = error
        self._seconds = seconds

    async def run(self, command: Sequence[str], *, timeout: float, largest: int) -> Output:  # noqa: ASYNC109 -- a Shell's
        """Fail."""
        assert command
        assert timeout * largest > 0
        self.now += self._seconds
        raise self._error


def over(shell: Broken, stage: Stage, *, inside: bool = False) -> Glusterd:
    """Return the glusterd as it is seen over a broken shell."""
    sources = gluster.sources(
        "n1", shell, stage.settings, inside=inside, root=stage.root, steady=lambda: shell.now
    )
    (found,) = asyncio.run(sources[0].look())
    return found


@pytest.mark.parametrize("error", [errors.Forbidden("no"), errors.Unreachable("refused")])
def test_a_broken_road_tells_nothing_of_glusterd(stage: Stage, error: errors.ObserveError) -> None:
    """What cannot be asked is unseen: no right to exec, an API server that is away."""
    with pytest.raises(type(error)):
        over(Broken(error, 0.0), stage)


def test_a_shell_that_never_comes_back_is_a_glusterd_that_does_not(stage: Stage) -> None:
    """The command hung for all its time, and could not even be ended."""
    assert over(Broken(errors.Unreachable("late"), 100.0), stage).reason == "Timeout"


def test_a_container_that_is_away_is_a_glusterd_that_does_not_run(stage: Stage) -> None:
    """As long as the host has the files of one; else there never was any."""
    away = Broken(errors.NotFound("no pod"), 0.0)
    assert over(away, stage, inside=True).reason == "NotRunning"
    stage.info.unlink()
    with pytest.raises(ValueError, match="not enough values"):
        over(away, stage, inside=True)
