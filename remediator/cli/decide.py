"""approve, reject, cancel, release, undo: a RemediationApproval in the person's own name. Edge.

A yes is for the plan that was shown, and for no other. What becomes of it is the remediator's to
say, on the record; with `wait` it is waited for.
"""

import re
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from exporter.kit.terminal import harmless
from exporter.observe import errors
from exporter.observe.kube.api import Api
from exporter.observe.model import rfc3339
from remediator import approvals, store
from remediator.cli import cluster, show, why
from remediator.cli.said import DONE, NO, UNUSABLE, Said, said
from remediator.orders import Decision
from remediator.record import WAITING, HistoryEntry, Record

LOOK_EVERY = 0.5
ASKED_FIRST = frozenset({Decision.APPROVE, Decision.UNDO})
"""What changes the cluster is shown first, and asked about."""


class Person(Protocol):
    """Who sits at the terminal, if anybody does."""

    @property
    def there(self) -> bool:
        """Whether somebody can be asked."""
        ...

    def tell(self, lines: Sequence[str]) -> None:
        """Show something that is no result."""
        ...

    def agrees(self, question: str) -> bool:
        """Ask; only a clear yes is one."""
        ...


class Wish(msgspec.Struct, frozen=True):
    """What is to be said. `plan`: the hash that was seen elsewhere; `sure`: do not ask.

    `expires`, `wait`: seconds; `approver`: empty for who the API server says that we are.
    """

    name: str
    decision: Decision
    sure: bool = False
    plan: str = ""
    expires: float | None = None
    wait: float | None = None
    approver: str = ""


async def decide(
    api: Api, wish: Wish, person: Person, width: int, now: Callable[[], float] = time.time
) -> Said:
    """Say it; return what came of it. Raises ObserveError."""
    record = (await cluster.remediation(api, wish.name)).record
    if (sentence := _senseless(record, wish)) is not None:
        return said(NO, sentence)
    if wish.decision in ASKED_FIRST and not wish.plan:
        person.tell(list(show.shown(record, (), now(), width)))
        if not wish.sure and not person.there:
            return said(UNUSABLE, "nobody is at the terminal: give --yes, or --plan HASH")
        if not wish.sure and not person.agrees(f"{wish.decision} {record.name}?"):
            return said(NO, "nothing was said.")
    plan = record.status.plan
    by = wish.approver or await cluster.whoami(api)
    created = await _create(api, record, wish, by, now())
    shown = f" to plan {plan.hash}" if plan and wish.decision is Decision.APPROVE else ""
    head = f"{created}: {wish.decision}{shown} of {record.name}, by {by}"
    answer = {"approval": created, "remediation": record.name, "decision": str(wish.decision)}
    if wish.wait is None:
        return said(DONE, f"{head}. --wait shows what becomes of it.", answer | {"by": by})
    person.tell([head])
    return await _dealt_with(api, wish, created, record, person)


async def _create(api: Api, record: Record, wish: Wish, by: str, now: float) -> str:
    plan = record.status.plan
    spec = {
        "remediation": record.name,
        "remediationUID": record.uid,
        "decision": str(wish.decision),
        "approver": by,
    }
    if wish.decision is Decision.APPROVE and plan is not None:
        spec["planHash"] = plan.hash
    if wish.expires is not None:
        spec["expires"] = rfc3339(now + wish.expires)
    body = {
        "apiVersion": store.GROUP,
        "kind": "RemediationApproval",
        "metadata": {
            "generateName": f"{record.name[:200]}-{wish.decision}-",
            # Kubernetes takes it away with the record; nobody of ours may delete it.
            "ownerReferences": [
                {
                    "apiVersion": store.GROUP,
                    "kind": "Remediation",
                    "name": record.name,
                    "uid": record.uid,
                }
            ],
        },
        "spec": spec,
    }
    answer = await api.send("POST", approvals.PATH, msgspec.json.encode(body))
    return approvals.decode(answer).name


async def _dealt_with(api: Api, wish: Wish, created: str, record: Record, person: Person) -> Said:
    """Tell the story on until the order is on the record, with what the record then says."""
    told = record.status.history[-1:]
    following = cluster.following(api, record.name, wish.wait or 0.0, LOOK_EVERY, time.monotonic)
    async for now in following:
        told = _told(now, told, person)
        for decision in now.status.decisions:
            if decision.name != created:
                continue
            answer = {
                "approval": created,
                "remediation": now.name,
                "decision": decision.decision,
                "by": decision.by,
                "void": decision.void,
                "phase": str(now.status.phase),
                "message": now.status.message,
            }
            if decision.void:
                return said(NO, f"void: {decision.void}", answer)
            line = f"it counts. {now.status.phase}: {now.status.message}"
            return said(DONE, harmless(line), answer)
    return said(
        NO,
        f"{created} was not dealt with in time. Does the remediator run, and lead? It stays, and"
        " is dealt with once it does.",
        {"approval": created, "remediation": record.name, "void": None},
    )


def _told(
    record: Record, told: tuple[HistoryEntry, ...], person: Person
) -> tuple[HistoryEntry, ...]:
    """Show the entries of the story after the last one that was shown; return the new last one."""
    history = record.status.history
    after = history.index(told[0]) + 1 if told and told[0] in history else 0
    new = history[after:]
    person.tell([harmless(f"{rfc3339(e.at)} {e.phase}: {e.sentence}") for e in new])
    return history[-1:]


def _senseless(record: Record, wish: Wish) -> str | None:
    """Return why an order would be void already, as far as the record tells."""
    status, plan = record.status, record.status.plan
    match wish.decision:
        case Decision.APPROVE | Decision.REJECT if status.phase not in WAITING:
            return f"nothing waits for it any more: {record.name} is {status.phase}"
        case Decision.APPROVE if plan is None:
            return f"{record.name} has no plan yet; {why.stands(record)}: {status.message}"
        case Decision.APPROVE if plan is not None and wish.plan not in ("", plan.hash):
            return (
                f"the plan is {plan.hash}, not {wish.plan} that you have seen: look again with"
                f" `pvmedic show {record.name}`"
            )
        case Decision.UNDO if not record.owes:
            return f"{record.name} owes nothing"
    return None


def refusal(error: errors.Forbidden) -> str:
    """Return an admission policy's own sentence, where one refused; else the API server's."""
    found = re.search(r"denied request: (.*)", str(error))
    return f"refused by the API server: {found[1]}" if found is not None else str(error)
