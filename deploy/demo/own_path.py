"""Kubernetes' own path, measured beside the scenes: a node dies and pvmedic keeps its hands off.

`look` is called again and again by whoever waits for something else; it moves on when it can.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo import snapshot
from demo.stage import PART, START_SECONDS, workload
from demo.table import OwnPath
from demo.timeline import Mark
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from demo.screen import Screen
    from demo.snapshot import Pod
    from local.cluster import LocalCluster

SPACE, LABEL = "own-path", "own-path"
OPT_OUT = "pvmedic.dev/remediation=disabled"
LOOK_EVERY = 0.5
USUALLY = 375.0  # NotReady 8, Terminating 5, taken away by force 360, and what is in between
GIVE_UP = 900.0


class Waiting:
    """The measurement under way; `done` is what came of it."""

    def __init__(self, cluster: LocalCluster, screen: Screen, nodes: tuple[str, str]) -> None:
        """Use two nodes that no scene uses: one to die, one to go to."""
        self.done: OwnPath | None = None
        self._cluster = cluster
        self._screen = screen
        self._nodes = nodes
        self.began = 0.0
        self._looked = 0.0
        self._marks: dict[str, float] = {}

    def begin(self) -> None:
        """Start the pods, opt the node out, let it die, and come as far as the force delete.

        The node life cycle controller evicts one node every 10 s: scenes that began before that
        would take part in this measurement.
        """
        node = self._nodes[0]
        for name in self._nodes:
            self._cluster.kubectl("label", "--overwrite", "node", name, f"{PART}={LABEL}")
        self._cluster.kubectl("annotate", "--overwrite", "node", node, OPT_OUT)
        self._cluster.apply(workload(SPACE, node, LABEL))
        self._cluster.wait(
            f"two Running pods on {node}",
            lambda: [pod.phase for pod in self._pods() if pod.node == node] == ["Running"] * 2,
            START_SECONDS,
        )
        self._cluster.players.die(node)
        self.began = time.time()
        self._screen.begin(self.began)
        self._tell(f"node {node} falls silent", f"annotated {OPT_OUT}: pvmedic keeps away")
        self._cluster.wait("Terminating pods", self._look_until_deleted, START_SECONDS)
        self._tell("Kubernetes waits now", "the scenes are played meanwhile")

    def look(self) -> str:
        """Look, at most twice a second, do the next thing, and say how far it is.

        Raises LocalClusterError when it takes far too long.
        """
        now = time.time()
        if self.done is None and now - self._looked >= LOOK_EVERY:
            self._looked = now
            self._go_on(now)
        return self.progress()

    def _look_until_deleted(self) -> bool:
        self.look()
        return "deleted" in self._marks

    def _go_on(self, now: float) -> None:
        if now - self.began > GIVE_UP:
            message = f"Kubernetes' own path took more than {GIVE_UP:.0f} s"
            raise LocalClusterError(message)
        if "not_ready" not in self._marks:
            self._wait_for_not_ready(now)
        elif "terminating" not in self._marks:
            self._wait_for_terminating(now)
        else:
            self._wait_for_running(now)

    def progress(self) -> str:
        """Say how far it is."""
        if self.done is not None:
            return "Kubernetes' own path: done"
        passed = time.time() - self.began
        return f"Kubernetes' own path: {_minutes(passed)} of usually {_minutes(USUALLY)}"

    def _wait_for_not_ready(self, now: float) -> None:
        if self._cluster.condition(self._nodes[0]) != "True":
            self._marks["not_ready"] = now
            self._tell(f"node {self._nodes[0]} is NotReady", "its pods and volumes stay with it")

    def _wait_for_terminating(self, now: float) -> None:
        stuck = [p for p in self._pods() if p.terminating and p.node == self._nodes[0]]
        if len(stuck) > 1:
            self._marks["terminating"] = now
            names = [pod.name for pod in stuck]
            self._cluster.kubectl(
                "delete", "pod", *names, "-n", SPACE, "--force", "--grace-period=0", "--wait=false"
            )
            self._marks["deleted"] = time.time()
            self._tell(
                "a person types kubectl delete --force", f"{', '.join(names)}: Terminating for ever"
            )

    def _wait_for_running(self, now: float) -> None:
        alive = [
            pod
            for pod in self._pods()
            if pod.phase == "Running" and not pod.terminating and pod.node != self._nodes[0]
        ]
        if len(alive) > 1:
            since = self._marks["not_ready"]
            times = (self._marks["terminating"], self._marks["deleted"], now)
            self.done = OwnPath(*(at - since for at in times))
            self._tell("both pods are Running again", f"on {alive[0].node}")
            self._cluster.players.revive(self._nodes[0])

    def _pods(self) -> list[Pod]:
        found = self._cluster.get(f"/api/v1/namespaces/{SPACE}/pods") or {"items": []}
        return [snapshot.pod_of(item) for item in found["items"]]

    def _tell(self, what: str, evidence: str) -> None:
        self._screen.tell(Mark.PLAIN, f"own path: {what}", evidence)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
