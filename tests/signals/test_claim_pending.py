"""claim_pending as values: objects in, signal or nothing out."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Change, DataSource, Kind, Object, Signal, SinceSource
from exporter.observe.model.facts import (
    BindFailed,
    Binding,
    Fact,
    ProvisionFailed,
    ProvisionStarted,
    ProvisionWaits,
)
from exporter.observe.signals.claim_pending import ClaimPending, subject_of
from tests.signals import made
from tests.signals.recorded import look

DATA = subject_of("web", "data")
DETECTOR = ClaimPending()
FAST = model.StorageClass("fast", made.DRIVER, waits=False, expandable=True)
LATE = msgspec.structs.replace(FAST, waits=True)
BY_HAND = msgspec.structs.replace(FAST, provisioner="kubernetes.io/no-provisioner")
FROM_CLAIM = DataSource("PersistentVolumeClaim", "logs")
FROM_SNAPSHOT = DataSource("VolumeSnapshot", "snap")


def claim(**fields: object) -> model.Claim:
    """Return a claim of class fast, created at 100, whose provisioner was called."""
    pending = made.claim(
        volume="",
        phase="Pending",
        created=100.0,
        storage_class="fast",
        requested=10,
        provisioner=made.DRIVER,
    )
    return msgspec.structs.replace(pending, **fields)


def event(fact: Fact, **fields: object) -> model.KubeEvent:
    """Return an Event about the claim."""
    return made.event(claim(), fact, message="said so", **fields)


def source(**fields: object) -> model.Claim:
    """Return a Bound claim that can be cloned."""
    bound = made.claim("logs", requested=10, storage_class="fast")
    return msgspec.structs.replace(bound, **fields)


def decided(*objects: Object) -> Signal:
    """Return the signal that must hold."""
    found = DETECTOR.decide(DATA, made.view(objects))
    assert found is not None
    return found


FULL = event(ProvisionFailed(Cause.NO_SPACE))
FAILED = event(ProvisionFailed(Cause.OTHER))
STARTED = event(ProvisionStarted(), name="data.2")
WAITS = event(ProvisionWaits(), name="data.3")


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([claim()], "ClassMissing"),
        ([claim(storage_class=None)], "ClassMissing"),
        ([claim(storage_class=None), msgspec.structs.replace(FAST, default=True)], "NoMatch"),
        ([claim(storage_class="")], "NoMatch"),
        ([claim(storage_class=""), event(BindFailed(Binding.NO_VOLUME))], "NoMatch"),
        ([claim(), BY_HAND], "NoMatch"),
        ([claim(), FAST], "NobodyProvisions"),
        ([claim(provisioner=""), FAST, WAITS], "NobodyProvisions"),
        ([claim(provisioner=""), FAST], "Other"),
        ([claim(), FAST, WAITS, STARTED], "StillProvisioning"),
        ([claim(), FAST, STARTED, FAILED, WAITS], "ProvisioningFailed"),
        ([claim(), FAST, FULL], "NoSpace"),
        ([claim(), FAST, event(ProvisionFailed(Cause.QUOTA))], "QuotaExceeded"),
        ([claim(), FAST, event(ProvisionFailed(Cause.NO_PLUGIN))], "DriverMissing"),
        ([claim(), FAST, event(ProvisionFailed(Cause.CLASS_MISSING))], "NobodyProvisions"),
        ([claim(), FAST, event(ProvisionFailed(Cause.OTHER), last=99.0)], "NobodyProvisions"),
        ([claim(), FAST, event(BindFailed(Binding.TAKEN))], "VolumeTaken"),
        ([claim(), FAST, event(BindFailed(Binding.MISMATCH))], "VolumeMismatch"),
        ([claim(), LATE, made.pod("user", "")], "PodUnscheduled"),
        ([claim(), LATE, made.pod("user", ""), FULL], "NoSpace"),
        ([claim(selected_node="a"), LATE, made.pod("user", "")], "NobodyProvisions"),
    ],
)
def test_a_pending_claim_says_why(objects: list[Object], reason: str) -> None:
    """Objects first, then the newest Event of this claim, then silence."""
    expected = "NoMatchingVolume" if reason == "NoMatch" else reason
    found = decided(*objects)
    assert (found.reason, found.since, found.since_source) == (expected, 100.0, SinceSource.OBJECT)
    assert expected in DETECTOR.reasons
    assert tuple(label for label, _ in found.named) == DETECTOR.named_labels
    assert list(DETECTOR.suspects(objects[0], made.view(objects))) == [DATA]


NAMED = claim(volume="pv-data", access_modes=("ReadWriteOnce",))
FITS = made.volume(capacity=10, storage_class="fast", claim_name="", claim_namespace="")


@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        (None, "VolumeMissing"),
        (made.volume(claim_name="another", phase="Bound"), "VolumeTaken"),
        (made.volume(claim_uid="uid-of-an-earlier-one", phase="Released"), "VolumeTaken"),
        (msgspec.structs.replace(FITS, capacity=9), "VolumeMismatch"),
        (msgspec.structs.replace(FITS, block=True), "VolumeMismatch"),
        (msgspec.structs.replace(FITS, access_modes=("ReadOnlyMany",)), "VolumeMismatch"),
        (msgspec.structs.replace(FITS, storage_class=""), "VolumeMismatch"),
        (FITS, "Other"),
        (made.volume(capacity=10, storage_class="fast"), "Other"),
    ],
    ids=["gone", "taken", "released", "small", "block", "modes", "class", "fits", "reserved"],
)
def test_a_claim_that_names_its_volume(volume: model.Volume | None, reason: str) -> None:
    """There is no Event when the volume does not exist."""
    found = decided(NAMED, LATE, *([volume] if volume is not None else []))
    assert (found.reason, found.since) == (reason, 100.0)


def test_a_volume_that_cannot_be_seen_is_not_missing() -> None:
    """Unseen is not sick."""
    found = DETECTOR.decide(DATA, made.view([NAMED, FAST], {Kind.VOLUME: "forbidden"}))
    assert found is not None
    assert found.reason == "Other"


CLONE = claim(data_source=FROM_CLAIM)
OF_OTHER = made.volume("pv-logs", driver="rbd.csi.ceph.com")


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([CLONE, FAST], "SourceMissing"),
        ([CLONE, FAST, source(deletion=50.0)], "SourceMissing"),
        ([CLONE, FAST, source(phase="Pending", volume="")], "SourceNotBound"),
        ([CLONE, FAST, source(block=True)], "SourceModeDiffers"),
        ([CLONE, FAST, source(requested=11)], "SourceTooLarge"),
        ([CLONE, FAST, source(requested=None, capacity=11)], "SourceTooLarge"),
        ([CLONE, FAST, source(), OF_OTHER], "SourceClassDiffers"),
        ([CLONE, FAST, source(storage_class="slow"), FAILED], "SourceClassDiffers"),
        ([CLONE, FAST, source(storage_class="slow"), FULL], "NoSpace"),
        ([CLONE, FAST, source(storage_class="slow")], "NobodyProvisions"),
        ([CLONE, FAST, source(), made.volume("pv-logs"), FAILED], "ProvisioningFailed"),
    ],
)
def test_a_claim_that_is_to_be_a_clone(objects: list[Object], reason: str) -> None:
    """By the provisioner's own rules; another class alone is no longer forbidden."""
    assert decided(*objects).reason == reason


RESTORED = claim(data_source=FROM_SNAPSHOT)
READY = made.snapshot(ready=True, restore_size=10, bound_content="content")


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([RESTORED, FAST], "SnapshotMissing"),
        ([RESTORED, FAST, msgspec.structs.replace(READY, deletion=50.0)], "SnapshotMissing"),
        ([RESTORED, FAST, made.snapshot()], "SnapshotNotReady"),
        ([RESTORED, FAST, made.snapshot(ready=None)], "SnapshotNotReady"),
        ([RESTORED, FAST, msgspec.structs.replace(READY, restore_size=11)], "SourceTooLarge"),
        ([RESTORED, FAST, READY, made.content(driver="rbd.csi.ceph.com")], "SourceClassDiffers"),
        ([RESTORED, FAST, READY, made.content()], "NobodyProvisions"),
        ([RESTORED, FAST, READY, FAILED], "ProvisioningFailed"),
    ],
)
def test_a_claim_that_is_to_be_restored(objects: list[Object], reason: str) -> None:
    """The snapshot must be there, ready, small enough and of the same driver."""
    assert decided(*objects).reason == reason


def test_a_snapshot_that_cannot_be_seen_is_not_missing() -> None:
    """Unseen is not sick."""
    found = DETECTOR.decide(DATA, made.view([RESTORED, FAST], {Kind.SNAPSHOT: "forbidden"}))
    assert found is not None
    assert found.reason == "NobodyProvisions"


def test_a_source_in_another_namespace_is_named_unless_more_is_known() -> None:
    """A ReferenceGrant may allow it; it is not read, and the evidence says so."""
    elsewhere = claim(data_source=msgspec.structs.replace(FROM_CLAIM, namespace="ops"))
    there = source(namespace="ops")
    for said in ([], [FAILED]):
        found = decided(elsewhere, FAST, there, *said)
        assert found.reason == "SourceInOtherNamespace"
        assert "ReferenceGrant" in found.evidence[0]
    assert decided(elsewhere, FAST, there, FULL).reason == "NoSpace"
    assert decided(elsewhere, FAST).reason == "SourceMissing"


@pytest.mark.parametrize(
    "pods",
    [
        [],
        [made.pod("user", "a", phase="Succeeded")],
        [made.pod("user", "", deletion=500.0)],
        [made.pod("user", "", claims=("logs",))],
    ],
    ids=["no pod", "ended", "on its way out", "another claim's"],
)
def test_a_class_that_waits_is_healthy_until_a_pod_wants_the_claim(pods: list[Object]) -> None:
    """WaitForFirstConsumer is by intent."""
    assert DETECTOR.decide(DATA, made.view([claim(), LATE, WAITS, *pods])) is None


def test_a_class_that_waits_counts_from_the_earliest_pod() -> None:
    """A claim that lay there for a week was not wanted for a week."""
    early, late = made.pod("other", "", created=500.0), made.pod("user", "", created=700.0)
    assert decided(claim(), LATE, late, early).since == 500.0
    assert decided(claim(), LATE, made.pod("user", "", created=50.0)).since == 100.0
    found = decided(claim(), LATE, made.pod("user", "", created=None))
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)


@pytest.mark.parametrize(
    "obj",
    [claim(phase="Bound"), claim(phase="Lost"), claim(phase=""), claim(deletion=200.0)],
    ids=["bound", "lost", "new", "on its way out"],
)
def test_other_claims_are_no_signal(obj: model.Claim) -> None:
    """Only Pending counts."""
    assert DETECTOR.decide(DATA, made.view([obj, FAST])) is None


def test_a_volume_that_was_left_at_the_back_end_is_evidence() -> None:
    """It costs money, and somebody has to delete it."""
    left = event(ProvisionFailed(Cause.OTHER, orphan=True))
    found = decided(claim(), FAST, left)
    assert found.reason == "NobodyProvisions"
    assert found.evidence[1] == "a volume was left at the back end: said so"


def test_nobody_is_blamed_while_events_cannot_be_seen() -> None:
    """Silence that nobody could hear says nothing."""
    found = DETECTOR.decide(DATA, made.view([claim(), FAST], {Kind.EVENT: "forbidden"}))
    assert found is not None
    assert found.reason == "Other"


@pytest.mark.parametrize(
    "obj",
    [FAST, source(), made.volume("pv-logs"), model.CsiDriver(made.DRIVER), FULL, made.pod()],
    ids=lambda obj: type(obj).__name__,
)
def test_what_a_claim_depends_on_touches_it(obj: Object) -> None:
    """Its class, its source and the source's volume, the driver, Events, pods."""
    seen = made.view([CLONE, FAST, source()])
    assert DATA in set(DETECTOR.touched(Change(obj, None), seen))


def test_a_snapshot_and_its_content_touch_what_is_restored_from_them() -> None:
    """Both are read."""
    seen = made.view([RESTORED, READY])
    assert set(DETECTOR.touched(Change(None, READY), seen)) == {DATA}
    assert set(DETECTOR.touched(Change(None, made.content()), seen)) == {DATA}


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        ("claim_class_missing", "ClassMissing"),
        ("claim_consumer_no_provisioner", "NobodyProvisions"),
        ("claim_no_provisioner", "NobodyProvisions"),
        ("claim_no_volume", "NoMatchingVolume"),
        ("claim_plugin_removed", "DriverMissing"),
        ("claim_volume_not_there", "VolumeMissing"),
        ("claim_volume_taken", "VolumeTaken"),
        ("claim_volume_too_small", "VolumeMismatch"),
        ("claim_waits_for_pod", "PodUnscheduled"),
        ("claim_waits_for_consumer", None),
    ],
)
def test_what_real_controllers_left(scene: str, reason: str | None) -> None:
    """As Kubernetes wrote it; without Events it is as old."""
    subject = subject_of(scene.replace("_", "-"), "data")
    seen = look(scene)
    found = DETECTOR.decide(subject, made.view(seen))
    assert (found.reason if found is not None else None) == reason
    later = [obj for obj in seen if not isinstance(obj, model.KubeEvent)]
    again = DETECTOR.decide(subject, made.view(later))
    assert (again.since if again else None) == (found.since if found else None)
    assert (found is None) == (again is None)
