"""What is seen of a node's Gluster that is well: itself, its volumes, heals, file systems."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from exporter.observe import gluster
from exporter.observe.gluster import GlusterSettings, asking
from exporter.observe.model import Kind
from tests.edges.gluster_stage import Stage
from tests.observe.gluster_made import FREE, SIZE, UUIDS, state_file

if TYPE_CHECKING:
    from exporter.observe.sources import Source

ALLOWED = re.compile(
    r"--version"
    r"|--mode=script --log-file=/dev/null"
    r" (get-state odir \S+ file pvmedic-glusterd-state|--xml pool list|--xml volume info)"
)
"""What glusterd answers by itself, of its own memory. Everything else takes the cluster's locks."""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Return a node whose glusterd is well."""
    return Stage(tmp_path)


def test_a_glusterd_that_is_well(stage: Stage) -> None:
    """Who it is, its release, the cluster's version, its peers."""
    found = stage.look()
    assert (found.answers, found.reason, found.failing_since, found.alive) == (True, "", None, True)
    assert (found.name, found.uuid, found.release, found.op_version) == (
        "n1",
        UUIDS[0],
        "10.3",
        100000,
    )
    assert [one.uuid for one in found.peers] == list(UUIDS[1:])
    assert found.volumes == 2
    assert not stage.state.exists()


def test_where_no_glusterd_ever_ran_nothing_is_seen(stage: Stage) -> None:
    """Packages of clients make the work directory, too; only a glusterd writes its own file."""
    stage.info.unlink()
    for source in stage.sources():
        assert asyncio.run(source.look()) == ()
    assert stage.commands() == []


def test_only_what_takes_no_lock_is_asked(stage: Stage) -> None:
    """With an answer and without one."""
    stage.look()
    stage.answers("exit 1")
    stage.look_at_volumes()
    assert len(stage.commands()) >= 5
    assert [one for one in stage.commands() if not ALLOWED.fullmatch(one)] == []


def test_no_other_command_can_be_built() -> None:
    """Every command is in one module, and all that is one begins with a program of these."""
    commands = [
        asking.VERSION,
        asking.POOL_LIST,
        asking.VOLUME_INFO,
        asking.get_state(Path("/run")),
        asking.read(Path("/x")),
        asking.remove(Path("/x")),
        asking.find(["/x"]),
    ]
    for command in commands:
        words = " ".join(command[1:])
        assert command[0] in ("cat", "rm", "find") or ALLOWED.fullmatch(words)
    package = Path(gluster.__file__).parent
    for path in package.glob("*.py"):
        text = path.read_text()
        named = re.findall(r'(?<!b)"gluster"', text)
        assert len(named) == (2 if path.name == "asking.py" else 0)
        assert not re.search(r'"(status|heal|profile|top|quota|rebalance|statedump|start)"', text)


def test_both_sources_share_a_look(stage: Stage) -> None:
    """And the release is asked once in a process's life."""

    async def both() -> None:
        await asyncio.gather(stage.glusterd.look(), stage.volumes.look())

    asyncio.run(both())
    assert len(stage.commands()) == 2
    stage.look()
    assert len(stage.commands()) == 3
    stage.lives(42)
    stage.look()
    assert len(stage.commands()) == 5


def test_sources_that_look_at_once_are_not_in_each_others_way(stage: Stage) -> None:
    """All begin together and have the same pace: each sees what there is to see."""

    async def all_at_once() -> None:
        looks = await asyncio.gather(*(one.look() for one in stage.sources()))
        assert [len(found) for found in looks] == [1, 2, 1]

    for _ in range(20):
        asyncio.run(all_at_once())


def test_sources_say_what_they_tell_of(stage: Stage) -> None:
    """Names differ, and no kind has two."""
    glusterd, volumes, space = stage.sources()
    sources: list[Source] = [glusterd, volumes, space]
    assert [one.name for one in sources] == ["glusterd", "glustervolumes", "glusterspace"]
    kinds = [kind for one in sources for kind in one.kinds]
    assert kinds == [Kind.GLUSTERD, Kind.GLUSTER_VOLUME, Kind.GLUSTER_SPACE]
    assert {one.every for one in sources} == {60.0}


def test_heals_are_counted_in_the_index(stage: Stage) -> None:
    """Its base files are none; dirty counts only what is not pending; no index, no count."""
    stage.index("v", pending=["a", "b"], dirty=["b", "c"])
    first, second = stage.look_at_volumes()
    local = first.bricks[0]
    assert (local.heal_pending, local.heal_dirty) == (2, 1)
    assert (local.online, local.size, local.free) == (True, SIZE, FREE)
    assert (second.bricks[0].heal_pending, second.bricks[0].heal_dirty) == (None, None)
    assert {one.heal_pending for one in first.bricks[1:]} == {None}


def test_an_index_without_a_dirty_one_is_counted(stage: Stage) -> None:
    """As of disks from before it was."""
    stage.index("v")
    shutil.rmtree(stage.root / "bricks/v/.glusterfs/indices/dirty")
    brick = stage.look_at_volumes()[0].bricks[0]
    assert (brick.heal_pending, brick.heal_dirty) == (0, None)


def test_in_a_container_everything_goes_over_the_shell(stage: Stage, tmp_path: Path) -> None:
    """Here the container is this host, so its bricks have other paths."""
    bricks = tmp_path / "bricks"
    stage.writes(state_file(["v", "w"], bricks=str(bricks)))
    stage.index("v", pending=["a", "b", "c"], dirty=["a", "d"])
    stage.settings = msgspec.structs.replace(
        stage.settings, pid_file=tmp_path / "run/glusterd.pid", work_directory=stage.info.parent
    )
    glusterd, volumes, space = stage.sources(inside=True)
    (found,) = asyncio.run(glusterd.look())
    assert (found.answers, found.op_version, found.release) == (True, 100000, "10.3")
    first, second = asyncio.run(volumes.look())
    assert (first.bricks[0].heal_pending, first.bricks[0].heal_dirty) == (3, 1)
    assert second.bricks[0].heal_pending is None
    (spaces,) = asyncio.run(space.look())
    told = [one for one in spaces.spaces if one.use == "brick"]
    assert [(one.path, one.size, one.available) for one in told] == [
        (f"{bricks}/v", SIZE, FREE),
        (f"{bricks}/w", SIZE, FREE),
    ]


def test_file_systems_are_seen_before_glusterd_is(stage: Stage) -> None:
    """Root, work directory and logs; without logs those are left out."""
    (stage.root / "proc/1").rmdir()
    (found,) = asyncio.run(stage.space.look())
    assert [one.use for one in found.spaces] == ["root", "work_directory"]
    here = os.statvfs(stage.root)
    assert found.spaces[0].size == here.f_blocks * here.f_frsize
    assert found.spaces[0].available <= found.spaces[0].size
    assert found.spaces[0].deleted_open is None


def test_bricks_on_one_file_system_are_one(stage: Stage) -> None:
    """By the first of them."""
    for brick in ("v", "w"):
        stage.index(brick)
    stage.look_at_volumes()
    (found,) = asyncio.run(stage.space.look())
    assert [one.path for one in found.spaces if one.use == "brick"] == ["/bricks/v"]


@pytest.fixture
def holding(tmp_path: Path) -> Iterator[Path]:
    """Return a log that a process of GlusterFS, as far as its name tells, has open twice."""
    program, log = tmp_path / "glusterfsd", tmp_path / "brick.log"
    shutil.copy("/bin/sleep", program)
    log.write_bytes(b"x" * 1_000_000)
    with log.open("ab") as file:
        process = subprocess.Popen([program, "60"], stdout=file, stderr=file)
    yield log
    process.kill()
    process.wait()


def held(root: Path) -> int | None:
    """Return the deleted bytes on the root file system of a node that has this host's /proc."""
    stage = Stage(root)
    shutil.rmtree(stage.root / "proc")
    (stage.root / "proc").symlink_to("/proc")
    (found,) = asyncio.run(stage.space.look())
    return found.spaces[0].deleted_open


def test_deleted_files_that_a_gluster_process_has_open_are_counted(
    tmp_path: Path, holding: Path
) -> None:
    """By the file system that they are on; once, however often they are open."""
    before = held(tmp_path / "before")
    holding.unlink()
    after = held(tmp_path / "after")
    assert before is not None
    assert after is not None
    assert 1_000_000 <= after - before < 2_000_000


def test_without_the_right_to_look_they_are_unknown(tmp_path: Path, holding: Path) -> None:
    """Zero would be a lie. It takes CAP_SYS_PTRACE, which an unprivileged container has not."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        pytest.skip("to take a capability away needs root and setpriv")
    holding.unlink()
    root = str(tmp_path / "root")
    code = f"from tests.edges.test_gluster import held, Path; print(held(Path({root!r})))"
    said = subprocess.run(
        [setpriv, "--bounding-set", "-sys_ptrace", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert said.stdout == "None\n"
    assert said.stderr.count("are not seen") == 1


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"every": 0.1}, "every"),
        ({"every": 100.0}, "every"),
        ({"timeout": 0.0}, "timeout"),
        ({"timeout": 60.0}, "timeout"),
        ({"state_directory": Path("run")}, "state_directory"),
    ],
)
def test_settings_that_cannot_be_are_named(settings: dict[str, object], name: str) -> None:
    """With a sentence each."""
    found = msgspec.structs.replace(GlusterSettings(), **settings)
    assert [key for key, _ in found.problems()] == [name]


def test_settings_are_well_as_they_are() -> None:
    """Nobody needs to write any."""
    assert list(GlusterSettings().problems()) == []


def test_a_work_directory_that_is_a_link_of_the_host_s_is_followed_below_its_root(
    stage: Stage,
) -> None:
    """Else a node of which somebody moved it would look like one without glusterd."""
    moved = stage.root / "data" / "glusterd"
    moved.parent.mkdir()
    stage.info.parent.rename(moved)
    stage.info.parent.symlink_to("/data/glusterd")
    assert stage.look().answers
