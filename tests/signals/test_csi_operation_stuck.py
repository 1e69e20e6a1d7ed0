"""csi_operation_stuck as values: objects in, signal or nothing out."""

from collections.abc import Iterable

import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Change, Failure, Object, SinceSource
from exporter.observe.model.facts import (
    AttachFailed,
    Fact,
    MountFailed,
    ProvisionFailed,
    ResizeFailed,
    SnapshotFailed,
    SnapshotFault,
    Stage,
)
from exporter.observe.signals.csi_operation_stuck import CsiOperationStuck, subject_of
from tests.signals import made

DATA = subject_of("web", "data", made.DRIVER)
DETECTOR = CsiOperationStuck()
PENDING = Cause.OPERATION_PENDING
POD = made.pod(claim_volumes=("vol",))
BOUND: list[Object] = [made.claim(), made.volume(), POD]
WANTED = made.claim(volume="", phase="Pending", provisioner=made.DRIVER)
GROWING = made.claim(requested=20, capacity=10)
REFUSED = Failure(PENDING, "refused", 150.0)


def mount(cause: Cause = PENDING, volume: str = "pv-data", **fields: object) -> Object:
    """Return a FailedMount Event on the pod."""
    fact = MountFailed(volume, (), "SetUp", cause)
    made_of = {"name": f"{cause}-{volume}", "message": "refused", "first": 120.0, **fields}
    return made.event(POD, fact, **made_of)


def decide(objects: Iterable[Object]) -> model.Signal | None:
    """Decide the claim."""
    return DETECTOR.decide(DATA, made.view(objects))


def test_a_mount_that_is_refused_while_the_pod_waits_is_a_signal() -> None:
    """It is as old as the first Event of its series, and names where."""
    found = decide([*BOUND, mount()])
    assert found is not None
    assert (found.subject, found.reason) == (DATA, "Mount")
    assert (found.since, found.since_source) == (120.0, SinceSource.EVENT)
    assert found.named == (("persistentvolume", "pv-data"), ("pod", "user"), ("node", "a"))
    assert found.evidence == (
        "driver ebs.csi.aws.com refuses Mount for pod user on node a: refused",
    )


@pytest.mark.parametrize(
    ("objects", "about", "fact", "operation"),
    [
        (BOUND, POD, MountFailed("vol", (), "SetUp", PENDING), "Mount"),
        (BOUND, POD, AttachFailed("pv-data", PENDING), "Attach"),
        ([WANTED], WANTED, ProvisionFailed(PENDING), "Provision"),
        ([GROWING, made.volume()], GROWING, ResizeFailed(Stage.CONTROLLER, PENDING), "Expand"),
        (
            [GROWING, made.volume(), made.pod(phase="Running")],
            POD,
            ResizeFailed(Stage.NODE, PENDING, "pv-data"),
            "Expand",
        ),
        (
            [*BOUND, made.snapshot(), made.content()],
            made.content(),
            SnapshotFailed(SnapshotFault.CREATION, PENDING),
            "Snapshot",
        ),
        (
            [*BOUND, made.snapshot(), made.content()],
            made.snapshot(),
            SnapshotFailed(SnapshotFault.CREATION, PENDING),
            "Snapshot",
        ),
    ],
    ids=["mount", "attach", "provision", "expand", "expand on a node", "content", "snapshot"],
)
def test_every_operation_can_be_refused(
    objects: list[Object], about: Object, fact: Fact, operation: str
) -> None:
    """Each has its own Event on its own object."""
    found = decide([*objects, made.event(about, fact, first=120.0)])
    assert found is not None
    assert (found.reason, found.since, found.since_source) == (operation, 120.0, SinceSource.EVENT)
    assert found.reason in DETECTOR.reasons


def test_an_attachment_and_a_snapshot_carry_the_refusal_themselves() -> None:
    """So these survive a restart with their age."""
    attachment = made.attachment(attached=False, attach_error=REFUSED)
    found = decide([*BOUND, attachment])
    assert found is not None
    assert (found.reason, found.since, found.since_source) == ("Attach", 1.0, SinceSource.OBJECT)
    for snapshot, content in (
        (made.snapshot(error=REFUSED), made.content()),
        (made.snapshot(), made.content(error=REFUSED)),
    ):
        seen = decide([*BOUND, snapshot, content])
        assert seen is not None
        assert (seen.reason, seen.since, seen.since_source) == (
            "Snapshot",
            150.0,
            SinceSource.OBJECT,
        )


def test_a_refusal_without_any_time_is_first_seen() -> None:
    """Whoever keeps time fills it in."""
    found = decide([*BOUND, mount(first=None, last=None)])
    assert found is not None
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)


def test_the_oldest_refusal_gives_the_age_and_the_others_are_told() -> None:
    """A hung call blocks everything that comes after it."""
    snapshot, content = made.snapshot(error=REFUSED), made.content()
    found = decide([*BOUND, snapshot, content, mount(), mount(name="older", first=90.0)])
    assert found is not None
    assert (found.reason, found.since) == ("Mount", 90.0)
    assert len(found.evidence) == 2


@pytest.mark.parametrize(
    ("later", "holds"),
    [
        (mount(Cause.TIMEOUT, last=300.0), True),
        (mount(Cause.UNREACHABLE, last=100.0), True),
        (mount(Cause.UNREACHABLE, last=300.0), False),
        (mount(Cause.UNREACHABLE, "pv-other", last=300.0), True),
    ],
    ids=["a time-out", "an older failure", "a newer failure", "another volume's"],
)
def test_a_newer_failure_of_another_kind_shows_that_the_lock_was_let_go(
    later: Object, *, holds: bool
) -> None:
    """A time-out is how the hung call ended for whoever waited."""
    assert (decide([*BOUND, mount(), later]) is not None) == holds


@pytest.mark.parametrize(
    "objects",
    [
        [],
        BOUND,
        [*BOUND, mount(Cause.TIMEOUT)],
        [*BOUND, mount(volume="pv-other")],
        [*BOUND, mount(last=5.0)],
        [made.claim(), made.volume(), made.pod(phase="Running"), mount()],
        [made.claim(), made.volume(), made.pod(sandbox=True), mount()],
        [made.volume(), POD, mount()],
        [*BOUND, made.volume(driver="other.csi"), mount()],
        [*BOUND, made.attachment(attach_error=REFUSED)],
        [*BOUND, made.snapshot(ready=True, error=REFUSED), made.content()],
        [*BOUND, made.event(WANTED, ProvisionFailed(PENDING))],
        [*BOUND, made.event(WANTED, ResizeFailed(Stage.CONTROLLER, PENDING))],
    ],
    ids=[
        "an empty cluster",
        "no refusal",
        "another cause",
        "another volume",
        "an earlier pod's Event",
        "the pod runs",
        "the pod has its volumes",
        "no claim",
        "another driver",
        "it was attached after all",
        "the snapshot is ready after all",
        "the claim is bound after all",
        "the claim has grown after all",
    ],
)
def test_nothing_is_said_without_a_refusal_or_once_nobody_waits(objects: list[Object]) -> None:
    """Both are needed."""
    assert decide(objects) is None


CONTENT_EVENT = made.event(made.content(), SnapshotFailed(SnapshotFault.CREATION, PENDING))


@pytest.mark.parametrize(
    ("obj", "suspicious"),
    [
        (made.claim(), False),
        (POD, False),
        (made.volume(), False),
        (made.attachment(attach_error=REFUSED), True),
        (made.attachment(), False),
        (made.snapshot(error=REFUSED), True),
        (made.snapshot(), False),
        (made.content(error=REFUSED), True),
        (mount(), True),
        (mount(Cause.TIMEOUT), False),
        (made.event(made.claim(), ProvisionFailed(PENDING)), True),
        (CONTENT_EVENT, True),
    ],
    ids=[
        "claim",
        "pod",
        "volume",
        "refused attachment",
        "attachment",
        "refused snapshot",
        "snapshot",
        "refused content",
        "refusal",
        "another Event",
        "claim's refusal",
        "content's refusal",
    ],
)
def test_a_change_touches_the_claim_and_only_a_refusal_is_suspicious(
    obj: Object, *, suspicious: bool
) -> None:
    """Healthy objects cost nothing in a full pass."""
    seen = made.view([*BOUND, made.attachment(), made.snapshot(), made.content()])
    assert set(DETECTOR.touched(Change(None, obj), seen)) == {DATA}
    assert set(DETECTOR.touched(Change(obj, None), seen)) == {DATA}
    assert set(DETECTOR.suspects(obj, seen)) == ({DATA} if suspicious else set())


def test_a_driver_that_a_claim_had_is_touched_as_well() -> None:
    """What was said of it must be withdrawn."""
    seen = made.view(BOUND)
    change = Change(made.volume(driver="old.csi"), made.volume())
    assert set(DETECTOR.touched(change, seen)) == {DATA, subject_of("web", "data", "old.csi")}
