"""Where reports go besides metrics: the log, and Events on node and claims.

Both are for people. What is lost here is still in the record.
"""

import asyncio
import hashlib
import logging
from collections.abc import Iterator

import msgspec

from exporter.observe.errors import ObserveError
from exporter.observe.kube.api import Api
from exporter.observe.model import rfc3339
from remediator.ports import Report
from remediator.record import Phase

LOG = logging.getLogger("pvmedic.audit")

QUIET = frozenset({Phase.OBSERVED, Phase.VERIFYING, Phase.CLEARED})
"""Phases that nobody needs to read on a node."""

BAD = frozenset({Phase.DECLINED, Phase.BLOCKED, Phase.UNSETTLED, Phase.FAILED})
WAITING_EVENTS = 1000


class AuditLog:
    """One line a report."""

    def take(self, report: Report) -> None:
        """Write it down."""
        record = report.record
        shown = {
            "record": record.name,
            "signal": record.spec.signal,
            "subject": record.spec.subject_text,
            "phase": str(report.entry.phase),
            "before": report.before,
            "wrote": report.wrote,
        }
        if (order := report.decision) is not None:
            shown |= {"order": order.name, "decision": order.decision, "by": order.by}
            shown |= {"void": order.void}
        LOG.info(report.entry.sentence, extra={"fields": shown})


class KubeEvents:
    """Events; lost ones are lost, the record has everything."""

    def __init__(self, api: Api) -> None:
        """Write through this client."""
        self._api = api
        self._queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(WAITING_EVENTS)

    def take(self, report: Report) -> None:
        """Queue the Events of a report: for a change of phase, a write of ours, a person's word."""
        phase = report.entry.phase
        quiet = report.before == phase or phase in QUIET
        if quiet and not report.wrote and report.decision is None:
            return
        for where, body in _events(report):
            if not self._queue.full():
                self._queue.put_nowait((where, body))

    async def run(self) -> None:
        """Write what is queued, until cancelled."""
        while True:
            where, body = await self._queue.get()
            try:
                await self._api.send("POST", where, body, timeout=5.0)
            except ObserveError as error:
                LOG.warning("an Event was not written", extra={"fields": {"why": str(error)}})


def _events(report: Report) -> Iterator[tuple[str, bytes]]:
    record = report.record
    plan = record.status.plan
    uid = plan.steps[0].target_uid if plan is not None and plan.steps else ""
    node = record.spec.subject.get("node")
    if node is not None:
        yield _event(report, "Node", "", node, uid)
    for claim in plan.used_claims if plan is not None else ():
        namespace, _, name = claim.partition("/")
        uid = plan.claim_uids.get(claim, "") if plan is not None else ""
        yield _event(report, "PersistentVolumeClaim", namespace, name, uid)


def _event(report: Report, kind: str, namespace: str, name: str, uid: str) -> tuple[str, bytes]:
    entry, where = report.entry, namespace or "default"
    mark = hashlib.sha256(f"{report.record.uid}{entry.at}{entry.sentence}{kind}{name}".encode())
    about = {"apiVersion": "v1", "kind": kind, "name": name, "namespace": namespace, "uid": uid}
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{mark.hexdigest()[:16]}", "namespace": where},
        "involvedObject": {key: value for key, value in about.items() if value},
        "type": "Warning" if _bad(report) else "Normal",
        "reason": _reason(report),
        "message": f"[pvmedic] {report.record.name}: {entry.sentence}"[:1024],
        "source": {"component": "pvmedic-remediator"},
        "reportingComponent": "pvmedic-remediator",
        "firstTimestamp": rfc3339(entry.at),
        "lastTimestamp": rfc3339(entry.at),
        "count": 1,
    }
    return f"/api/v1/namespaces/{where}/events", msgspec.json.encode(body)


def _reason(report: Report) -> str:
    if report.wrote:
        return "PvmedicWrote"
    if report.decision is not None:
        return "PvmedicOrderVoid" if report.decision.void else "PvmedicOrder"
    return f"Pvmedic{report.entry.phase}"


def _bad(report: Report) -> bool:
    if report.decision is not None:
        return bool(report.decision.void)
    return report.entry.phase in BAD
