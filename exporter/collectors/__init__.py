"""What is published of what is seen.

One file per subject; adding one is a file, a line in FAMILIES, and a line in FURTHER if it says
more of a signal's subjects than since when.
"""

from collections.abc import Callable, Iterable, Mapping

from exporter.collectors import (
    expansion_failed,
    multi_attach,
    rwx_recovery_blocked,
    signals,
    snapshot_space_exhausted,
)
from exporter.exposition import DROPPED, Family, Sample
from exporter.observe.model import Signal, Subject
from exporter.observe.view import View

FAMILIES: tuple[Family, ...] = (
    DROPPED,
    *signals.FAMILIES,
    *multi_attach.FAMILIES,
    *expansion_failed.FAMILIES,
    *rwx_recovery_blocked.FAMILIES,
    *snapshot_space_exhausted.FAMILIES,
)

Further = Callable[[Subject, Signal | None, View], Iterable[tuple[Family, Sample]]]
"""What else a subject shows; asked at each decision, whether or not the signal holds."""

FURTHER: Mapping[str, Further] = {
    "expansion_failed": expansion_failed.further,
    "rwx_recovery_blocked": rwx_recovery_blocked.further,
    "snapshot_space_exhausted": snapshot_space_exhausted.further,
}
"""By the signal's name."""
