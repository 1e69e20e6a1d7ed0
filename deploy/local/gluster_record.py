"""Records what a real GlusterFS writes, for tests of grammars and sources on recorded truth.

`PYTHONPATH=deploy python -m local.gluster_record`, as root, plays everything on a pool of its own
(half a minute) and writes tests/observe/recorded/gluster. The pool has the volumes rep3 (replica 3,
server quorum on), arb (with an arbiter) and dist (distributed); what is not said otherwise is of
node gluster-a.

    whole.*                  get-state, with detail too, peer status, pool list and volume info
    detached.log             gluster-b's cable is pulled and put back
    stopped.log              gluster-b's glusterd is stopped and started, as gluster-c tells it
    own_stop.log             the same, as gluster-b's own log tells it
    held_by_origin.log       gluster-a waits for gluster-b, which is frozen, with the lock of rep3
    held_by_other.log        the same, as gluster-c tells it
    held_by_frozen.log       gluster-b is frozen while it has the lock of rep3
    refused_by_peer.log      gluster-c has missed that gluster-a has a lock, and asks it for one
    refusing_peer.log        the same, as gluster-a tells it
    quorum.log, .state       the other two glusterds end and come back; get-state meanwhile
    brick.log, .state        the brick of rep3 is killed
    debug_status.log         one `volume status rep3` at log level DEBUG: it takes a lock
    debug_local.log          get-state, peer status, pool list, volume info at DEBUG: none does
    commands.log             cmd_history.log of all that

Addresses, uuids and times fit together among all files but those of DEBUG.
"""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from local import gluster_node, tools
from local.errors import LocalClusterError
from local.gluster import GlusterPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.gluster_node import GlusterNode

INTO = Path(__file__).parents[2] / "tests" / "observe" / "recorded" / "gluster"
SECONDS = 30.0
STATE = "/run/state"
NOISE = ("cli_list_friends", "glusterd_svc", "glusterd_proc_stop", "__server_getspec")
LOCAL = ("get-state", "peer status", "pool list", "volume info")


def main() -> int:
    """Record everything; 0, or 1 with a sentence."""
    INTO.mkdir(parents=True, exist_ok=True)
    try:
        tree = tools.ensure_gluster(print)
        with GlusterPool.start(tree) as pool:
            _Recorder(pool).all()
        with GlusterPool.start(tree, "DEBUG") as pool:
            _Recorder(pool).debug()
    except LocalClusterError as error:
        print(error)
        return 1
    return 0


class _Recorder:
    def __init__(self, pool: GlusterPool) -> None:
        self.pool = pool
        self.a, self.b, self.c = pool.nodes
        pool.create("rep3", "replica", "3")
        pool.create("arb", "replica", "3", "arbiter", "1")
        pool.create("dist")

    def all(self) -> None:
        self.a.gluster("volume", "set", "rep3", "cluster.server-quorum-type", "server")
        self._whole()
        self._peers()
        self._locks()
        self._bricks()
        _write("commands.log", (self.a.root / gluster_node.COMMAND_LOG).read_text())

    def debug(self) -> None:
        with self._log("debug_status.log", self.a):
            self.a.gluster("volume", "status", "rep3")
        with self._log("debug_local.log", self.a):
            self._state()
            for command in LOCAL[1:]:
                self.a.gluster("--xml", *command.split())

    def _whole(self) -> None:
        _write("whole.state", self._state())
        _write("whole_detail.state", self._state("detail"))
        for command in LOCAL[1:]:
            name = command.replace(" ", "_")
            _write(f"whole_{name}.xml", self.a.gluster("--xml", *command.split()))

    def _peers(self) -> None:
        with self._log("detached.log", self.a):
            self._seen(self.a, "has disconnected", lambda: self.pool.unplug(self.b))
            self._seen(self.a, "Received ACC from uuid", lambda: self.pool.plug(self.b))
        self.pool.wait("peers", self.pool.whole, SECONDS)
        with self._log("stopped.log", self.c), self._log("own_stop.log", self.b):
            self._seen(self.c, "has disconnected", self.b.stop)
            self._seen(self.c, "Received ACC from uuid", self.b.start)
        self.pool.wait("peers", self.pool.whole, SECONDS)

    def _locks(self) -> None:
        with self._log("held_by_origin.log", self.a), self._log("held_by_other.log", self.c):
            self.b.freeze()
            first = self.a.hold_lock("rep3")
            self._refused(self.a)
            self._refused(self.c)
            self.b.thaw()
            first.wait()
        self.pool.wait("peers", self.pool.whole, SECONDS)
        with self._log("held_by_frozen.log", self.a):
            self.c.freeze()
            first = self.b.hold_lock("rep3")
            self.b.freeze()
            self.c.thaw()
            self._refused(self.a)
            self.b.thaw()
            first.wait()
        self.pool.wait("peers", self.pool.whole, SECONDS)
        with self._log("refused_by_peer.log", self.c), self._log("refusing_peer.log", self.a):
            self._seen(self.a, "has disconnected", lambda: self.pool.unplug(self.c))
            self.b.freeze()
            first = self.a.hold_lock("rep3")
            self._seen(self.c, "Received ACC from uuid", lambda: self.pool.plug(self.c))
            # It waits for gluster-b, too, if the two have already found each other again.
            second = self.c.begin(*gluster_node.change("rep3", "6"))
            self.pool.wait("a refusal", lambda: "Locking failed" in self.c.log.read_text(), SECONDS)
            self.b.thaw()
            first.wait()
            second.wait()
        self.pool.wait("peers", self.pool.whole, SECONDS)

    def _bricks(self) -> None:
        with self._log("quorum.log", self.a):
            self._seen(self.a, "quorum lost", self.b.kill, self.c.kill)
            _write("quorum.state", self._state())
            self._refused(self.a)
            self._seen(self.a, "quorum regained", self.b.start, self.c.start)
            self.pool.wait("peers", self.pool.whole, SECONDS)
        with self._log("brick.log", self.a):
            self._seen(self.a, "Brick .* has disc", lambda: self.a.kill_brick("rep3"))
            _write("brick.state", self._state())

    def _state(self, *words: str) -> str:
        directory, name = STATE.rsplit("/", 1)
        self.a.gluster("get-state", "glusterd", "odir", directory, "file", name, *words)
        return self.a.run("cat", STATE)

    def _refused(self, node: GlusterNode) -> str:
        """Try to change rep3, and return why that is refused; empty when it is not."""
        done = node.space.attempt(gluster_node.change("rep3", "6"))
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def _seen(self, node: GlusterNode, text: str, *actions: Callable[[], object]) -> None:
        """Act, and wait until the log of a node says so."""
        began = node.log.stat().st_size
        for act in actions:
            act()
        self.pool.wait(text, lambda: re.search(text, _read(node, began)), SECONDS)

    @contextmanager
    def _log(self, name: str, node: GlusterNode) -> Iterator[None]:
        """Write what the log of a node gets meanwhile, without what only our waiting causes."""
        began = node.log.stat().st_size
        yield
        lines = _read(node, began).splitlines(keepends=True)
        _write(name, "".join(line for line in lines if not any(word in line for word in NOISE)))


def _read(node: GlusterNode, began: int) -> str:
    with node.log.open("rb") as file:
        file.seek(began)
        return file.read().decode()


def _write(name: str, text: str) -> None:
    (INTO / name).write_text(text)
    print(f"  {name}: {text.count(chr(10))} lines")


if __name__ == "__main__":
    sys.exit(main())
