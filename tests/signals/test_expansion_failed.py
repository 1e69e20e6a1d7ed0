"""expansion_failed as values: objects in, signal or nothing out."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Change, Condition, Failure, Object, Signal, SinceSource
from exporter.observe.model.facts import Fact, ResizeFailed, ResizeStarted, ResizeWaits, Stage
from exporter.observe.signals.expansion_failed import ExpansionFailed, subject_of
from tests.signals import made
from tests.signals.recorded import look

DATA = subject_of("web", "data")
DETECTOR = ExpansionFailed()
PENDING = Condition("FileSystemResizePending", status=True, since=120.0)
RESIZING = Condition("Resizing", status=True, since=900.0)
FULL = Failure(Cause.NO_SPACE, "the pool is full")
GROWN = made.volume(capacity=20)
SMALL = made.volume(capacity=10)
RUNS = made.pod("user", "a", phase="Running", starting=False, scheduled=20.0)
CONTROLLER, NODE = Stage.CONTROLLER, Stage.NODE


def claim(**fields: object) -> model.Claim:
    """Return a claim that was asked at 100 to grow from 10 to 20 bytes."""
    growing = made.claim(
        requested=20, capacity=10, grow_asked=100.0, created=1.0, storage_class="fast"
    )
    return msgspec.structs.replace(growing, **fields)


def event(fact: Fact, about: Object | None = None, **fields: object) -> model.KubeEvent:
    """Return an Event about the claim, or about another object."""
    return made.event(about or claim(), fact, **fields)


def decided(*objects: Object) -> Signal:
    """Return the signal that must hold."""
    found = DETECTOR.decide(DATA, made.view(objects))
    assert found is not None
    return found


FAILED = ResizeFailed(CONTROLLER, Cause.OTHER)
FAST = model.StorageClass("fast", made.DRIVER, waits=False, expandable=True)


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([claim(), SMALL], "NoResizer"),
        ([claim(), SMALL, event(ResizeWaits())], "NoResizer"),
        ([claim(), SMALL, FAST], "NoResizer"),
        ([claim(), SMALL, msgspec.structs.replace(FAST, expandable=False)], "ClassForbids"),
        ([claim(resize_status="ControllerResizeInfeasible"), SMALL], "Infeasible"),
        ([claim(resize_status="ControllerExpansionFailed"), SMALL], "Infeasible"),
        ([claim(resize_status="ControllerResizeInProgress"), SMALL], "InProgress"),
        ([claim(conditions=(RESIZING,)), SMALL], "InProgress"),
        ([claim(), SMALL, event(ResizeStarted(CONTROLLER))], "InProgress"),
        ([claim(), SMALL, event(FAILED)], "ControllerError"),
        ([claim(), SMALL, event(ResizeFailed(CONTROLLER, Cause.TIMEOUT))], "Timeout"),
        ([claim(), SMALL, event(ResizeFailed(CONTROLLER, Cause.NO_SPACE))], "NoSpace"),
        ([claim(), SMALL, event(ResizeFailed(CONTROLLER, Cause.QUOTA))], "QuotaExceeded"),
        ([claim(), SMALL, event(ResizeFailed(CONTROLLER, Cause.INVALID))], "Infeasible"),
        (
            [claim(), SMALL, event(ResizeFailed(CONTROLLER, Cause.STILL_IN_USE, offline=True))],
            "OfflineOnly",
        ),
        (
            [claim(conditions=(Condition("ControllerResizeError", True, 900.0, FULL),)), SMALL],  # noqa: FBT003
            "NoSpace",
        ),
        (
            [claim(conditions=(Condition("ControllerResizeError", True, 900.0),)), SMALL],  # noqa: FBT003
            "ControllerError",
        ),
        ([claim(), SMALL, event(FAILED, last=99.0)], "NoResizer"),
        ([claim(conditions=(PENDING,), resize_status="NodeResizePending"), SMALL], "InProgress"),
    ],
)
def test_the_resizers_step_says_why(objects: list[Object], reason: str) -> None:
    """Status, then the newest Event of this request, then conditions, then silence."""
    found = decided(*objects)
    assert (found.reason, found.since, found.since_source) == (reason, 100.0, SinceSource.OBJECT)
    assert dict(found.named) == {
        "persistentvolume": "pv-data",
        "driver": made.DRIVER,
        "stage": "controller",
    }
    assert reason in DETECTOR.reasons
    assert list(DETECTOR.suspects(objects[0], made.view(objects))) == [DATA]


LEFT_OVER = Condition("ControllerResizeError", status=True, since=900.0, failure=FULL)
NODE_ERROR = Condition("NodeResizeError", status=True, since=900.0)


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([claim(conditions=(PENDING,)), GROWN, RUNS], "NodeStepPending"),
        ([claim(conditions=(PENDING, LEFT_OVER)), GROWN, RUNS], "NodeStepPending"),
        ([claim(conditions=(PENDING,)), RUNS], "NodeStepPending"),
        (
            [claim(conditions=(PENDING,), resize_status="NodeResizeInfeasible"), GROWN, RUNS],
            "Infeasible",
        ),
        ([claim(conditions=(PENDING, NODE_ERROR)), GROWN, RUNS], "NodeError"),
        (
            [
                claim(conditions=(PENDING,)),
                GROWN,
                RUNS,
                event(ResizeFailed(NODE, Cause.OTHER, "pv-data"), RUNS),
            ],
            "NodeError",
        ),
        (
            [
                claim(conditions=(PENDING,)),
                GROWN,
                RUNS,
                event(ResizeFailed(NODE, Cause.OTHER, "pv-another"), RUNS),
            ],
            "NodeStepPending",
        ),
        ([claim(conditions=(PENDING,)), GROWN, RUNS, event(FAILED)], "NodeStepPending"),
    ],
)
def test_the_kubelets_step_says_why(objects: list[Object], reason: str) -> None:
    """Once the volume is large enough, what the resizer left behind does not matter."""
    found = decided(*objects)
    assert (found.reason, found.since) == (reason, 120.0)
    assert dict(found.named)["stage"] == "node"


@pytest.mark.parametrize(
    "pods",
    [[], [made.pod("user", "")], [made.pod("user", "a", phase="Succeeded")]],
    ids=["nobody", "not placed", "ended"],
)
def test_a_file_system_that_nobody_mounts_only_waits(pods: list[Object]) -> None:
    """The next mount grows it."""
    waits = claim(conditions=(PENDING,))
    assert DETECTOR.decide(DATA, made.view([waits, GROWN, *pods])) is None


def test_the_kubelets_step_is_due_once_a_pod_is_placed() -> None:
    """A pod that comes a week later is not a week late."""
    late = made.pod("user", "a", scheduled=7_000.0)
    waits = claim(conditions=(PENDING,))
    assert decided(waits, GROWN, late).since == 7_000.0
    assert decided(waits, GROWN, late, RUNS).since == 120.0


@pytest.mark.parametrize(
    "obj",
    [
        claim(capacity=20, resize_status="NodeResizePending"),
        claim(capacity=20, conditions=(RESIZING, LEFT_OVER), allocated=20),
        claim(capacity=30),
        claim(requested=None),
        claim(capacity=None),
        claim(phase="Pending"),
        claim(deletion=200.0),
    ],
    ids=[
        "left-over status",
        "left-over condition",
        "larger",
        "no request",
        "no size",
        "new",
        "old",
    ],
)
def test_other_claims_are_no_signal(obj: model.Claim) -> None:
    """What stays behind after success says nothing."""
    assert DETECTOR.decide(DATA, made.view([obj, SMALL])) is None


def test_moving_times_are_never_the_age() -> None:
    """Resizing and ControllerResizeError are rewritten at each try."""
    unknown = claim(grow_asked=None, conditions=(RESIZING, LEFT_OVER))
    found = decided(unknown, SMALL)
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)


def test_the_age_is_the_same_without_events() -> None:
    """A restart after the Events' hour finds the same age."""
    assert decided(claim(), SMALL).since == decided(claim(), SMALL, event(FAILED)).since
    waits = claim(conditions=(PENDING,))
    failed = event(ResizeFailed(NODE, Cause.OTHER, "pv-data"), RUNS)
    assert decided(waits, GROWN, RUNS).since == decided(waits, GROWN, RUNS, failed).since


def test_an_event_about_a_pod_touches_its_claims() -> None:
    """The kubelet writes about the pod."""
    failed = event(ResizeFailed(NODE, Cause.OTHER, "pv-data"), RUNS)
    assert set(DETECTOR.touched(Change(None, failed), made.view([RUNS]))) == {DATA}
    assert not set(DETECTOR.touched(Change(None, failed), made.view([])))
    assert set(DETECTOR.touched(Change(FAST, None), made.view([claim()]))) == {DATA}


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        ("expansion_exhausted", "NoSpace"),
        ("expansion_infeasible", "Infeasible"),
        ("expansion_internal", "ControllerError"),
        ("expansion_no_resizer", "NoResizer"),
        ("expansion_timed_out", "Timeout"),
        ("expansion_done", None),
        ("expansion_lowered", None),
        ("expansion_waits_for_node", None),
    ],
)
def test_what_a_real_resizer_left(scene: str, reason: str | None) -> None:
    """As csi-resizer wrote it; without Events it is as old."""
    subject = subject_of(scene.replace("_", "-"), "data")
    seen = look(scene)
    found = DETECTOR.decide(subject, made.view(seen))
    assert (found.reason if found is not None else None) == reason
    later = [obj for obj in seen if not isinstance(obj, model.KubeEvent)]
    again = DETECTOR.decide(subject, made.view(later))
    if found is None:
        assert again is None
        return
    assert again is not None
    assert again.since == found.since is not None


def test_a_real_claim_that_waits_for_its_kubelet_holds_once_a_pod_has_it() -> None:
    """Its age is the condition's own."""
    space = "expansion-waits-for-node"
    seen = look("expansion_waits_for_node")
    (waits,) = [obj for obj in seen if isinstance(obj, model.Claim)]
    pending = waits.condition("FileSystemResizePending")
    runs = made.pod("user", "a", namespace=space, scheduled=1.0)
    found = DETECTOR.decide(subject_of(space, "data"), made.view([*seen, runs]))
    assert pending is not None
    assert found is not None
    assert (found.reason, found.since) == ("NodeStepPending", pending.since)
