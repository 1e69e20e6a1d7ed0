"""The three scenes: what is done to the cluster, and what must come of it.

Every scene leaves the cluster healthy, returns what it measured, and raises SceneError or
LocalClusterError with a sentence when it does not end as it should.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo.screen import Screen
from demo.snapshot import OURS, Focus, Snapshot
from demo.stage import SCENES, START_SECONDS, Stage, workload
from demo.table import NAMES, Measured, Noticed
from demo.timeline import Mark
from local import workloads

if TYPE_CHECKING:
    from demo.line import Line
    from local.cluster import LocalCluster

STEP_SECONDS = 90.0  # for one step of a scene on a busy machine
LOST, MULTI = "PvmedicNodeLostWithVolumes", "PvmedicMultiAttach"
LOOKS = 3  # so many looks of the remediator are watched while nothing may happen


def measure_scene_a(cluster: LocalCluster, line: Line) -> Measured:
    """Play scene a unseen on every node of a running line; return its times."""
    stage = Stage(cluster, line, Screen.silent(), cluster.nodes)
    stage.prepare()
    return node_dies(stage)


def node_dies(stage: Stage) -> Measured:
    """Scene a: a node dies, its instance is stopped, and its volumes come back by themselves."""
    node = stage.nodes[0]
    stage.screen.say(
        f"On {node} run a Deployment's pod (web) and a StatefulSet's (db), each with a"
        " ReadWriteOnce volume. The node dies and its EC2 instance is stopped.",
        "dim",
    )
    instance = _settle_in(stage, "shop", node)
    stage.screen.tell(Mark.TOLD, f"EC2 stops {instance}", f"node {node} dies of it")
    stage.cluster.cloud.stop(instance)
    _repaired(stage)
    stage.until("resolved alert", lambda s: not s.alerting(LOST) and not s.metrics, STEP_SECONDS)
    marks = stage.marks
    _comes_back(stage, node, instance)
    since = marks["not_ready"]
    return Measured(*(marks[name] - since for name in NAMES))


def node_silent(stage: Stage) -> Measured:
    """Scene b: as silent as before, but EC2 says running: nothing is touched until it is stopped.

    What comes after the stop is measured from the stop.
    """
    node = _free_node(stage)
    stage.screen.say(
        f"Two such pods on {node}, which falls silent; EC2 says that its instance runs. It may"
        " still write to its volumes, so nothing may be taken from it until there is a proof.",
        "dim",
    )
    instance = _settle_in(stage, "bank", node)
    stage.screen.tell(Mark.TOLD, f"node {node} falls silent", f"EC2 says {instance} is running")
    stage.cluster.players.die(node)
    stage.until("a deferred record", _deferred_for_power, STEP_SECONDS)
    pause = LOOKS * stage.line.pace.look_every
    seen = stage.during(pause, "nothing, for three looks of the remediator")
    _untouched(stage, seen)
    stage.screen.tell(Mark.TOLD, f"a person stops {instance}", "now there can be a proof")
    stage.cluster.cloud.stop(instance)
    stopped = time.time()
    _repaired(stage)
    marks = stage.marks
    _comes_back(stage, node, instance)
    early = {name: marks[name] - marks["not_ready"] for name in ("seen", "alerted")}
    late = {name: marks[name] - stopped for name in ("proven", "acted", "healed")}
    return Measured(**early, **late)


def two_want_one(stage: Stage) -> Noticed:
    """Scene c: two live nodes want one volume; it is seen and named, and nothing is done.

    Measured from when the second pod was placed.
    """
    here, there = stage.nodes[1], stage.nodes[2]
    cluster = stage.cluster
    stage.screen.say(
        f"Pod writer uses a ReadWriteOnce volume on {here}; pod reader wants it on {there}. Both"
        " nodes live, so which of the two shall have it is for a person to say.",
        "dim",
    )
    cluster.apply(
        workloads.namespace("blog")
        + workloads.claim("blog", "posts")
        + workloads.pod("blog", "writer", "posts", here)
    )
    stage.open(Focus("blog"))
    stage.until("a Running pod", lambda s: s.running() == 1, STEP_SECONDS)
    stage.screen.tell(
        Mark.TOLD, f"a second pod wants the same claim on {there}", "claim blog/posts"
    )
    cluster.apply(workloads.pod("blog", "reader", "posts", there))
    stage.until("the signal", lambda s: s.metrics, STEP_SECONDS)
    stage.until("the alert", lambda s: s.alerting(MULTI), STEP_SECONDS)
    stage.until("the webhook's answer", lambda s: s.unrecorded, STEP_SECONDS)
    seen = stage.during(LOOKS * stage.line.pace.look_every, "nothing, for three looks")
    series = seen.metrics[0]
    for part in ("posts", "reader", "writer", here, there):
        stage.check(f'"{part}"' in series, f"the metric does not name {part}: {series}")
    stage.check(seen.record is None, "there is a Remediation for what has no repair")
    stage.check(
        seen.running() == 1 and [pod.name for pod in seen.pods] == ["reader", "writer"],
        "a pod was changed that nobody may touch",
    )
    stage.screen.tell(
        Mark.GOOD,
        "nothing was done",
        "no Remediation for namespace blog; both pods are as they were",
    )
    marks = stage.marks
    stage.screen.tell(Mark.TOLD, "a person decides: pod reader goes", "kubectl delete pod reader")
    cluster.kubectl("delete", "pod", "reader", "-n", "blog", "--wait=false")
    stage.until("an end", lambda s: not s.metrics and not s.alerting(MULTI), STEP_SECONDS)
    return Noticed(*(marks[name] - marks["placed"] for name in ("seen", "alerted")))


def _settle_in(stage: Stage, space: str, node: str) -> str:
    """Start the two workloads on a node and look at them; return the node's instance."""
    stage.healthy()
    stage.cluster.apply(workload(space, node, SCENES))
    stage.open(Focus(space, node))
    stage.until(
        f"two Running pods on {node}",
        lambda s: s.running() == len(s.pods) == len([p for p in s.pods if p.node == node]) > 1,
        START_SECONDS,
    )
    return stage.cluster.instance_of(node)


def _repaired(stage: Stage) -> None:
    """Watch the proof, the taint, the pods and the record come to Holding."""
    stage.reach("not_ready", STEP_SECONDS)
    for name in NAMES:
        stage.reach(name, STEP_SECONDS)
    seen = stage.until("record Holding", lambda s: s.phase() == "Holding", STEP_SECONDS)
    stage.check(seen.record is not None and seen.record.owed == 1, "the record owes no undo")


def _comes_back(stage: Stage, node: str, instance: str) -> None:
    """Start the instance and watch the taint go."""
    stage.screen.tell(Mark.TOLD, f"EC2 starts {instance} again", f"node {node} boots")
    stage.cluster.cloud.start(instance)
    seen = stage.until(
        "record Settled, no taint",
        lambda s: s.phase() == "Settled" and not s.tainted(),
        STEP_SECONDS,
    )
    stage.check(seen.record is not None and not seen.record.owed, "an undo is still owed")
    stage.until(
        "the end of the alerts", lambda s: not s.alerting(LOST) and not s.metrics, STEP_SECONDS
    )
    stage.healthy()


def _deferred_for_power(seen: Snapshot) -> bool:
    return seen.phase() == "Deferred" and "is running" in (
        seen.record.history[-1].sentence if seen.record is not None else ""
    )


def _untouched(stage: Stage, seen: Snapshot) -> None:
    """Check and show that nothing was written to the node."""
    node = seen.node
    stage.check(_deferred_for_power(seen), "the record is not Deferred any more")
    stage.check(node is not None and OURS not in node.managers, "we wrote to a node without proof")
    stage.check(not seen.tainted(), "there is a taint without a proof")
    stage.check(seen.record is not None and not seen.record.owed, "there is something to undo")
    if node is not None:
        taints = ", ".join(taint.replace("=:", ":") for taint in node.taints)
        stage.screen.tell(
            Mark.GOOD,
            "nothing was touched",
            f"who has written to {node.name}: {', '.join(map(_writer, node.managers))};"
            f" its taints are Kubernetes' own: {taints}; the record's ledger is empty",
        )


def _free_node(stage: Stage) -> str:
    """Return a node that no pod of an earlier scene uses, and that none of them lost."""
    pods = (stage.cluster.get("/api/v1/namespaces/shop/pods") or {"items": []})["items"]
    used = {pod["spec"].get("nodeName", "") for pod in pods} | {stage.nodes[0]}
    return next(node for node in stage.nodes if node not in used)


def _writer(manager: str) -> str:
    """Return a field manager as a reader of the timeline knows it."""
    return {"Python": "the played kubelet", "kubectl-label": "the demo's label"}.get(
        manager, manager
    )
