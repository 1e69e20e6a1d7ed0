"""The commands that put a disk under Rok's snapshot space, run for real, and each one twice."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from exporter.observe import disk_commands
from exporter.observe.disk_commands import Argv
from exporter.observe.model.blocks import BlockDevice, Group, LogicalVolume, PhysicalVolume
from exporter.observe.parse import blocks
from exporter.observe.shell import Output
from exporter.observe.shell.host import ENVIRONMENT, Host
from local import loop_disk, lvm, tools
from local.lvm import Lvm
from remediator import rok_disk
from remediator.rok_extension import MIB, Refused, extents_of, grown_to
from tests.filesystems.mounted import needs_loop

UID = "0d9c9d3e-6a0b-4f43-9a57-0b3f6f1f2c11"
EXTENT = 4 * MIB
SMALL, LARGE = 64 * MIB, 130 * MIB
SECONDS = 20
T = TypeVar("T")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")


@pytest.fixture(scope="module")
def tree() -> Path | None:
    """Return where LVM is unpacked."""
    return tools.ensure_lvm(lambda _: None)


@pytest.fixture
def disks(tree: Path | None, tmp_path: Path) -> Iterator[Lvm]:
    """Yield LVM with rokvg on one disk: 15 extents, of which rok-fisks has 10."""
    directory = tmp_path / "lvm"
    directory.mkdir()
    with lvm.opened(tree, directory) as found:
        found.run("vgcreate", "rokvg", found.disk(SMALL))
        found.run("lvcreate", "-an", "-Zn", "-Wn", "-l", "10", "-n", "rok-fisks", "rokvg")
        yield found


def ran(argv: Argv, environment: dict[str, str] | None = None) -> Output:
    """Run one here, as the node's exporter would."""
    host = Host(environment=environment or ENVIRONMENT)
    return asyncio.run(host.run(argv, timeout=60, largest=2**20))


def told(found: T | None) -> T:
    """Return what was read."""
    assert found is not None
    return found


def labelled(disks: Lvm) -> tuple[PhysicalVolume, ...]:
    """Return the physical volumes."""
    return told(blocks.physical_volumes(ran(disk_commands.pvs(disks.words)).stdout))


def group(disks: Lvm) -> Group:
    """Return rokvg."""
    found = rok_disk.only(told(blocks.groups(ran(disk_commands.vgs(disks.words)).stdout)), "rokvg")
    assert isinstance(found, Group)
    return found


def volume(disks: Lvm) -> LogicalVolume:
    """Return rok-fisks."""
    said = ran(disk_commands.lvs(disks.words, "rokvg")).stdout
    (found,) = told(blocks.logical_volumes(said))
    return found


def device(path: str) -> BlockDevice:
    """Return what lsblk says of a loop device."""
    found = told(blocks.devices(ran(disk_commands.lsblk()).stdout))
    return next(one for one in found if one.path == path)


def signatures(path: str) -> tuple[str, ...] | None:
    """Return what is on it."""
    said = ran(disk_commands.wipefs(path))
    assert said.status == 0
    return blocks.signatures(said.stdout)


def refused(disks: Lvm, path: str) -> Refused | None:
    """Return why it may not be labelled."""
    return rok_disk.used(device(path), signatures(path), labelled(disks))


def test_every_act_twice_labels_extends_and_grows_once_in_metadata_only(disks: Lvm) -> None:
    """The kernel maps no logical volumes here; sums of extents are LVM's to the last one."""
    new = disks.disk(LARGE)
    assert refused(disks, new) is None
    assert rok_disk.ours(labelled(disks), UID) is None
    assert [ran(rok_disk.pvcreate(disks.words, new, UID, SECONDS)).status for _ in "12"] == [0, 0]
    label = told(rok_disk.ours(labelled(disks), UID))
    assert (label.device, label.group) == (new, "")
    assert "LVM" in told(refused(disks, new)).why

    extend = rok_disk.vgextend(disks.words, "rokvg", new, SECONDS)
    assert [ran(extend).status == 0 for _ in "12"] == [True, False]
    label = told(rok_disk.ours(labelled(disks), UID))
    extents = extents_of(LARGE, EXTENT)
    assert (
        (label.group, label.extents, label.used_extents)
        == ("rokvg", extents, 0)
        == (
            "rokvg",
            32,
            0,
        )
    )
    found = group(disks)
    assert (found.disks, found.extents, found.free_extents) == (2, 15 + 32, 5 + 32)
    assert found.extent_size == EXTENT
    assert ran(rok_disk.pvcreate(disks.words, new, UID, SECONDS)).status != 0
    assert group(disks) == found

    to = grown_to(told(volume(disks).extents), LARGE, EXTENT)
    grown = rok_disk.lvextend(disks.words, "rokvg", "rok-fisks", to, new, SECONDS)
    assert [ran(grown).status == 0 for _ in "12"] == [True, False]
    assert volume(disks).extents == to == 42
    assert told(rok_disk.ours(labelled(disks), UID)).used_extents == 32
    assert group(disks).free_extents == 5


def test_a_logical_volume_is_neither_shrunk_nor_grown_from_another_disk_in_metadata_only(
    disks: Lvm,
) -> None:
    """The group's own free extents stay free: what was planned is what the disk has."""
    new = disks.disk(LARGE)
    ran(rok_disk.pvcreate(disks.words, new, UID, SECONDS))
    ran(rok_disk.vgextend(disks.words, "rokvg", new, SECONDS))
    for to in (9, 10, 10 + 33):
        argv = rok_disk.lvextend(disks.words, "rokvg", "rok-fisks", to, new, SECONDS)
        assert ran(argv).status != 0
        assert volume(disks).extents == 10
    assert group(disks).free_extents == 5 + 32


def test_a_second_disk_is_not_labelled_for_the_same_remediation(disks: Lvm) -> None:
    """LVM itself refuses the uuid."""
    first, second = disks.disk(LARGE), disks.disk(LARGE)
    assert ran(rok_disk.pvcreate(disks.words, first, UID, SECONDS)).status == 0
    assert ran(rok_disk.pvcreate(disks.words, second, UID, SECONDS)).status != 0
    assert signatures(second) == ()


def test_a_disk_with_a_file_system_is_refused_by_us_and_by_pvcreate(disks: Lvm) -> None:
    """And what is on it stays."""
    new = disks.disk(LARGE)
    loop_disk.run("mkfs.ext4", "-q", new)
    assert signatures(new) == ("ext4",)
    assert "ext4" in told(refused(disks, new)).why
    assert ran(rok_disk.pvcreate(disks.words, new, UID, SECONDS)).status != 0
    assert signatures(new) == ("ext4",)
    assert blocks.file_system(ran(disk_commands.blkid(new)).stdout) == "ext4"


@needs_loop
def test_a_mounted_disk_is_refused(disks: Lvm, tmp_path: Path) -> None:
    """As lsblk tells it."""
    new = disks.disk(LARGE)
    loop_disk.run("mkfs.ext4", "-q", new)
    with loop_disk.LoopDisk(new).mounted(tmp_path / "here") as point:
        assert device(new).mounted == (str(point),)
        assert str(point) in told(refused(disks, new)).why


def test_a_disk_of_another_group_is_refused_by_us_and_by_both_of_lvm_s_commands(
    disks: Lvm,
) -> None:
    """It is somebody's data, though no file system is seen on it."""
    new = disks.disk(LARGE)
    disks.run("vgcreate", "theirs", new)
    assert told(refused(disks, new)).why
    assert ran(rok_disk.pvcreate(disks.words, new, UID, SECONDS)).status != 0
    assert ran(rok_disk.vgextend(disks.words, "rokvg", new, SECONDS)).status != 0
    assert group(disks).disks == 1


def test_a_real_disk_of_another_size_is_refused(disks: Lvm) -> None:
    """A loop device has no serial and is no disk: these two are written over what lsblk says."""
    there = msgspec.structs.replace(device(disks.disk(LARGE)), serial="vol0a", type="disk")
    found = rok_disk.disk([there], "vol0a", 1)
    assert isinstance(found, Refused)
    assert f"{LARGE} bytes" in found.why


def test_an_act_that_hangs_is_ended() -> None:
    """By the node itself: the stream may be cut long before."""
    argv = rok_disk.vgextend(("sleep", "60"), "rokvg", "/dev/x", 1)
    assert argv[:3] == ("timeout", "--kill-after=3", "1")
    assert ran((*argv[:3], "sleep", "60")).status == 124


def size_of(point: Path) -> int:
    """Return a mounted file system's size in bytes."""
    found = os.statvfs(point)
    return found.f_blocks * found.f_frsize


def larger(image: Path, device: str, size: int) -> None:
    """Let a disk be larger, as a logical volume that was extended."""
    with image.open("r+b") as file:
        file.truncate(size)
    loop_disk.run("losetup", "--set-capacity", device)


def may_resize() -> bool:
    """Whether the kernel lets us grow a mounted ext4: it asks for CAP_SYS_RESOURCE."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (mask,) = (line.split()[1] for line in lines if line.startswith("CapEff:"))
    return bool(int(mask, 16) >> 24 & 1)


@needs_loop
@pytest.mark.skipif(not may_resize(), reason="growing a mounted ext4 needs CAP_SYS_RESOURCE")
def test_a_mounted_ext4_grows_to_its_loop_device_and_no_further(ext4: Path, tmp_path: Path) -> None:
    """On-line, by its own tool; the second time changes nothing and is no error."""
    with loop_disk.attached(ext4) as disk, disk.mounted(tmp_path / "data") as point:
        before = size_of(point)
        larger(ext4, disk.device, 64 * MIB)
        kind = blocks.file_system(ran(disk_commands.blkid(disk.device)).stdout)
        argv = rok_disk.grow(kind, disk.device, str(point))
        assert argv == ("resize2fs", disk.device)
        first = ran(argv)
        assert first.status == 0, first.stderr
        after = size_of(point)
        assert after > 3 * before
        assert ran(argv).status == 0
        assert size_of(point) == after


@needs_loop
def test_an_ext4_that_is_not_mounted_grows_by_the_same_command_off_line_on_a_loop_device(
    ext4: Path, tmp_path: Path
) -> None:
    """Where the kernel does not let us do it on-line: the argument list is the same."""
    with loop_disk.attached(ext4) as disk:
        with disk.mounted(tmp_path / "before") as point:
            before = size_of(point)
        larger(ext4, disk.device, 64 * MIB)
        argv = rok_disk.grow("ext4", disk.device, "/mnt/data")
        assert argv == ("resize2fs", disk.device)
        loop_disk.run("e2fsck", "-fp", disk.device)  # asked for before it is grown off-line
        sizes = []
        for again in ("once", "twice"):
            done = ran(argv)
            assert done.status == 0, done.stderr
            with disk.mounted(tmp_path / again) as point:
                sizes.append(size_of(point))
            loop_disk.run("e2fsck", "-fp", disk.device)
        assert sizes[0] == sizes[1] > 3 * before


@needs_loop
def test_a_mounted_xfs_grows_to_its_loop_device_and_no_further(xfs: Path, tmp_path: Path) -> None:
    """By the path where it is mounted, which is what its tool takes."""
    found = tools.ensure_xfs(print)
    (tool,) = found.mkfs.parent.parent.rglob("xfs_growfs")
    path = f"{tool.parent}:{ENVIRONMENT['PATH']}"
    environment = {**ENVIRONMENT, **found.environ, "PATH": path}
    with loop_disk.attached(xfs) as disk, disk.mounted(tmp_path / "data") as point:
        before = size_of(point)
        larger(xfs, disk.device, 640 * MIB)
        kind = blocks.file_system(ran(disk_commands.blkid(disk.device)).stdout)
        argv = rok_disk.grow(kind, disk.device, str(point))
        assert argv == ("xfs_growfs", str(point))
        assert ran(argv, environment).status == 0
        after = size_of(point)
        assert after > 1.5 * before
        assert ran(argv, environment).status == 0
        assert size_of(point) == after
