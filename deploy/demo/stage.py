"""Where a scene is played: one loop that looks at the world and writes down what changed.

The scenes say what is done and what must come of it; here is only the looking and the waiting.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from demo import snapshot, timeline
from demo.snapshot import Focus, Snapshot
from local import workloads
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.line import Line
    from demo.person import Person
    from demo.screen import Screen
    from local.cluster import LocalCluster

LOOK_EVERY = 0.25
PART = "demo.pvmedic.dev/part"  # the label of the nodes that a part of the demo keeps to
SCENES = "scenes"
START_SECONDS = 90.0


class SceneError(LocalClusterError):
    """A scene did not end as it should."""


def reached(seen: Snapshot, dead: str) -> dict[str, float]:
    """Return when each milestone that holds now was reached at the latest. Pure."""
    readings = seen.record.readings if seen.record is not None else ()
    holds = {
        "not_ready": seen.node is not None and seen.node.ready != "True",
        "placed": any(pod.node and pod.phase == "Pending" for pod in seen.pods),
        "seen": bool(seen.metrics),
        "alerted": seen.alerting("PvmedicNodeLostWithVolumes")
        or (not dead and seen.alerting("PvmedicMultiAttach")),
        "acted": seen.tainted(),
        "healed": bool(dead) and seen.running(not_on=dead) > 1,
    }
    times = {name: seen.at for name, true in holds.items() if true}
    return times | ({"proven": readings[1].read_at} if len(readings) > 1 else {})


@dataclass
class Stage:
    """A running line, the nodes to play on, the screen, and what else wants to look in between."""

    cluster: LocalCluster
    line: Line
    screen: Screen
    nodes: tuple[str, ...]
    meanwhile: Callable[[], str] = lambda: ""  # looks in between, and says how far it is
    marks: dict[str, float] = field(default_factory=dict)
    _focus: Focus = field(default_factory=lambda: Focus(""))
    _seen: Snapshot = field(default_factory=lambda: Snapshot(0.0))

    def prepare(self) -> None:
        """Label the nodes and make what every scene needs."""
        for node in self.nodes:
            self.cluster.kubectl("label", "--overwrite", "node", node, f"{PART}={SCENES}")
        self.cluster.apply(workloads.storage_class())

    def open(self, focus: Focus) -> Snapshot:
        """Begin to look at one part of the world; the clock and the milestones start anew."""
        self.marks = {}
        self._focus = focus
        self._seen = snapshot.take(self.cluster, self.line, focus)
        self.screen.begin()
        return self._seen

    def until(
        self, description: str, true: Callable[[Snapshot], object], seconds: float
    ) -> Snapshot:
        """Look and write down until `true` of what is seen; raises after `seconds`."""
        self.cluster.wait(description, lambda: true(self._look(description)), seconds)
        return self._seen

    def reach(self, milestone: str, seconds: float) -> None:
        """Look and write down until a milestone is reached."""
        self.until(f"milestone {milestone!r}", lambda _: milestone in self.marks, seconds)

    def during(self, seconds: float, description: str) -> Snapshot:
        """Look and write down for a while in which nothing is expected."""
        end = time.monotonic() + seconds
        return self.until(description, lambda _: time.monotonic() >= end, seconds + START_SECONDS)

    def check(self, true: object, sentence: str) -> None:
        """Raise with a sentence unless something holds."""
        if not true:
            raise SceneError(sentence)

    def healthy(self) -> None:
        """Wait until every node of the scenes is Ready and free of taints."""
        self.cluster.wait(
            "healthy nodes", lambda: all(map(self.cluster.usable, self.nodes)), START_SECONDS
        )

    def _look(self, description: str) -> Snapshot:
        time.sleep(LOOK_EVERY)
        aside = self.meanwhile()
        try:
            after = snapshot.take(self.cluster, self.line, self._focus)
        except OSError:
            self.line.check()  # a program that has ended says why better than a refused connection
            raise
        for line in timeline.lines(self._seen, after):
            self.screen.line(line)
        self._seen = after
        self.marks = reached(after, self._focus.node) | self.marks
        passed = f"{after.at - self.screen.zero:.0f} s; waiting for {description}"
        self.screen.now(f"{passed}. {aside}" if aside else passed)
        return after


def workload(space: str, node: str, part: str) -> str:
    """Return a namespace, a Deployment and a StatefulSet, each with a volume, kept to a part."""
    text = (
        workloads.namespace(space)
        + workloads.claim(space, "web")
        + workloads.deployment(space, "web", "web", node)
        + workloads.stateful_set(space, "db", node)
    )
    objects = [item for item in yaml.safe_load_all(text) if item]
    for item in objects:
        if item["kind"] in ("Deployment", "StatefulSet"):
            item["spec"]["template"]["spec"]["nodeSelector"] = {PART: part}
    return "".join(f"---\n{json.dumps(item)}\n" for item in objects)


def show_plan(stage: Stage, who: Person, record: str) -> None:
    """Let a person look at a record; the part that is the plan is shown."""
    stage.screen.tell(timeline.Mark.TOLD, f"{who.name} types: kubectl pvmedic show {record}")
    text = who.types("show", record).stdout
    stage.check("\n  plan" in text, f"kubectl pvmedic show tells of no plan: {text}")
    plan = text[text.index("\n  plan") : text.index("\nGuards")]
    for shown in plan.strip("\n").splitlines():
        stage.screen.say(f"          {shown}", "dim")
