"""What is read of a glusterd's surroundings: its own file, its process, heal indices, sizes.

`Here` reads them on this host, below the place where the host's root is seen. `Inside` reads them
in glusterd's container, where its bricks are mounted and this host does not see them.
"""

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from exporter.observe import errors, host_path
from exporter.observe.bounded import Bounded
from exporter.observe.gluster.apart import Apart
from exporter.observe.gluster.asking import SMALL, Asking, find, read
from exporter.observe.gluster.settings import GlusterSettings
from exporter.observe.parse import gluster_info
from exporter.observe.parse.gluster_info import DIRTY, INDICES, LARGEST_COUNT, PENDING, Heal, Info

log = logging.getLogger(__name__)

SECONDS = 10.0
"""For all bricks together: what is not counted by then is not known in this look."""
AT_ONCE = 32
MOST_BRICKS = 256
"""In a container so many bricks of a command, and so many in all: each command is an exec."""
LARGEST_LIST = 16 * 1024 * 1024


class Process(msgspec.Struct, frozen=True):
    """A glusterd's process: who it is (number and start, as far as they are seen), if it lives."""

    identity: str = ""
    alive: bool | None = None


class Size(msgspec.Struct, frozen=True):
    """Bytes of a file system."""

    size: int
    free: int


class Files(Protocol):
    """Reads a glusterd's surroundings."""

    async def info(self) -> Info | None:
        """Return its own file; None: there is no glusterd here. Raises ObserveError."""
        ...

    async def process(self) -> Process:
        """Return its process."""
        ...

    async def heals(self, bricks: Sequence[str]) -> dict[str, Heal]:
        """Return the heal counts of bricks by their paths, those that are known."""
        ...

    async def sizes(self, bricks: Sequence[str]) -> dict[str, Size]:
        """Return the sizes of bricks' file systems by the bricks' paths, those that are known."""
        ...


class Here:
    """Files of this host. `root` is where the host's root is seen."""

    def __init__(self, settings: GlusterSettings, root: Path = Path("/")) -> None:
        self._settings = settings
        self._root = root
        self._about_info = Bounded(self._info, "glusterd's work directory")
        self._about_process = Bounded(self._process, "glusterd's process")
        self._apart = Apart("bricks of this node")

    def place(self, path: Path | str) -> Path:
        """Return where a path of the host's is seen; it may block."""
        return host_path.below(self._root, Path(path))

    async def info(self) -> Info | None:
        """Read glusterd.info."""
        return await self._about_info.ask(SECONDS)

    async def process(self) -> Process:
        """Read the pid file, and /proc where the host's is seen."""
        try:
            return await self._about_process.ask(SECONDS)
        except errors.Unreachable:
            return Process()

    async def heals(self, bricks: Sequence[str]) -> dict[str, Heal]:
        """Count entries."""
        return await self._apart.each(self._heal, bricks, SECONDS)

    async def sizes(self, bricks: Sequence[str]) -> dict[str, Size]:
        """Ask the file systems."""
        return await self._apart.each(self._size, bricks, SECONDS)

    def _info(self) -> Info | None:
        path = self.place(self._settings.work_directory) / "glusterd.info"
        try:
            with path.open("rb") as file:
                return gluster_info.info(file.read(SMALL))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise errors.Unreachable(f"{path} cannot be read: {error}") from error

    def _process(self) -> Process:
        proc = self.place("/proc")
        if not (proc / "1").exists():
            # Not the host's, or none at all: numbers are all that is left.
            number = self._pid()
            return Process("" if number is None else str(number))
        number = self._pid()
        if number is None:
            return Process(alive=False)
        try:
            started = gluster_info.started((proc / str(number) / "stat").read_bytes())
        except OSError:
            started = None
        if started is None:
            return Process(alive=False)
        return Process(f"{number} {started}", alive=True)

    def _pid(self) -> int | None:
        try:
            with self.place(self._settings.pid_file).open("rb") as file:
                return gluster_info.pid(file.read(SMALL))
        except OSError:
            return None

    def _heal(self, brick: str) -> Heal | None:
        index = self.place(brick) / INDICES
        try:
            pending = sum(1 for _ in _entries(index / PENDING))
        except OSError:
            return None
        dirty = None
        with suppress(OSError):
            dirty = sum(
                1 for name in _entries(index / DIRTY) if not (index / PENDING / name).exists()
            )
        return Heal(pending, dirty)

    def _size(self, brick: str) -> Size | None:
        try:
            found = os.statvfs(self.place(brick))
        except OSError:
            return None
        return Size(found.f_blocks * found.f_frsize, found.f_bfree * found.f_frsize)


def _entries(directory: Path) -> Sequence[str]:
    found: list[str] = []
    with os.scandir(directory) as each:
        for one in each:
            if gluster_info.is_entry(one.name):
                found.append(one.name)
            if len(found) >= LARGEST_COUNT:
                break
    return found


class Inside:
    """The container in which glusterd and its bricks run."""

    def __init__(self, asking: Asking, settings: GlusterSettings, here: Here) -> None:
        self._asking = asking
        self._settings = settings
        self._here = here
        self._known: Info | None = None
        self._told = False

    async def info(self) -> Info | None:
        """Read glusterd.info, which the host often lends to the container.

        A container that is away does not make its glusterd one that never was.
        """
        found = await self._here.info()
        if found is None:
            said = await self._print(self._settings.work_directory / "glusterd.info")
            found = gluster_info.info(said) if said is not None else self._known
        self._known = found
        return found

    async def process(self) -> Process:
        """Read the pid file and the container's /proc."""
        said = await self._print(self._settings.pid_file)
        number = gluster_info.pid(said) if said is not None else None
        if number is None:
            return Process()
        stat = await self._print(Path("/proc") / str(number) / "stat")
        started = gluster_info.started(stat) if stat is not None else None
        if started is None:
            return Process(alive=False)
        return Process(f"{number} {started}", alive=True)

    async def heals(self, bricks: Sequence[str]) -> dict[str, Heal]:
        """Count entries, of the first bricks only where there are many."""
        if len(bricks) > MOST_BRICKS and not self._told:
            self._told = True
            log.warning(
                "heals are counted for %d of %d bricks in the container", MOST_BRICKS, len(bricks)
            )
        found: dict[str, Heal] = {}
        for start in range(0, min(len(bricks), MOST_BRICKS), AT_ONCE):
            some = bricks[start : start + AT_ONCE]
            places = [f"{one}/{INDICES}/{kind}" for one in some for kind in (PENDING, DIRTY)]
            said = await self._asking.listed(find(places), LARGEST_LIST)
            if said is None:
                break
            found.update(gluster_info.indices(said, some))
        return found

    async def sizes(self, bricks: Sequence[str]) -> dict[str, Size]:
        """Return nothing: glusterd itself tells of them, and this host sees other file systems."""
        del bricks
        return {}

    async def _print(self, path: Path) -> bytes | None:
        said = await self._asking.soon(read(path))
        return said if isinstance(said, bytes) else None
