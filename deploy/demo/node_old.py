"""SCENE=node-old: a node is lost on a real Kubernetes 1.25, which does not act on the taint.

DEMO_OWN_PATH=0 lets the machine come back instead of waiting for Kubernetes' own 6 minutes.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from demo.person import APPROVER, Person
from demo.scenes import STEP_SECONDS
from demo.snapshot import OURS, Focus
from demo.stage import SCENES, START_SECONDS, Stage, show_plan, workload
from demo.timeline import Mark
from demo.times import Times, asked

if TYPE_CHECKING:
    from demo.line import Line
    from demo.screen import Screen
    from demo.snapshot import Snapshot
    from local.cluster import LocalCluster

DURATION = (
    "This scene takes about 7 minutes, for Kubernetes' own wait is a part of it"
    " (DEMO_OWN_PATH=0 lets the machine come back instead: about 1 minute)."
)
ABOUT = "a node dies on Kubernetes 1.25, where pods are deleted by force after the same proof"
STORY = (
    "Before 1.26 Kubernetes does not act on the out-of-service taint. After the same proof pvmedic"
    " deletes the pods that hold volumes there by force, each by its uid, and waits until"
    " Kubernetes has detached the volumes. It may do so by a component of its manifests that only"
    " such clusters need."
)
REAL = (
    "Real: API server, controller manager and scheduler of {version}, and their 6 minutes, which"
    " are written into the controller; etcd and kubectl are new. Played: kubelets, the attacher,"
    " EC2."
)
COMPONENTS = ("before-1.26", "before-1.30")
DETACH_SECONDS = 600.0
"""Kubernetes waits 360 after the last pod is gone, and takes one volume after the other."""
LOST = "PvmedicNodeLostWithVolumes"


def waits_it_out() -> bool:
    """Say whether Kubernetes' own 6 minutes are waited for."""
    return os.environ.get("DEMO_OWN_PATH", "1") != "0"


def play(cluster: LocalCluster, line: Line, screen: Screen, *, patient: bool) -> None:
    """Play on a running line; raises LocalClusterError with a sentence.

    `patient`: Kubernetes' own 6 minutes are waited for; else the machine comes back meanwhile.
    """
    stage, node = Stage(cluster, line, screen, cluster.nodes), cluster.nodes[0]
    stage.prepare()
    began = time.monotonic()
    version = (cluster.get("/version") or {})["gitVersion"]
    screen.say(STORY, "dim")
    screen.say(REAL.format(version=version), "bold")
    screen.title(f"A node dies on Kubernetes {version}")
    stage.healthy()
    cluster.apply(workload("shop", node, SCENES))
    stage.open(Focus("shop", node))
    before = stage.until(f"two Running pods on {node}", lambda s: s.running() == 2, START_SECONDS)  # noqa: PLR2004 -- a Deployment's and a StatefulSet's
    instance = cluster.instance_of(node)
    screen.tell(Mark.TOLD, f"EC2 stops {instance}", f"node {node} dies of it")
    cluster.cloud.stop(instance)
    times = Times()
    for milestone, told in (
        ("not_ready", "NotReady"),
        ("alerted", "alert"),
        ("proven", "proven off"),
    ):
        stage.reach(milestone, STEP_SECONDS)
        times.note(told)
    old = {pod.uid for pod in before.pods}
    stage.until("both pods deleted", lambda s: not old & {p.uid for p in s.pods}, STEP_SECONDS)
    times.note("both pods deleted by force")
    seen = stage.until("a wait for the volumes", _waits, STEP_SECONDS)
    ann = Person(cluster, "ann", APPROVER)
    show_plan(stage, ann, seen.record.name if seen.record is not None else "")
    if patient:
        screen.say("Now Kubernetes waits 6 minutes for a kubelet that does not answer.", "dim")
    else:
        _starts(stage, instance)
    stage.until("both pods elsewhere", lambda s: s.running(not_on=node) == 2, DETACH_SECONDS)  # noqa: PLR2004 -- the same
    times.note("detached, and both pods Running elsewhere")
    seen = stage.until("record Settled", lambda s: s.phase() == "Settled", STEP_SECONDS)
    times.note("settled")
    _untouched(stage, seen)
    if patient:
        _starts(stage, instance)
    stage.healthy()
    stage.until("the end", lambda s: not s.metrics and not s.alerting(LOST), STEP_SECONDS)
    screen.say(times.sentence(), "dim")
    screen.say(asked(line.metrics("remediator")), "dim")
    screen.say(f"The scene took {time.monotonic() - began:.0f} s.", "dim")


def _waits(seen: Snapshot) -> bool:
    """Say whether everything is done but the wait for Kubernetes."""
    return seen.record is not None and "still attached" in seen.record.history[-1].sentence


def _starts(stage: Stage, instance: str) -> None:
    stage.screen.tell(
        Mark.TOLD, f"EC2 starts {instance} again", "the node finds its pods gone, and cleans up"
    )
    stage.cluster.cloud.start(instance)


def _untouched(stage: Stage, seen: Snapshot) -> None:
    """Check and show that nothing is left to be taken back."""
    node, record = seen.node, seen.record
    stage.check(node is not None and OURS not in node.managers, "we wrote to the node")
    stage.check(not seen.tainted(), "the node is tainted")
    stage.check(record is not None and not record.owed, "there is something to undo")
    stage.screen.tell(
        Mark.GOOD, "nothing is owed", "no taint, no write of ours on the node, an empty ledger"
    )
