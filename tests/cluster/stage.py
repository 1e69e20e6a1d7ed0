"""One test's part of the cluster: its namespace, its two nodes, and what a test asks of the line.

It sets scenes and reads what came of them; it expects nothing. Every wait has a deadline.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from demo.line import ROOT, answers
from local import workloads
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.line import Line

Json = Any
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
UNDO = "pvmedic.dev/undo"
MANAGER = "pvmedic-remediator"
PATIENCE = 60.0
COMPONENTS = ROOT / "deploy" / "manifests" / "access" / "components"
BEFORE_1_26 = COMPONENTS / "before-1.26" / "pods.yaml"
SHOP = ("web", "db")
"""Labels `app` of the shop's pods."""


def _each(field: str) -> str:
    """Return the output format of kubectl that shows a field of each object, a line each."""
    return f'jsonpath={{range .items[*]}}{{.metadata.name}}{{" "}}{{{field}}}{{"\\n"}}{{end}}'


class Stage:
    """`node` is for the failure, `other` for a second one; both are nobody else's."""

    def __init__(self, line: Line, space: str, node: str, other: str) -> None:
        """Prepare; `open` starts."""
        self.line = line
        self.cluster = line.cluster
        self.space = space
        self.node = node
        self.other = other
        self.instance = self.cluster.instance_of(node)

    def open(self) -> None:
        """Start a remediator with the line's own settings, and make the namespace."""
        self.wait("no alert of an earlier test", lambda: not self._old_alerts())
        self.cluster.apply(workloads.namespace(self.space))
        self.line.write_settings()
        self.start_remediator()

    def close(self) -> None:
        """Leave a healthy cluster without records, whatever state the test left it in."""
        cluster = self.cluster
        self.line.child("remediator").kill()
        cluster.cloud.fault(None)
        if not cluster.control.ready():
            cluster.control.start_api_server()
        missing = "--ignore-not-found"
        cluster.kubectl("-n", "pvmedic", "delete", "configmap", "pvmedic-pause", missing)
        older = "pvmedic-remediator-before-1.26"
        cluster.kubectl("delete", "clusterroles,clusterrolebindings", older, missing)
        users = "cronjobs,jobs,deployments,statefulsets,daemonsets,pods"
        cluster.kubectl("-n", self.space, "delete", users, "--all", "--wait=false")
        cluster.kubectl("delete", "namespace", self.space, "--wait=false", missing)
        for node in (self.node, self.other):
            self._revive(node)
        for item in self.line.remediations():
            # Nobody is there who would let go of what is owed; what was owed is put right above.
            free = json.dumps({"metadata": {"finalizers": []}})
            name = item["metadata"]["name"]
            cluster.kubectl("patch", "remediation", name, "--type=merge", "-p", free)
        cluster.kubectl("delete", "remediations", "--all")
        self.wait("every node healthy", lambda: all(map(cluster.usable, cluster.nodes)))
        self.wait("no volume attached", lambda: not self._attached())
        self.wait("no pod left", lambda: not self.pods())
        cluster.kubectl("delete", "events", "--all")

    def wait(self, what: str, ready: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait for a condition; in vain, the error shows records, pods, nodes and Events."""
        try:
            self.cluster.wait(what, ready, seconds)
        except LocalClusterError as error:
            for told in (
                ("get", "remediations"),
                ("-n", self.space, "get", "pods,volumeattachments", "-o", "wide"),
                ("-n", self.space, "get", "pods", "-o", _each(".status.conditions")),
                ("get", "nodes", "-o", _each(".spec")),
                ("-n", self.space, "get", "events", "--sort-by=.lastTimestamp"),
            ):
                with contextlib.suppress(Exception):
                    error.add_note(self.cluster.kubectl(*told))
            raise

    def allow_deleting_pods(self) -> None:
        """Give the account what only servers before 1.26 need; `close` takes it back."""
        self.cluster.apply(BEFORE_1_26.read_text())

    def start_remediator(self, **changes: Json) -> None:
        """Start the remediator again, `changes` replacing fields of sections or whole keys."""
        self.line.child("remediator").kill()
        path = self.line.directory / "remediator.yaml"
        settings = json.loads(path.read_text())
        for key, value in changes.items():
            settings[key] = {**settings.get(key, {}), **value} if isinstance(value, dict) else value
        path.write_text(json.dumps(settings))
        child = self.line.start_remediator()
        child.wait_ready(lambda: answers(f"{self.line.remediator}/readyz"), PATIENCE)

    def shop(self, node: str = "") -> None:
        """Run a Deployment's and a StatefulSet's pod with a claim each on one node."""
        node = node or self.node
        self.cluster.apply(
            workloads.claim(self.space, "web")
            + workloads.deployment(self.space, "web", "web", node)
            + workloads.stateful_set(self.space, "db", node)
        )
        self.wait(f"both pods Running on {node}", lambda: self._shop_is_on(node))

    def pods(self) -> list[Json]:
        """Return the namespace's pods."""
        found: list[Json] = self._items(f"/api/v1/namespaces/{self.space}/pods")
        return found

    def running(self) -> dict[str, int]:
        """Return how many pods run on which node; Terminating ones do not count."""
        counts: dict[str, int] = {}
        for pod in self.pods():
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]:
                node = pod["spec"]["nodeName"]
                counts[node] = counts.get(node, 0) + 1
        return counts

    def runs_elsewhere(self, node: str = "") -> bool:
        """Say whether both pods of the shop run, none on the failed node."""
        counts = self.running()
        return sum(counts.values()) == 2 and (node or self.node) not in counts

    def records(self, node: str = "") -> list[Json]:
        """Return the Remediations about a node."""
        subject = {"node": node or self.node}
        return [item for item in self.line.remediations() if item["spec"]["subject"] == subject]

    def status(self, node: str = "") -> Json:
        """Return the status of a node's newest Remediation, empty without one."""
        records = self.records(node)
        return records[-1].get("status", {}) if records else {}

    def until_phase(self, phase: str, sentence: str = "", node: str = "") -> Json:
        """Wait for a node's record in a phase and a sentence in its message; return its status."""

        def there() -> bool:
            status = self.status(node)
            return status.get("phase") == phase and sentence in status.get("message", "")

        self.wait(f"{phase}: {sentence or 'whatever'}", there)
        return self.status(node)

    def sentences(self, node: str = "") -> list[str]:
        """Return what a node's record tells, oldest first."""
        return [entry["sentence"] for entry in self.status(node).get("history", ())]

    def taints(self, node: str = "") -> list[Json]:
        """Return the out-of-service taints of a node."""
        spec = self._node(node)["spec"]
        return [taint for taint in spec.get("taints", ()) if taint["key"] == OUT_OF_SERVICE]

    def touched(self, node: str = "") -> bool:
        """Say whether the remediator has ever written to a node, by the server's own account."""
        entries = self._node(node)["metadata"]["managedFields"]
        return MANAGER in {entry["manager"] for entry in entries}

    def events(self, space: str, kind: str, name: str) -> list[str]:
        """Return the reasons of pvmedic's Events about an object."""
        where = f"/api/v1/namespaces/{space}/events"
        return [
            item["reason"]
            for item in self._items(f"{where}?fieldSelector=involvedObject.name={name}")
            if item["involvedObject"]["kind"] == kind and item["source"]["component"] == MANAGER
        ]

    def alerts(self, name: str, node: str = "") -> list[Json]:
        """Return Alertmanager's alerts of a name about a node."""
        node = node or self.node
        return [alert for alert in self.line.alerts(name) if alert["labels"].get("node") == node]

    def value(self, program: str, name: str, **labels: str) -> float | None:
        """Return a sample's value in a program's exposition, None without one."""
        return next(iter(self.samples(program, name, **labels)), None)

    def samples(self, program: str, name: str, **labels: str) -> list[float]:
        """Return the values of all samples that carry these labels."""
        return [
            sample.value
            for family in text_string_to_metric_families(self.line.metrics(program))
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def since(self, node: str = "") -> float | None:
        """Return since when the exporter says that a node is lost with volumes, Unix seconds."""
        name = "pvmedic_node_lost_with_volumes_since_timestamp_seconds"
        return self.value("exporter", name, node=node or self.node)

    def looks(self) -> float:
        """Return how often the remediator has read nodes since it started."""
        return sum(self.samples("remediator", "pvmedic_kube_requests_total", resource="nodes"))

    def look_on(self, times: int = 3) -> None:
        """Wait until the remediator has looked some more times, while nothing should happen."""
        reads_a_look = 2
        wanted = self.looks() + times * reads_a_look
        self.wait(f"{times} more looks", lambda: self.looks() >= wanted)

    def power_cycle(self) -> None:
        """Start the node's stopped instance again."""
        self.cluster.cloud.start(self.instance)

    def _shop_is_on(self, node: str) -> bool:
        """Say so, and send back what went elsewhere while a busy machine let the node look lost.

        Its pods only prefer the node, so that they can leave it; none comes back by itself.
        """
        if self.running() != {node: 2} and self.cluster.usable(node):
            for pod in self.pods():
                of_shop = pod["metadata"].get("labels", {}).get("app") in SHOP
                if of_shop and pod["spec"].get("nodeName", node) != node:
                    name = pod["metadata"]["name"]
                    delete = ("delete", "pod", name, "--wait=false", "--ignore-not-found")
                    self.cluster.kubectl("-n", self.space, *delete)
        return self.running() == {node: 2}

    def _revive(self, node: str) -> None:
        cluster, instance = self.cluster, self.cluster.instance_of(node)
        if cluster.cloud.state(instance) != "running":
            cluster.cloud.start(instance)
        elif not cluster.players.alive(node):
            cluster.players.revive(node)
        if self.taints(node):
            cluster.kubectl("taint", "node", node, f"{OUT_OF_SERVICE}-")
        cluster.kubectl("annotate", "node", node, f"{UNDO}-")

    def _node(self, node: str) -> Json:
        return self.cluster.get(f"/api/v1/nodes/{node or self.node}")

    def _items(self, path: str) -> list[Json]:
        found: list[Json] = (self.cluster.get(path) or {"items": []})["items"]
        return found

    def _attached(self) -> list[Json]:
        sources = [
            item["spec"]["source"]["persistentVolumeName"]
            for item in self._items("/apis/storage.k8s.io/v1/volumeattachments")
        ]
        return [name for name in sources if name.startswith(f"pv-{self.space}-")]

    def _old_alerts(self) -> list[Json]:
        nodes = {self.node, self.other}
        return [alert for alert in self.line.alerts() if alert["labels"].get("node") in nodes]
