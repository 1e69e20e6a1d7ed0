"""`make demo`: failures on a real control plane, seen before your eyes, and repaired.

Environment: SCENE chooses one of `shows.SHOWS` or of `STORIES`; without it nodes are lost. STAY=1
leaves everything running until Ctrl-C (a SCENE then stays as it is before its repair).
DEMO_OWN_PATH=0 skips measuring Kubernetes' own path, or waiting for it. Exit codes: 0 when every
scene ended as it should, 1 when not, 2 for a SCENE that there is none of or that cannot be played
here, 130 on Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from contextlib import ExitStack
from typing import TYPE_CHECKING

import aiohttp

from demo import approve, blackout, grow, handover, node_loss, node_old, seen_table
from demo.line import Line, Pace
from demo.screen import Screen
from demo.shows import SHOWS, Place
from demo.theatre import Theatre
from local import namespaces, tools
from local.cluster import LocalCluster
from local.csi import Csi, install_crds
from local.errors import LocalClusterError
from local.kubelet_face import KubeletFace

if TYPE_CHECKING:
    from types import FrameType

NODES = ("node-a", "node-b", "node-c")
INTRODUCTION = (
    "A real Kubernetes control plane is started on this machine, with Prometheus, Alertmanager and"
    " pvmedic; its nodes are played. Everything is on loopback, in one directory, and gone"
    " afterwards. Takes about 2 minutes; the first time, getting the tools comes before."
)
UNUSABLE = 2
APPROVE, HANDOVER, BLACKOUT = "approve", "handover", "blackout"
GROW, NODE_OLD = "grow", "node-old"
STORIES = {
    APPROVE: approve.ABOUT,
    HANDOVER: handover.ABOUT,
    BLACKOUT: blackout.ABOUT,
    GROW: grow.ABOUT,
    NODE_OLD: node_old.ABOUT,
}
"""Scenes of the remediator; the others are in SHOWS."""


def main() -> int:
    """Play; return the exit code."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    screen = Screen()
    scene = os.environ.get("SCENE", "")
    shown = SHOWS.get(scene)
    if scene not in ("", *STORIES) and shown is None:
        _others(screen, scene)
        return UNUSABLE
    if shown is not None and shown.gluster and (reason := namespaces.why_not()):
        screen.say(f"Scene {scene} is left out here: {reason}.", "bold red")
        return UNUSABLE
    screen.title(
        "pvmedic: storage failures, seen and repaired" if not scene else f"pvmedic: {scene}"
    )
    if scene:
        screen.say(INTRODUCTION)
        if scene == NODE_OLD:
            screen.say(node_old.DURATION)
    else:
        screen.say(node_loss.INTRODUCTION)
        screen.say(f"{node_loss.duration()} The first time, getting the tools comes before.")
    try:
        found = (tools.ensure_old if scene == NODE_OLD else tools.ensure)(screen.say)
        if scene == GROW or (shown is not None and shown.csi):
            tools.ensure_csi(screen.say)
        if shown is not None and shown.gluster:
            tools.ensure_gluster(screen.say)
        nodes = NODES if scene else node_loss.NODES
        cluster = LocalCluster.start(found, nodes, report=screen.say)
    except LocalClusterError as error:
        return _failed(screen, str(error))
    except KeyboardInterrupt:
        screen.say("Ended; everything is gone.")
        return 130
    return _with(cluster, screen, scene)


def _others(screen: Screen, scene: str) -> None:
    screen.say(f"There is no SCENE={scene}. Without SCENE: a node dies. Others:", "bold red")
    for name, about in ({name: show.about for name, show in SHOWS.items()} | STORIES).items():
        screen.say(f"  make demo SCENE={name:<8} {about}")


def _with(cluster: LocalCluster, screen: Screen, scene: str) -> int:
    """Play on a cluster and end it, whatever happens; logs of what failed are kept."""
    stay = os.environ.get("STAY", "") not in ("", "0")
    code, said = 1, ""
    try:
        with ExitStack() as stack:
            with screen.progress():
                line = _play(cluster, screen, scene, stack, stay=stay)
            code = 0
            if stay:
                _stay(cluster, line, screen, scene)
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


def _play(
    cluster: LocalCluster, screen: Screen, scene: str, stack: ExitStack, *, stay: bool
) -> Line:
    if not scene:
        line = _start(Line(cluster), screen)
        node_loss.play(cluster, line, screen)
        return line
    if scene == APPROVE:
        line = _start(Line(cluster, mode="approve"), screen)
        approve.play(cluster, line, screen)
        return line
    if scene in (HANDOVER, BLACKOUT):
        line = _start(Line(cluster), screen)
        (handover if scene == HANDOVER else blackout).play(cluster, line, screen)
        return line
    if scene == NODE_OLD:
        line = _start(Line(cluster, components=node_old.COMPONENTS), screen)
        node_old.play(cluster, line, screen, patient=node_old.waits_it_out())
        return line
    if scene == GROW:
        parts = grow.Parts(
            stack.enter_context(Csi.start(cluster, screen.say)),
            stack.enter_context(KubeletFace(cluster, "kubelet-face")),
        )
        kubelets, growth = parts.face.settings, grow.GROWTH
        line = _start(Line(cluster, grow.PACE, kubelets=kubelets, growth=growth), screen)
        grow.play(cluster, line, screen, parts)
        return line
    show = SHOWS[scene]
    csi = stack.enter_context(Csi.start(cluster, screen.say)) if show.csi else None
    if csi is None:
        install_crds(cluster)
    line = _start(Line(cluster, Pace(minute=1.0, keep_firing=3.0)), screen)
    theatre = Theatre(line, screen)
    play = show.set_up(Place(stack, cluster, csi, line=line))
    began = time.monotonic()
    theatre.fail(play)
    if stay:
        return line
    theatre.repair(play)
    screen.say(f"The scene took {time.monotonic() - began:.0f} s.", "dim")
    screen.title("What was seen")
    screen.show(seen_table.table(theatre.rows))
    for note in seen_table.notes(line.pace):
        screen.say(note, "dim")
    screen.say(f"To look around while it is broken: make demo SCENE={scene} STAY=1", "dim")
    return line


def _start(line: Line, screen: Screen) -> Line:
    screen.say("Starting Prometheus, Alertmanager, exporter and remediator (usually 3 s)")
    started = time.monotonic()
    line.start()
    screen.say(f"  ready after {time.monotonic() - started:.0f} s; {line.pace.sentence()}")
    _addresses(line, screen)
    return line


def _addresses(line: Line, screen: Screen) -> None:
    for name, url in line.addresses().items():
        path = "/metrics" if name in ("exporter", "remediator") else "/#/alerts"
        screen.say(f"  {name:<13}{url}{'/alerts' if name == 'Prometheus' else path}")


def _stay(cluster: LocalCluster, line: Line, screen: Screen, scene: str) -> None:
    screen.title("Still running, until Ctrl-C")
    _addresses(line, screen)
    screen.say(f"  EC2          {cluster.cloud.endpoint_url}")
    screen.say("Try:")
    screen.say(f"  export KUBECONFIG={cluster.kubeconfig}")
    for command in (
        *(("get remediations", "describe remediations") if scene in ("", *STORIES) else ()),
        "get events -A",
        "get pods,pvc,volumeattachments -A -o wide",
    ):
        screen.say(f"  {cluster.tools.kubectl} {command}")
    screen.say(f"  {sys.executable} -m exporter once --kubeconfig {cluster.kubeconfig}")
    signal.pause()


def _failed(screen: Screen, sentence: str) -> int:
    screen.say(f"The demo did not end as it should: {sentence}", "bold red")
    return 1


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
