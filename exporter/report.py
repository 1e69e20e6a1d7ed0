"""What a look at a cluster found, as a table for a person and as JSON for a script. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from exporter.kit.terminal import age, cut, harmless
from exporter.observe import model
from exporter.observe.full_pass import Finding, Verdict


def as_json(verdict: Verdict, unseen: Mapping[str, str]) -> str:
    """Return the whole result as JSON: `wrong`, `findings`, `blind`, `unseen`."""
    findings = [
        {
            "signal": finding.signal.name,
            "subject": dict(finding.signal.subject.labels),
            "reason": finding.signal.reason,
            "wrong": finding.wrong,
            "since": None if finding.signal.since is None else model.rfc3339(finding.signal.since),
            "since_source": finding.signal.since_source.value,
            "age_seconds": finding.age,
            "labels": dict(finding.signal.named),
            "evidence": finding.signal.evidence,
        }
        for finding in verdict.findings
    ]
    result = {
        "wrong": any(finding.wrong for finding in verdict.findings),
        "findings": findings,
        "blind": verdict.blind,
        "unseen": unseen,
    }
    return msgspec.json.format(msgspec.json.encode(result)).decode()


def as_table(
    verdict: Verdict, unseen: Mapping[str, str], *, everything: bool, width: int
) -> Iterable[str]:
    """Yield the lines for a person: what is wrong, why, since when, and what was not seen."""
    shown = [finding for finding in verdict.findings if everything or finding.wrong]
    young = len(verdict.findings) - len(shown)
    if shown:
        rows = [("AGE", "SIGNAL", "REASON", "SUBJECT"), *(_row(finding) for finding in shown)]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for number, row in enumerate(rows):
            cells = (text.ljust(size) for text, size in zip(row, widths, strict=False))
            yield f"{'  '.join(cells)}  {row[3]}"
            if number:
                yield from (
                    cut(f"      {line}", width) for line in shown[number - 1].signal.evidence
                )
    elif not unseen:
        yield "Nothing is wrong with this cluster's storage, as far as its API shows."
    if young:
        yield f"{young} more began only just now, which is everyday life (--all shows them)."
    for what, why in unseen.items():
        yield harmless(f"UNSEEN  {what}: {why}")
    if verdict.blind:
        yield f"UNSEEN  so nothing is known of {', '.join(sorted(verdict.blind))}."


def _row(finding: Finding) -> tuple[str, str, str, str]:
    signal = finding.signal
    labels: Sequence[tuple[str, str]] = signal.subject.labels
    subject = " ".join(f"{name}={value}" for name, value in labels)
    return (age(finding.age), signal.name, signal.reason, subject)
