"""`make demo`: three failures on a real control plane, seen and repaired before your eyes.

Environment: STAY=1 leaves everything running until Ctrl-C; DEMO_OWN_PATH=0 skips measuring
Kubernetes' own path. Exit codes: 0 when every scene ended as it should, 1 when not, 130 on Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING

import aiohttp

from demo import scenes, table
from demo.line import Line
from demo.own_path import Waiting
from demo.screen import Screen
from demo.stage import Stage
from local import tools
from local.cluster import LocalCluster
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from types import FrameType

NODES = ("node-a", "node-b", "node-c", "node-d", "node-e", "node-f")
FOR_SCENES = 4
PROGRESS_EVERY = 30.0
INTRODUCTION = (
    "A real Kubernetes control plane is started on this machine, with Prometheus, Alertmanager and"
    " pvmedic; its nodes, their volumes and their EC2 are played. Then three scenes: a node dies"
    " with its volumes; a node is silent but not proven dead; two nodes want one volume. Everything"
    " is on loopback, in one directory, and gone afterwards."
)


def main() -> int:
    """Play; return the exit code."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    screen = Screen()
    own_path = os.environ.get("DEMO_OWN_PATH", "1") != "0"
    stay = os.environ.get("STAY", "") not in ("", "0")
    screen.title("pvmedic: storage failures, seen and repaired")
    screen.say(INTRODUCTION)
    screen.say(
        (
            "Takes about 7 minutes: 2 for the scenes; Kubernetes' own path is measured beside them"
            " and needs the rest (DEMO_OWN_PATH=0 skips it)."
            if own_path
            else "Takes about 2 minutes; Kubernetes' own path is not measured."
        )
        + " The first time, getting the tools comes before."
    )
    try:
        found = tools.ensure(screen.say)
        cluster = LocalCluster.start(found, NODES, report=screen.say)
    except LocalClusterError as error:
        return _failed(screen, str(error))
    except KeyboardInterrupt:
        screen.say("Ended; everything is gone.")
        return 130
    return _with(cluster, screen, own_path=own_path, stay=stay)


def _with(cluster: LocalCluster, screen: Screen, *, own_path: bool, stay: bool) -> int:
    """Play on a cluster and end it, whatever happens; logs of what failed are kept."""
    code, said = 1, ""
    try:
        with screen.progress():
            line = _play(cluster, screen, own_path=own_path)
        code = 0
        if stay:
            _stay(cluster, line, screen)
    except KeyboardInterrupt:
        code = 0 if code == 0 else 130
    except LocalClusterError as error:
        said = str(error)
    except (OSError, aiohttp.ClientError) as error:
        said = f"a part does not answer: {type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 -- a bug must still end what was started, and say where it is
        said = traceback.format_exc()
    # From here on a second Ctrl-C would only leave something behind.
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    cluster.close(keep_logs=bool(said))
    if said:
        return _failed(screen, f"{said}\nlogs, kept for a day: {cluster.directory / 'logs'}")
    if code != 0:
        screen.say("Interrupted.")
    screen.say(f"Everything has ended, and {cluster.directory} is gone.", "dim")
    return code


def _play(cluster: LocalCluster, screen: Screen, *, own_path: bool) -> Line:
    screen.say("Starting Prometheus, Alertmanager, exporter and remediator (usually 3 s)")
    started = time.monotonic()
    line = Line(cluster)
    line.start()
    screen.say(f"  ready after {time.monotonic() - started:.0f} s; {line.pace.sentence()}")
    _addresses(line, screen)
    began = time.monotonic()
    stage = Stage(cluster, line, screen, cluster.nodes[:FOR_SCENES])
    stage.prepare()
    waiting = _begin_own_path(cluster, screen, stage) if own_path else None
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
    return line


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


def _addresses(line: Line, screen: Screen) -> None:
    for name, url in line.addresses().items():
        path = "/metrics" if name in ("exporter", "remediator") else "/#/alerts"
        screen.say(f"  {name:<13}{url}{'/alerts' if name == 'Prometheus' else path}")


def _stay(cluster: LocalCluster, line: Line, screen: Screen) -> None:
    screen.title("Still running, until Ctrl-C")
    _addresses(line, screen)
    screen.say(f"  EC2          {cluster.cloud.endpoint_url}")
    screen.say("Try:")
    screen.say(f"  export KUBECONFIG={cluster.kubeconfig}")
    for command in (
        "get remediations",
        "describe remediations",
        "get events -A",
        "get pods,volumeattachments -A -o wide",
    ):
        screen.say(f"  {cluster.tools.kubectl} {command}")
    signal.pause()


def _failed(screen: Screen, sentence: str) -> int:
    screen.say(f"The demo did not end as it should: {sentence}", "bold red")
    return 1


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
