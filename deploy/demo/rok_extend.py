"""SCENE=rok-extend: a node of Rok's gets a larger snapshot space, and goes once its volumes left.

Everything that a person says is typed: `kubectl pvmedic`. What is played is said on the screen.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from demo import repair_told, rok_proofs, rok_stage, sightings
from demo.line import Line, Pace, fetch
from demo.person import APPROVER, Person
from demo.rok_proofs import Before
from demo.sightings import Look
from demo.stage import LOOK_EVERY, SceneError
from demo.timeline import Mark
from demo.times import asked
from local import rok_disks
from local.csi import install_crds

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from demo.rok_stage import RokStage
    from demo.screen import Screen
    from local.cluster import LocalCluster

ABOUT = "the snapshot space is extended by a disk, the node drained and removed; needs root"
SIGNAL = "snapshot_space_exhausted"
NODE, SPACE = "rok-1", "shop"
STORY = (
    "A node of Rok's, of a scaling group, with three volumes. Its snapshot space holds 640 MiB, and"
    " 900 MiB have changed on one volume alone: no garbage collection will ever make that room."
)
PLAYED = (
    "Real: API server, scheduler, binder, budgets and evictions; the admission policy; LVM, its"
    " metadata on disks of the size that was bought; an ext4 that is filled and grown. Played: Rok,"
    " the container of its Disk Manager, EC2 (moto), lsblk's serials, kubelets. Sizes are some"
    " 250 times smaller than in service, and what takes hours there takes seconds here. A volume"
    " leaves by being made anew without its node, so its claim is Lost for a moment."
)
UNMOUNTED = (
    "This machine's kernel lets nobody grow a mounted ext4: it is unmounted for a moment instead."
)
STEP_SECONDS = 120.0
Json = Any


def why_not() -> str:
    """Return why the scene cannot be played on this machine; empty when it can."""
    return rok_stage.why_not()


def line_for(cluster: LocalCluster) -> Line:
    """Return the line of this scene: mode auto, and still nothing is done without a yes."""
    # Without them the exporter would look for them again after half a minute only.
    install_crds(cluster)
    return Line(cluster, Pace(minute=1.0, keep_firing=3.0), **rok_stage.settings(cluster))


def play(cluster: LocalCluster, line: Line, screen: Screen, stack: ExitStack) -> None:
    """Play on a running line; raises LocalClusterError with a sentence."""
    began = time.monotonic()
    screen.say(STORY, "dim")
    screen.say(PLAYED, "bold")
    if not rok_disks.grows_mounted():
        screen.say(UNMOUNTED, "bold")
    others = [cluster.instance_of(node) for node in cluster.nodes]
    opened = rok_stage.opened(cluster, SPACE, NODE, others, tidy=False)
    stage = stack.enter_context(opened)
    scene = _Scene(stage, line, screen)
    before = Before.of(stage)
    screen.title("Snapshots fail for want of space")
    name = scene.fails()
    screen.title("Ann looks at the plan and says yes")
    said_yes = scene.approved(name)
    screen.title("The repair")
    record = scene.followed(name)
    screen.title("What was proven")
    for proof in rok_proofs.proofs(stage, before, record):
        if not proof.holds:
            message = f"not so: {proof.sentence}"
            raise SceneError(message)
        screen.tell(Mark.GOOD, proof.sentence)
    screen.title("Where the time went")
    times = repair_told.took(repair_told.steps(record), said_yes)
    screen.show(repair_told.table(times))
    screen.say(
        "others: Rok's jobs and unpinning, the drain, EC2 and the controller that takes the Node"
        " away. A node in service waits minutes for EC2 and hours for Rok.",
        "dim",
    )
    screen.say(asked(line.metrics("remediator")), "dim")
    screen.say(f"The scene took {time.monotonic() - began:.0f} s.", "dim")


class _Scene:
    """The stage, and what is looked at all the time."""

    def __init__(self, stage: RokStage, line: Line, screen: Screen) -> None:
        self.stage = stage
        self.line = line
        self.screen = screen
        self._look = Look(0.0)
        self._steps: tuple[repair_told.Step, ...] = ()

    def fails(self) -> str:
        """Let a snapshot fail; return the name of the record that waits for a yes."""
        self._look = self._take()
        self.screen.begin()
        nightly, claim = rok_stage.SNAPSHOT, rok_stage.SNAPSHOTTED
        self.screen.tell(Mark.TOLD, f"VolumeSnapshot {nightly} of claim {claim}", "Rok is played")
        self.stage.ask_for_snapshot()
        self._until("a plan that waits for a yes", lambda: self._phase() == "AwaitingApproval")
        return str(self.record()["metadata"]["name"])

    def approved(self, name: str) -> float:
        """Let Ann type; return when she said yes."""
        ann = Person(self.stage.cluster, "ann", APPROVER)
        shown = self._types(ann, "show", name)
        plan = shown[shown.index("\n  plan") : shown.index("\nGuards")]
        for text in plan.strip("\n").splitlines():
            self.screen.say(f"  {text}", "dim")
        self._types(ann, "approve", name, "--yes")
        return time.time()

    def followed(self, name: str) -> Json:
        """Show each step until the record is over; return it."""
        del name
        ends = frozenset({"Settled", "Failed", "Unsettled", "Blocked", "Declined"})
        self._until("the end of the repair", lambda: self._phase() in ends, 2 * STEP_SECONDS)
        record = self.record()
        if self._phase() != "Settled":
            message = record["status"].get("message", "")
            raise SceneError(f"the repair ended as {self._phase()}: {message}")
        self.screen.tell(Mark.GOOD, "record: Settled", record["status"].get("message", ""))
        return record

    def record(self) -> Json:
        """Return the newest Remediation of the node, empty without one."""
        mine = [one for one in self.line.remediations() if one["spec"]["signal"] == SIGNAL]
        return mine[-1] if mine else {}

    def _phase(self) -> str:
        return str(self.record().get("status", {}).get("phase", ""))

    def _types(self, who: Person, *words: str) -> str:
        self.screen.tell(Mark.TOLD, f"{who.name} types: kubectl pvmedic {' '.join(words)}")
        done = who.types(*words)
        if done.returncode:
            message = f"kubectl pvmedic {words[0]} ended with {done.returncode}: {done.stderr}"
            raise SceneError(message)
        return done.stdout

    def _until(self, what: str, true: Callable[[], object], seconds: float = STEP_SECONDS) -> None:
        def look() -> bool:
            time.sleep(LOOK_EVERY)
            before, self._look = self._look, self._take()
            for line in sightings.lines(_without_form(before), _without_form(self._look)):
                self.screen.line(line)
            record = self.record()
            steps = repair_told.steps(record)
            for line in repair_told.lines(self._steps, steps):
                self.screen.line(line)
            self._steps = steps
            message = record.get("status", {}).get("message", "")
            passed = f"{self._look.at - self.screen.zero:.0f} s; waiting for {what}"
            self.screen.now(f"{passed}. {message}" if message else passed)
            return bool(true())

        self.line.cluster.wait(what, look, seconds)

    def _take(self) -> Look:
        try:
            exposition = self.line.metrics("exporter")
            prometheus = fetch(f"{self.line.prometheus}/api/v1/alerts").decode()
            alertmanager = fetch(f"{self.line.alertmanager}/api/v2/alerts").decode()
        except OSError:
            self.line.check()
            raise
        return sightings.take(exposition, prometheus, alertmanager, time.time())


def _without_form(look: Look) -> Look:
    """Return a look in which it does not count what the newest job was doing when it failed."""
    series = (
        replace(one, labels=tuple(label for label in one.labels if label[0] != "form"))
        for one in look.series
    )
    return replace(look, series=tuple(series))
