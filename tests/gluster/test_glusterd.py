"""A glusterd that is frozen, stopped, killed, or starts again and again: each has its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.observe.model import Kind
from tests.gluster.eyes import ON_THE_POOL, Eyes

if TYPE_CHECKING:
    from local.gluster import GlusterPool
    from local.gluster_node import GlusterNode

pytestmark = ON_THE_POOL

TIMEOUT, NOT_RUNNING, RESTARTING = "Timeout", "NotRunning", "Restarting"


def becomes(eyes: Eyes, node: GlusterNode, *expected: tuple[str, str]) -> None:
    """Look until a node's glusterd has these reasons for not answering, and so lives or not.

    Right after it went on it may still be busy with what it missed.
    """
    wanted = [{"reason": reason, "alive": alive} for reason, alive in expected]

    def found() -> list[dict[str, str]]:
        return [
            {"reason": one.reason, "alive": dict(one.named)["alive"]}
            for one in eyes.signals("glusterd_unresponsive")
            if one.subject["node"] == node.name
        ]

    eyes.until(
        f"{expected} of {node.name}",
        lambda: eyes.view().sees(Kind.GLUSTERD) and found() == wanted,
    )


def test_each_way_of_not_answering_has_its_reason(pool: GlusterPool) -> None:
    """Frozen is alive and late, stopped and killed are dead, and the third start is a loop."""
    node = pool.nodes[1]
    with Eyes(pool, node) as eyes:
        becomes(eyes, node)
        node.freeze()
        becomes(eyes, node, (TIMEOUT, "yes"))
        node.thaw()
        becomes(eyes, node)
        node.stop()
        becomes(eyes, node, (NOT_RUNNING, "no"))
        node.start()
        becomes(eyes, node)
        node.kill()
        becomes(eyes, node, (NOT_RUNNING, "no"))
        node.start()
        becomes(eyes, node, (RESTARTING, "yes"))
