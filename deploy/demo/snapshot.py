"""What the demo sees of the world at one moment, about one scene. Reading only, no judging.

Times are Unix seconds. Texts are kept as the programs wrote them: they are shown as evidence.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demo.line import Line
    from local.cluster import LocalCluster

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
OURS = "pvmedic-remediator"  # the field manager of everything that the remediator writes
NODE_LOST = "pvmedic_node_lost_with_volumes_since_timestamp_seconds"
OF_SPACE = tuple(
    f"pvmedic_{signal}_since_timestamp_seconds"
    for signal in ("multi_attach", "volume_filling", "expansion_failed")
)
"""Series whose first label is the scene's namespace."""
Json = Any  # what these APIs answer


@dataclass(frozen=True)
class Focus:
    """Which part of the world a scene is about; without a node, only its namespace."""

    namespace: str
    node: str = ""


@dataclass(frozen=True)
class Node:
    """The scene's node. `taints` and `managers` (who has written to it) are sorted."""

    name: str
    ready: str
    why: str
    boot_id: str
    taints: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pod:
    """A pod of the scene's namespace. `node` is empty until it is placed."""

    name: str
    uid: str
    node: str
    phase: str
    terminating: bool = False


@dataclass(frozen=True)
class Claim:
    """A claim of the scene's namespace: sizes as Kubernetes writes them.

    `status` is how far its expansion is, in Kubernetes' word for it.
    """

    name: str
    asks: str
    has: str
    status: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of a record's history."""

    at: float
    phase: str
    sentence: str


@dataclass(frozen=True)
class Reading:
    """One reading of a machine's power."""

    subject: str
    state: str
    read_at: float


@dataclass(frozen=True)
class Record:
    """The newest Remediation of the scene's subject. `owed` counts open entries of its ledger."""

    name: str
    alert: str
    receiver: str
    phase: str = ""
    history: tuple[Entry, ...] = ()
    readings: tuple[Reading, ...] = ()
    owed: int = 0


@dataclass(frozen=True)
class Alert:
    """One of Alertmanager's alerts; `labels` as in a rule, `since` when Prometheus began it."""

    name: str
    labels: str
    state: str
    since: float


@dataclass(frozen=True)
class Snapshot:
    """The world of one scene. `unrecorded`: (outcome, alert name) that were only counted."""

    at: float
    metrics: tuple[str, ...] = ()
    alerts: tuple[Alert, ...] = ()
    unrecorded: tuple[tuple[str, str], ...] = ()
    record: Record | None = None
    node: Node | None = None
    pods: tuple[Pod, ...] = ()
    claims: tuple[Claim, ...] = ()

    def phase(self) -> str:
        """Return the record's phase, "" without one."""
        return self.record.phase if self.record is not None else ""

    def tainted(self) -> bool:
        """Say whether the node is out of service."""
        taints = self.node.taints if self.node is not None else ()
        return any(taint.startswith(OUT_OF_SERVICE) for taint in taints)

    def alerting(self, name: str) -> bool:
        """Say whether Alertmanager has an alert of this name."""
        return any(alert.name == name for alert in self.alerts)

    def claim(self, name: str) -> Claim:
        """Return a claim; one without sizes where there is none."""
        return next((one for one in self.claims if one.name == name), Claim(name, "", ""))

    def running(self, *, not_on: str = "") -> int:
        """Count the pods that run and stay, on any node but one."""
        return sum(
            pod.phase == "Running" and not pod.terminating and pod.node != not_on
            for pod in self.pods
        )


def take(cluster: LocalCluster, line: Line, focus: Focus) -> Snapshot:
    """Look at everything once; raises OSError or aiohttp.ClientError when a part is away."""
    node = cluster.get(f"/api/v1/nodes/{focus.node}") if focus.node else None
    space = f"/api/v1/namespaces/{focus.namespace}"
    pods = cluster.get(f"{space}/pods") or {"items": []}
    claims = cluster.get(f"{space}/persistentvolumeclaims") or {"items": []}
    subject = {"node": focus.node} if focus.node else {"namespace": focus.namespace}
    records = [r for r in line.remediations() if subject.items() <= r["spec"]["subject"].items()]
    log = line.child("remediator").log.read_text(errors="replace")
    return Snapshot(
        at=time.time(),
        metrics=tuple(sorted(metrics_of(line.metrics("exporter"), focus))),
        alerts=tuple(
            sorted((alert_of(a) for a in line.alerts() if _about(a["labels"], focus)), key=repr)
        ),
        unrecorded=tuple(unrecorded(log, focus)),
        record=record_of(records[-1]) if records else None,
        node=node_of(node) if node is not None else None,
        pods=tuple(
            sorted((pod_of(pod) for pod in pods["items"]), key=lambda pod: (pod.name, pod.uid))
        ),
        claims=tuple(claim_of(claim) for claim in claims["items"]),
    )


def metrics_of(exposition: str, focus: Focus) -> list[str]:
    """Return the since-series that are about the focus, as they are exposed."""
    wanted = [f'{name}{{namespace="{focus.namespace}"' for name in OF_SPACE]
    if focus.node:
        wanted.append(f'{NODE_LOST}{{node="{focus.node}"')
    return [line for line in exposition.splitlines() if line.startswith(tuple(wanted))]


def unrecorded(log: str, focus: Focus) -> list[tuple[str, str]]:
    """Return what the remediator's log says of alerts about the focus that made no record."""
    found: dict[tuple[str, str], None] = {}
    for text in log.splitlines():
        if '"not recorded"' in text:
            entry = json.loads(text)
            if _about(entry["labels"], focus):
                found[entry["outcome"], entry["labels"].get("alertname", "")] = None
    return list(found)


def alert_of(item: Json) -> Alert:
    """Return an alert of Alertmanager's API."""
    labels = {k: v for k, v in item["labels"].items() if k != "alertname" and v}
    shown = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    since = _seconds(item["startsAt"])
    return Alert(item["labels"]["alertname"], f"{{{shown}}}", item["status"]["state"], since)


def record_of(item: Json) -> Record:
    """Return a Remediation."""
    status, alert = item.get("status", {}), item["spec"].get("alert", {})
    return Record(
        name=item["metadata"]["name"],
        alert=alert.get("alertname", ""),
        receiver=alert.get("receiver", ""),
        phase=status.get("phase", ""),
        history=tuple(
            Entry(_seconds(entry["at"]), entry["phase"], entry["sentence"])
            for entry in status.get("history", ())
        ),
        readings=tuple(
            Reading(reading["subject"], reading["state"], _seconds(reading["readAt"]))
            for reading in status.get("readings", ())
        ),
        owed=sum(not entry.get("closed") for entry in status.get("ledger", ())),
    )


def node_of(item: Json) -> Node:
    """Return a Node."""
    status = item.get("status", {})
    ready: Json = next((c for c in status.get("conditions", ()) if c["type"] == "Ready"), {})
    taints = item["spec"].get("taints", ())
    return Node(
        name=item["metadata"]["name"],
        ready=ready.get("status", ""),
        why=ready.get("message") or ready.get("reason", ""),
        boot_id=status.get("nodeInfo", {}).get("bootID", ""),
        taints=tuple(sorted(f"{t['key']}={t.get('value', '')}:{t['effect']}" for t in taints)),
        managers=tuple(sorted({m["manager"] for m in item["metadata"].get("managedFields", ())})),
    )


def pod_of(item: Json) -> Pod:
    """Return a pod."""
    metadata = item["metadata"]
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        node=item["spec"].get("nodeName", ""),
        phase=item.get("status", {}).get("phase", ""),
        terminating="deletionTimestamp" in metadata,
    )


def claim_of(item: Json) -> Claim:
    """Return a claim."""
    status = item.get("status", {})
    return Claim(
        name=item["metadata"]["name"],
        asks=item["spec"]["resources"]["requests"]["storage"],
        has=status.get("capacity", {}).get("storage", ""),
        status=(status.get("allocatedResourceStatuses") or {}).get("storage", ""),
    )


def _about(labels: dict[str, str], focus: Focus) -> bool:
    """Say whether an alert is about the node itself, or about the namespace."""
    if labels.get("namespace"):
        return labels["namespace"] == focus.namespace
    return bool(focus.node) and labels.get("node") == focus.node


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
