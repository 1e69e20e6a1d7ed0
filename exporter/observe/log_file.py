"""One file that is read as it grows: how far, and whether it still is the file that it was.

Told from others by its first bytes, since lines of a log begin with their time; numbers of files
are used again. Which file comes next is `tail`. It blocks as files do; raises OSError.
"""

import errno
import hashlib
import os
import stat
from pathlib import Path

import msgspec

from exporter.observe.parse.whole_lines import WholeLines

PIECE = 64 * 1024
"""Bytes read at once: larger ones are slower (each is memory that the system must clear first), and
hold the interpreter for longer while they are looked at.
"""
HEAD = 256
"""Bytes at the beginning that tell one file from another: lines begin with their time."""


class Place(msgspec.Struct, frozen=True):
    """How far a file was read. `head` is of its first `head_size` bytes.

    `offset` is where a line begins, unless it lies `inside` of one that is not wanted.
    """

    inode: int
    offset: int
    head_size: int
    head: str
    inside: bool = False


class LogFile:
    """A file that is open, read up to `offset`."""

    def __init__(self, path: Path, offset: int | None = 0, *, inside: bool = False) -> None:
        """Open it; without an offset, at its end."""
        self.path = path
        self._number = _regular(path)
        size = self.status().st_size
        self.offset = size if offset is None else offset
        if offset is None and size > 0:
            inside = os.pread(self._number, 1, size - 1) != b"\n"
        self.lines = WholeLines(inside=inside)
        self._head = self._beginning(HEAD)

    def close(self) -> None:
        """Let it go."""
        os.close(self._number)

    def status(self) -> os.stat_result:
        """Return what the system says of it."""
        return os.fstat(self._number)

    def place(self) -> Place:
        """Return how far it was read."""
        at = self.offset - self.lines.held
        size = len(self._head)
        return Place(self.status().st_ino, at, size, _digest(self._head), self.lines.inside)

    def same(self) -> bool:
        """Whether it still is the file that was read, and has no less than that."""
        if self.status().st_size < self.offset:
            return False
        found = self._beginning(HEAD)
        same = found.startswith(self._head)
        self._head = found if same else self._head
        return same

    def read(self) -> bytes:
        """Return what comes next; nothing at the end."""
        piece = os.pread(self._number, PIECE, self.offset)
        self.offset += len(piece)
        return piece

    def restart(self) -> None:
        """Read it from its beginning, as another file."""
        self.offset, self.lines = 0, WholeLines()
        self._head = self._beginning(HEAD)

    def fits(self, place: Place) -> bool:
        """Whether it is the file that was read, or a copy of it that has at least as much."""
        if self.status().st_size < place.offset:
            return False
        return _digest(self._beginning(place.head_size)) == place.head

    def is_at(self, status: os.stat_result) -> bool:
        """Whether this is the file of which the system says that."""
        own = self.status()
        return (own.st_dev, own.st_ino) == (status.st_dev, status.st_ino)

    def _beginning(self, size: int) -> bytes:
        return os.pread(self._number, size, 0)


def _regular(path: Path) -> int:
    """Open a regular file; a fifo would wait for a writer."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(number).st_mode):
        return number
    os.close(number)
    raise OSError(errno.EINVAL, "this is no regular file", str(path))


def _digest(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=16).hexdigest()


NOWHERE = Place(0, 0, 0, _digest(b""))
"""Where one is before there is a file: it fits each, at its beginning."""
