"""Both roles as they ship, on a real API server: what follows from what nodes tell, and when not.

Two nodes tell the sizes of a file system of this machine, over TLS, found by their EndpointSlices.
Rok cannot be had: what has changed on its volumes is crafted.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from demo import node_pods, rok
from demo.ground import Ground
from exporter.observe.signals import CLUSTER
from tests.cluster.eyes import Eyes

if TYPE_CHECKING:
    from demo.line import Line
    from local.cluster import LocalCluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

RATIO = "pvmedic_snapshot_space_changed_ratio"
HEARD = "pvmedic_node_facts_last_success_timestamp_seconds"


def shown(eyes: Eyes, name: str) -> dict[str, float]:
    """Return a metric's values by node."""
    return {
        one.labels["node"]: one.value
        for family in text_string_to_metric_families(eyes.metrics())
        for one in family.samples
        if one.name == name
    }


def changed(stack: ExitStack, cluster: LocalCluster, node: str, room: rok.Room) -> float:
    """Let volumes of a node have changed; return their share of its snapshot space."""
    ground = stack.enter_context(Ground(cluster, f"told-{node}", (node,)))
    stack.callback(cluster.kubectl, "uncordon", node)
    cordon, count, *_ = rok.play(ground, room).failures
    cordon.do()
    count.do()
    return sum(room.changed().values()) * rok.BLOCK / room.size


def test_a_node_that_tells_no_more_is_unseen_alone_and_comes_back(line: Line) -> None:
    """Killed while its EndpointSlice stays: what follows from it goes, the other node's stays."""
    cluster, (gone, stays) = line.cluster, line.cluster.nodes[-2:]
    room = rok.room(cluster.directory)
    if room is None:
        pytest.skip("needs an address that is not loopback, and a file system with some room")
    space = {"path": str(room.path)}
    with ExitStack() as stack:
        ratios = {node: changed(stack, cluster, node, room) for node in (gone, stays)}
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
