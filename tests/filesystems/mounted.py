"""A kubelet's folders with real mounts in them, and what a node's source says of them."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from exporter.observe.model import Kind, Mount, MountCount, Object
from exporter.observe.mounts import Mounts, Places
from exporter.observe.statfs import Statfs
from exporter.observe.volumes import Volumes
from tests.signals import made

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
needs_fuse = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/fuse").exists(), reason="needs root and /dev/fuse"
)
needs_loop = pytest.mark.skipif(
    os.geteuid() != 0
    or not Path("/dev/loop-control").exists()
    or not all(map(shutil.which, ("losetup", "mkfs.ext4", "mount"))),
    reason="needs root, loop devices, losetup and mkfs.ext4",
)

HANGS_SECONDS = 1.0
"""How long a mount may take in these tests; real ones get longer."""


class Api:
    """Knows volumes by name, or refuses."""

    def __init__(self, *volumes: Object, error: Exception | None = None) -> None:
        self.volumes = {one.name: one for one in volumes}
        self.error = error
        self.asked: list[str] = []

    async def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """Return the volume."""
        assert (kind, namespace) == (Kind.VOLUME, "")
        self.asked.append(name)
        if self.error is not None:
            raise self.error
        return self.volumes.get(name) or made.volume(name)


class Node:
    """The node `a`, whose kubelet's folder is below a temporary one."""

    def __init__(
        self,
        folder: Path,
        api: Api | None = None,
        most_stuck: int = 8,
        state: Path | None = None,
    ) -> None:
        self.folder = folder / "kubelet"
        self._table = folder / "mountinfo"
        self._also: list[bytes] = []
        self.api = api or Api()
        self.statfs = Statfs(HANGS_SECONDS, most_stuck)
        places = Places(mountinfo=self._table)
        self.mounts = Mounts("a", Volumes(self.api), places, self.statfs, state)

    def csi(self, volume: str, pod: str = "pod-1") -> Path:
        """Return where a CSI volume is mounted for a pod."""
        return self.folder / "pods" / pod / "volumes/kubernetes.io~csi" / volume / "mount"

    def in_tree(self, volume: str, plugin: str = "nfs", pod: str = "pod-1") -> Path:
        """Return where an in-tree volume is mounted for a pod."""
        return self.folder / "pods" / pod / f"volumes/kubernetes.io~{plugin}" / volume

    def staging(self, driver: str = made.DRIVER) -> Path:
        """Return where a CSI volume is mounted for the whole node."""
        return self.folder / "plugins/kubernetes.io/csi" / driver / ("0" * 64) / "globalmount"

    def pretend(self, line: str) -> None:
        """Add a line of a mount that is not there."""
        self._also.append(line.encode() + b"\n")

    def write(self) -> None:
        """Write down what is mounted now: of this test, not of those beside it."""
        ours = bytes(self.folder)
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines(keepends=True)
        self._table.write_bytes(b"".join([*(one for one in lines if ours in one), *self._also]))

    async def look(self) -> Sequence[Object]:
        """Look at what is mounted now."""
        self.write()
        return await self.mounts.look()

    def seen(self) -> tuple[dict[str, str], MountCount]:
        """Return what is wrong by volume, and the count, of one look."""
        return asyncio.run(self.once())

    async def once(self) -> tuple[dict[str, str], MountCount]:
        """Look, and keep no process."""
        try:
            return said(await self.look())
        finally:
            self.statfs.rest()


def said(found: Sequence[Object]) -> tuple[dict[str, str], MountCount]:
    """Return what is wrong by volume, and the count."""
    (count,) = [one for one in found if isinstance(one, MountCount)]
    return {one.name: str(one.problem) for one in found if isinstance(one, Mount)}, count
