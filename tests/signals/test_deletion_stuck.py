"""deletion_stuck as values: objects in, signal or nothing out."""

import msgspec
import pytest

from exporter.observe.model import (
    Cause,
    Change,
    DataSource,
    Failure,
    Kind,
    KubeEvent,
    Object,
    SinceSource,
    Subject,
)
from exporter.observe.model.facts import DeleteFailed
from exporter.observe.signals.deletion_stuck import DeletionStuck, subject_of
from tests.signals import made
from tests.signals.recorded import look

DETECTOR = DeletionStuck()
PVC_IN_USE = "kubernetes.io/pvc-protection"
PV_IN_USE = "kubernetes.io/pv-protection"
KIND = "snapshot.storage.kubernetes.io/"
AS_SOURCE = KIND + "pvc-as-source-protection"
RESTORING = KIND + "volumesnapshot-as-source-protection"
BOUND = KIND + "volumesnapshot-bound-protection"
CONTENT = KIND + "volumesnapshotcontent-bound-protection"
CLONING = "provisioner.storage.kubernetes.io/cloning-protection"
DELETER = "external-provisioner.volume.kubernetes.io/finalizer"
ATTACHED = "external-attacher/ebs-csi-aws-com"

CLAIM = subject_of("persistentvolumeclaim", "web", "data")
VOLUME = subject_of("persistentvolume", "", "pv-data")
SNAPSHOT = subject_of("volumesnapshot", "web", "snap")
SNAPSHOT_CONTENT = subject_of("volumesnapshotcontent", "", "content")


def claim(*finalizers: str) -> Object:
    """Return a claim that was deleted at 100."""
    return made.claim(deletion=100.0, finalizers=finalizers)


def volume(*finalizers: str, **fields: object) -> Object:
    """Return a volume that was deleted at 100."""
    deleted = made.volume(deletion=100.0, finalizers=finalizers)
    return msgspec.structs.replace(deleted, **fields)


def snapshot(*finalizers: str) -> Object:
    """Return a VolumeSnapshot that was deleted at 100."""
    return made.snapshot(deletion=100.0, finalizers=finalizers, bound_content="content")


def content(*finalizers: str, **fields: object) -> Object:
    """Return a content that was deleted at 100."""
    deleted = made.content(deletion=100.0, finalizers=finalizers)
    return msgspec.structs.replace(deleted, **fields)


def copy(kind: str, name: str) -> Object:
    """Return a Pending claim that is made from another object."""
    source = DataSource(kind, name)
    return made.claim("logs", phase="Pending", volume="", data_source=source)


USER = made.pod("user", "a", phase="Running")
ENDED = made.pod("a-job", "a", phase="Succeeded")
REFUSED = Failure(Cause.OTHER, "no")

CASES: list[tuple[Subject, list[Object], tuple[str, str, str]]] = [
    (CLAIM, [claim(PVC_IN_USE), ENDED, USER], ("InUse", PVC_IN_USE, "pod/user")),
    (CLAIM, [claim(PVC_IN_USE), ENDED], ("InUse", PVC_IN_USE, "pod/a-job")),
    (CLAIM, [claim(PVC_IN_USE), made.pod("user", "")], ("NotRemoved", PVC_IN_USE, "")),
    (CLAIM, [claim(PVC_IN_USE)], ("NotRemoved", PVC_IN_USE, "")),
    (
        CLAIM,
        [claim(PVC_IN_USE, AS_SOURCE), made.snapshot()],
        ("SnapshotSource", AS_SOURCE, "volumesnapshot/snap"),
    ),
    (CLAIM, [claim(AS_SOURCE), made.snapshot(ready=True)], ("NotRemoved", AS_SOURCE, "")),
    (
        CLAIM,
        [claim(CLONING), copy("PersistentVolumeClaim", "data")],
        ("CloneSource", CLONING, "persistentvolumeclaim/logs"),
    ),
    (CLAIM, [claim(CLONING)], ("DriverFinalizer", CLONING, "")),
    (CLAIM, [claim(PVC_IN_USE, "example.com/mine")], ("ForeignFinalizer", "example.com/mine", "")),
    (CLAIM, [claim()], ("Other", "", "")),
    (
        VOLUME,
        [volume(PV_IN_USE)],
        ("BoundStill", PV_IN_USE, "persistentvolumeclaim/web/data"),
    ),
    (
        VOLUME,
        [volume(ATTACHED, phase="Released"), made.attachment()],
        ("InUse", ATTACHED, "volumeattachment/csi-a"),
    ),
    (VOLUME, [volume(ATTACHED, phase="Released")], ("DriverFinalizer", ATTACHED, "")),
    (
        VOLUME,
        [
            volume(DELETER, phase="Available"),
            made.event(made.volume(), DeleteFailed(Cause.OTHER), message="no"),
        ],
        ("DeleteFailed", DELETER, ""),
    ),
    (
        VOLUME,
        [volume(DELETER, phase="Failed", reclaim_policy="Retain", failure=REFUSED)],
        ("DeleteFailed", DELETER, ""),
    ),
    (
        SNAPSHOT,
        [snapshot(RESTORING, BOUND), copy("VolumeSnapshot", "snap")],
        ("RestoreSource", RESTORING, "persistentvolumeclaim/logs"),
    ),
    (
        SNAPSHOT,
        [snapshot(BOUND), content(CONTENT)],
        ("DeleteFailed", BOUND, "volumesnapshotcontent/content"),
    ),
    (SNAPSHOT, [snapshot(BOUND), made.content()], ("NotRemoved", BOUND, "")),
    (SNAPSHOT, [snapshot(BOUND)], ("NotRemoved", BOUND, "")),
    (
        SNAPSHOT_CONTENT,
        [content(CONTENT), made.snapshot()],
        ("BoundStill", CONTENT, "volumesnapshot/web/snap"),
    ),
    (SNAPSHOT_CONTENT, [content(CONTENT), snapshot()], ("DeleteFailed", CONTENT, "")),
    (SNAPSHOT_CONTENT, [content(CONTENT, error=REFUSED)], ("DeleteFailed", CONTENT, "")),
    (
        SNAPSHOT_CONTENT,
        [content(CONTENT, deletion_policy="Retain"), made.snapshot(uid="uid-of-a-later-one")],
        ("NotRemoved", CONTENT, ""),
    ),
]


@pytest.mark.parametrize(("subject", "objects", "expected"), CASES)
def test_what_was_deleted_and_stays_says_what_holds_it(
    subject: Subject, objects: list[Object], expected: tuple[str, str, str]
) -> None:
    """The finalizer, and who is behind it; users before names."""
    found = DETECTOR.decide(subject, made.view(objects))
    assert found is not None
    assert (found.since, found.since_source) == (100.0, SinceSource.OBJECT)
    assert (found.reason, *dict(found.named).values()) == expected
    assert found.reason in DETECTOR.reasons
    assert tuple(label for label, _ in found.named) == DETECTOR.named_labels
    assert list(DETECTOR.suspects(objects[0], made.view(objects))) == [subject]
    for obj in objects:
        assert subject in set(DETECTOR.touched(Change(None, obj), made.view(objects)))
    later = [obj for obj in objects if not isinstance(obj, KubeEvent)]
    again = DETECTOR.decide(subject, made.view(later))
    assert again is not None
    assert again.since == found.since


@pytest.mark.parametrize(
    ("subject", "obj"),
    [
        (CLAIM, made.claim(finalizers=(PVC_IN_USE,))),
        (VOLUME, made.volume()),
        (SNAPSHOT, made.snapshot()),
        (SNAPSHOT_CONTENT, made.content()),
        (VOLUME, volume(DELETER, phase="Released", reclaim_policy="Delete")),
        (VOLUME, volume(DELETER, phase="Failed", reclaim_policy="Delete")),
        (subject_of("pod", "web", "user"), made.pod(deletion=100.0)),
    ],
)
def test_other_objects_are_no_signal(subject: Subject, obj: Object) -> None:
    """A volume that its back end should delete is volume_release_failed."""
    assert DETECTOR.decide(subject, made.view([obj])) is None


def test_users_that_cannot_be_seen_are_not_said_to_be_none() -> None:
    """The deletion is stuck all the same."""
    found = DETECTOR.decide(CLAIM, made.view([claim(PVC_IN_USE)], {Kind.POD: "forbidden"}))
    assert found is not None
    assert found.reason == "Other"


def test_snapshots_that_cannot_be_seen_silence_only_themselves() -> None:
    """Claims are judged as before."""
    unseen = {Kind.SNAPSHOT: "forbidden", Kind.SNAPSHOT_CONTENT: "forbidden"}
    seen = made.view([claim(PVC_IN_USE), snapshot(BOUND), content(CONTENT)], unseen)
    assert DETECTOR.decide(CLAIM, seen) is not None
    assert DETECTOR.decide(SNAPSHOT, seen) is None
    assert DETECTOR.decide(SNAPSHOT_CONTENT, seen) is None
    assert not DETECTOR.needs & unseen.keys()


def test_a_real_claim_that_was_deleted_while_a_pod_uses_it() -> None:
    """As Kubernetes wrote it."""
    subject = subject_of("persistentvolumeclaim", "claim-deletion-stuck", "data")
    found = DETECTOR.decide(subject, made.view(look("claim_deletion_stuck")))
    assert found is not None
    assert (found.reason, dict(found.named)["used_by"]) == ("InUse", "pod/user")
    assert found.since is not None
