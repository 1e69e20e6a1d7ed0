"""Both roles as they ship, on a real API server: what follows from what nodes tell, and when not.

Two nodes tell the sizes of a file system of this machine, over TLS, found by their EndpointSlices.
Rok cannot be had: what has changed on its volumes is crafted.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from demo import crafted, node_pods, rok
from demo.ground import Ground
from demo.rwx import ROK, SPEAKER
from exporter.observe.signals import CLUSTER
from local.csi_objects import volume_name
from local.rok_texts import BLOCK
from tests.cluster.eyes import Eyes

if TYPE_CHECKING:
    from demo.line import Line

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

RATIO = "pvmedic_snapshot_space_changed_ratio"
BLOCKS = 262_144
HEARD = "pvmedic_node_facts_last_success_timestamp_seconds"


def shown(eyes: Eyes, name: str) -> dict[str, float]:
    """Return a metric's values by node."""
    return {
        one.labels["node"]: one.value
        for family in text_string_to_metric_families(eyes.metrics())
        for one in family.samples
        if one.name == name
    }


def change(ground: Ground, blocks: int) -> None:
    """Let a volume of Rok's on each node have so many changed blocks."""
    space, nodes = ground.space, ground.nodes
    ground.apply(
        crafted.driver(space, ROK, attach=False),
        *(
            made
            for node in nodes
            for volume in [volume_name(space, node)]
            for made in (
                crafted.volume(space, volume, node, "rok", crafted.csi(ROK, node), node=node),
                crafted.claim(space, node, "rok", volume=volume),
            )
        ),
    )
    for node in nodes:
        ground.until_phase("PersistentVolumeClaim", node, "Bound")
        for reason, text in (
            ("JobStarted", f"Starting job `{rok.JOBS['logs']}' (worker `{node}')..."),
            ("PROGRESS", f"[ 31%] About to copy {blocks} changed blocks of size 4KiB (1GiB)..."),
        ):
            ground.tell("PersistentVolumeClaim", node, reason, text, SPEAKER)


def test_a_node_that_tells_no_more_is_unseen_alone_and_comes_back(line: Line) -> None:
    """Killed while its EndpointSlice stays: what follows from it goes, the other node's stays."""
    cluster, (gone, stays) = line.cluster, line.cluster.nodes[-2:]
    room = rok.room(cluster.directory)
    if room is None:
        pytest.skip("needs an address that is not loopback, and a file system with some room")
    space = {"path": str(room.path)}
    with ExitStack() as stack:
        ground = stack.enter_context(Ground(cluster, "told-by-nodes", (gone, stays)))
        change(ground, BLOCKS)
        ratios = dict.fromkeys((gone, stays), BLOCKS * BLOCK / room.size)
        told = {
            node: stack.enter_context(node_pods.told_of(cluster, node, rok=space))
            for node in (gone, stays)
        }
        eyes = stack.enter_context(Eyes(cluster, "exporter-told", facts=node_pods.asked(cluster)))
        eyes.wait("both nodes", lambda _: shown(eyes, RATIO) == pytest.approx(ratios))
        # Nobody has a glusterd here: that is seen, and so is all that follows from it.
        everything = {one.name: 1.0 for one in CLUSTER}
        eyes.wait("all judged", lambda _: everything.items() <= eyes.collectors().items())

        told[gone].child.kill()
        eyes.wait("one node", lambda _: shown(eyes, RATIO).keys() == {stays})
        assert shown(eyes, HEARD).keys() == {gone, stays}
        assert everything.items() <= eyes.collectors().items()
        assert f"get facts {gone}: " in eyes.log()
        assert f"get facts {stays}: " not in eyes.log()

        stack.enter_context(node_pods.told_of(cluster, gone, rok=space))
        eyes.wait("both again", lambda _: shown(eyes, RATIO) == pytest.approx(ratios))
