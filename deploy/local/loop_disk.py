"""A disk that is a file: with a real file system on it, mounted, remounted and broken for real.

It needs root and loop devices.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_SHUT_DOWN = 0x8004587D
"""The ioctl of XFS, and of ext4, that shuts a file system down."""
_WITHOUT_LOG = 2
DELETED = " (deleted)"
"""How the kernel ends the name of a file that is gone."""


class LoopDisk:
    """A loop device over an image."""

    def __init__(self, device: str) -> None:
        self.device = device

    @property
    def name(self) -> str:
        """What the kernel calls it."""
        return self.device.removeprefix("/dev/")

    @contextmanager
    def mounted(self, point: Path, options: str = "", *, fs_type: str = "") -> Iterator[Path]:
        """Mount it for a while; raises CalledProcessError with what mount(8) said."""
        point.mkdir(parents=True, exist_ok=True)
        command = ["mount", *(("-t", fs_type) if fs_type else ())]
        run(*command, *(("-o", options) if options else ()), self.device, str(point))
        try:
            yield point
        finally:
            run("umount", "--lazy", str(point))


def make(
    path: Path, megabytes: int, mkfs: Sequence[str], environ: Mapping[str, str] | None = None
) -> Path:
    """Make a file of that size with a file system on it."""
    with path.open("wb") as file:
        file.truncate(megabytes * 1024 * 1024)
    run(*mkfs, str(path), environ=environ)
    return path


@contextmanager
def attached(path: Path) -> Iterator[LoopDisk]:
    """Give an image a loop device for a while."""
    device = run("losetup", "--find", "--show", str(path)).strip()
    try:
        yield LoopDisk(device)
    finally:
        run("losetup", "--detach", device)


def sweep(below: str) -> None:
    """Take away the devices that killed runs have left, mounted or not: their files are gone.

    `below` is how the paths of those files begin.
    """
    said = run("losetup", "--list", "--json", "--output", "NAME,BACK-FILE")
    for one in json.loads(said)["loopdevices"] if said.strip() else ():
        file = one["back-file"] or ""
        if file.startswith(below) and file.endswith(DELETED):
            for words in (("umount", "--lazy"), ("losetup", "--detach")):
                # Not mounted, or another run was faster.
                with suppress(subprocess.CalledProcessError):
                    run(*words, one["name"])


def remount(point: Path, options: str) -> None:
    """Mount it anew as it is, with other options."""
    run("mount", "-o", f"remount,{options}", str(point))


def shut_down(point: Path) -> None:
    """Let the file system give up, as it does when its disk is gone."""
    descriptor = os.open(point, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, _SHUT_DOWN, struct.pack("I", _WITHOUT_LOG))
    finally:
        os.close(descriptor)


def run(*command: str, environ: Mapping[str, str] | None = None) -> str:
    """Run a program; raises CalledProcessError, whose `stderr` says why."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    return done.stdout
