"""A lost node on a real Kubernetes 1.25, with what ships and the components for such a cluster.

Real: API server, controller manager, scheduler, the rights. It is built once, which takes minutes;
test_before_the_taint plays only the version, and always runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo import node_old
from demo.line import Line
from demo.screen import Screen
from demo.snapshot import Focus
from demo.stage import SCENES, Stage, workload
from local import tools
from local.cluster import LocalCluster

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.cluster, pytest.mark.soak, pytest.mark.timeout(2400)]


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    """Start one beside the run's own."""
    with LocalCluster.start(tools.ensure_old(print)) as cluster:
        yield cluster


@pytest.mark.parametrize("patient", [False, True], ids=["the machine comes back", "6 minutes"])
def test_the_scene_ends_as_it_should(cluster: LocalCluster, *, patient: bool) -> None:
    """It checks itself: both pods deleted and elsewhere, Settled, no write of ours on the node."""
    line = Line(cluster, components=node_old.COMPONENTS)
    line.start()
    node_old.play(cluster, line, Screen.silent(), patient=patient)


def test_without_its_component_the_record_says_which_right_is_missing(
    cluster: LocalCluster,
) -> None:
    """Nothing is deleted, and a person is asked."""
    policies, node = "before-1.30", cluster.nodes[0]
    line = Line(cluster, components=(policies,))
    line.start()
    stage = Stage(cluster, line, Screen.silent(), cluster.nodes)
    stage.prepare()
    cluster.apply(workload("shop", node, SCENES))
    stage.open(Focus("shop", node))
    before = stage.until("two Running pods", lambda seen: seen.running() == 2, 90.0)
    cluster.cloud.stop(cluster.instance_of(node))
    seen = stage.until("Failed", lambda seen: seen.phase() == "Failed", 90.0)
    assert seen.record is not None
    assert "delete pods shop/" in seen.record.history[-1].sentence
    assert "not allowed (403)" in seen.record.history[-1].sentence
    assert {pod.uid for pod in before.pods} <= {pod.uid for pod in seen.pods}
