"""Rok's snapshot space as the node's exporter looks at it: df's bytes, LVM's report, what hangs."""

import asyncio
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from exporter.kit.values import Duration
from exporter.observe import errors, model
from exporter.observe.model import Kind
from exporter.observe.rok import Rok, RokSettings, Sizes
from exporter.observe.shell import Output
from exporter.observe.shell.pod import ExecSettings
from local.fuse_mount import FuseMount

SIZES = Sizes(1000, 600, 350)
FULL = Sizes(1000, 1000, 0)


class Said:
    """A Shell whose command says what it is told, or fails so."""

    def __init__(self, answer: bytes | errors.ObserveError, status: int = 0) -> None:
        """Take the answer to every command."""
        self.answer = answer
        self.status = status
        self.commands: list[Sequence[str]] = []

    async def run(self, command: Sequence[str], *, timeout: float, largest: int) -> Output:  # noqa: ASYNC109 -- a Shell's
        """Say it."""
        assert timeout > 0
        assert largest > 0
        self.commands.append(command)
        if isinstance(self.answer, errors.ObserveError):
            raise self.answer
        return Output(self.answer, b"  lvm: no way\n", self.status)


def report(disks: int = 2, *names: str) -> bytes:
    """Return LVM's report of groups with so many disks."""
    rows = [
        {"vg_name": name, "vg_uuid": f"u{n}", "vg_size": "9", "vg_free": "4", "pv_count": disks}
        for n, name in enumerate(names or ("rokvg",))
    ]
    return json.dumps({"report": [{"vg": rows}]}).encode()


class Node:
    """A node whose clock, boot and file system are the test's."""

    def __init__(self, directory: Path) -> None:
        """Begin with room, in boot one."""
        self.now = 1000.0
        self.sizes: Sizes | OSError | None = SIZES
        self.state = directory / "rok.json"
        self.boot_id = directory / "boot_id"
        self.boot("one")

    def boot(self, name: str) -> None:
        """Be started anew."""
        self.boot_id.write_text(f"{name}\n")

    def rok(self, shell: Said | None = None, **settings: object) -> Rok:
        """Return the source as a new process has it."""

        def measured(path: Path) -> Sizes | None:
            assert path == Path("/mnt/data/rok")
            if isinstance(self.sizes, OSError):
                raise self.sizes
            return self.sizes

        return Rok(
            "a",
            RokSettings(**{"lvm": ("lvm",), **settings}),  # type: ignore[arg-type]  # our own names
            shell,
            self.state,
            boot_id=self.boot_id,
            sizes=measured,
            clock=lambda: self.now,
        )


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Return a node with Rok."""
    return Node(tmp_path)


def seen(source: Rok) -> model.RokSpace:
    """Return what one look tells."""
    (found,) = asyncio.run(source.look())
    assert isinstance(found, model.RokSpace)
    return found


def test_sizes_are_exactly_what_df_says(tmp_path: Path) -> None:
    """Of a real file system, to the byte, at a moment when nobody else writes there."""
    source = Rok("a", RokSettings(path=tmp_path))
    deadline = time.monotonic() + 20.0
    while time.monotonic() < deadline:
        before, found, after = df(tmp_path), seen(source), df(tmp_path)
        if before == after:
            assert (found.size, found.used, found.available) == before
            return
    pytest.fail("somebody writes there all the time")


def df(path: Path) -> tuple[int, ...]:
    """Return size, used and available bytes."""
    wanted = ["df", "-B1", "--output=size,used,avail", str(path)]
    said = subprocess.run(wanted, capture_output=True, text=True, check=True).stdout
    return tuple(map(int, said.splitlines()[1].split()))


def test_looks_in_a_row_are_all_answered(tmp_path: Path) -> None:
    """Whoever has an answer may ask again at once."""

    async def looks() -> None:
        source = Rok("a", RokSettings(path=tmp_path))
        for _ in range(300):
            assert len(await source.look()) == 1

    asyncio.run(looks())


def test_a_node_without_rok_shows_nothing(node: Node, tmp_path: Path) -> None:
    """Neither a path that is not there nor a group that is another's is Rok."""
    assert asyncio.run(Rok("a", RokSettings(path=tmp_path / "none")).look()) == ()
    node.sizes = None
    assert asyncio.run(node.rok().look()) == ()
    assert asyncio.run(node.rok(Said(report(1, "data"))).look()) == ()
    assert not node.state.exists()


def test_without_a_shell_the_group_is_not_known_and_says_why(node: Node) -> None:
    """Asking LVM is an opt-in."""
    for source in (node.rok(), node.rok(Said(report()), lvm=())):
        found = seen(source)
        assert (found.size, found.used, found.available) == (1000, 600, 350)
        assert (found.group, found.group_size, found.disks) == ("", None, None)
        assert found.extended is None
        assert "not asked" in found.group_unseen


def test_lvm_is_asked_by_a_list_of_words_and_takes_no_lock(node: Node) -> None:
    """In bytes, without units."""
    shell = Said(report())
    found = seen(node.rok(shell, lvm=("nsenter", "-t", "1", "lvm")))
    (command,) = shell.commands
    assert command[:6] == ["nsenter", "-t", "1", "lvm", "vgs", "--readonly"]
    assert (found.group, found.group_size, found.group_free, found.disks) == ("rokvg", 9, 4, 2)
    assert (found.extended, found.rebooted, found.group_unseen) == (False, False, "")


@pytest.mark.parametrize(
    ("shell", "why"),
    [
        (Said(errors.NotFound("there is no program lvm here")), "no program lvm"),
        (Said(errors.Unreachable("lvm did not end within 10 s")), "did not end"),
        (Said(b"{}"), "ended with 0"),
        (Said(report(), status=5), "lvm: no way"),
        (Said(report(1, "rokvg", "rokvg")), "2 volume groups rokvg"),
        (Said(report(1, "other")), "no volume group rokvg"),
    ],
    ids=["no program", "hangs", "junk", "fails", "two of the name", "another group"],
)
def test_what_lvm_does_not_tell_is_a_sentence_and_the_sizes_stand(
    node: Node, shell: Said, why: str
) -> None:
    """The file system is seen all the same."""
    found = seen(node.rok(shell))
    assert found.size == 1000
    assert (found.disks, found.extended) == (None, None)
    assert why in found.group_unseen


def test_a_group_whose_file_system_is_not_there_is_shown(node: Node) -> None:
    """After a reboot an extended group may be incomplete: that is no node without Rok."""
    shell = Said(report(2))
    seen(node.rok(shell))
    shell.answer = report(3)
    assert seen(node.rok(shell)).rebooted is False
    node.boot("two")
    node.sizes = None
    found = seen(node.rok(shell))
    assert (found.size, found.extended, found.rebooted) == (None, True, True)


def test_an_extension_is_remembered_over_a_restart(node: Node) -> None:
    """Without the file the grown group would be how it was made."""
    shell = Said(report(2))
    seen(node.rok(shell))
    shell.answer = report(3)
    assert seen(node.rok(shell)).extended is True
    node.state.unlink()
    assert seen(node.rok(shell)).extended is False
    assert seen(node.rok(shell, disks=2)).extended is True


def test_a_state_file_that_is_junk_or_cannot_be_written_hides_nothing(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, and the look goes on."""
    node.state.write_bytes(b"\x00junk")
    assert seen(node.rok(Said(report()))).disks == 2
    assert "cannot be read" in caplog.text
    node.state = node.state / "no" / "directory"
    source = node.rok(Said(report()))
    for _ in range(3):
        assert seen(source).disks == 2
        node.now += 100.0
    assert caplog.text.count("cannot be written") == 1


def test_a_full_space_is_full_since_the_first_look_and_stays_full_after_hours(node: Node) -> None:
    """Also over a restart."""
    node.sizes = FULL
    assert seen(node.rok()).full_since == 1000.0
    for _ in range(30):
        node.now += 800.0
        found = seen(node.rok())
    assert found.full
    assert (found.full_since, found.stays_full) == (1000.0, True)
    node.sizes = SIZES
    assert seen(node.rok()).full_since is None


@pytest.mark.parametrize(("used", "available", "full"), [(990, 10, False), (991, 9, True)])
def test_full_is_what_df_rounds_up_to_100(used: int, available: int, *, full: bool) -> None:
    """Blocks kept for root do not count."""
    assert model.RokSpace("a", 5000, used, available).full is full


def test_a_broken_file_system_is_unseen_with_the_system_s_words(node: Node) -> None:
    """EIO is neither healthy nor a node without Rok."""
    node.sizes = OSError(5, "Input/output error")
    with pytest.raises(errors.Unreachable, match="Input/output error"):
        asyncio.run(node.rok().look())


def test_a_file_system_that_hangs_is_a_sentence_and_only_one_thread_hangs_with_it() -> None:
    """Each look ends in time; when it answers again it is seen again."""
    answers, asked = threading.Event(), []

    def hanging(path: Path) -> Sizes:
        asked.append(path)
        answers.wait(30.0)
        return SIZES

    source = Rok("a", RokSettings(timeout=Duration(0.05)), sizes=hanging)

    async def looks() -> None:
        began = time.monotonic()
        with pytest.raises(errors.Unreachable, match="does not answer within"):
            await source.look()
        for _ in range(100):
            with pytest.raises(errors.Unreachable, match="still does not answer"):
                await source.look()
        assert time.monotonic() - began < 5.0
        assert len(asked) == 1
        answers.set()
        await until(source.look)

    asyncio.run(looks())


async def until(look: Callable[[], object]) -> None:
    """Look until it is seen."""
    async with asyncio.timeout(10.0):
        while True:
            try:
                await look()  # type: ignore[misc]  # a look is awaited
            except errors.Unreachable:
                await asyncio.sleep(0.01)
            else:
                return


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/fuse").exists(), reason="needs root and /dev/fuse"
)
def test_a_real_file_system_that_hangs_is_seen_again_when_it_answers(tmp_path: Path) -> None:
    """The kernel holds whoever asks, and nobody else."""

    async def looks(mount: FuseMount) -> None:
        source = Rok("a", RokSettings(path=mount.point, timeout=Duration(0.2)))
        (before,) = await source.look()
        mount.hang()
        for why in ("does not answer within", "still does not answer"):
            with pytest.raises(errors.Unreachable, match=why):
                await source.look()
        mount.answer()
        await until(source.look)
        assert tuple(await source.look()) == (before,)
        mount.cut_off()
        with pytest.raises(errors.Unreachable, match="not connected"):
            await source.look()

    with FuseMount(tmp_path / "rok") as mount:
        asyncio.run(looks(mount))


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (RokSettings(path=Path("data/rok")), "path"),
        (RokSettings(disks=0), "disks"),
        (RokSettings(timeout=Duration(0)), "timeout"),
        (RokSettings(exec=ExecSettings("rok-system", "name=rok-disk-manager")), "lvm"),
    ],
    ids=["path", "disks", "timeout", "lvm"],
)
def test_settings_that_cannot_be_are_named(wrong: RokSettings, name: str) -> None:
    """Before anything is looked at; the defaults are fine."""
    assert [where for where, _ in wrong.problems()] == [name]
    assert not list(RokSettings().problems())


def test_it_tells_of_one_kind_every_half_minute() -> None:
    """As the node role asks."""
    source = Rok("a", RokSettings())
    assert (source.name, source.kinds, source.every) == (
        "rokspace",
        frozenset({Kind.ROK_SPACE}),
        30.0,
    )
