"""SCENE=approve: plans wait for people; one yes counts, one is refused, one plan is cancelled.

Everything that people say here they type: `kubectl pvmedic`, with kubeconfigs of their own.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo.person import APPROVER, Person
from demo.scenes import STEP_SECONDS
from demo.snapshot import OURS, Focus
from demo.stage import SCENES, START_SECONDS, Stage, workload
from demo.timeline import Mark

if TYPE_CHECKING:
    from demo.line import Line
    from demo.screen import Screen
    from local.cluster import LocalCluster

ABOUT = "a plan waits for a person's yes; a yes that is refused; a plan that is cancelled"
STORY = (
    "The remediator is in mode approve: it plans, asks every guard, and waits. Ann and Ben are on"
    " call, and both may say yes; each has a kubeconfig of their own, and nobody else's."
)
DONE, REFUSED = 0, 3


def play(cluster: LocalCluster, line: Line, screen: Screen) -> None:
    """Play on a running line in mode approve; raises LocalClusterError with a sentence."""
    stage = Stage(cluster, line, screen, cluster.nodes)
    stage.prepare()
    began = time.monotonic()
    ann, ben = Person(cluster, "ann", APPROVER), Person(cluster, "ben", APPROVER)
    screen.say(STORY, "dim")
    screen.title("A node dies, and the plan waits")
    name = _waits(stage, "shop", cluster.nodes[0])
    _types(stage, ann, "list", "--waiting")
    screen.title("Ben says yes in Ann's name: the API server refuses it")
    plan = cluster.kubectl("get", "remediation", name, "-o", "jsonpath={.status.plan.hash}")
    words = ("approve", name, "--plan", plan, "--approver", "ann")
    _types(stage, ben, *words, status=REFUSED)
    stage.during(3 * line.pace.look_every, "nothing, for three looks of the remediator")
    _untouched(stage)
    screen.title("Ann looks at the plan and says yes")
    _types(stage, ann, "approve", name, "--yes", "--wait")
    stage.until("record Holding", lambda s: s.phase() == "Holding", STEP_SECONDS)
    _comes_back(stage, cluster.nodes[0], "Settled")
    screen.title("Another node dies; Ann knows that it will be back, and cancels the plan")
    name = _waits(stage, "bank", cluster.nodes[1])
    _types(stage, ann, "cancel", name, "--wait")
    stage.until("record Cancelled", lambda s: s.phase() == "Cancelled", STEP_SECONDS)
    _untouched(stage)
    _comes_back(stage, cluster.nodes[1], "Cancelled")
    screen.say(f"The scene took {time.monotonic() - began:.0f} s.", "dim")


def _waits(stage: Stage, space: str, node: str) -> str:
    """Let a node die with two pods; return the name of the record that waits for a yes."""
    stage.healthy()
    stage.cluster.apply(workload(space, node, SCENES))
    stage.open(Focus(space, node))
    stage.until(f"two Running pods on {node}", lambda s: s.running() == 2, START_SECONDS)  # noqa: PLR2004 -- a Deployment's and a StatefulSet's
    instance = stage.cluster.instance_of(node)
    stage.screen.tell(Mark.TOLD, f"EC2 stops {instance}", f"node {node} dies of it")
    stage.cluster.cloud.stop(instance)
    seen = stage.until(
        "a plan that waits for a yes", lambda s: s.phase() == "AwaitingApproval", STEP_SECONDS
    )
    stage.check(seen.record is not None, "there is no record")
    return seen.record.name if seen.record is not None else ""


def _types(stage: Stage, who: Person, *words: str, status: int = DONE) -> None:
    """Let somebody type a command; what it prints is shown, and its exit status checked."""
    screen = stage.screen
    screen.tell(Mark.TOLD, f"{who.name} types: kubectl pvmedic {' '.join(words)}")
    done = who.types(*words)
    for line in (*done.stderr.splitlines(), *done.stdout.splitlines()):
        screen.say(f"          {line}", "dim")
    stage.check(
        done.returncode == status,
        f"kubectl pvmedic {words[0]} ended with {done.returncode}, not {status}: {done.stderr}",
    )


def _untouched(stage: Stage) -> None:
    seen = stage.until("a node", lambda s: s.node is not None, STEP_SECONDS)
    stage.check(seen.node is not None and OURS not in seen.node.managers, "we wrote to the node")
    stage.check(not seen.tainted(), "the node is tainted")
    stage.screen.tell(Mark.GOOD, "nothing was touched", "no write of ours on the node")


def _comes_back(stage: Stage, node: str, phase: str) -> None:
    """Start the instance; the record ends in a phase, and the node is well."""
    instance = stage.cluster.instance_of(node)
    stage.screen.tell(Mark.TOLD, f"EC2 starts {instance} again", f"node {node} boots")
    stage.cluster.cloud.start(instance)
    stage.until(
        f"record {phase}, no taint",
        lambda s: s.phase() == phase and not s.tainted() and not s.metrics,
        STEP_SECONDS,
    )
    stage.healthy()
