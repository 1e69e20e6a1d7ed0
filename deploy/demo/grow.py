"""SCENE=grow: a claim fills up and grows within its owner's bounds; another asks for too much.

The resizer is Kubernetes' own. What a kubelet says and does, and the storage, are played.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.pace import Pace
from demo.person import APPROVER, Person
from demo.scenes import STEP_SECONDS
from demo.snapshot import Focus
from demo.stage import START_SECONDS, Stage, show_plan
from demo.timeline import Mark
from demo.times import Times, asked
from local import csi_objects, workloads
from local.csi_objects import handle
from local.kubelet_face import GIB
from local.volumes import FAULTY_DRIVER

if TYPE_CHECKING:
    from demo.line import Line
    from demo.screen import Screen
    from local.cluster import LocalCluster
    from local.csi import Csi
    from local.kubelet_face import KubeletFace

ABOUT = "a claim fills up and grows by itself; one asks for too much, and is lowered after a yes"
STORY = (
    "Two claims of 10 GiB. The owner of the first has written on it how far it may grow by itself;"
    " the second one is about to be asked for more than its storage can make."
)
CRAFTED = (
    "Played: the kubelets (what they say of full volumes, and that file systems are grown) and the"
    " storage, which makes volumes of at most 40 GiB. Real: API server, binder, csi-resizer,"
    " csi-attacher, and the times that they take."
)
PACE = Pace(minute=1.0, keep_firing=3.0)
MOST = 40
GROWTH = {"drivers": {FAULTY_DRIVER: {"largest": f"{MOST}Gi"}}}
"""What the remediator's settings know of the storage."""
FILLING, FAILED = "PvmedicVolumeFilling", "PvmedicExpansionFailed"
EXPAND = "ControllerExpandVolume"
TOO_LARGE = "the array makes no volume as large as that"
POD = "app"


@dataclass(frozen=True)
class Parts:
    """What the scene needs beside a cluster and a line."""

    csi: Csi
    face: KubeletFace


def play(cluster: LocalCluster, line: Line, screen: Screen, parts: Parts) -> None:
    """Play on a running line that asks the face; raises LocalClusterError with a sentence."""
    stage = Stage(cluster, line, screen, cluster.nodes)
    began = time.monotonic()
    screen.say(STORY, "dim")
    screen.say(CRAFTED, "bold")
    parts.face.speak_for(cluster.nodes[0])
    ann = Person(cluster, "ann", APPROVER)
    screen.title("A claim fills up, and its owner has said how far it may grow")
    _fills_up(stage, parts.face, ann)
    screen.title("A claim asks for more than the storage can make")
    _asks_too_much(stage, parts.csi, ann)
    screen.say(asked(line.metrics("remediator")), "dim")
    screen.say(f"The scene took {time.monotonic() - began:.0f} s.", "dim")


def _fills_up(stage: Stage, face: KubeletFace, ann: Person) -> None:
    space, name = "shop", "orders"
    bounds = ("pvmedic.dev/grow-step=20%", "pvmedic.dev/grow-ceiling=40Gi")
    _begin(stage, space, name)
    stage.cluster.kubectl("-n", space, "annotate", "pvc", name, *bounds)
    stage.screen.tell(Mark.TOLD, f"the owner annotates claim {name}", " ".join(bounds))
    face.fills(space, name, used=GIB * 19 // 2)
    stage.screen.tell(Mark.TOLD, f"{POD} has written 9.5 of 10 GiB", "played: its kubelet says so")
    times = Times()
    stage.until("the signal", lambda s: s.metrics, STEP_SECONDS)
    times.note("seen")
    stage.until("the alert", lambda s: s.alerting(FILLING), STEP_SECONDS)
    times.note("alert")
    stage.until("a larger request", lambda s: s.claim(name).asks == "12Gi", STEP_SECONDS)
    times.note("pvmedic has asked for more")
    stage.until("a larger volume", lambda s: s.claim(name).has == "12Gi", STEP_SECONDS)
    times.note("the claim has it (csi-resizer, kubelet)")
    seen = stage.until("record Settled", lambda s: s.phase() == "Settled", STEP_SECONDS)
    times.note("looked at twice more: settled")
    show_plan(stage, ann, seen.record.name if seen.record is not None else "")
    _over(stage, FILLING)
    stage.screen.say(times.sentence(), "dim")


def _asks_too_much(stage: Stage, csi: Csi, ann: Person) -> None:
    space, name = "studio", "media"
    _begin(stage, space, name)
    volume = handle(space, name)
    csi.fail(EXPAND, "OutOfRange", TOO_LARGE, volume=volume, above=MOST * GIB)
    request = '{"spec":{"resources":{"requests":{"storage":"100Gi"}}}}'
    stage.screen.tell(
        Mark.TOLD, "somebody wants 100 GiB", f"kubectl -n {space} patch pvc {name} -p '{request}'"
    )
    stage.cluster.kubectl("-n", space, "patch", "pvc", name, "-p", request)
    times = Times()
    stage.until("a refusal", lambda s: s.claim(name).status.endswith("Infeasible"), STEP_SECONDS)
    times.note("csi-resizer gives it up")
    stage.until("the alert", lambda s: s.alerting(FAILED), STEP_SECONDS)
    times.note("alert")
    seen = stage.until("a plan", lambda s: s.phase() == "AwaitingApproval", STEP_SECONDS)
    times.note("a plan that asks for a yes")
    record = seen.record.name if seen.record is not None else ""
    show_plan(stage, ann, record)
    stage.screen.tell(Mark.TOLD, f"{ann.name} types: kubectl pvmedic approve {record} --yes")
    done = ann.types("approve", record, "--yes")
    stage.check(done.returncode == 0, f"kubectl pvmedic approve: {done.stderr}")
    times.note("her yes")
    stage.until("a smaller request", lambda s: s.claim(name).asks == f"{MOST}Gi", STEP_SECONDS)
    times.note("pvmedic has asked for less")
    stage.until("the volume", lambda s: s.claim(name).has == f"{MOST}Gi", STEP_SECONDS)
    times.note("the claim has it (csi-resizer, kubelet)")
    stage.until("record Settled", lambda s: s.phase() == "Settled", STEP_SECONDS)
    times.note("looked at twice more: settled")
    _over(stage, FAILED)
    stage.screen.say(times.sentence(), "dim")


def _begin(stage: Stage, space: str, name: str) -> None:
    """Make a claim of 10 GiB with a pod, and begin to look at its namespace."""
    node = stage.cluster.nodes[0]
    stage.cluster.apply(
        workloads.namespace(space)
        + csi_objects.claim(space, name, size="10Gi")
        + workloads.pod(space, POD, name, node)
    )
    stage.open(Focus(space))
    stage.until(f"a Running pod on {node}", lambda s: s.running() == 1, START_SECONDS)


def _over(stage: Stage, alert: str) -> None:
    stage.until("the end", lambda s: not s.metrics and not s.alerting(alert), STEP_SECONDS)
