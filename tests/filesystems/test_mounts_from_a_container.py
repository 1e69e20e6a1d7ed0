"""The node role in a container: the host's root lies elsewhere, and new mounts must come through.

A mount namespace of its own with the host's root bound below a folder, as a kubelet makes it, in
which this file runs again as a program: each line that it reads is a look.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.observe import errors
from exporter.observe.model import Mount
from exporter.observe.mounts import Mounts, Places
from exporter.observe.statfs import Statfs
from exporter.observe.volumes import Volumes
from local import loop_disk
from local.fuse_mount import FuseMount
from tests.filesystems.mounted import HANGS_SECONDS, Api, needs_fuse, needs_loop

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare")


class Container:
    """Asks the program in it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def seen(self, volume: str) -> str:
        """Return what is wrong with a volume; "well" is nothing, and an error its sentence."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("look\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        assert isinstance(found, dict)
        return str(found.get(volume, found.get("error", "well")))


@contextmanager
def container(folder: Path, propagation: str) -> Iterator[Container]:
    """Start it; `propagation` is slave for HostToContainer, private for None."""
    host = folder / "host"
    host.mkdir()
    script = (
        f"mount --rbind / {host} && mount --make-r{propagation} {host}"
        f" && exec {sys.executable} {__file__} {host}"
    )
    with subprocess.Popen(
        ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", script],  # noqa: S607
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        try:
            assert process.stdout is not None
            # Whatever is mounted from here on is mounted after it began.
            assert process.stdout.readline() == "ready\n"
            yield Container(process)
        finally:
            process.kill()


@pytest.fixture
def kubelet(tmp_path: Path) -> Iterator[Path]:
    """Return a kubelet's folder whose mounts are shared, as systemd makes all of a host's."""
    folder = tmp_path / "kubelet"
    folder.mkdir()
    loop_disk.run("mount", "--bind", str(folder), str(folder))
    loop_disk.run("mount", "--make-shared", str(folder))
    yield folder
    loop_disk.run("umount", "--lazy", str(folder))


def place(kubelet: Path, volume: str) -> Path:
    """Return where a kubelet mounts a CSI volume."""
    return kubelet / "pods/1/volumes/kubernetes.io~csi" / volume / "mount"


@needs_fuse
@needs_loop
def test_what_is_mounted_after_us_is_seen_and_asked(
    kubelet: Path, tmp_path: Path, ext4: Path
) -> None:
    """With mountPropagation HostToContainer; the host's own table has the host's places."""
    with (
        container(tmp_path, "slave") as inside,
        FuseMount(place(kubelet, "pv-inside")) as fuse,
        loop_disk.attached(ext4) as disk,
        disk.mounted(place(kubelet, "pv-ext4")) as point,
    ):
        assert (inside.seen("pv-inside"), inside.seen("pv-ext4")) == ("well", "well")
        loop_disk.remount(point, "ro")
        assert inside.seen("pv-ext4") == "ReadOnly"
        fuse.hang()
        assert inside.seen("pv-inside") == "Hung"
        fuse.answer()
        fuse.cut_off()
        assert inside.seen("pv-inside") in {"NotConnected", "Hung"}


@needs_loop
def test_what_does_not_come_through_is_judged_by_the_table_alone(
    kubelet: Path, tmp_path: Path, ext4: Path
) -> None:
    """Without it nothing can be asked: said as unseen when that is so of all."""
    with (
        container(tmp_path, "private") as inside,
        loop_disk.attached(ext4) as disk,
        disk.mounted(place(kubelet, "pv-ext4")),
    ):
        assert "HostToContainer" in inside.seen("pv-ext4")


async def _looks(host: Path) -> None:
    places = Places(mountinfo=host / "proc/1/mountinfo", root=host)
    mounts = Mounts("a", Volumes(Api()), places, Statfs(HANGS_SECONDS))
    print("ready", flush=True)  # noqa: T201 -- this is a program
    while sys.stdin.readline():
        try:
            found = {
                one.name: str(one.problem) for one in await mounts.look() if isinstance(one, Mount)
            }
        except errors.ObserveError as error:
            found = {"error": str(error)}
        print(json.dumps(found), flush=True)  # noqa: T201 -- this is a program


if __name__ == "__main__":
    asyncio.run(_looks(Path(sys.argv[1])))
