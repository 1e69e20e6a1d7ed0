"""SCENE=blackout: the node that dies runs the leader, the exporter, Prometheus and Alertmanager."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo.handover import holder, two_replicas
from demo.scenes import STEP_SECONDS
from demo.snapshot import Focus
from demo.stage import SCENES, START_SECONDS, Stage, workload
from demo.timeline import Mark

if TYPE_CHECKING:
    from demo.line import Line
    from demo.screen import Screen
    from local.cluster import LocalCluster

ABOUT = "the node that dies runs the leader, the exporter, Prometheus and Alertmanager, too"
STORY = (
    "Two replicas of the remediator. The node that dies takes the one that leads, the exporter,"
    " Prometheus and Alertmanager with it, and all that those had on their disks. With the"
    " manifests' tolerations pods go after 30 s; here they start elsewhere once it is NotReady."
)


def play(cluster: LocalCluster, line: Line, screen: Screen) -> None:
    """Play on a running line; raises LocalClusterError with a sentence."""
    stage, node = Stage(cluster, line, screen, cluster.nodes), cluster.nodes[0]
    stage.prepare()
    began = time.monotonic()
    screen.say(STORY, "dim")
    screen.title("A node dies that runs nearly all of pvmedic")
    two_replicas(cluster, line)
    screen.tell(Mark.GOOD, "two replicas are ready", f"{holder(cluster)} holds the Lease")
    stage.healthy()
    cluster.apply(workload("shop", node, SCENES))
    stage.open(Focus("shop", node))
    stage.until(f"two Running pods on {node}", lambda s: s.running() == 2, START_SECONDS)  # noqa: PLR2004 -- a Deployment's and a StatefulSet's
    instance = cluster.instance_of(node)
    screen.tell(Mark.TOLD, f"EC2 stops {instance}", f"node {node} dies of it")
    cluster.cloud.stop(instance)
    line.black_out()
    screen.tell(Mark.TOLD, "with it die", "the leader, the exporter, Prometheus, Alertmanager")
    cluster.wait(f"{node} NotReady", lambda: cluster.condition(node) != "True", STEP_SECONDS)
    line.light_up()
    screen.tell(Mark.TOLD, "started elsewhere", "exporter, Prometheus, Alertmanager: empty disks")
    stage.until("record Holding", lambda s: s.phase() == "Holding", STEP_SECONDS)
    cluster.wait("the second one in the Lease", lambda: holder(cluster) == "second", STEP_SECONDS)
    screen.tell(Mark.GOOD, "repaired all the same", f"{holder(cluster)} holds the Lease")
    screen.tell(Mark.TOLD, f"EC2 starts {instance} again", f"node {node} boots")
    cluster.cloud.start(instance)
    stage.until(
        "record Settled, no taint",
        lambda s: s.phase() == "Settled" and not s.tainted() and not s.metrics,
        STEP_SECONDS,
    )
    screen.say(f"The scene took {time.monotonic() - began:.0f} s.", "dim")
