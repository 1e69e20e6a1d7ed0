"""SCENE=blackout: the node that dies runs the leader, the exporter, Prometheus and Alertmanager."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo.handover import dies, ends_well, with_two_replicas
from demo.scenes import STEP_SECONDS
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
    began, node = time.monotonic(), cluster.nodes[0]
    title = "A node dies that runs nearly all of pvmedic"
    stage = with_two_replicas(cluster, line, screen, STORY, title)
    dies(stage)
    line.black_out()
    screen.tell(Mark.TOLD, "with it die", "the leader, the exporter, Prometheus, Alertmanager")
    cluster.wait(f"{node} NotReady", lambda: cluster.condition(node) != "True", STEP_SECONDS)
    line.light_up()
    screen.tell(Mark.TOLD, "started elsewhere", "exporter, Prometheus, Alertmanager: empty disks")
    ends_well(stage, "repaired all the same")
    screen.say(f"The scene took {time.monotonic() - began:.0f} s.", "dim")
