"""Reads the glusterd log of this node, and says what it has told.

How far it was read and what it told until then are kept together in one file, so that after a
restart no line counts twice and none is missed. Without the file, it begins at the log's end.
Meaning and counting are `parse.gluster_log` and `gluster_told`.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from exporter.kit.described import setting
from exporter.observe import errors, host_path
from exporter.observe.bounded import Bounded
from exporter.observe.gluster_told import Told
from exporter.observe.log_file import NOWHERE, Place
from exporter.observe.model import GlusterLog, Kind, Object
from exporter.observe.parse import gluster_log
from exporter.observe.tail import Tail

log = logging.getLogger(__name__)

OLD_NAME = "etc-glusterfs-glusterd.vol.log"
"""Of the log before GlusterFS 3.8, and where nobody renamed it since."""
STATE = "glusterlog.json"
LONGEST_SECONDS = 60.0
"""For one look: it reads at most `tail.MOST` bytes, which takes a second or two."""


def zone(name: str) -> tzinfo:
    """Return a time zone; UTC is there where no others are installed. Raises what ZoneInfo does."""
    return UTC if name == "UTC" else ZoneInfo(name)


class GlusterLogSettings(msgspec.Struct, frozen=True):
    """The section about the glusterd log."""

    path: Annotated[
        Path,
        setting("The log of glusterd; beside it, the name that it had before 3.8 is tried too."),
    ] = Path("/var/log/glusterfs/glusterd.log")
    time_zone: Annotated[
        str,
        setting(
            "The zone of its times, such as Europe/Berlin, where glusterd is older than 9 and runs"
            " with --localtime-logging."
        ),
    ] = "UTC"

    def problems(self) -> Iterable[tuple[str, str]]:
        """Name what cannot be."""
        if not self.path.is_absolute():
            yield ("path", "must be an absolute path")
        try:
            zone(self.time_zone)
        except (KeyError, ValueError, OSError):
            yield ("time_zone", f"{self.time_zone!r} is no time zone that is known here")


class Kept(msgspec.Struct):
    """What a restart would forget."""

    place: Place | None = None
    told: Told = msgspec.field(default_factory=Told)
    too_long: int = 0
    gaps: int = 0


class GlusterLogSource:
    """Sees the log of the glusterd of a node.

    `state` is a directory that keeps what a restart would forget; None: it is forgotten. `root` is
    where the host's root directory lies.
    """

    name = "glusterlog"
    kinds = frozenset({Kind.GLUSTER_LOG})
    every = 2.0

    def __init__(
        self,
        node: str,
        settings: GlusterLogSettings,
        state: Path | None = None,
        *,
        root: Path = Path("/"),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._root, self._path = root, settings.path
        self._zone = zone(settings.time_zone)
        self._node = node
        self._state = state / STATE if state is not None else None
        self._clock = clock
        self._kept = Kept()
        self._tail: Tail | None = None
        self._written = b""
        self._failing = False
        self._reading = Bounded(self._read, f"the log {settings.path}")

    async def look(self) -> Sequence[Object]:
        """Read on, and return what has been told; nothing where there has never been a log."""
        try:
            return await self._reading.ask(LONGEST_SECONDS)
        except PermissionError as error:
            raise errors.Forbidden(self._said(error)) from error
        except OSError as error:
            raise errors.Unreachable(self._said(error)) from error

    def _said(self, error: OSError) -> str:
        return f"{error.filename or self._path}: {error.strerror or error}"

    def _read(self) -> Sequence[GlusterLog]:
        if self._tail is None:
            self._kept = self._remembered()
            directory = host_path.below(self._root, self._path.parent)
            paths = (directory / self._path.name, directory / OLD_NAME)
            self._tail = Tail(paths, self._kept.place)
        kept, tail = self._kept, self._tail
        for lines in tail.pieces():
            kept.told.take(gluster_log.scan(lines, self._zone), self._clock())
        if not tail.found:
            if host_path.below(self._root, self._path.parent).is_dir():
                self._keep(Kept(NOWHERE, kept.told))
            return ()
        seen = kept.told.seen(self._node, self._clock())
        too_long, gaps = kept.too_long + tail.too_long, kept.gaps + tail.gaps
        self._keep(Kept(tail.place, kept.told, too_long, gaps))
        return (msgspec.structs.replace(seen, behind=tail.behind, too_long=too_long, gaps=gaps),)

    def _remembered(self) -> Kept:
        if self._state is None:
            return Kept()
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=Kept)
        except FileNotFoundError:
            return Kept()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning("%s cannot be read; the log is read from its end: %s", self._state, error)
            return Kept()

    def _keep(self, kept: Kept) -> None:
        content = msgspec.json.encode(kept)
        if self._state is None or content == self._written:
            return
        beside = self._state.with_name(f"{STATE}.new")
        try:
            beside.write_bytes(content)
            beside.replace(self._state)
        except OSError as error:
            if not self._failing:
                log.warning("%s cannot be written: %s", self._state, error.strerror)
            self._failing = True
        else:
            self._written, self._failing = content, False
