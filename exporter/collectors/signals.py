"""Every signal as two metrics: since when, sparse, and how many, dense. Values in, samples out.

The since-series carries the subject's labels and whatever an alert and the remediator need, so that
no rule needs a join.
"""

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe.model import Signal, SinceSource, Subject
from exporter.observe.signals.base import OTHER, Detector

COUNT = Family(
    "pvmedic_signals",
    FamilyType.GAUGE,
    "How many subjects have this failure now."
    " Absent while it cannot be judged: unseen is not healthy.",
    ("signal",),
    "signals",
)


def since_family(detector: Detector) -> Family:
    """Return the family of a detector's since-series."""
    return Family(
        f"pvmedic_{detector.name}_since_timestamp_seconds",
        FamilyType.GAUGE,
        f"{detector.meaning} The value is since when, in Unix seconds; there only while it holds.",
        (*detector.subject_labels, *detector.named_labels, "reason", "since_source"),
        detector.name,
    )


def since(detector: Detector, signal: Signal, began: float) -> Sample:
    """Return the since-series of a signal.

    Every label is always there; an unknown reason is Other.
    """
    named = dict(signal.named)
    reason = signal.reason if signal.reason in detector.reasons else OTHER
    return Sample(
        (
            *_subject(detector, signal.subject),
            *((label, named.get(label, "")) for label in detector.named_labels),
            ("reason", reason),
            ("since_source", SinceSource(signal.since_source).value),
        ),
        began,
    )


def count(detector: Detector, holding: int) -> Sample:
    """Return the dense count."""
    return Sample((("signal", detector.name),), holding)


def _subject(detector: Detector, subject: Subject) -> tuple[tuple[str, str], ...]:
    values = dict(subject.labels)
    return tuple((label, values.get(label, "")) for label in detector.subject_labels)
