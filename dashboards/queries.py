"""PromQL as the dashboards ask it. Pure text; no layout.

Every selector carries the variables that its labels allow, so that choosing a namespace or a node
narrows the whole dashboard. Aggregations drop the target's labels, so that a restart of ours
changes no line.
"""

from collections.abc import Iterable

from dashboards.published import Published, since_name
from exporter.observe.signals.base import Detector

TARGET = ("job", "instance")
"""Labels of every scraped series; the variables of these names narrow each query."""

SUBJECT_VARIABLES = ("namespace", "node")
"""Labels that a person narrows by, where a metric has them."""

SINCE = '__name__=~"pvmedic_.+_since_timestamp_seconds",since_source!=""'
"""Matches every signal's since-series and nothing else."""

RATES = "[$__rate_interval]"


def selector(name: str, labels: Iterable[str] = (), *more: str) -> str:
    """Return a metric's selector with the variables that its labels allow."""
    own = set(labels)
    narrowed = [*TARGET, *(label for label in SUBJECT_VARIABLES if label in own)]
    matchers = [*more, *(f'{label}=~"${label}"' for label in narrowed)]
    return f"{name}{{{','.join(matchers)}}}"


def signal_rows(detector: Detector) -> str:
    """Return the age of each subject of a signal, with all that its series says."""
    labels = (*detector.subject_labels, *detector.named_labels, "reason")
    since = selector(since_name(detector.name), labels)
    return f"max by ({', '.join(labels)}) (time() - {since})"


def counts(signals: Iterable[str] = ()) -> str:
    """Return how many subjects each of these signals has; without any, all signals."""
    names = "|".join(sorted(signals))
    these = (f'signal=~"{names}"',) if names else ()
    return f"max by (signal) ({selector('pvmedic_signals', (), *these)})"


def oldest() -> str:
    """Return the age of the oldest failure of all."""
    return f"time() - min({selector('', (), SINCE)})"


def oldest_by_signal() -> str:
    """Return the age of each signal's oldest failure.

    The name becomes a label first: without their names, two signals' series could be the same.
    """
    named = (
        f'label_replace({selector("", (), SINCE)}, "signal", "$1", "__name__",'
        ' "pvmedic_(.+)_since_timestamp_seconds")'
    )
    return f"time() - min by (signal) ({named})"


def ages(metric: Published) -> str:
    """Return how long ago the times of a metric are."""
    since = selector(metric.name, metric.labels)
    if metric.process:
        return f"(time() - {since}) * {_OURS}"
    return f"max by ({_by(metric)}) (time() - {since})"


def plain(metric: Published) -> str:
    """Return what a metric says, a counter's as a rate."""
    if metric.process:
        return _process(metric)
    if metric.type == "counter":
        return f"sum by ({_by(metric)}) (rate({selector(metric.name, metric.labels)}{RATES}))"
    if metric.type == "histogram":
        buckets = selector(f"{metric.name}_bucket", metric.labels)
        by = _by(metric, "le")
        return f"histogram_quantile(0.99, sum by ({by}) (rate({buckets}{RATES})))"
    return f"max by ({_by(metric)}) ({selector(metric.name, metric.labels)})"


def quotient(part: Published, whole: Published) -> str:
    """Return one metric over another of the same labels."""
    by = ", ".join(part.labels)
    over = (f"max by ({by}) ({selector(one.name, one.labels)})" for one in (part, whole))
    return " / ".join(over)


def legend(metric: Published) -> str:
    """Return how a line of `plain` or `ages` is called."""
    return " ".join(f"{{{{{label}}}}}" for label in (*metric.labels, "job"))


def _process(metric: Published) -> str:
    if metric.type == "counter":
        return f"rate({selector(metric.name)}{RATES}) * {_OURS}"
    return f"{selector(metric.name)} * {_OURS}"


_OURS = (
    "on (job, instance) group_left (role) max by (job, instance, role)"
    f" ({selector('pvmedic_build_info')})"
)
"""Keeps our programs' processes only: every program that is scraped may have these metrics."""


def _by(metric: Published, *more: str) -> str:
    return ", ".join((*metric.labels, "job", *more))
