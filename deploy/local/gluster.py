"""A real GlusterFS pool on one machine: three nodes in namespaces, and the cables between them.

As root, without a container, and without a trace outside: see `namespaces`. What is broken in the
pool, and what is then seen of it, is up to tests and the demo.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from local import gluster_node, namespaces
from local.closing import Closing
from local.errors import LocalClusterError
from local.processes import Processes
from local.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Self

    from local.gluster_node import GlusterNode
    from local.progress import Report

NODES = ("gluster-a", "gluster-b", "gluster-c")
BRIDGE = "ip link set lo up; ip link add pool type bridge; ip link set pool up"
READY_SECONDS = 30.0
POLL_SECONDS = 0.1


class GlusterPool(Closing):
    """A running pool; leaving the context ends every process of it."""

    def __init__(self) -> None:
        """Make the parts; `start` is the way in."""
        self._run = RunDirectory.create()
        self.directory = self._run.path
        self.processes = Processes(self._run)
        self.nodes: tuple[GlusterNode, ...] = ()
        self._logs_wanted = False
        self._parts = ExitStack()
        self._parts.callback(self.processes.end_all)

    @classmethod
    def start(
        cls,
        tree: Path,
        level: str = "INFO",
        names: Sequence[str] = NODES,
        report: Report = print,
    ) -> Self:
        """Start three nodes that are each other's peers; raises LocalClusterError.

        `tree` is where `tools.ensure_gluster` unpacked GlusterFS, `level` glusterd's log level.
        """
        pool = cls()
        try:
            pool._start(tree, level, names, report)
        except BaseException as error:
            pool.close(keep_logs=isinstance(error, Exception))
            raise
        return pool

    def _start(
        self,
        tree: Path,
        level: str,
        names: Sequence[str],
        report: Report,
    ) -> None:
        started = time.monotonic()
        report(f"Starting a GlusterFS pool of {len(names)} nodes (usually 5 s)")
        self._switch = namespaces.open_space(self.processes, self.directory, "switch", BRIDGE)
        hosts = {name: f"10.0.0.{number}" for number, name in enumerate(names, 1)}
        self.nodes = tuple(
            gluster_node.open_node(self.processes, self.directory, tree, name, hosts, level)
            for name in names
        )
        for node in self.nodes:
            self._wire(node)
        self.start_again(*self.nodes)
        for node in self.nodes[1:]:
            self.nodes[0].gluster("peer", "probe", node.name)
        self.wait("peers", self.whole, READY_SECONDS)
        report(f"  ready after {time.monotonic() - started:.0f} s")

    def close(self, *, keep_logs: bool = False) -> None:
        """End every process and remove the directory; the kernel removes the rest."""
        try:
            self._parts.close()
        finally:
            self._run.close(keep_logs=keep_logs or self._logs_wanted)

    def node(self, name: str) -> GlusterNode:
        """Return a node."""
        for node in self.nodes:
            if node.name == name:
                return node
        message = f"no node {name}; there are {', '.join(known.name for known in self.nodes)}"
        raise LocalClusterError(message)

    def whole(self) -> bool:
        """Whether every glusterd is connected with all others, as a member of the pool."""
        return all(
            node.gluster("peer", "status").count("Peer in Cluster (Connected)")
            == len(self.nodes) - 1
            for node in self.nodes
        )

    def unplug(self, node: GlusterNode) -> None:
        """Pull a node's cable: nobody is told, packets just do not come any more."""
        self._switch.network("link", "set", node.name, "down")

    def plug(self, node: GlusterNode) -> None:
        """Put a node's cable back."""
        self._switch.network("link", "set", node.name, "up")

    def mend(self) -> None:
        """Plug every cable and let every glusterd run, whatever was done to them."""
        for node in self.nodes:
            self.plug(node)
            node.mend()

    def create(self, volume: str, *kind: str, nodes: tuple[GlusterNode, ...] = ()) -> None:
        """Create and start a volume with a brick on each of `nodes`; `kind` as in `replica 3`."""
        bricks = [f"{node.name}:/bricks/{volume}" for node in nodes or self.nodes]
        self.nodes[0].gluster("volume", "create", volume, *kind, *bricks)
        self.nodes[0].gluster("volume", "start", volume)

    def set(self, volume: str, option: str, value: str) -> None:
        """Set an option of a volume."""
        self.nodes[0].gluster("volume", "set", volume, option, value)

    def delete(self, volume: str) -> None:
        """Stop and delete a volume, with what its bricks hold."""
        self.nodes[0].gluster("volume", "stop", volume, "force")
        self.nodes[0].gluster("volume", "delete", volume)
        for node in self.nodes:
            node.run("rm", "-rf", f"/bricks/{volume}")

    def start_again(self, *nodes: GlusterNode) -> None:
        """Start glusterd on nodes, all at once."""
        with ThreadPoolExecutor(len(nodes)) as together:
            list(together.map(lambda node: node.start(), nodes))

    def wait(self, description: str, predicate: Callable[[], object], timeout: float) -> float:
        """Wait until `predicate()` is true; returns the seconds, raises after `timeout`."""
        started = time.monotonic()
        while not predicate():
            if time.monotonic() - started > timeout:
                self._logs_wanted = True
                message = f"waited {timeout:.0f} s in vain for {description}"
                raise LocalClusterError(message)
            time.sleep(POLL_SECONDS)
        return time.monotonic() - started

    def _wire(self, node: GlusterNode) -> None:
        peer = ("type", "veth", "peer", "name", "eth0", "netns", str(node.space.pid))
        self._switch.network("link", "add", node.name, *peer)
        self._switch.network("link", "set", node.name, "master", "pool", "up")
        node.space.network("address", "add", f"{node.address}/24", "dev", "eth0")
        node.space.network("link", "set", "eth0", "up")
