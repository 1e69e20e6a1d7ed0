"""snapshot_not_ready as values, and against what real snapshot-controllers wrote."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Change, Failure, Kind, Object, Signal, SinceSource
from exporter.observe.model.facts import SnapshotFailed, SnapshotFault
from exporter.observe.signals.snapshot_not_ready import SnapshotNotReady, subject_of
from tests.signals import made
from tests.signals.recorded import look

DETECTOR = SnapshotNotReady()
SNAP = subject_of("web", "snap")
SNAPSHOT = made.snapshot(bound_content="content")
BARE = made.snapshot()
CONTENT = made.content()
CLASS = model.SnapshotClass("fast", made.DRIVER)
SOURCE: list[Object] = [made.claim(), made.volume(), CLASS]


def decided(*objects: Object, unseen: tuple[Kind, ...] = ()) -> Signal | None:
    """Decide over a bound source claim, a class and these; the later one of a name counts."""
    view = made.view([*SOURCE, *objects], dict.fromkeys(unseen, "forbidden"))
    return DETECTOR.decide(SNAP, view)


def reason(*objects: Object, unseen: tuple[Kind, ...] = ()) -> str:
    """Return why; the signal must hold."""
    found = decided(*objects, unseen=unseen)
    assert found is not None
    assert found.reason in DETECTOR.reasons
    return found.reason


def failed(cause: Cause) -> Failure:
    """Return an error of this cause."""
    return Failure(cause, "rpc error", 60.0)


@pytest.mark.parametrize(
    ("scene", "why"),
    [
        ("snapshot_class_missing", "ClassMissing"),
        ("snapshot_no_default_class", "ClassMissing"),
        ("snapshot_content_missing", "ContentMissing"),
        ("snapshot_creation_failed", "DriverError"),
        ("snapshot_creation_timed_out", "Timeout"),
        ("snapshot_no_controller", "NoController"),
        ("snapshot_no_sidecar", "NoSidecar"),
        ("snapshot_source_missing", "SourceMissing"),
        ("snapshot_source_unbound", "SourceNotBound"),
    ],
)
def test_what_real_controllers_wrote_is_understood(scene: str, why: str) -> None:
    """With its Events, without them, and after a restart: reason and age are the same."""
    seen = look(scene)
    (snapshot,) = (obj for obj in seen if isinstance(obj, model.Snapshot))
    subject = subject_of(snapshot.namespace, snapshot.name)
    found = DETECTOR.decide(subject, made.view(seen))
    assert found is not None
    assert found.reason == why
    assert (found.since, found.since_source) == (snapshot.created, SinceSource.OBJECT)
    later = [obj for obj in seen if not isinstance(obj, model.KubeEvent)]
    assert DETECTOR.decide(subject, made.view(later)) == found


def test_a_snapshot_that_real_controllers_have_not_finished_is_in_progress() -> None:
    """And no signal once they have."""
    first, last = look("snapshot_not_finished", 0), look("snapshot_not_finished")
    (snapshot,) = (obj for obj in first if isinstance(obj, model.Snapshot))
    subject = subject_of(snapshot.namespace, snapshot.name)
    found = DETECTOR.decide(subject, made.view(first))
    assert found is not None
    assert found.reason == "InProgress"
    assert DETECTOR.decide(subject, made.view(last)) is None


def test_labels_name_claim_driver_and_class() -> None:
    """Whatever an alert has to show."""
    found = decided(SNAPSHOT, CONTENT)
    assert found is not None
    assert found.subject == SNAP
    assert dict(found.named) == {
        "persistentvolumeclaim": "data",
        "driver": made.DRIVER,
        "volumesnapshotclass": "fast",
    }


def test_the_driver_is_the_classs_or_the_volumes_before_there_is_a_content() -> None:
    """A snapshot that never got a content has a driver, too."""
    for objects in ([BARE], [made.snapshot(snapshot_class=None)]):
        found = decided(*objects)
        assert found is not None
        assert dict(found.named)["driver"] == made.DRIVER


@pytest.mark.parametrize(
    "snapshot",
    [
        made.snapshot(ready=True, error=failed(Cause.TIMEOUT)),
        made.snapshot(deletion=60.0),
    ],
    ids=["ready with an old error", "being deleted"],
)
def test_it_is_no_signal_when(snapshot: Object) -> None:
    """An error is the last one, not the current one; what is on its way out is another signal."""
    assert decided(snapshot) is None


@pytest.mark.parametrize(
    ("objects", "why"),
    [
        ([made.snapshot(touched=False)], "NoController"),
        ([BARE, made.claim(volume="", phase="Pending")], "SourceNotBound"),
        ([made.snapshot(claim="gone")], "SourceMissing"),
        ([made.snapshot(snapshot_class="gone")], "ClassMissing"),
        ([made.snapshot(snapshot_class=None)], "ClassMissing"),
        (
            [made.snapshot(snapshot_class=None), model.SnapshotClass("d", "other", default=True)],
            "ClassMissing",
        ),
        (
            [
                made.snapshot(snapshot_class=None),
                model.SnapshotClass("d", made.DRIVER, default=True),
            ],
            "InProgress",
        ),
        ([BARE], "InProgress"),
        ([made.snapshot(error=failed(Cause.INVALID))], "Other"),
        ([made.snapshot(error=failed(Cause.CONFLICT))], "InProgress"),
        ([SNAPSHOT], "ContentMissing"),
        ([made.snapshot(claim="", content="content")], "ContentMissing"),
        ([SNAPSHOT, made.content(snapshot_name="another")], "Misbound"),
        ([SNAPSHOT, made.content(snapshot_uid="another")], "Misbound"),
        ([SNAPSHOT, CONTENT], "InProgress"),
        ([made.snapshot(claim="", content="content"), made.content(snapshot_uid="")], "InProgress"),
        ([SNAPSHOT, made.content(touched=False)], "NoSidecar"),
        ([SNAPSHOT, made.content(error=failed(Cause.NO_SPACE))], "NoSpace"),
        ([SNAPSHOT, made.content(error=failed(Cause.QUOTA))], "NoSpace"),
        ([SNAPSHOT, made.content(error=failed(Cause.OPERATION_PENDING))], "OperationPending"),
        ([SNAPSHOT, made.content(error=failed(Cause.OTHER))], "DriverError"),
        ([made.snapshot(bound_content="content", error=failed(Cause.TIMEOUT)), CONTENT], "Timeout"),
    ],
)
def test_the_reason_is_read_from_state(objects: list[Object], why: str) -> None:
    """What is missing first, then what the error says."""
    assert reason(*objects) == why


def test_what_cannot_be_seen_is_not_missing() -> None:
    """A claim, a class or a content that may not be listed gives no reason of its own."""
    assert reason(made.snapshot(claim="x"), unseen=(Kind.CLAIM,)) == "InProgress"
    assert reason(made.snapshot(snapshot_class="x"), unseen=(Kind.SNAPSHOT_CLASS,)) == "InProgress"
    assert reason(SNAPSHOT, unseen=(Kind.SNAPSHOT_CONTENT,)) == "InProgress"


def test_an_event_tells_of_a_kind_that_cannot_be_seen() -> None:
    """What is seen is newer than any Event."""
    event = made.event(BARE, SnapshotFailed(SnapshotFault.SOURCE_MISSING, Cause.OTHER))
    assert reason(BARE, event) == "InProgress"
    assert reason(BARE, event, unseen=(Kind.CLAIM,)) == "SourceMissing"
    misbound = made.event(BARE, SnapshotFailed(SnapshotFault.MISBOUND, Cause.OTHER))
    assert reason(BARE, misbound) == "Misbound"
    assert reason(BARE, msgspec.structs.replace(misbound, about_uid="old")) == "InProgress"


def test_a_driver_whose_error_came_only_as_an_event_is_not_silent() -> None:
    """Its csi-snapshotter wrote it."""
    quiet = made.content(touched=False)
    event = made.event(quiet, SnapshotFailed(SnapshotFault.CREATION, Cause.TIMEOUT))
    assert reason(SNAPSHOT, quiet, event) == "Timeout"


def test_a_snapshot_without_a_creation_time_is_first_seen_by_us() -> None:
    """No age is invented."""
    found = decided(made.snapshot(created=None))
    assert found is not None
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)


@pytest.mark.parametrize("when", [None, -1.0, 4e18, 60.0])
def test_evidence_shows_the_last_error_whatever_its_time(when: float | None) -> None:
    """A time from outside may be anything."""
    found = decided(made.snapshot(error=Failure(Cause.OTHER, "it broke", when)))
    assert found is not None
    assert any("it broke" in line for line in found.evidence)


def test_whatever_a_snapshot_needs_touches_it() -> None:
    """Source, volume, class, content, and Events of itself and of its content."""
    objects = [*SOURCE, SNAPSHOT, made.snapshot(), CONTENT]
    told = SnapshotFailed(SnapshotFault.OTHER, Cause.OTHER)
    events = [made.event(SNAPSHOT, told), made.event(CONTENT, told)]
    view = made.view(objects)
    for obj in [*objects, *events]:
        assert SNAP in set(DETECTOR.touched(Change(obj, obj), view))
