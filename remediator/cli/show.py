"""Remediations as text for a person: a list, one of them with all that is known, its reasons. Pure.

Foreign texts stand in it: every line that leaves here is harmless to a terminal.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from exporter.kit.terminal import age, columns, harmless
from exporter.observe.model import rfc3339
from remediator.cli import why
from remediator.cli.attestation import Attestation
from remediator.dry_run import DryRun
from remediator.record import PlanRecord, Reading, Record, VerdictRecord

COMMAND = "kubectl pvmedic"
INDENT = 4


def listed(records: Sequence[Record], now: float, width: int) -> Iterator[str]:
    """Yield the lines of a table."""
    if not records:
        yield "No Remediations."
        return
    rows = [("NAME", "SIGNAL", "SUBJECT", "PHASE", "SINCE", "MESSAGE")]
    for record in records:
        status = record.status
        since = status.phase_since if status.phase_since is not None else record.created
        phase = f"{status.phase} (over)" if record.over else str(status.phase)
        what = (record.name, record.spec.signal, record.spec.subject_text, phase)
        rows.append((*what, age(max(now - since, 0.0)), status.message))
    yield from columns(rows, width)


def shown(record: Record, attested: Sequence[Attestation], now: float, width: int) -> Iterator[str]:
    """Yield all that is known of one."""
    spec, status = record.spec, record.status
    yield from _head(record, now, width)
    if spec.alert.alertname:
        heard = status.last_alert_at or record.created
        yield from _item("alert", f"{spec.alert.alertname}, last heard {_ago(heard, now)}", width)
    yield from planned(status.plan, width)
    yield from verdicts(status.verdicts, width)
    yield from _part("Readings", (_reading(one, now) for one in status.readings), width)
    yield from _part("Attested", (attestation(one, now) for one in attested), width)
    yield from _part("Ledger: what we changed", _ledger(record, now), width)
    yield from _part("Decisions of people", _decisions(record, now), width)
    story = (f"{rfc3339(e.at)} {e.phase}: {e.sentence}" for e in status.history)
    yield from _part("History", story, width)
    yield from _part("What you may say", _orders(record), width)


def reasons(record: Record, now: float, width: int) -> Iterator[str]:
    """Yield why a record does not act, and for each refusal what would change it."""
    yield from _head(record, now, width)
    yield from _item("so", why.stands(record), width)
    for verdict in record.status.verdicts:
        yield from _verdict(verdict, width)
        if verdict.verdict != "Allowed":
            change = why.changes(verdict).replace("NAME", record.name)
            yield from _wrapped(f"would change it: {change}", 2 * INDENT, width)
    yield from _part("What you may say", _orders(record), width)


def planned(plan: PlanRecord | None, width: int) -> Iterator[str]:
    """Yield a plan: its hash, goal, steps and the claims that it is for."""
    if plan is None:
        yield from _item("plan", "none yet", width)
        return
    yield from _item("plan", f"{plan.hash}: so that {plan.goal}", width)
    for finding in plan.findings:
        yield from _wrapped(f"- {finding}", INDENT, width, INDENT + 2)
    for number, step in enumerate(plan.steps, 1):
        if step.final and not any(before.final for before in plan.steps[: number - 1]):
            yield from _wrapped("--- from here on there is no way back ---", INDENT, width)
        yield from _wrapped(f"{number}. {step.says} ({step.state})", INDENT, width)
        if step.detail:
            yield from _wrapped(step.detail, 2 * INDENT, width)
    if plan.used_claims:
        claims = ", ".join(plan.used_claims)
        yield from _wrapped(f"for the sake of: {claims}", INDENT, width)


def verdicts(said: Sequence[VerdictRecord], width: int) -> Iterator[str]:
    """Yield what every guard said."""
    if said:
        yield "Guards"
    for verdict in said:
        yield from _verdict(verdict, width)


def dry(run: DryRun, width: int) -> Iterator[str]:
    """Yield what would become of an alert."""
    subject = " ".join(f"{key}={value}" for key, value in run.subject.items())
    yield harmless(f"{run.signal} {subject}: would go to {run.phase}")
    yield from _item("seen", str(run.seen), width)
    yield from _item("because", run.sentence, width)
    if run.remediation:
        yield from _item("record", f"{run.remediation} (there already)", width)
    if run.plan is not None:
        yield from planned(run.plan, width)
    yield from verdicts(run.verdicts, width)
    for verdict in run.verdicts:
        if verdict.verdict != "Allowed":
            text = f"{verdict.guard} would change with: {why.changes(verdict)}"
            yield from _wrapped(text, INDENT, width)


def attestation(one: Attestation, now: float) -> str:
    """Return a line about an attestation."""
    left = "has expired" if one.expires <= now else f"counts for {age(one.expires - now)} more"
    note = f" ({one.note})" if one.note else ""
    return (
        f"{one.node} is {one.power}, says {one.attester} {_ago(one.created, now)}{note}; it {left}."
        " It is a fencing proof for every driver, void once the node or its kubelet reports"
    )


def _head(record: Record, now: float, width: int) -> Iterator[str]:
    status = record.status
    since = status.phase_since if status.phase_since is not None else record.created
    over = ", and over" if record.over else ""
    yield harmless(f"{record.name}: {status.phase} for {age(max(now - since, 0.0))}{over}")
    about = f"{record.spec.signal} {record.spec.subject_text}, episode {record.spec.episode}"
    yield from _item("failure", f"{about}; a look sees it: {status.seen}", width)
    yield from _item("message", status.message or "not looked at yet", width)
    if record.deletion is not None:
        yield from _item("deleted", "it goes once nothing is owed any more", width)


def _verdict(verdict: VerdictRecord, width: int) -> Iterator[str]:
    yield from _wrapped(
        f"{verdict.guard:<20}{verdict.verdict:<15}{verdict.reason}", INDENT, width, 39
    )


def _reading(reading: Reading, now: float) -> str:
    asleep = ", hibernated" if reading.hibernated else ""
    when = _ago(reading.read_at, now)
    return f"{reading.source}: {reading.subject} is {reading.state}{asleep}, read {when}"


def _ledger(record: Record, now: float) -> Iterator[str]:
    for entry in record.status.ledger:
        done = " ".join(f"{key}={value}" for key, value in entry.done.items())
        note = f": {entry.note}" if entry.note else ""
        state = f"closed{note}" if entry.closed else f"still to be taken back{note}"
        yield f"{entry.kind} on {entry.target} {_ago(entry.at, now)}, {state} {done}"


def _decisions(record: Record, now: float) -> Iterator[str]:
    for one in record.status.decisions:
        counts = f"void: {one.void}" if one.void else "counted"
        plan = f" of plan {one.plan_hash}" if one.plan_hash else ""
        yield f"{one.decision}{plan} by {one.by} {_ago(one.at, now)}, {counts}"


def _orders(record: Record) -> Iterator[str]:
    for order in why.orders(record):
        yield f"{COMMAND} {order} {record.name}   # {why.MEANS[order]}"


def _part(title: str, lines: Iterable[str], width: int) -> Iterator[str]:
    for number, line in enumerate(lines):
        if not number:
            yield title
        yield from _wrapped(line, INDENT, width, INDENT + 2)


def _item(name: str, text: str, width: int) -> Iterator[str]:
    yield from _wrapped(f"{name:<9} {text}", 2, width, 12)


def _wrapped(text: str, indent: int, width: int, further: int | None = None) -> Iterator[str]:
    """Yield a text in lines of a width; what is one word is not broken."""
    yield from textwrap.wrap(
        harmless(text),
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if further is None else further),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _ago(when: float, now: float) -> str:
    return f"{age(max(now - when, 0.0))} ago"
