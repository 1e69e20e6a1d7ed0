"""list, show, why: what is known of Remediations, read with the person's own rights. Edge."""

import time

from exporter.kit.terminal import harmless
from exporter.observe import errors
from exporter.observe.kube.api import Api
from remediator.cli import cluster, show, why
from remediator.cli.said import DONE, NO, Said, said
from remediator.record import FOR_A_HUMAN, HELD, Record


async def listed(api: Api, width: int, *, everything: bool, waiting: bool) -> Said:
    """Return all, those that go on, or those that wait for a person; raises ObserveError."""
    found, unreadable = await cluster.remediations(api)
    if not everything:
        found = [one for one in found if not one.record.over]
    if waiting:
        found = [one for one in found if one.record.status.phase in FOR_A_HUMAN | HELD]
    lines = list(show.listed([one.record for one in found], time.time(), width))
    lines += [harmless(f"one cannot be read: {error}") for error in unreadable]
    return said(DONE, lines, {"items": [one.raw for one in found], "unreadable": unreadable})


async def shown(api: Api, name: str, width: int) -> Said:
    """Return all that is known of one; raises ObserveError."""
    one = await cluster.remediation(api, name)
    try:
        attested = await cluster.attestations(api)
    except (errors.Forbidden, errors.NotInstalled):
        attested = []  # not everybody may read them, and not every installation has them
    node = one.record.spec.subject.get("node")
    attested = [word for word in attested if word.node == node]
    lines = show.shown(one.record, attested, time.time(), width)
    return said(DONE, lines, {"remediation": one.raw, "attestations": attested})


async def reasons(api: Api, what: str, width: int) -> Said:
    """Return every verdict about something, and what would change it; raises ObserveError."""
    found, _ = await cluster.remediations(api)
    records = why.about([one.record for one in found], what)
    if not records:
        return said(
            NO,
            f"there is no Remediation about {harmless(what)}: no alert about it has come, or"
            " nothing repairs what the alert is about. `pvmedic simulate FILE` tells of an alert.",
            [],
        )
    now = time.time()
    lines = [line for one in records for line in (*show.reasons(one, now, width), "")]
    return said(DONE, lines[:-1], [_data(one) for one in records])


def _data(record: Record) -> dict[str, object]:
    verdicts = [
        {
            "guard": verdict.guard,
            "verdict": verdict.verdict,
            "reason": verdict.reason,
            "changes": "" if verdict.verdict == "Allowed" else why.changes(verdict),
        }
        for verdict in record.status.verdicts
    ]
    return {
        "remediation": record.name,
        "phase": record.status.phase,
        "message": record.status.message,
        "verdicts": verdicts,
        "orders": why.orders(record),
    }
