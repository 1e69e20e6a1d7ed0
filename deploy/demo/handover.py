"""SCENE=handover: the replica that repairs is killed in the middle; the other one finishes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo.scenes import STEP_SECONDS
from demo.snapshot import Focus
from demo.stage import SCENES, START_SECONDS, Stage, workload
from demo.timeline import Mark
from local.processes import free_ports

if TYPE_CHECKING:
    from demo.line import Line
    from demo.screen import Screen
    from local.cluster import LocalCluster

ABOUT = "the replica that repairs is killed in the middle, and the other one finishes"
STORY = (
    "Two replicas of the remediator: both take alerts, the one that holds the Lease executes. Its"
    " times are short here: the other one goes on 6 s after its last word (15 s in a cluster)."
)
LEASE = "/apis/coordination.k8s.io/v1/namespaces/pvmedic/leases/pvmedic-remediator"
QUICK = {"lease": "6s", "landing": "5s", "demonstration": True}
BEGUN = frozenset({"Running", "Verifying"})


def play(cluster: LocalCluster, line: Line, screen: Screen) -> None:
    """Play on a running line; raises LocalClusterError with a sentence."""
    began = time.monotonic()
    stage = with_two_replicas(cluster, line, screen, STORY, "Two replicas, and a node dies")
    dies(stage)
    stage.until("a repair under way", lambda s: s.phase() in BEGUN, STEP_SECONDS)
    line.hand_over()
    screen.tell(Mark.TOLD, "kill -9 of the replica that repairs", "in the middle of it")
    ends_well(stage, "the other one finished")
    screen.say(f"The scene took {time.monotonic() - began:.0f} s.", "dim")


def with_two_replicas(
    cluster: LocalCluster, line: Line, screen: Screen, story: str, title: str
) -> Stage:
    """Tell the story, start two replicas, and let two pods run on the first node."""
    stage, node = Stage(cluster, line, screen, cluster.nodes), cluster.nodes[0]
    stage.prepare()
    screen.say(story, "dim")
    screen.title(title)
    two_replicas(cluster, line)
    screen.tell(Mark.GOOD, "two replicas are ready", f"{holder(cluster)} holds the Lease")
    stage.healthy()
    cluster.apply(workload("shop", node, SCENES))
    stage.open(Focus("shop", node))
    stage.until(f"two Running pods on {node}", lambda s: s.running() == 2, START_SECONDS)  # noqa: PLR2004 -- a Deployment's and a StatefulSet's
    return stage


def dies(stage: Stage) -> None:
    """Stop the first node's instance."""
    node = stage.nodes[0]
    instance = stage.cluster.instance_of(node)
    stage.screen.tell(Mark.TOLD, f"EC2 stops {instance}", f"node {node} dies of it")
    stage.cluster.cloud.stop(instance)


def ends_well(stage: Stage, praise: str) -> None:
    """Wait until the second replica has repaired it; the node comes back, and nothing is owed."""
    cluster, screen, node = stage.cluster, stage.screen, stage.nodes[0]
    stage.until("record Holding", lambda s: s.phase() == "Holding", STEP_SECONDS)
    cluster.wait("the second one in the Lease", lambda: holder(cluster) == "second", STEP_SECONDS)
    screen.tell(Mark.GOOD, praise, f"{holder(cluster)} holds the Lease")
    instance = cluster.instance_of(node)
    screen.tell(Mark.TOLD, f"EC2 starts {instance} again", f"node {node} boots")
    cluster.cloud.start(instance)
    stage.until(
        "record Settled, no taint",
        lambda s: s.phase() == "Settled" and not s.tainted() and not s.metrics,
        STEP_SECONDS,
    )


def two_replicas(cluster: LocalCluster, line: Line) -> None:
    """Start both in place of the one that there is."""
    line.child("remediator").stop(START_SECONDS)
    line.write_settings(identity="first", replicas=QUICK)
    line.start_remediator()
    cluster.wait("the first one leads", lambda: holder(cluster) == "first", START_SECONDS)
    (port,) = free_ports(1)
    line.start_second(f"http://127.0.0.1:{port}", identity="second")


def holder(cluster: LocalCluster) -> str:
    """Return which replica holds the Lease, empty for none."""
    lease = cluster.get(LEASE)
    holder: str = lease["spec"].get("holderIdentity", "") if lease is not None else ""
    return holder
