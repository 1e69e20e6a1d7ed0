"""METRICS.md as text: every metric of both programs, and what is behind each signal's.

It must not name a metric or a failure: whatever is published appears.
"""

from collections.abc import Iterable, Iterator

from dashboards.alerts import RUNBOOKS, AlertRule
from dashboards.published import EXPORTER, REMEDIATOR, Published, since_name
from exporter.observe.model import SinceSource
from exporter.observe.signals.base import Detector

INTRODUCTION = """\
# Metrics

Everything that pvmedic's two programs publish. Written by `make generate`; do not edit.

Each failure that can be seen has two metrics. `pvmedic_signals{signal}` counts the subjects that
have it: 0 when there is none, and absent while nobody can know.
`pvmedic_<signal>_since_timestamp_seconds` is there only while a subject has it; its value is the
time since when. `reason` is one of a closed set, `Other` for the rest. `since_source` says where
that time is from:

| `since_source` | the time is | after a restart of the exporter |
|---|---|---|
| `object` | one that Kubernetes wrote into an object | the same |
| `event` | an Event's, which lives an hour | **may be lost with the Event** |
| `log` | a log line's | **may be lost with the log** |
| `first_seen` | when the exporter first saw it | the same, if the setting `state` names a file |

A label that a subject has nothing to say for is empty. Alerts compare the age of the first three,
and wait with `for:` for the last.
"""

FORGETS = frozenset({SinceSource.EVENT, SinceSource.LOG})


def reference(
    detectors: Iterable[Detector], metrics: Iterable[Published], rules: Iterable[AlertRule]
) -> str:
    """Return the whole page."""
    detectors, rules = sorted(detectors, key=lambda one: one.name), tuple(rules)
    by_name = {metric.name: metric for metric in metrics}
    since = {since_name(detector.name) for detector in detectors}
    rest = [metric for metric in by_name.values() if metric.name not in since]
    ours = [metric for metric in rest if not metric.process]
    lines = [INTRODUCTION, "## Signals", ""]
    lines += _overview(detectors, rules)
    for detector in detectors:
        own = [metric for metric in ours if metric.signal == detector.name]
        lines += _signal(detector, by_name[since_name(detector.name)], own, rules)
    for program, title in ((EXPORTER, "The exporter"), (REMEDIATOR, "The remediator")):
        lines += ["", f"## {title}", ""]
        lines += _table((m for m in ours if program in m.programs and not m.signal), rules)
    lines += ["", "## The process", "", "Of either program, from the client library.", ""]
    lines += _table((metric for metric in rest if metric.process), rules)
    return "\n".join(lines) + "\n"


def forgets(detector: Detector) -> bool:
    """Whether its history may be lost with a restart."""
    return bool(detector.since_sources & FORGETS)


def _overview(detectors: list[Detector], rules: tuple[AlertRule, ...]) -> Iterator[str]:
    yield "| signal | is | severity | may lose its history with a restart |"
    yield "|---|---|---|---|"
    for one in detectors:
        severities = {rule.severity for rule in rules if rule.signal == one.name}
        worst = ", ".join(name for name in ("warning", "critical") if name in severities)
        forgetful = "**yes**" if forgets(one) else "no"
        yield f"| [`{one.name}`](#{one.name}) | {one.meaning} | {worst or '-'} | {forgetful} |"


def _signal(
    detector: Detector, metric: Published, more: list[Published], rules: tuple[AlertRule, ...]
) -> Iterator[str]:
    sources = [str(source) for source in SinceSource if source in detector.since_sources]
    lost = " **May lose its history with a restart.**" if forgets(detector) else ""
    yield from ("", f"### {detector.name}", "", detector.meaning, "", "| | |", "|---|---|")
    yield f"| metric | `{metric.name}`, {metric.type}, {metric.unit} |"
    yield f"| subject | {_code(detector.subject_labels)} |"
    yield f"| more labels | {_code((*detector.named_labels, 'reason', 'since_source'))} |"
    yield f"| reasons | {_code(sorted(detector.reasons))} |"
    yield f"| time from | {_code(sources)}.{lost} |"
    normal = _duration(detector.patience) if detector.patience else "never"
    yield f"| normal for up to | {normal} |"
    yield f"| cannot be judged without | {_code(sorted(detector.needs))} |"
    yield f"| says more with | {_code(sorted(detector.helps)) or '-'} |"
    yield f"| alerts | {_alerts([rule for rule in rules if rule.signal == detector.name])} |"
    yield f"| runbook | [{detector.name}]({RUNBOOKS}/{detector.name}.md) |"
    if more:
        yield ""
        yield from _table(more, rules)


def _table(metrics: Iterable[Published], rules: tuple[AlertRule, ...]) -> Iterator[str]:
    yield "| metric | type | unit | labels | meaning | alerts |"
    yield "|---|---|---|---|---|---|"
    for one in metrics:
        readers = _alerts([rule for rule in rules if one.name in rule.metrics])
        yield (
            f"| `{one.name}` | {one.type} | {one.unit} | {_code(one.labels) or '-'} "
            f"| {_cell(one.meaning)} | {readers} |"
        )


def _alerts(rules: list[AlertRule]) -> str:
    """Name each alert once, with severity, least time and page."""
    named: dict[tuple[str, str], float] = {}
    pages = {rule.alert: rule.runbook for rule in rules}
    for rule in rules:
        key = (rule.alert, rule.severity)
        named[key] = min(named.get(key, rule.after), rule.after)
    return (
        ", ".join(
            f"[{alert}]({RUNBOOKS}/{pages[alert]}.md) ({severity}, "
            f"{'at once' if not after else 'after ' + _duration(after)})"
            for (alert, severity), after in named.items()
        )
        or "-"
    )


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _duration(seconds: float) -> str:
    for name, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{seconds:g} seconds"
