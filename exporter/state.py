"""A small file with what a restart would forget, so that nothing looks younger after one.

It is a convenience, never a source: each entry only counts while its failure is seen anew. In a pod
it lies on an emptyDir, which survives the end of the process. A file that cannot be read is told of
and put aside; no file, unreadable or not writable, keeps the exporter from seeing.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from exporter.observe.memory import Memory

log = logging.getLogger(__name__)

FIRST_SEEN_SECONDS = 900.0
"""After a longer absence what was first seen before may be another failure of the same thing."""
EVENTS_SECONDS = 3600.0
"""For an hour Kubernetes still has the Event that would have cleared what is remembered."""
HEARTBEAT_SECONDS = 60.0
CHECK_SECONDS = 1.0


class Written(msgspec.Struct, frozen=True):
    """The file. `saved` is when it was last true, in Unix seconds."""

    saved: float
    memory: Memory


def read(path: Path, now: float) -> Memory:
    """Return what an earlier run wrote, as far as it still counts."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Written)
    except FileNotFoundError:
        return Memory()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("the state file %s cannot be read and is put aside: %s", path, error)
        _put_aside(path)
        return Memory()
    return recent(found, now)


def recent(found: Written, now: float) -> Memory:
    """Keep what is young enough; a file from the future is none."""
    absent = now - found.saved
    if absent < -FIRST_SEEN_SECONDS or absent > EVENTS_SECONDS:
        return Memory()
    first_seen = found.memory.first_seen if absent <= FIRST_SEEN_SECONDS else ()
    return Memory(tuple(one for one in first_seen if one.since <= now), found.memory.events)


def write(path: Path, written: Written) -> None:
    """Replace the file in one step; raises OSError."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(msgspec.json.encode(written))
    beside.replace(path)


def _put_aside(path: Path) -> None:
    try:
        path.replace(path.with_name(f"{path.name}.unreadable"))
    except OSError:
        log.warning("%s cannot be put aside either", path)


async def keep(path: Path, memory: Callable[[], Memory]) -> None:
    """Write whenever something changed, and every minute, until cancelled."""
    last, saved = Memory(), float("-inf")
    failing = False
    while True:
        now = memory()
        if now != last or time.time() - saved > HEARTBEAT_SECONDS:
            try:
                await asyncio.to_thread(write, path, Written(time.time(), now))
            except OSError as error:
                if not failing:
                    why = os.strerror(error.errno) if error.errno else str(error)
                    log.warning("the state file %s cannot be written: %s", path, why)
                failing = True
            else:
                last, saved, failing = now, time.time(), False
        await asyncio.sleep(CHECK_SECONDS)
