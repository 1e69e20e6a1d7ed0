"""By how much a claim that does not grow is too small: what somebody waits for, in bytes."""

from collections.abc import Iterator

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe.model import Signal, Subject
from exporter.observe.view import View

SHORTFALL = Family(
    "pvmedic_expansion_shortfall_bytes",
    FamilyType.GAUGE,
    "What a claim asks for less what it has. There only while expansion_failed holds.",
    labels=("namespace", "persistentvolumeclaim"),
    collector="expansion_failed",
)
FAMILIES = (SHORTFALL,)


def further(subject: Subject, signal: Signal | None, view: View) -> Iterator[tuple[Family, Sample]]:
    """Return the shortfall while the signal holds."""
    claim = view.claim(subject["namespace"], subject["persistentvolumeclaim"])
    if signal is None or claim is None or claim.requested is None or claim.capacity is None:
        return
    yield SHORTFALL, Sample(subject.labels, claim.requested - claim.capacity)
