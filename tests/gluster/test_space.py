"""A root file system without room, as the seed had one on its Friday."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gluster.eyes import ON_THE_POOL, Eyes

if TYPE_CHECKING:
    from local.gluster import GlusterPool

pytestmark = ON_THE_POOL


def test_a_full_root_is_space_low_and_glusterd_cannot_write_what_it_knows(
    pool: GlusterPool,
) -> None:
    """Both are said, for that node only; peers and volumes are known all the same."""
    node = pool.nodes[2]
    with Eyes(pool) as eyes:
        node.fill_root()
        try:
            eyes.look()
            (signal,) = eyes.signals("gluster_space_low")
            assert (signal.subject["node"], signal.reason) == (node.name, "Full")
            assert dict(signal.named)["use"] in {"root", "logs", "work_directory"}
            glusterd = eyes.glusterd(node)
            assert (glusterd.answers, glusterd.reason) == (True, "StateUnwritable")
            assert len(glusterd.peers) == 2
            assert eyes.volume(node, "rep3").started
        finally:
            node.empty_root()
        eyes.look()
        assert eyes.signals("gluster_space_low") == []
        assert eyes.glusterd(node).reason == ""
