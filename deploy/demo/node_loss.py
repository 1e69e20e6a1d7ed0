"""The demo without a scene: three failures of nodes on a real control plane, seen and repaired."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from demo import scenes, table
from demo.own_path import Waiting
from demo.stage import Stage

if TYPE_CHECKING:
    from demo.line import Line
    from demo.screen import Screen
    from local.cluster import LocalCluster

NODES = ("node-a", "node-b", "node-c", "node-d", "node-e", "node-f")
FOR_SCENES = 4
PROGRESS_EVERY = 30.0
INTRODUCTION = (
    "A real Kubernetes control plane is started on this machine, with Prometheus, Alertmanager and"
    " pvmedic; its nodes, their volumes and their EC2 are played. Then three scenes: a node dies"
    " with its volumes; a node is silent but not proven dead; two nodes want one volume. Everything"
    " is on loopback, in one directory, and gone afterwards."
)


def measures_own_path() -> bool:
    """Say whether Kubernetes' own path is measured, too."""
    return os.environ.get("DEMO_OWN_PATH", "1") != "0"


def duration() -> str:
    """Return how long it takes, for people."""
    return (
        "Takes about 7 minutes: 2 for the scenes; Kubernetes' own path is measured beside them"
        " and needs the rest (DEMO_OWN_PATH=0 skips it)."
        if measures_own_path()
        else "Takes about 2 minutes; Kubernetes' own path is not measured."
    )


def play(cluster: LocalCluster, line: Line, screen: Screen) -> None:
    """Play the three scenes on a running line; raises LocalClusterError with a sentence."""
    began = time.monotonic()
    stage = Stage(cluster, line, screen, cluster.nodes[:FOR_SCENES])
    stage.prepare()
    waiting = _begin_own_path(cluster, screen, stage) if measures_own_path() else None
    screen.title("Scene a: a node dies, and its volumes come back by themselves")
    a = scenes.node_dies(stage)
    _meanwhile(screen, waiting)
    screen.title("Scene b: as silent as before, but EC2 says it is running: nothing is touched")
    b = scenes.node_silent(stage)
    _meanwhile(screen, waiting)
    screen.title("Scene c: two live nodes want one volume: seen and named, nothing done")
    c = scenes.two_want_one(stage)
    screen.say(f"The three scenes took {time.monotonic() - began:.0f} s.", "dim")
    own = _end_own_path(screen, waiting) if waiting is not None else None
    screen.title("How long it took")
    screen.show(table.table(a, b, c, own))
    for note in table.notes(own, line.pace):
        screen.say(note, "dim")
    screen.say(f"Kubernetes' {cluster.timings.sentence()}", "dim")
    names = ", ".join(line.addresses())
    screen.say(f"To look around in {names} and with kubectl: make demo STAY=1 leaves it running.")


def _begin_own_path(cluster: LocalCluster, screen: Screen, stage: Stage) -> Waiting:
    screen.title("Beside the scenes: Kubernetes' own path, without pvmedic")
    nodes = (cluster.nodes[FOR_SCENES], cluster.nodes[FOR_SCENES + 1])
    waiting = Waiting(cluster, screen, nodes)
    waiting.begin()
    stage.meanwhile = waiting.look
    return waiting


def _end_own_path(screen: Screen, waiting: Waiting) -> table.OwnPath:
    screen.title("Waiting for Kubernetes' own path")
    screen.begin(waiting.began)
    said = time.monotonic() - PROGRESS_EVERY
    while waiting.done is None:
        screen.now(waiting.look())
        if not screen.console.is_terminal and time.monotonic() - said >= PROGRESS_EVERY:
            screen.say(waiting.progress(), "dim")
            said = time.monotonic()
        time.sleep(0.2)
    return waiting.done


def _meanwhile(screen: Screen, waiting: Waiting | None) -> None:
    if waiting is not None and waiting.done is None:
        screen.say(waiting.progress(), "dim")
