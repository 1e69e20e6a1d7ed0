"""Who still holds a recovered ReadWriteMany volume: at 0 Rok can let it be mounted again."""

from collections.abc import Iterator

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe.model import Signal, Subject
from exporter.observe.signals import rwx_recovery_blocked
from exporter.observe.view import View

USERS = Family(
    "pvmedic_rwx_recovery_users",
    FamilyType.GAUGE,
    "Pods that still hold a recovered ReadWriteMany volume, Terminating ones and those on lost"
    " nodes too. There only while rwx_recovery_blocked holds.",
    labels=("namespace", "persistentvolumeclaim"),
    collector="rwx_recovery_blocked",
)
FAMILIES = (USERS,)


def further(subject: Subject, signal: Signal | None, view: View) -> Iterator[tuple[Family, Sample]]:
    """Return the count while the signal holds."""
    claim = view.claim(subject["namespace"], subject["persistentvolumeclaim"])
    if signal is not None and claim is not None:
        yield USERS, Sample(subject.labels, len(rwx_recovery_blocked.users(claim, view)))
