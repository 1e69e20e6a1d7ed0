"""The week of seed 003, once more: at each reboot that hurt, the metric would have said no.

Friday: a node is restarted while what it missed is not healed. Monday: another one is rebooted,
with the heals still pending, and volumes are read-only. Meanwhile a third fills up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.observe.gluster_safety import SafetyReason, safeties
from tests.gluster.eyes import ON_THE_POOL, Eyes

if TYPE_CHECKING:
    from local.gluster import GlusterPool

pytestmark = ON_THE_POOL

SAFE = SafetyReason.SAFE


def reasons(eyes: Eyes) -> list[str]:
    """Return the verdict on each node, after a new look."""
    eyes.look()
    found = safeties(eyes.view())
    return [found[node.name].reason for node in eyes.pool.nodes]


def test_the_week_of_the_seed_would_have_been_stopped_each_time(pool: GlusterPool) -> None:
    """Yes while the pool is whole; no at every step of the week, and yes again at its end."""
    a, b, c = pool.nodes
    pool.set("rep3", "cluster.self-heal-daemon", "off")  # heals that take days, in short
    with a.mounted("rep3") as where, Eyes(pool) as eyes:
        assert reasons(eyes) == [SAFE] * 3, safeties(eyes.view())

        # Friday: b is rebooted, which was allowed. While it is away nobody else may go.
        b.power_off()
        a.run("sh", "-c", f"echo friday >{where}/friday")
        eyes.until("the missing peer", lambda: b.name in eyes.away(a))
        assert SAFE not in reasons(eyes)

        # It is back, and has not healed: to take a or c away would leave the only good copy alone.
        pool.start_again(b)
        eyes.until("bricks", lambda: not eyes.signals("gluster_brick_offline"))
        assert reasons(eyes) == [SafetyReason.HEAL_PENDING] * 3

        # Monday: c is rebooted all the same. Now a alone has what was written on Friday.
        c.power_off()
        eyes.until("the missing peer", lambda: c.name in eyes.away(a))
        assert SAFE not in reasons(eyes)
        pool.start_again(c)
        eyes.until("bricks", lambda: not eyes.signals("gluster_brick_offline"))
        assert reasons(eyes) == [SafetyReason.HEAL_PENDING] * 3

        # What should have been waited for.
        pool.set("rep3", "cluster.self-heal-daemon", "on")
        a.gluster("volume", "heal", "rep3")
        eyes.until("everything healed", lambda: not eyes.signals("gluster_heal_pending"))
        assert reasons(eyes) == [SAFE] * 3

        # And a volume that has one copy only makes one node different from the others.
        pool.create("single", nodes=(b,))
        assert reasons(eyes) == [SAFE, SafetyReason.ONLY_COPY, SAFE]
        pool.delete("single")
        a.run("rm", f"{where}/friday")
