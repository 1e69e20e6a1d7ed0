"""Rok's snapshot space: a directory of a real file system in which jobs keep what they copy.

A job takes its room from the kernel, so that whether there is enough is never decided here. Nothing
is written: blocks are allocated, and the image behind the file system stays small.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Space:
    """The directory; `still` is held while its file system is taken away for a moment."""

    def __init__(self, path: Path) -> None:
        """Look at nothing yet."""
        self.path = path
        self.still = threading.Lock()

    def copy(self, job: str, size: int) -> None:
        """Let a job have so many bytes in all; OSError with errno 28 when there is no room.

        What it got before stays, as what is left of a failed copy does.
        """
        with self.still:
            file = os.open(self.path / job, os.O_CREAT | os.O_WRONLY, 0o600)
            try:
                os.posix_fallocate(file, 0, size)
            finally:
                os.close(file)

    def drop(self, job: str) -> None:
        """Give back what a job has."""
        with self.still:
            (self.path / job).unlink(missing_ok=True)

    def available(self) -> int:
        """Return the bytes that are free, and not kept for anybody."""
        with self.still:
            found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def size(self) -> int:
        """Return the size of its file system in bytes."""
        with self.still:
            found = os.statvfs(self.path)
        return found.f_blocks * found.f_frsize
