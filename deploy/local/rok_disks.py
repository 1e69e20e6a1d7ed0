"""The disks of a node of Rok's: real LVM and e2fsprogs, on loop devices. Needs root.

Real: every physical volume, volume group and extent, as the distribution's LVM writes them to disks
of the size that EC2 sold (sparse files), and the snapshot space: an ext4 that is mounted, filled
and grown. Played: the kernel maps no logical volumes on every machine, so LVM grows rok-fisks in
metadata only, and its blocks are a loop device of their own, made as large as LVM says. Where the
kernel lets nobody grow a mounted ext4 (CAP_SYS_RESOURCE), it is unmounted for a moment.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local import loop_disk, lvm
from local.errors import LocalClusterError
from local.rok_space import Space
from local.run_directory import prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.lvm import Lvm

GROUP, VOLUME = "rokvg", "rok-fisks"
EXTENT = 4 * 2**20
GIB = 2**30
MKFS = ("mkfs.ext4", "-q", "-E", "lazy_itable_init=1,nodiscard")
TOOLS = ("losetup", "lsblk", "wipefs", "blkid", "mkfs.ext4", "e2fsck", "resize2fs", "mount")
REPAIRED = 1
"""e2fsck's exit status when all is well by now."""
CAP_SYS_RESOURCE = 24


def why_not() -> str:
    """Return why such disks cannot be had on this machine; empty when they can."""
    if os.geteuid() != 0:
        return "loop devices and mounts need root"
    if not Path("/dev/loop-control").exists():
        return "there are no loop devices"
    lacks = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"there is no {', '.join(lacks)}" if lacks else ""


def grows_mounted() -> bool:
    """Say whether the kernel lets us grow a mounted ext4."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (mask,) = (line.split()[1] for line in lines if line.startswith("CapEff:"))
    return bool(int(mask, 16) >> CAP_SYS_RESOURCE & 1)


class RokDisks:
    """What is in a node; `opened` is the way in."""

    def __init__(self, found: Lvm, directory: Path) -> None:
        """Have no disk yet."""
        self.lvm = found
        self.devices: dict[str, str] = {}
        self.volume = ""
        self.point = directory / "data"
        self.space = Space(self.point / "rok")
        self._image = directory / f"{VOLUME}.img"

    def make_group(self, serial: str, gib: int, extents: int) -> None:
        """Set a disk up as Rok Disk Manager does, with so many extents for the snapshot space."""
        self.sync({serial: gib})
        self.lvm.run("vgcreate", GROUP, self.devices[serial])
        self.lvm.run("lvcreate", "-an", "-Zn", "-Wn", "-l", str(extents), "-n", VOLUME, GROUP)
        with self._image.open("wb") as file:
            file.truncate(self.volume_size())
        loop_disk.run(*MKFS, str(self._image))
        self._attach()
        self._mount()
        self.space.path.mkdir()

    def sync(self, wanted: Mapping[str, int]) -> None:
        """Have exactly these disks: GiB by serial."""
        for serial in self.devices.keys() - wanted.keys():
            self.lvm.take_away(self.devices.pop(serial))
        for serial in sorted(wanted.keys() - self.devices.keys()):
            self.devices[serial] = self.lvm.disk(wanted[serial] * GIB)

    def volume_size(self) -> int:
        """Return how large LVM says that the logical volume is, in bytes."""
        words = ("--units", "b", "--nosuffix", "--noheadings", "--readonly", "-o", "lv_size")
        return int(self.lvm.run("lvs", *words, f"{GROUP}/{VOLUME}"))

    def group(self) -> tuple[int, int, int]:
        """Return the group's bytes, its disks, and its free extents."""
        words = ("--units", "b", "--nosuffix", "--noheadings", "--readonly", "--separator", " ")
        said = self.lvm.run("vgs", *words, "-o", "vg_size,pv_count,vg_free_count", GROUP)
        size, disks, free = (int(word) for word in said.split())
        return size, disks, free

    def holders(self) -> set[str]:
        """Return the devices on which the logical volume lies."""
        words = ("--noheadings", "--readonly", "--reportformat", "json", "-o")
        said = json.loads(self.lvm.run("pvs", *words, "pv_name,vg_name,pv_pe_alloc_count"))
        rows = [row for part in said["report"] for row in part["pv"]]
        return {row["pv_name"] for row in rows if int(row["pv_pe_alloc_count"])}

    def follow(self) -> None:
        """Make the volume's blocks as many as LVM says by now."""
        size = self.volume_size()
        if size > self._image.stat().st_size:
            os.truncate(self._image, size)
            loop_disk.run("losetup", "--set-capacity", self.volume)

    @contextmanager
    def let_go(self) -> Iterator[None]:
        """Have a snapshot space that may be grown meanwhile: unmounted, where it must be.

        Then it is a copy: processes in mount namespaces that were made since may keep the first one
        mounted for ever, and nobody may check or grow a device that is.
        """
        if grows_mounted():
            yield
            return
        with self.space.still:
            loop_disk.run("sync", "--file-system", str(self.point))
            loop_disk.run("umount", "--lazy", str(self.point))
            before, image = self.volume, self._image
            self._image = image.with_suffix(".grown")
            loop_disk.run("cp", "--sparse=always", str(image), str(self._image))
            self._attach()
            try:
                _checked(self.volume)
                yield
            finally:
                self._mount()
                loop_disk.run("losetup", "--detach", before)
                image.unlink()

    def rows(self, columns: str) -> dict[str, dict[str, Any]]:
        """Return what lsblk says of each of these loop devices, by path."""
        command = ("lsblk", "--json", "--bytes", "--output", columns)
        said = json.loads(loop_disk.run(*command, *self.devices.values(), self.volume))
        return {row["path"]: row for row in said["blockdevices"]}

    def close(self) -> None:
        """Give the snapshot space back; the disks are LVM's."""
        if self.volume:
            loop_disk.run("umount", "--lazy", str(self.point))
            loop_disk.run("losetup", "--detach", self.volume)

    def _attach(self) -> None:
        self.volume = loop_disk.run("losetup", "--find", "--show", str(self._image)).strip()

    def _mount(self) -> None:
        self.point.mkdir(exist_ok=True)
        loop_disk.run("mount", "-o", "noinit_itable", self.volume, str(self.point))


def _checked(device: str) -> None:
    """Check an ext4 as after a power failure: its journal may have to be played back."""
    command = ("e2fsck", "-fp", device)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, REPAIRED):
        message = f"e2fsck -fp {device} ended with {done.returncode}: {done.stdout}{done.stderr}"
        raise LocalClusterError(message)


@contextmanager
def opened(tree: Path | None, directory: Path) -> Iterator[RokDisks]:
    """Yield a node without disks; all of it is gone afterwards. `tree` is where LVM is unpacked.

    What runs that were killed have left is gone, too.
    """
    loop_disk.sweep(f"{tempfile.gettempdir()}/{prefix()}")
    directory.mkdir()
    with lvm.opened(tree, directory) as found:
        disks = RokDisks(found, directory)
        try:
            yield disks
        finally:
            disks.close()
    shutil.rmtree(directory)
