"""The file systems that a Gluster node lives on, and what deleted files still hold there.

A log that was removed while glusterd, a brick or a client has it open takes its space until they
end. That is seen in the host's /proc only, and by who may look into others' processes
(CAP_SYS_PTRACE); else it is unknown.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from exporter.observe import errors
from exporter.observe.bounded import Bounded
from exporter.observe.gluster.apart import Apart
from exporter.observe.gluster.files import Here
from exporter.observe.gluster.settings import GlusterSettings
from exporter.observe.model import Brick, GlusterSpace, Kind, Space

log = logging.getLogger(__name__)

SECONDS = 10.0
MOST_FILES = 200_000
BRICK = "brick"

_DELETED = " (deleted)"


class _Asked(msgspec.Struct, frozen=True):
    """One file system by its device, as statvfs tells of it."""

    device: int
    space: Space


class SpaceSource:
    """See sources.Source. `bricks`: those of the node itself, as they were last seen."""

    name = "glusterspace"
    kinds = frozenset({Kind.GLUSTER_SPACE})

    def __init__(
        self,
        node: str,
        here: Here,
        settings: GlusterSettings,
        bricks: Callable[[], Sequence[Brick]],
        *,
        inside: bool,
    ) -> None:
        self.every: float = settings.every
        self._node = node
        self._here = here
        self._settings = settings
        self._bricks = bricks
        self._inside = inside
        self._apart = Apart("file systems of GlusterFS")
        self._about_deleted = Bounded(self._deleted, "what GlusterFS has open")
        self._refused = False

    async def look(self) -> Sequence[GlusterSpace]:
        """Return all file systems in one; nothing where there is no glusterd."""
        bricks = tuple(self._bricks())
        if await self._here.info() is None and not bricks:
            return ()
        uses = self._uses(bricks)
        found = await self._apart.each(self._asked, uses, SECONDS)
        held = await self._held()
        spaces = []
        devices = set()
        for path, asked in ((path, found[path]) for path in uses if path in found):
            if uses[path] == BRICK and asked.device in devices:
                # Many bricks on one file system are one file system.
                continue
            devices |= {asked.device} if uses[path] == BRICK else set()
            space = msgspec.structs.replace(asked.space, use=uses[path])
            if held is not None:
                space = msgspec.structs.replace(space, deleted_open=held.get(asked.device, 0))
            spaces.append(space)
        if self._inside:
            spaces += _told(bricks)
        return (GlusterSpace(self._node, tuple(spaces)),)

    def _uses(self, bricks: Sequence[Brick]) -> dict[str, str]:
        """Return what each path that is asked about is used for."""
        uses = {
            "/": "root",
            str(self._settings.work_directory): "work_directory",
            str(self._settings.log_directory): "logs",
        }
        if not self._inside:
            # What is mounted in a container is not seen from here.
            uses.update({one.path: BRICK for one in bricks if one.path not in uses})
        return uses

    def _asked(self, path: str) -> _Asked | None:
        place = self._here.place(path)
        try:
            found, device = os.statvfs(place), place.stat().st_dev
        except OSError:
            return None
        block = found.f_frsize
        # btrfs and others that make inodes as they need them say 0 of 0.
        inodes, free = (found.f_files, found.f_favail) if found.f_files else (None, None)
        return _Asked(
            device, Space("", path, found.f_blocks * block, found.f_bavail * block, inodes, free)
        )

    async def _held(self) -> dict[int, int] | None:
        """Return bytes of deleted files that are open, by device; None: not to be seen."""
        try:
            return await self._about_deleted.ask(SECONDS)
        except PermissionError as error:
            if not self._refused:
                log.warning("deleted but open files of GlusterFS are not seen: %s", error)
            self._refused = True
        except (OSError, errors.Unreachable) as error:
            log.debug("deleted but open files of GlusterFS are not seen: %s", error)
        return None

    def _deleted(self) -> dict[int, int] | None:
        proc = self._here.place("/proc")
        if not (proc / "1").exists():
            return None
        found: dict[tuple[int, int], int] = {}
        for file in islice(_open_files(proc), MOST_FILES):
            try:
                if file.readlink().name.endswith(_DELETED):
                    said = file.stat()
                    found[said.st_dev, said.st_ino] = said.st_blocks * 512
            except FileNotFoundError:
                # Closed, or its process is over, while we looked.
                continue
        held: dict[int, int] = {}
        for (device, _), size in found.items():
            held[device] = held.get(device, 0) + size
        return held


def _open_files(proc: Path) -> Iterator[Path]:
    """Yield what the processes of GlusterFS have open, as links."""
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            if (process / "comm").read_bytes().startswith(b"gluster"):
                yield from (process / "fd").iterdir()
        except (FileNotFoundError, ProcessLookupError):
            continue


def _told(bricks: Sequence[Brick]) -> Iterator[Space]:
    """Yield file systems as glusterd tells of them."""
    for one in bricks:
        if one.size is not None and one.free is not None:
            yield Space(BRICK, one.path, one.size, one.free)
