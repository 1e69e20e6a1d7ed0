"""Bricks that are killed, heals that become pending, quorum that is lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.gluster.eyes import ON_THE_POOL, Eyes

if TYPE_CHECKING:
    from local.gluster import GlusterPool
    from local.gluster_node import GlusterNode

pytestmark = ON_THE_POOL

FILES = 5


def offline(eyes: Eyes) -> set[tuple[str, str, str]]:
    """Return volume, brick and reason of each brick that is offline."""
    found = eyes.signals("gluster_brick_offline")
    return {(one.subject["volume"], one.subject["brick"], one.reason) for one in found}


def heal_info(node: GlusterNode, volume: str) -> dict[str, int | None]:
    """Return what Gluster itself says is to be healed, by brick; None where nobody answers."""
    said = node.gluster("volume", "heal", volume, "info")
    found = re.findall(r"Brick (\S+)\n(?:.*\n)*?Number of entries: (\d+|-)", said)
    return {brick: None if number == "-" else int(number) for brick, number in found}


def test_a_killed_brick_is_offline_and_what_it_misses_is_counted(pool: GlusterPool) -> None:
    """The heal index says as much as `heal info`, for each brick that is there."""
    a, b, c = pool.nodes
    with a.mounted("rep3") as where, Eyes(pool) as eyes:
        b.kill_brick("rep3")
        eyes.until("a brick that is offline", lambda: offline(eyes))
        assert offline(eyes) == {("rep3", f"{b.name}:/bricks/rep3", "Offline")}
        for number in range(FILES):
            a.run("sh", "-c", f"echo {number} >{where}/file-{number}")
        eyes.look()
        said = heal_info(a, "rep3")
        seen = {f"{node.name}:/bricks/rep3": eyes.heals(node, "rep3") for node in (a, c)}
        assert seen == {brick: said[brick] for brick in seen}
        assert min(filter(None, seen.values())) >= FILES
        assert said[f"{b.name}:/bricks/rep3"] is None
        pending = eyes.signals("gluster_heal_pending")
        assert {one.subject["brick"] for one in pending} == set(seen)
        a.gluster("volume", "start", "rep3", "force")
        eyes.until("everything healed", lambda: not eyes.signals("gluster_heal_pending"))
        assert set(heal_info(a, "rep3").values()) == {0}
        assert offline(eyes) == set()
        a.run("sh", "-c", f"rm {where}/file-*")


def test_two_glusterds_gone_is_quorum_lost(pool: GlusterPool) -> None:
    """The volume that wants a quorum has lost it, and its brick was stopped for that."""
    a, b, c = pool.nodes
    with Eyes(pool, a) as eyes:
        b.kill()
        eyes.look()
        assert eyes.signals("gluster_quorum_lost") == []
        c.kill()
        eyes.until("the loss", lambda: eyes.signals("gluster_quorum_lost"))
        (signal,) = eyes.signals("gluster_quorum_lost")
        assert signal.subject["volume"] == "rep3"
        assert [one.volume for one in eyes.log(a).quorum_lost] == ["rep3"]
        eyes.until("the brick's end", lambda: offline(eyes))
        assert offline(eyes) == {("rep3", f"{a.name}:/bricks/rep3", "QuorumLost")}
        pool.start_again(b, c)
        eyes.until("quorum", lambda: not eyes.signals("gluster_quorum_lost") and not offline(eyes))
        assert eyes.log(a).quorum_lost == ()
