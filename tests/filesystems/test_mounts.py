"""Real mounts that answer, hang, have lost their server or turned read-only, and what is said."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from exporter.observe import errors, model
from exporter.observe.model import MountCount, MountProblem
from exporter.observe.mounts import Mounts, Places
from exporter.observe.statfs import Asked, Statfs
from exporter.observe.volumes import Volumes
from local import loop_disk
from local.fuse_mount import FuseMount
from tests.filesystems import vanishing
from tests.filesystems.mounted import (
    HANGS_SECONDS,
    Api,
    Node,
    needs_fuse,
    needs_loop,
    needs_root,
    said,
)
from tests.signals import made

DEADLINE_SECONDS = 20.0


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Give a node without mounts; no process of it stays."""
    found = Node(tmp_path)
    yield found
    found.statfs.rest()
    until(lambda: found.statfs.stuck == 0)


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_without_a_mounted_claim_there_is_nothing_and_no_process(node: Node) -> None:
    """Most nodes of most clusters; the node role must stay small there."""
    assert node.seen() == ({}, MountCount("a"))
    assert node.statfs.workers == []


@needs_fuse
def test_a_mount_that_answers_is_only_counted(node: Node) -> None:
    """And the process that asked it waits for the next look."""
    with FuseMount(node.csi("pv-data")):

        async def twice() -> list[list[int]]:
            pids = []
            for _ in range(2):
                assert said(await node.look()) == ({}, MountCount("a", well=1))
                pids.append(node.statfs.workers)
            return pids

        first, second = asyncio.run(twice())
        assert first == second
        assert len(first) == 1
    assert node.seen() == ({}, MountCount("a"))
    assert node.statfs.workers == []


@needs_fuse
def test_a_hung_mount_costs_one_worker_and_is_not_asked_again(node: Node) -> None:
    """The other mounts are asked all the same, by another one."""
    with FuseMount(node.csi("pv-hung")) as hung, FuseMount(node.csi("pv-data")):
        hung.hang()
        expected = ({"pv-hung": "Hung"}, MountCount("a", well=1, troubled=1, stuck=1))
        assert node.seen() == expected
        began = time.monotonic()
        assert node.seen() == expected
        assert time.monotonic() - began < 5.0
        assert node.statfs.stuck == 1, "asked again, another one would hang"
        hung.answer()
        until(lambda: node.statfs.stuck == 0)
        assert node.seen() == ({}, MountCount("a", well=2))


@needs_fuse
def test_one_file_system_hangs_for_all_of_its_mounts(node: Node) -> None:
    """Ten pods with one shared volume are one worker, not ten."""
    with FuseMount(node.csi("pv-hung")) as hung, contextlib.ExitStack() as stack:
        for number in range(3):
            point = node.csi("pv-hung", f"pod-{number + 2}")
            point.mkdir(parents=True)
            loop_disk.run("mount", "--bind", str(hung.point), str(point))
            stack.callback(loop_disk.run, "umount", "--lazy", str(point))
        hung.hang()
        assert node.seen() == ({"pv-hung": "Hung"}, MountCount("a", troubled=4, stuck=1))


@needs_fuse
def test_beyond_a_number_of_stuck_workers_the_rest_is_not_asked(tmp_path: Path) -> None:
    """And the count says so: unseen is not healthy."""
    node = Node(tmp_path, most_stuck=2)
    with contextlib.ExitStack() as stack:
        mounts = [stack.enter_context(FuseMount(node.csi(f"pv-{n}"))) for n in range(4)]
        for one in mounts:
            one.hang()
        expected = {"pv-0": "Hung", "pv-1": "Hung"}
        assert node.seen() == (expected, MountCount("a", troubled=2, unasked=2, stuck=2))
        assert node.seen() == (expected, MountCount("a", troubled=2, unasked=2, stuck=2))
    until(lambda: node.statfs.stuck == 0)


@needs_fuse
def test_mounts_that_hang_and_let_go_of_who_asks_cost_one_worker_a_look(tmp_path: Path) -> None:
    """As on a dead NFS server; those that answer again are asked in the same look."""
    node = Node(tmp_path, most_stuck=2)

    def seen() -> tuple[dict[str, str], MountCount]:
        # A killed process takes a moment to go.
        found, count = node.seen()
        return found, msgspec.structs.replace(count, stuck=0)

    with contextlib.ExitStack() as stack:
        mounts = [stack.enter_context(FuseMount(node.csi(f"pv-{n}"))) for n in range(4)]
        for one in mounts:
            one.stop()
        assert seen() == (
            {"pv-0": "Hung", "pv-1": "Hung"},
            MountCount("a", troubled=2, unasked=2),
        )
        every = {f"pv-{n}": "Hung" for n in range(4)}
        # Two more a look, once the workers that were killed before have gone.
        until(lambda: seen() == (every, MountCount("a", troubled=4)))
        began = time.monotonic()
        assert seen() == (every, MountCount("a", troubled=4))
        assert time.monotonic() - began < 2 * HANGS_SECONDS
        for one in mounts[:3]:
            one.answer()
        until(lambda: seen() == ({"pv-3": "Hung"}, MountCount("a", well=3, troubled=1)))
        mounts[3].answer()
        assert seen() == ({}, MountCount("a", well=4))


@needs_fuse
def test_many_slow_mounts_do_not_make_a_look_without_an_end(node: Node) -> None:
    """None of them hangs; those whose turn does not come are not asked."""
    slow = Statfs(HANGS_SECONDS, altogether=0.5)
    asked = [Asked(n, str(n), bytes(node.csi(f"pv-{n}"))) for n in range(3)]
    with contextlib.ExitStack() as stack:
        for one in asked:
            mount = stack.enter_context(FuseMount(Path(os.fsdecode(one.path))))
            mount.delay = 0.12
        answers = asyncio.run(slow.ask(asked))
        assert answers.errnos.keys() | answers.unasked == {0, 1, 2}
        assert 2 in answers.unasked
        assert not answers.hung
    slow.rest()
    until(lambda: slow.stuck == 0)


@needs_fuse
def test_a_fuse_mount_whose_server_has_ended_is_not_connected(node: Node) -> None:
    """As after the restart of a FUSE driver's plugin."""
    with FuseMount(node.in_tree("pv-fuse", "glusterfs")) as mount:
        mount.cut_off()
        assert node.seen() == (
            {"pv-fuse": "NotConnected"},
            MountCount("a", troubled=1),
        )


@needs_loop
def test_ext4_that_is_remounted_read_only_and_back(node: Node, ext4: Path) -> None:
    """By hand both options say so; that it was writable before, or still is elsewhere, tells."""
    with loop_disk.attached(ext4) as disk, disk.mounted(node.csi("pv-data")) as point:
        assert node.seen() == ({}, MountCount("a", well=1))
        loop_disk.remount(point, "ro")
        assert node.seen() == ({"pv-data": "ReadOnly"}, MountCount("a", troubled=1))
        loop_disk.remount(point, "rw")
        assert node.seen() == ({}, MountCount("a", well=1))


@needs_loop
def test_a_restart_does_not_take_a_remounted_file_system_for_one_that_was_meant_so(
    ext4: Path, tmp_path: Path
) -> None:
    """Nothing but our own memory tells the two apart; junk in it is no memory."""
    kept = tmp_path / "mounts.json"
    with loop_disk.attached(ext4) as disk:
        first = Node(tmp_path, state=kept)
        with disk.mounted(first.csi("pv-data")) as point:
            assert first.seen() == ({}, MountCount("a", well=1))
            loop_disk.remount(point, "ro")
            assert first.seen()[0] == {"pv-data": "ReadOnly"}
            assert Node(tmp_path, state=kept).seen()[0] == {"pv-data": "ReadOnly"}
            kept.write_text("{")
            assert Node(tmp_path, state=kept).seen()[0] == {}
            kept.write_text('{"boot": "another", "mounts": []}')
            assert Node(tmp_path, state=kept).seen()[0] == {}


@needs_loop
def test_ext4_that_was_mounted_read_only_is_meant_so(node: Node, ext4: Path) -> None:
    """Unless the kubelet's global mount of it may be written to."""
    with loop_disk.attached(ext4) as disk, disk.mounted(node.csi("pv-data"), "ro"):
        assert node.seen() == ({}, MountCount("a", well=1))
    with (
        loop_disk.attached(ext4) as disk,
        disk.mounted(node.staging()) as staging,
        disk.mounted(node.csi("pv-data")) as point,
    ):
        loop_disk.remount(point, "ro")
        assert staging.exists()
        assert node.seen() == ({"pv-data": "ReadOnly"}, MountCount("a", troubled=1))


@needs_loop
def test_ext4_turns_read_only_by_itself_when_it_finds_an_error(node: Node, ext4: Path) -> None:
    """The kernel's own switch provokes one; new kernels say `emergency_ro`."""
    with (
        loop_disk.attached(ext4) as disk,
        disk.mounted(node.csi("pv-data"), "errors=remount-ro"),
    ):
        assert node.seen() == ({}, MountCount("a", well=1))
        Path(f"/sys/fs/ext4/{disk.name}/trigger_fs_error").write_text("provoked\n")
        seen: list[dict[str, str]] = []

        def turned() -> bool:
            seen.append(node.seen()[0])
            return seen[-1] == {"pv-data": "ReadOnly"}

        until(turned)


@needs_loop
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_file_system_that_has_shut_down_is_an_io_error(
    node: Node, kind: str, request: pytest.FixtureRequest
) -> None:
    """XFS still tells its sizes then, ext4 its options."""
    image = request.getfixturevalue(kind)
    with loop_disk.attached(image) as disk, disk.mounted(node.csi("pv-data")) as point:
        loop_disk.shut_down(point)
        assert node.seen() == ({"pv-data": "IoError"}, MountCount("a", troubled=1))


@needs_loop
def test_a_mount_says_its_device_its_driver_and_its_volume(node: Node, ext4: Path) -> None:
    """The kubelet's file beside the mount knows the driver, and the name for certain."""
    point = node.csi("some-name")
    point.mkdir(parents=True)
    data = {"driverName": "rbd.csi.ceph.com", "specVolID": "pv-data", "attachmentID": "csi-1"}
    (point.parent / "vol_data.json").write_text(json.dumps(data))
    with loop_disk.attached(ext4) as disk, disk.mounted(point):
        loop_disk.shut_down(point)
        node.write()
        found = asyncio.run(node.mounts.look())
        (mount,) = [one for one in found if isinstance(one, model.Mount)]
        (volume,) = [one for one in found if isinstance(one, model.Volume)]
        assert mount == model.Mount(
            node="a",
            name="pv-data",
            problem=MountProblem.IO_ERROR,
            fs_type="ext4",
            device=disk.name,
            driver="rbd.csi.ceph.com",
            path=str(point),
        )
        assert volume == made.volume("pv-data")
        (point.parent / "vol_data.json").write_text('{"volumeLifecycleMode": "Ephemeral"}')
        assert node.seen()[0] == {}, "a pod's own volume is no claim's"


def test_a_mount_that_vanishes_while_it_is_asked_has_no_problem(node: Node) -> None:
    """Pods end all the time."""
    node.pretend(f"9 1 0:99 / {node.csi('pv-gone')} rw - nfs server:/x rw")
    node.pretend(f"10 1 0:98 / {node.csi('pv-ro')} rw - ext4 /dev/sdz ro")
    assert node.seen() == ({}, MountCount("a", well=2))


@needs_root
def test_while_mounts_come_and_go_those_that_stay_are_seen_at_every_look(tmp_path: Path) -> None:
    """Real ones, of a namespace of their own, read and asked while they vanish."""
    private = ("unshare", "--mount", "--propagation", "private")
    command = [*private, sys.executable, "-m", "tests.filesystems.vanishing", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["problems"] == []
    assert len(found["counts"]) >= vanishing.LOOKS
    assert min(found["counts"]) >= vanishing.STAY
    # No most: a table is read in pieces, and what is mounted again meanwhile is in two of them.
    assert found["at_rest"] == vanishing.STAY, "what is gone is not counted"
    assert len(set(found["counts"])) > 1, "they did come and go"


def test_a_volume_is_read_once_and_forgotten_with_its_trouble(tmp_path: Path) -> None:
    """And one that cannot be read costs its claim's name, not the signal."""
    api = Api(error=errors.Forbidden("get persistentvolumes"))
    node = Node(tmp_path, api)
    point = node.csi("pv-data")
    point.mkdir(parents=True)
    node.pretend(f"10 1 0:98 / {point} rw - ext4 /dev/sdz rw,emergency_ro")

    async def looks() -> None:
        assert said(await node.look())[0] == {"pv-data": "ReadOnly"}
        api.error = None
        for _ in range(2):
            found = await node.look()
            assert [one for one in found if isinstance(one, model.Volume)]
        assert api.asked == ["pv-data"] * 2
        node.statfs.rest()

    asyncio.run(looks())


def test_an_api_server_that_does_not_answer_delays_nothing() -> None:
    """What is wrong on this node is told without it."""

    class Silent(Api):
        async def get(self, kind: model.Kind, namespace: str, name: str) -> model.Object:
            del kind, namespace, name
            await asyncio.Event().wait()
            raise AssertionError

    assert asyncio.run(Volumes(Silent(), 0.05).named({"pv-data"})) == []


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [("missing", errors.NotFound), ("folder", errors.Unreachable)],
)
def test_a_table_that_cannot_be_read_is_unseen(
    tmp_path: Path, prepare: str, expected: type[Exception]
) -> None:
    """Never healthy."""
    node = Node(tmp_path)
    if prepare == "folder":
        (tmp_path / "mountinfo").mkdir()
    with pytest.raises(expected, match="mountinfo"):
        asyncio.run(node.mounts.look())


def test_mounts_that_are_not_propagated_to_us_are_unseen(tmp_path: Path) -> None:
    """A folder without HostToContainer shows what was mounted before us, and nothing since."""
    table = tmp_path / "mountinfo"
    table.write_text(
        "9 1 0:99 / /var/lib/kubelet/pods/1/volumes/kubernetes.io~csi/pv/mount rw - nfs s:/x rw\n"
    )
    mounts = Mounts("a", Volumes(Api()), Places(mountinfo=table, root=tmp_path))
    with pytest.raises(errors.Invalid, match="HostToContainer"):
        asyncio.run(mounts.look())


@needs_fuse
def test_ten_thousand_mounts_are_read_and_asked_within_seconds(node: Node) -> None:
    """And a hung one among them is one."""
    point = node.csi("pv-0")
    point.mkdir(parents=True)
    for number in range(10_000):
        node.pretend(f"{number + 900} 1 8:{number} / {point} rw - ext4 /dev/sd{number} rw")
    with FuseMount(node.csi("pv-hung")) as hung:
        hung.hang()
        began = time.monotonic()
        found, count = node.seen()
        assert time.monotonic() - began < 10.0
        assert (found, count.well, count.stuck) == ({"pv-hung": "Hung"}, 10_000, 1)
