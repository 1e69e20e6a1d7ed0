"""The played container of Rok Disk Manager runs the real tools on what EC2 has attached."""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from exporter.observe import disk_commands
from exporter.observe.parse import blocks
from local import loop_disk, rok_disks, tools
from local.cloud import Disk
from local.exec_face import STDOUT, Command, NoProgramError
from local.rok_node import ROOT, RokNode
from remediator import rok_disk
from remediator.rok_extension import GIB, Refused, extents_of, grown_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.observe.model.blocks import BlockDevice

UID = "0d9c9d3e-6a0b-4f43-9a57-0b3f6f1f2c11"
OWN, NEW = "vol-0a", "vol-0b"
EXTENTS = 160
SECONDS = 20
LVM = ("lvm",)

pytestmark = pytest.mark.skipif(bool(rok_disks.why_not()), reason=rok_disks.why_not())


class Ec2:
    """Says what is attached, as the endpoint would."""

    def __init__(self) -> None:
        self.disks = [Disk("vol-0r", 8, ROOT), Disk(OWN, 1, "/dev/sdf")]

    def attached(self, instance: str) -> tuple[Disk, ...]:
        """Return it."""
        assert instance == "i-0"
        return tuple(self.disks)


class Node:
    """One node and its EC2."""

    def __init__(self, disks: rok_disks.RokDisks) -> None:
        self.ec2 = Ec2()
        self.disks = disks
        self._container = RokNode(disks, self.ec2, "i-0")

    def ran(self, *argv: str) -> tuple[int, bytes]:
        """Return a command's status and what it printed."""
        said = bytearray()

        async def say(channel: int, body: bytes) -> None:
            if channel == STDOUT:
                said.extend(body)

        command = Command("rok-system", "rok-disk-manager-x", "rok-disk-manager", argv)
        return asyncio.run(self._container.played(command, say)), bytes(said)

    def devices(self) -> tuple[BlockDevice, ...]:
        """Return what lsblk says."""
        status, said = self.ran(*disk_commands.lsblk())
        found = blocks.devices(said)
        assert status == 0
        assert found is not None
        return found


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Yield a node with Rok's group on its own disk, and a snapshot space of 160 extents."""
    with rok_disks.opened(tools.ensure_lvm(lambda _: None), tmp_path / "node") as disks:
        disks.make_group(OWN.replace("-", ""), 1, EXTENTS)
        yield Node(disks)


def test_an_attached_disk_is_found_by_its_serial_and_makes_the_snapshot_space_larger(
    node: Node,
) -> None:
    """By the repair's own commands; the logical volume grows in metadata, its file system for real.

    The first disk is held by the volume; a disk that is detached again is no longer seen.
    """
    root, own = [one for one in node.devices() if one.type == "disk"]
    assert (root.serial, root.holders) == ("vol0r", ("/dev/nvme0n1p1",))
    assert (own.serial, own.size, own.path) == ("vol0a", GIB, "/dev/nvme1n1")
    (volume,) = [one for one in node.devices() if one.type == "lvm"]
    assert (volume.path, volume.mounted) == (own.holders[0], ("/mnt/data",))
    assert isinstance(rok_disk.disk(node.devices(), "vol0b", 2), Refused)

    node.ec2.disks.append(Disk(NEW, 2, "/dev/xvddz"))
    new = rok_disk.disk(node.devices(), "vol0b", 2)
    assert not isinstance(new, Refused)
    status, said = node.ran(*disk_commands.wipefs(new.path))
    assert (status, blocks.signatures(said)) == (0, ())

    before = node.disks.space.size()
    to = grown_to(EXTENTS, 2 * GIB, rok_disks.EXTENT)
    for argv in (
        rok_disk.pvcreate(LVM, new.path, UID, SECONDS),
        rok_disk.vgextend(LVM, "rokvg", new.path, SECONDS),
        rok_disk.lvextend(LVM, "rokvg", "rok-fisks", to, new.path, SECONDS),
    ):
        assert node.ran(*argv)[0] == 0, argv
    group = rok_disk.only(blocks.groups(node.ran(*disk_commands.vgs(LVM))[1]) or (), "rokvg")
    assert not isinstance(group, Refused)
    assert group.extents == 255 + extents_of(2 * GIB, rok_disks.EXTENT)
    assert node.disks.space.size() == before

    fs = blocks.file_system(node.ran(*disk_commands.blkid("/dev/rokvg/rok-fisks"))[1])
    grow = rok_disk.grow(fs, "/dev/rokvg/rok-fisks", "/mnt/data")
    assert not isinstance(grow, Refused)
    assert node.ran(*grow)[0] == 0
    assert node.disks.space.size() > 0.9 * to * rok_disks.EXTENT > 3 * before
    labelled = blocks.physical_volumes(node.ran(*disk_commands.pvs(LVM))[1])
    assert labelled is not None
    assert [(one.device, one.group) for one in labelled] == [
        ("/dev/nvme1n1", "rokvg"),
        ("/dev/nvme2n1", "rokvg"),
    ]
    found = rok_disk.ours(labelled, UID)
    assert found is not None
    assert found.used_extents == extents_of(2 * GIB, rok_disks.EXTENT)


def test_the_space_grows_with_all_that_is_in_it_though_somebody_else_keeps_it_mounted(
    node: Node,
) -> None:
    """As every process does in a mount namespace that was made since."""
    node.disks.space.copy("kept", 64 * 2**20)
    node.ec2.disks.append(Disk(NEW, 2, "/dev/xvddz"))
    (new,) = [one.path for one in node.devices() if one.serial == "vol0b"]
    apart = ("unshare", "--mount", "--propagation=private", "sh", "-c", "echo; exec sleep 60")
    with subprocess.Popen(apart, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"\n"
            for argv in (
                rok_disk.pvcreate(LVM, new, UID, SECONDS),
                rok_disk.vgextend(LVM, "rokvg", new, SECONDS),
                rok_disk.lvextend(LVM, "rokvg", "rok-fisks", 2 * EXTENTS, new, SECONDS),
                ("resize2fs", "/dev/rokvg/rok-fisks"),
            ):
                assert node.ran(*argv)[0] == 0, argv
            assert node.disks.space.size() > 1.8 * EXTENTS * rok_disks.EXTENT
            assert (node.disks.space.path / "kept").stat().st_size == 64 * 2**20
        finally:
            other.kill()


def test_what_a_killed_run_has_left_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    """A device whose file is gone, mounted or not; one whose file is there stays."""
    left, mounted, other = (tmp_path / name for name in ("left.img", "mounted.img", "other.img"))
    devices = []
    for image in (left, mounted, other):
        loop_disk.make(image, 8, ("mkfs.ext4", "-q"))
        devices.append(loop_disk.run("losetup", "--find", "--show", str(image)).strip())
    point = tmp_path / "point"
    point.mkdir()
    loop_disk.run("mount", devices[1], str(point))
    left.unlink()
    mounted.unlink()
    loop_disk.sweep(f"{tmp_path}/")
    there = loop_disk.run("losetup", "--list", "--noheadings", "--output", "NAME").split()
    assert set(devices) & set(there) == {devices[2]}
    assert not point.is_mount()
    loop_disk.run("losetup", "--detach", devices[2])


def test_there_is_room_for_what_fits_and_errno_28_for_what_does_not(node: Node) -> None:
    """From the kernel; what is left of a failed copy stays until it is dropped."""
    space = node.disks.space
    space.copy("small", 64 * 2**20)
    with pytest.raises(OSError, match="No space left") as caught:
        space.copy("large", space.size())
    assert caught.value.errno == 28
    space.drop("large")
    assert space.available() > space.size() // 2


def test_nothing_but_the_tools_of_a_repair_is_run_on_this_machine(node: Node) -> None:
    """Whoever asks for more hears that there is no such program."""
    for argv in (("sh", "-c", "true"), ("lvm", "vgremove", "rokvg"), ("mkfs.ext4", "/dev/x"), ()):
        with pytest.raises(NoProgramError):
            node.ran(*argv)
        with pytest.raises(NoProgramError):
            node.ran("timeout", "--kill-after=3", "20", *argv)
    assert json.loads(node.ran(*disk_commands.lsblk())[1])["blockdevices"]
