"""Locks: one that is really held is told with its holder, and our own looking takes none."""

from __future__ import annotations

import os
import re
import threading
import time
from typing import TYPE_CHECKING

from local import gluster_node
from tests.gluster.eyes import ON_THE_POOL, Eyes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.gluster import GlusterPool
    from local.gluster_node import GlusterNode

pytestmark = ON_THE_POOL

LOOKING = float(os.environ.get("PVMEDIC_LOOK_FOR_LOCKS", "8"))
"""Seconds of looking while volumes change. With 300 it is what the real thing would see in hours:
a look takes half a second, and ships to be taken once a minute."""
LOCK_LINE = re.compile(rb"\[glusterd-locks\.c:.*")
TAKEN_FOR = re.compile(rb"Trying to acquire lock of \S+ for (\S+)")


class Told:
    """What the logs of nodes get from now on."""

    def __init__(self, nodes: Iterable[GlusterNode]) -> None:
        """Begin."""
        self._began = [(node, node.log.stat().st_size) for node in nodes]

    def lines(self) -> list[bytes]:
        """Return every line about a lock since then."""
        found: list[bytes] = []
        for node, began in self._began:
            with node.log.open("rb") as file:
                file.seek(began)
                found += LOCK_LINE.findall(file.read())
        return found

    def owners(self) -> set[str]:
        """Return the uuids of the glusterds that asked for a lock since then."""
        found = (TAKEN_FOR.search(line) for line in self.lines())
        return {one[1].decode() for one in found if one is not None}


def test_a_lock_of_a_frozen_glusterd_is_held(pool: GlusterPool) -> None:
    """The volume and the holder are named, and it is over when the holder goes on."""
    a, b, c = pool.nodes
    with Eyes(pool) as eyes:
        uuid = eyes.glusterd(b).uuid
        c.freeze()
        change = b.hold_lock("rep3")
        b.freeze()
        c.thaw()
        refused = a.space.attempt(gluster_node.change("rep3", "6"))
        assert "Another transaction is in progress for rep3" in refused.stderr
        eyes.look()
        (signal,) = [
            one for one in eyes.signals("gluster_lock_errors") if one.subject["node"] == a.name
        ]
        assert signal.reason == "Held"
        assert signal.subject["volume"] == "rep3"
        assert dict(signal.named) == {"holder": uuid, "holder_host": b.name}
        b.thaw()
        assert change.wait(30.0) == 0


def test_looking_takes_no_lock_while_another_client_changes_volumes(pool: GlusterPool) -> None:
    """At DEBUG every lock is a line with the uuid for whom it was taken: never one of ours.

    Only gluster-c is used to change volumes, and only the other two are looked at meanwhile.
    """
    a, b, c = pool.nodes
    with Eyes(pool, a, b) as eyes:
        told, changes, over = Told(pool.nodes), [0], threading.Event()

        def change() -> None:
            while not over.is_set():
                c.gluster("volume", "create", "passing", f"{c.name}:/bricks/passing", "force")
                c.gluster("volume", "set", "passing", "network.ping-timeout", "9")
                c.gluster("volume", "delete", "passing")
                c.run("rm", "-rf", "/bricks/passing")
                changes[0] += 1

        client, looks = threading.Thread(target=change), 0
        client.start()
        end = time.monotonic() + LOOKING
        while time.monotonic() < end:
            eyes.look()
            looks += 1
        over.set()
        client.join()
        ours = {eyes.glusterd(node).uuid for node in (a, b)}
        done = f"{looks} looks at two nodes, {changes[0]} volumes made, changed and deleted"
        assert min(looks, changes[0]) > 3, done
        assert eyes.glusterd(a).answers
        assert told.owners()
        assert not told.owners() & ours


def test_nothing_but_volume_status_leaves_a_lock_line(pool: GlusterPool) -> None:
    """With no other client about, looking leaves no such line at all; the control run does."""
    with Eyes(pool) as eyes:
        told = Told(pool.nodes)
        for _ in range(3):
            eyes.look()
        assert told.lines() == []
        pool.nodes[0].gluster("volume", "status", "rep3")
        assert told.owners() == {eyes.glusterd(pool.nodes[0]).uuid}
