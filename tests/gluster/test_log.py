"""The log of a real glusterd is put away while it writes: no line is missed, none counts twice."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from exporter.observe.gluster_log import GlusterLogSettings, GlusterLogSource
from exporter.observe.model import GlusterLog
from local import gluster_node
from tests.gluster.eyes import ON_THE_POOL

if TYPE_CHECKING:
    from pathlib import Path

    from local.gluster import GlusterPool
    from local.gluster_node import GlusterNode

pytestmark = ON_THE_POOL


class Reader:
    """The exporter's source over a node's log, started anew when a test says so."""

    def __init__(self, node: GlusterNode, state: Path) -> None:
        """Begin at the log's end."""
        self._node, self._state = node, state
        self.restart()
        self.look()

    def restart(self) -> None:
        """Forget everything but what is written down."""
        settings = GlusterLogSettings()
        self._source = GlusterLogSource(
            self._node.name, settings, self._state, root=self._node.root
        )

    def look(self) -> GlusterLog:
        """Look once."""
        (log,) = asyncio.run(self._source.look())
        assert isinstance(log, GlusterLog)
        return log

    def at_rest(self) -> GlusterLog:
        """Look until a file that was put away is left."""
        return [self.look() for _ in range(4)][-1]


def test_no_line_is_missed_while_the_log_is_put_away(pool: GlusterPool, tmp_path: Path) -> None:
    """Renamed with SIGHUP as glusterfs' logrotate does, copied and emptied, and our restart."""
    a = pool.nodes[0]
    log = a.log
    before = log.read_bytes().count(b"\n")
    reader = Reader(a, tmp_path)
    talk(a)
    reader.look()

    talk(a)
    log.rename(log.with_name("glusterd.log.1"))
    a.run("sh", "-c", f'kill -HUP "$(cat /{gluster_node.PID_FILE})"')
    pool.wait("a new log", lambda: talk(a) and log.exists(), 20.0)
    reader.restart()
    reader.at_rest()

    talk(a)
    a.freeze()
    shutil.copy(log, log.with_name("glusterd.log.2"))
    with log.open("r+b") as file:
        file.truncate()
    a.thaw()
    talk(a)
    reader.restart()
    reader.at_rest()

    talk(a)
    a.stop()
    told = reader.at_rest()
    files = (log, log.with_name("glusterd.log.1"), log.with_name("glusterd.log.2"))
    written = sum(path.read_bytes().count(b"\n") for path in files)
    assert told.lines == written - before > 0
    assert (told.unparsed, told.gaps, told.behind) == (0, 0, 0)


def talk(node: GlusterNode) -> str:
    """Make a glusterd write: at DEBUG each question is some lines."""
    return node.gluster("volume", "info")
