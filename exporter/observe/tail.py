"""Follows a file that somebody else writes and puts away: each whole line comes once.

Put away by renaming: the old file is read to its end first, also when it happened while we were not
running. Put away by copying and truncating: what was not read yet is read from the copy. Compressed
files are never opened. How far it was read is a Place, for whoever keeps it; one that fits no file
makes it begin at the end, and is a gap. What lines mean is not known here.

It blocks as files do: call it in a thread. Raises OSError.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from exporter.observe.log_file import NOWHERE, LogFile, Place

log = logging.getLogger(__name__)

MOST = 64 * 1024 * 1024
"""Bytes read in one go. The rest is `behind`, and is read the next time."""
MOST_COMING = 8
"""Files that wait to be read while an older one still is."""
PACKED = (".gz", ".xz", ".bz2", ".zst", ".lz4", ".Z", ".zip")


class Tail:
    """Follows the first of some paths that exists.

    `place` is where an earlier run stopped; without one it begins at the end of what is there, and
    at the beginning of a file that appears later.
    """

    def __init__(self, paths: Sequence[Path], place: Place | None = None, most: int = MOST) -> None:
        self.gaps = 0
        self.behind = 0
        self._paths = paths
        self._most = most
        self._place = place
        self._open: LogFile | None = None
        self._coming: list[LogFile] = []
        self._waited = 0
        self._first = True
        self._too_long = 0

    @property
    def place(self) -> Place | None:
        """How far it has read: up to the end of the last piece that was given."""
        return self._open.place() if self._open is not None else self._place

    @property
    def found(self) -> bool:
        """Whether there has been a file."""
        return self.place not in {None, NOWHERE}

    @property
    def too_long(self) -> int:
        """How many lines were longer than any may be."""
        return self._too_long + (self._open.lines.too_long if self._open is not None else 0)

    def pieces(self) -> Iterator[bytes]:
        """Read on: whole lines, in pieces, until there is nothing or enough was read."""
        try:
            if self._open is None:
                self._begin()
            if self._open is not None:
                self._notice(self._open)
                yield from self._read(self._open)
            self.behind = self._left()
        except OSError:
            # Whatever is wrong with it, the next time begins from where this one stopped.
            self.close()
            raise

    def close(self) -> None:
        """Let the files go."""
        self._place = self.place
        for one in (self._open, *self._coming):
            if one is not None:
                self._too_long += one.lines.too_long
                one.close()
        self._open, self._coming, self._waited = None, [], 0

    def _read(self, now: LogFile) -> Iterator[bytes]:
        left, settled = self._most, False
        while left > 0:
            if not settled and not now.same():
                now = self._emptied(now)
            settled = True
            piece = now.read()
            left -= len(piece)
            if piece:
                yield now.lines.feed(piece)
            elif self._waited:
                # Whoever writes may have had the old file open for a moment longer; another look
                # has found nothing more in it.
                self._waited -= 1
                yield now.lines.end()
                now, settled = self._switch(self._coming.pop(0)), False
            else:
                break
        self._waited = len(self._coming)

    def _begin(self) -> None:
        current, place = self._current(), self._place
        if place is None and current is not None:
            self._open = LogFile(current[0], None if self._first else 0)
        elif place is not None:
            first = [current[0]] if current is not None else []
            self._open = self._fitting(place, first + self._put_away(place.inode))
            if self._open is None and current is not None:
                self._gap(
                    f"{current[0]} is not what was read before: its lines so far are left out"
                )
                self._open = LogFile(current[0], None)
        self._first = False

    def _notice(self, now: LogFile) -> None:
        """See whether another file has come in the place of the newest one."""
        current, newest = self._current(), (self._coming or [now])[-1]
        if current is None or newest.is_at(current[1]):
            return
        place = newest.place()
        if place.head_size and (copy := self._fitting(place, [current[0]])) is not None:
            # The same content under another number: a copy was put in its place.
            if newest is now:
                self._switch(copy)
            else:
                self._coming.pop().close()
                self._coming.append(copy)
            return
        try:
            self._coming.append(LogFile(current[0]))
        except FileNotFoundError:
            return
        if len(self._coming) > MOST_COMING:
            self._gap(f"{current[0]} is put away faster than it is read")
            self._coming.pop(0).close()

    def _emptied(self, was: LogFile) -> LogFile:
        """Return where to go on when a file has been emptied: in the copy, if there is one."""
        place = was.place()
        copy = self._fitting(place, self._put_away(place.inode)) if place.head_size else None
        self._too_long += was.lines.too_long
        was.restart()
        if copy is None:
            self._gap(f"{was.path} was emptied: lines written just before may be missing")
            return was
        self._coming.insert(0, was)
        self._open = copy
        return copy

    def _fitting(self, place: Place, paths: Sequence[Path]) -> LogFile | None:
        for path in paths:
            try:
                found = LogFile(path, place.offset, inside=place.inside)
            except FileNotFoundError:
                continue
            if found.fits(place):
                return found
            found.close()
        return None

    def _switch(self, to: LogFile) -> LogFile:
        if self._open is not None:
            self._too_long += self._open.lines.too_long
            self._open.close()
        self._open = to
        return to

    def _current(self) -> tuple[Path, os.stat_result] | None:
        for path in self._paths:
            try:
                return path, path.stat()
            except (FileNotFoundError, NotADirectoryError):
                continue
        return None

    def _put_away(self, inode: int) -> list[Path]:
        """Return files that may have been the log before, the one with this number first."""
        found: list[tuple[bool, float, Path]] = []
        for path in self._paths:
            try:
                entries = list(os.scandir(path.parent))
            except (FileNotFoundError, NotADirectoryError):
                continue
            for entry in entries:
                other = entry.name.startswith(path.name) and entry.name != path.name
                if other and not entry.name.endswith(PACKED) and entry.is_file():
                    with suppress(FileNotFoundError):
                        status = entry.stat()
                        found.append((status.st_ino != inode, -status.st_mtime, Path(entry.path)))
        return [path for _, _, path in sorted(found)]

    def _left(self) -> int:
        files = (self._open, *self._coming)
        return sum(max(0, one.status().st_size - one.offset) for one in files if one is not None)

    def _gap(self, sentence: str) -> None:
        self.gaps += 1
        log.warning("%s", sentence)
