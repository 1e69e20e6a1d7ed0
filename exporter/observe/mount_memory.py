"""Keeps over our restart which mounts were writable and are not any more.

A mount that is read-only in both of its sets of options looks as if it was meant so; only who saw
it before knows better. Numbers of mounts begin anew with the node, so what was written in another
boot counts for nothing. A convenience: a file that cannot be read or written is told of, and no
more.
"""

import asyncio
import logging
from collections.abc import Collection
from pathlib import Path

import msgspec

from exporter.observe.parse.mountinfo import Key

log = logging.getLogger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Written(msgspec.Struct, frozen=True):
    """The file."""

    boot: str = ""
    mounts: tuple[str, ...] = ()


class MountMemory:
    """What an earlier run knew. `path` None: nothing is kept."""

    def __init__(self, path: Path | None, boot_id: Path = BOOT_ID) -> None:
        self._path = path
        self._boot_id = boot_id
        self._boot = ""
        self._saved: Written | None = None
        self._failing = False

    async def recall(self, keys: Collection[Key]) -> frozenset[Key]:
        """Return those of these mounts that an earlier run saw writable; only the first time."""
        if self._path is None or self._saved is not None:
            return frozenset()
        self._saved = await asyncio.to_thread(self._read, self._path)
        known = set(self._saved.mounts)
        return frozenset(key for key in keys if _text(key) in known)

    async def keep(self, keys: Collection[Key]) -> None:
        """Write down which mounts were writable and are not now, when that has changed."""
        written = Written(self._boot, tuple(sorted(map(_text, keys))))
        if self._path is None or written == self._saved:
            return
        try:
            await asyncio.to_thread(_write, self._path, written)
        except OSError as error:
            if not self._failing:
                log.warning("the state file %s cannot be written: %s", self._path, error)
            self._failing = True
        else:
            self._saved, self._failing = written, False

    def _read(self, path: Path) -> Written:
        try:
            self._boot = self._boot_id.read_text().strip()
            found = msgspec.json.decode(path.read_bytes(), type=Written)
        except FileNotFoundError:
            return Written(self._boot)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning("the state file %s cannot be read and is begun anew: %s", path, error)
            return Written(self._boot)
        return found if self._boot and found.boot == self._boot else Written(self._boot)


def _write(path: Path, written: Written) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(msgspec.json.encode(written))
    beside.replace(path)


def _text(key: Key) -> str:
    """Return a mount as one line; a name that is no text stays one, and no other's."""
    return f"{key.id} {key.device} {key.point.encode(errors='surrogateescape').hex()}"
