"""volume_release_failed as values: objects in, signal or nothing out."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Change, Failure, Kind, Object, Signal, SinceSource
from exporter.observe.model.facts import DeleteFailed
from exporter.observe.signals.volume_release_failed import VolumeReleaseFailed, subject_of
from exporter.observe.view import Want
from tests.signals import made

PV = subject_of("pv-data")
DETECTOR = VolumeReleaseFailed()


def volume(**fields: object) -> model.Volume:
    """Return a volume that waits for its deletion."""
    waiting = made.volume(
        phase="Released",
        reclaim_policy="Delete",
        phase_since=100.0,
        storage_class="fast",
        claim_uid="uid-old",
    )
    return msgspec.structs.replace(waiting, **fields)


def event(cause: Cause, last: float = 200.0) -> model.KubeEvent:
    """Return an Event about the volume."""
    return made.event(volume(), DeleteFailed(cause), last=last, message=f"it was {cause}")


def decided(*objects: Object) -> Signal:
    """Return the signal that must hold."""
    found = DETECTOR.decide(PV, made.view(objects))
    assert found is not None
    return found


REFUSED = Failure(Cause.UNREACHABLE, "dial tcp: connection refused")


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([volume()], "NobodyDeletes"),
        ([volume(), event(Cause.UNREACHABLE)], "Unreachable"),
        ([volume(), event(Cause.TIMEOUT)], "Unreachable"),
        ([volume(), event(Cause.NO_PLUGIN)], "NoPlugin"),
        ([volume(), event(Cause.CLASS_MISSING)], "ClassMissing"),
        ([volume(), event(Cause.STILL_IN_USE)], "StillInUse"),
        ([volume(), event(Cause.OTHER)], "DriverError"),
        ([volume(), event(Cause.OPERATION_PENDING)], "DriverError"),
        ([volume(phase="Failed", failure=REFUSED)], "Unreachable"),
        ([volume(phase="Failed", failure=REFUSED), event(Cause.NOT_FOUND)], "DriverError"),
        ([volume(phase="Failed")], "Other"),
        ([volume(), made.attachment(), event(Cause.UNREACHABLE)], "StillInUse"),
        ([volume(driver="kubernetes.io/glusterfs", handle="vol_1")], "ClassMissing"),
        (
            [volume(phase="Failed", reclaim_policy="Recycle"), event(Cause.NO_PLUGIN)],
            "NoPlugin",
        ),
        ([volume(created=300.0), event(Cause.UNREACHABLE)], "NobodyDeletes"),
    ],
)
def test_a_volume_that_should_be_gone_says_why(objects: list[Object], reason: str) -> None:
    """Attachments first, then the newest Event, then the status, then silence."""
    found = decided(*objects)
    assert (found.reason, found.since, found.since_source) == (reason, 100.0, SinceSource.OBJECT)
    assert reason in DETECTOR.reasons
    assert list(DETECTOR.suspects(objects[0], made.view(objects))) == [PV]
    assert dict(found.named)["persistentvolumeclaim"] == "data"
    assert tuple(label for label, _ in found.named) == DETECTOR.named_labels


def test_the_age_is_the_objects_own_whatever_events_there_are() -> None:
    """A restart after the Events' hour finds the same age."""
    with_events = decided(volume(), event(Cause.UNREACHABLE))
    assert decided(volume()).since == with_events.since == 100.0


def test_before_kubernetes_1_28_the_time_is_when_it_was_first_seen() -> None:
    """Released and Failed had no time then."""
    found = decided(volume(phase_since=None), event(Cause.UNREACHABLE))
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)


def test_a_claim_of_the_same_name_does_not_matter() -> None:
    """The volume belongs to the uid of the old one."""
    assert decided(volume(), made.claim(volume="pv-new")).reason == "NobodyDeletes"


def test_nobody_is_blamed_while_events_cannot_be_seen() -> None:
    """Silence that nobody could hear says nothing."""
    found = DETECTOR.decide(PV, made.view([volume()], {Kind.EVENT: "forbidden"}))
    assert found is not None
    assert found.reason == "Other"


@pytest.mark.parametrize(
    "obj",
    [
        volume(reclaim_policy="Retain"),
        volume(phase="Bound"),
        volume(phase="Available"),
        volume(reclaim_policy="Recycle"),
        volume(reclaim_policy=""),
    ],
    ids=["kept by intent", "bound", "available", "being recycled", "nobody knows"],
)
def test_other_volumes_are_no_signal(obj: model.Volume) -> None:
    """Retain is by intent."""
    assert DETECTOR.decide(PV, made.view([obj])) is None
    assert not list(DETECTOR.suspects(obj, made.view([obj])))
    assert list(DETECTOR.reads(PV, made.view([obj]))) == [Want(Kind.VOLUME, name="pv-data")]


def test_a_class_touches_the_volumes_that_wait() -> None:
    """In-tree deletion reads it."""
    klass = model.StorageClass("fast", made.DRIVER, waits=False, expandable=True)
    assert set(DETECTOR.touched(Change(klass, None), made.view([volume()]))) == {PV}
    assert not set(DETECTOR.touched(Change(klass, None), made.view([volume(phase="Bound")])))
    assert set(DETECTOR.touched(Change(None, made.attachment()), made.view([]))) == {PV}
