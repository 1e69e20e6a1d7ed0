"""Small things that tell of a glusterd: its own file, its release, its process, its heal indices.

No bytes raise; what cannot be read is not there.
"""

import re
from collections.abc import Iterable

import msgspec

INDICES = ".glusterfs/indices"
PENDING, DIRTY = "xattrop", "dirty"
"""Directories of an index: files that another brick has not got, and writes that have not ended."""
LARGEST_COUNT = 100_000

_UUID = re.compile(rb"^UUID=([0-9A-Fa-f-]{1,64})$", re.MULTILINE)
_OP_VERSION = re.compile(rb"^operating-version=([0-9]{1,9})$", re.MULTILINE)
_RELEASE = re.compile(rb"^glusterfs ([0-9][0-9A-Za-z._~+-]{0,63})", re.MULTILINE)
_PID = re.compile(rb"\s*([0-9]{1,9})\s*")
_STARTED = 19
"""Field 22 of /proc/PID/stat, counted from the one after the name."""


class Info(msgspec.Struct, frozen=True):
    """The file `glusterd.info`: a glusterd that has ever run here has one."""

    uuid: str = ""
    op_version: int = 0


class Heal(msgspec.Struct, frozen=True):
    """Entries of a brick's heal index; `dirty` are those that are not pending as well."""

    pending: int
    dirty: int | None = None


def info(body: bytes) -> Info:
    """Read `glusterd.info`."""
    uuid, version = _UUID.search(body), _OP_VERSION.search(body)
    return Info(uuid[1].decode() if uuid else "", int(version[1]) if version else 0)


def release(body: bytes) -> str:
    """Read what `gluster --version` prints; empty for anything else."""
    found = _RELEASE.search(body)
    return found[1].decode() if found else ""


def pid(body: bytes) -> int | None:
    """Read a pid file."""
    found = _PID.fullmatch(body)
    return int(found[1]) if found else None


def started(stat: bytes) -> str | None:
    """Return when a process of GlusterFS began, in ticks since boot; None for any other process.

    A pid file outlives its process, and the number may be somebody else's by now.
    """
    _, _, name = stat.partition(b"(")
    name, _, rest = name.rpartition(b")")
    fields = rest.split()
    if not name.startswith(b"gluster") or len(fields) <= _STARTED:
        return None
    return fields[_STARTED].decode("ascii", "replace")


def is_entry(name: str) -> bool:
    """Whether a name in an index is a file to heal, and not its base, named after the index."""
    return not name.startswith((f"{PENDING}-", f"{DIRTY}-"))


def indices(body: bytes, bricks: Iterable[str]) -> dict[str, Heal]:
    """Count what `find <directory>... -maxdepth 1` prints, by brick; one without index is left out.

    A directory that is there is printed itself, so an empty one is told from none.
    """
    held: dict[str, set[str]] = {}
    for line in body.decode("utf-8", "replace").splitlines():
        directory, _, name = line.rpartition("/")
        held.setdefault(line, set()) if name in (PENDING, DIRTY) else None
        if directory in held and is_entry(name):
            held[directory].add(name)
    found = {}
    for brick in bricks:
        pending = held.get(f"{brick}/{INDICES}/{PENDING}")
        dirty = held.get(f"{brick}/{INDICES}/{DIRTY}")
        if pending is not None:
            found[brick] = Heal(
                min(len(pending), LARGEST_COUNT),
                min(len(dirty - pending), LARGEST_COUNT) if dirty is not None else None,
            )
    return found
