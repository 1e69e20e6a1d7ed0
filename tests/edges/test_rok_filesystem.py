"""A real snapshot space that fills up, is collected and is grown, and why a job fails there."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from exporter.observe import model
from exporter.observe.rok import Rok, RokSettings
from local import loop_disk
from tests.signals.rok_events import COPY, SNAP, job, reason_of

MIB = 2**20
BLOCK = 4096

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("losetup", "mkfs.ext4", "resize2fs"))),
    reason="needs root, loop devices, mkfs.ext4 and resize2fs",
)


class Space:
    """An ext4 of its own that can be filled and grown."""

    def __init__(self, image: Path, device: str, point: Path) -> None:
        """Take what is mounted."""
        self._image = image
        self._device = device
        self.point = point

    def seen(self) -> model.RokSpace:
        """Return what the node's exporter sees."""
        (found,) = asyncio.run(Rok("a", RokSettings(path=self.point)).look())
        assert isinstance(found, model.RokSpace)
        return found

    def why(self, changed: int) -> str:
        """Return why a job failed that had so many bytes to copy."""
        copy = COPY.replace("53941051", str(changed // BLOCK))
        return reason_of(*job(SNAP, 1000.0, copy=copy), self.seen())

    def fill(self) -> Path:
        """Write until there is no room, as Rok's jobs do."""
        old = self.point / "old-snapshot"
        with old.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(BLOCK)):
                pass
        return old

    def grow(self, size: int) -> None:
        """Make disk and file system larger; unmounted, for not every root may do it otherwise."""
        loop_disk.run("umount", str(self.point))
        os.truncate(self._image, size)
        loop_disk.run("losetup", "--set-capacity", self._device)
        loop_disk.run("e2fsck", "-f", "-p", self._device)
        loop_disk.run("resize2fs", self._device)
        loop_disk.run("mount", self._device, str(self.point))


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Space]:
    """Yield a space of 32 MiB."""
    image = loop_disk.make(tmp_path / "space.img", 32, ("mkfs.ext4", "-q", "-m", "0"))
    with (
        loop_disk.attached(image) as disk,
        disk.mounted(tmp_path / "space") as point,
    ):
        yield Space(image, disk.device, point)


def test_sizes_of_a_small_file_system_are_exactly_df_s(space: Space) -> None:
    """Nobody else writes there, so the first look is right; full or not."""
    for fill in (False, True):
        if fill:
            space.fill()
        wanted = ["df", "-B1", "--output=size,used,avail", str(space.point)]
        said = subprocess.run(wanted, capture_output=True, text=True, check=True).stdout
        found = space.seen()
        told = (found.size, found.used, found.available)
        assert told == tuple(map(int, said.splitlines()[1].split()))
        assert found.full is fill


def test_a_space_that_is_collected_and_then_grown(space: Space) -> None:
    """Full for now, room again, too small for ever, and enough once it is larger."""
    old = space.fill()
    assert space.why(16 * MIB) == "CollectionPending"
    old.unlink()
    assert space.why(16 * MIB) == "RoomAgain"
    assert space.why(40 * MIB) == "ExtensionNeeded"
    space.grow(96 * MIB)
    assert space.why(40 * MIB) == "RoomAgain"
