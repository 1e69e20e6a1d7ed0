"""Each Heketi: whether it answers, whether its database is seen, and what waits while it does not.

`heketi_up`, which a Heketi says of itself, is gone when it is down: this is seen from outside.
"""

from collections.abc import Iterator

from exporter.exposition import Family, FamilyType, Sample
from exporter.observe import model
from exporter.observe.model import Object, Signal, Subject
from exporter.observe.signals import heketi_down
from exporter.observe.view import View

UP = Family(
    "pvmedic_heketi_up",
    FamilyType.GAUGE,
    "1 while a Heketi answers GET /hello as it should, asked from here.",
    labels=("endpoint",),
    collector="heketi_down",
)
DURATION = Family(
    "pvmedic_heketi_probe_duration_seconds",
    FamilyType.GAUGE,
    "How long the last answer to GET /hello took. Absent while there is none.",
    labels=("endpoint",),
    collector="heketi_down",
)
LISTED = Family(
    "pvmedic_heketi_database_seen",
    FamilyType.GAUGE,
    "1 while a Heketi's database can be read; 0 with the reason why not. NoKey: none is set."
    " Empty: it is down.",
    labels=("endpoint", "reason"),
    collector="heketi_down",
)
WAITING = Family(
    "pvmedic_heketi_waiting",
    FamilyType.GAUGE,
    "Pending claims, and volumes to be deleted, of the classes of a Heketi that is down."
    " what: claims, volumes. There only while heketi_down holds.",
    labels=("endpoint", "what"),
    collector="heketi_down",
)
FAMILIES = (UP, DURATION, LISTED, WAITING)


def of_heketi(obj: Object) -> Iterator[tuple[Family, Sample]]:
    """Return the series of one Heketi, healthy or not."""
    if not isinstance(obj, model.Heketi):
        return
    endpoint = ("endpoint", obj.name)
    yield UP, Sample((endpoint,), obj.up)
    if obj.seconds is not None:
        yield DURATION, Sample((endpoint,), obj.seconds)
    yield LISTED, Sample((endpoint, ("reason", obj.blind)), obj.listed)


def further(subject: Subject, signal: Signal | None, view: View) -> Iterator[tuple[Family, Sample]]:
    """Return what waits, while the signal holds and as far as it is seen."""
    if signal is None or not view.sees(model.Kind.STORAGE_CLASS):
        return
    endpoint = subject["endpoint"]
    if view.sees(model.Kind.CLAIM):
        claims = len(heketi_down.waiting_claims(endpoint, view))
        yield WAITING, Sample((*subject.labels, ("what", "claims")), claims)
    if view.sees(model.Kind.VOLUME):
        volumes = len(heketi_down.waiting_volumes(endpoint, view))
        yield WAITING, Sample((*subject.labels, ("what", "volumes")), volumes)
