"""Cables are pulled and put back: what is counted is what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gluster.eyes import ON_THE_POOL, Eyes

if TYPE_CHECKING:
    from local.gluster import GlusterPool

pytestmark = ON_THE_POOL

PULLS = 3
VOLUMES = 2


def test_pulled_cables_are_counted_and_their_echoes_are_no_lock_errors(pool: GlusterPool) -> None:
    """Three times gone: each other node has counted three, and no lock is held for that.

    glusterd says of every volume that a lock was not held and not released; the two lines are
    counted by their kinds, and mean nothing.
    """
    a, b, c = pool.nodes
    with Eyes(pool) as eyes:
        for _ in range(PULLS):
            pool.unplug(b)
            eyes.until("a disconnect", lambda: b.name in eyes.away(a) and b.name in eyes.away(c))
            pool.plug(b)
            pool.wait("peers", pool.whole, 30.0)
        eyes.look()
        for node in (a, c):
            gone = {one.hostname: one.count for one in eyes.log(node).disconnects}
            assert gone == {b.name: PULLS}
            kinds = {one.kind: one.count for one in eyes.log(node).locks}
            assert kinds == dict.fromkeys(("not_held", "not_released"), PULLS * VOLUMES)
            assert eyes.log(node).held == ()
        flapping = {
            (one.subject["node"], one.subject["peer"], one.reason)
            for one in eyes.signals("gluster_peer_flapping")
        }
        assert {(a.name, b.name, "Flapping"), (c.name, b.name, "Flapping")} <= flapping
        assert eyes.signals("gluster_lock_errors") == []
