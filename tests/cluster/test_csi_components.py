"""What the cluster shows when a CSI driver fails, with the real sidecars in front of the driver.

These are the facts that detectors and parsers stand on. Nothing of ours but the driver is tested.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from local import csi_scenes
from local.csi_objects import handle, volume_name
from local.csi_scenes import CLAIM, LARGE, MESSAGE, POD, SNAPSHOT, without
from local.csi_stage import CsiStage
from local.errors import LocalClusterError
from local.volumes import FAULTY_DRIVER
from tests.cluster.csi_parts import BUILD_SECONDS, csi_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from demo.line import Line
    from local.csi import Csi

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(BUILD_SECONDS)]

Object: TypeAlias = dict[str, Any]
QUOTED = MESSAGE.replace('"', '\\"')
NUMBERS = count(1)


@pytest.fixture(scope="module")
def csi(line: Line, pytestconfig: pytest.Config) -> Iterator[Csi]:
    """Give the parts, for all tests here."""
    with csi_parts(line.cluster, pytestconfig) as csi:
        yield csi


@pytest.fixture
def stage(csi: Csi) -> Iterator[CsiStage]:
    """Give one test's namespace, on nodes that other tests come to last."""
    node, other = csi.cluster.nodes[-2:]
    with CsiStage(csi, f"csi-{next(NUMBERS)}", node, other) as stage:
        yield stage


def attachment(stage: CsiStage, node: str = "") -> Object:
    """Return the VolumeAttachment on a node, the stage's own unless another is named."""
    return stage.attachments()[node or stage.node]


def attached_volumes(stage: CsiStage, node: str) -> list[str]:
    """Return the unique names that a Node says are attached to it."""
    status = (stage.cluster.get(f"/api/v1/nodes/{node}") or {})["status"]
    return [volume["name"] for volume in status.get("volumesAttached") or ()]


def condition(stage: CsiStage, kind: str) -> Object | None:
    """Return a condition of the claim."""
    conditions = stage.claim(CLAIM)["status"].get("conditions") or ()
    return next((item for item in conditions if item["type"] == kind), None)


def expansion_status(stage: CsiStage) -> str:
    """Return what the claim says about the expansion of its storage."""
    statuses = stage.claim(CLAIM)["status"].get("allocatedResourceStatuses") or {}
    return str(statuses.get("storage", ""))


def test_a_failed_attach_is_in_the_attachment_and_in_an_event(stage: CsiStage) -> None:
    """The error has the gRPC code as a number; the pod's Event has the same text and waits."""
    csi_scenes.attach_failed(stage)
    status = attachment(stage)["status"]
    assert status["attached"] is False
    assert status["attachError"]["errorCode"] == 13
    assert status["attachError"]["message"] == f"rpc error: code = Internal desc = {MESSAGE}"
    begins = f'AttachVolume.Attach failed for volume "{volume_name(stage.space, CLAIM)}" : '
    (text,) = stage.messages("FailedAttachVolume")
    assert text == f"{begins}{status['attachError']['message']}"
    assert stage.pod(POD)["status"]["phase"] == "Pending"


def test_the_time_of_an_attach_error_is_that_of_the_last_try(stage: CsiStage) -> None:
    """It moves, so the age of the failure is that of the attachment."""
    csi_scenes.attach_failed(stage)
    first, made = attachment(stage)["status"]["attachError"]["time"], attachment(stage)["metadata"]
    stage.wait("a later time", lambda: attachment(stage)["status"]["attachError"]["time"] > first)
    assert attachment(stage)["metadata"]["creationTimestamp"] == made["creationTimestamp"]


def test_a_node_without_the_driver_cannot_attach(stage: CsiStage) -> None:
    """The text names the node and the driver, and there is no gRPC code."""
    csi_scenes.attach_no_driver_on_node(stage)
    (message,) = stage.messages("FailedAttachVolume")
    assert message.endswith(f"CSINode {stage.node} does not contain driver {FAULTY_DRIVER}")


def test_an_attach_that_hangs_is_a_deadline(stage: CsiStage) -> None:
    """What a driver that never answers looks like."""
    csi_scenes.attach_timed_out(stage)
    assert "DeadlineExceeded" in attachment(stage)["status"]["attachError"]["message"]


def test_a_failed_detach_leaves_a_deleted_attachment_with_its_finalizer(stage: CsiStage) -> None:
    """It goes on saying that it is attached; the error has no code; a healed driver ends it."""
    csi_scenes.detach_failed(stage)
    found = attachment(stage)
    assert found["metadata"]["deletionTimestamp"]
    assert found["metadata"]["finalizers"] == ["external-attacher/faulty-csi-pvmedic-dev"]
    assert found["status"]["attached"] is True
    assert found["status"]["detachError"].keys() == {"message", "time"}
    assert stage.csi.driver.published()[handle(stage.space, CLAIM)] == [stage.node]
    stage.csi.heal()
    stage.wait("the detach", lambda: not stage.attachments())
    assert handle(stage.space, CLAIM) not in stage.csi.driver.published()


def test_after_a_failed_detach_a_volume_is_attached_twice(stage: CsiStage) -> None:
    """Both nodes have the ReadWriteOnce volume, for the storage too, and no Event complains."""
    csi_scenes.attached_twice(stage)
    attached = {node: found["status"]["attached"] for node, found in stage.attachments().items()}
    assert attached == {stage.node: True, stage.other: True}
    both = sorted([stage.node, stage.other])
    assert stage.csi.driver.published()[handle(stage.space, CLAIM)] == both
    assert stage.events("FailedAttachVolume") == []
    name = f"kubernetes.io/csi/{FAULTY_DRIVER}^{handle(stage.space, CLAIM)}"
    stage.wait("volumesAttached there", lambda: name in attached_volumes(stage, stage.other))
    assert name not in attached_volumes(stage, stage.node)


def test_a_driver_that_refuses_a_second_node_is_heard_in_the_event(stage: CsiStage) -> None:
    """Its own text stands there, not Multi-Attach."""
    csi_scenes.attach_refused_while_elsewhere(stage)
    messages = stage.messages("FailedAttachVolume")
    assert all("code = FailedPrecondition" in message for message in messages)
    assert attachment(stage, stage.other)["status"]["attachError"]["errorCode"] == 9
    assert "detachError" in attachment(stage)["status"]


@pytest.mark.parametrize(
    ("scene", "code", "status", "has_condition"),
    [
        (csi_scenes.expansion_infeasible, "OutOfRange", "ControllerResizeInfeasible", True),
        (csi_scenes.expansion_internal, "Internal", "ControllerResizeInProgress", True),
        (csi_scenes.expansion_exhausted, "ResourceExhausted", "ControllerResizeInProgress", False),
    ],
)
def test_a_failed_expansion_is_in_status_condition_and_event(
    stage: CsiStage,
    scene: Callable[[CsiStage], None],
    code: str,
    status: str,
    *,
    has_condition: bool,
) -> None:
    """Only final errors have the condition; one that is not has its cause in the Event alone."""
    scene(stage)
    cause = f"rpc error: code = {code} desc = {MESSAGE}"
    volume = volume_name(stage.space, CLAIM)
    assert stage.messages("VolumeResizeFailed") == [
        f'resize volume "{volume}" by resizer "{FAULTY_DRIVER}" failed: {cause}'
    ]
    # By the second try, all that the first one wrote is there.
    stage.wait("a second try", lambda: stage.events("VolumeResizeFailed")[0]["count"] > 1)
    assert expansion_status(stage) == status
    assert stage.claim(CLAIM)["status"]["capacity"]["storage"] == "1Gi"
    error = condition(stage, "ControllerResizeError")
    assert (error is not None) is has_condition
    if error is not None:
        assert error["message"] == f"failed to expand pvc with {cause}"


def test_an_expansion_that_waits_for_its_node_says_so(stage: CsiStage) -> None:
    """The volume is large already, the claim is not."""
    csi_scenes.expansion_waits_for_node(stage)
    assert expansion_status(stage) == "NodeResizePending"
    assert stage.volume(CLAIM)["spec"]["capacity"]["storage"] == LARGE
    assert stage.claim(CLAIM)["status"]["capacity"]["storage"] == "1Gi"


def test_a_finished_expansion_leaves_its_allocation_behind(stage: CsiStage) -> None:
    """No condition and no status remain, but allocatedResources does."""
    csi_scenes.expansion_done(stage)
    stage.wait("no condition", lambda: condition(stage, "Resizing") is None)
    assert expansion_status(stage) == ""
    assert stage.claim(CLAIM)["status"]["allocatedResources"] == {"storage": LARGE}


def test_a_request_can_be_lowered_after_a_final_error(stage: CsiStage) -> None:
    """The volume gets the smaller size, never the larger one."""
    csi_scenes.expansion_lowered(stage)
    assert stage.volume(CLAIM)["spec"]["capacity"]["storage"] == csi_scenes.LESS


def test_when_a_claim_was_asked_to_grow_is_in_its_managed_fields(stage: CsiStage) -> None:
    """The writer of the request is the only trace in the object, with a time after its making."""
    csi_scenes.expansion_internal(stage)
    metadata = stage.claim(CLAIM)["metadata"]
    writers = [
        entry["time"]
        for entry in metadata["managedFields"]
        if entry["fieldsV1"]
        .get("f:spec", {})
        .get("f:resources", {})
        .get("f:requests", {})
        .get("f:storage")
        is not None
    ]
    assert len(writers) == 1
    assert writers[0] > metadata["creationTimestamp"]


def test_without_a_resizer_only_the_request_for_one_is_seen(csi: Csi, stage: CsiStage) -> None:
    """One Normal Event, no status, no condition."""
    with without(csi, "csi-resizer"):
        csi_scenes.expansion_no_resizer(stage)
        assert {event["reason"] for event in stage.events()} == {"ExternalExpanding"}
        assert stage.claim(CLAIM)["status"].get("conditions") is None
        assert expansion_status(stage) == ""


def test_a_failed_snapshot_has_its_error_inside_go_quotes(stage: CsiStage) -> None:
    """Snapshot and content carry the same text; the Event is about the content, in `default`."""
    csi_scenes.snapshot_creation_failed(stage)
    error = stage.snapshot(SNAPSHOT)["status"]["error"]
    assert error["message"].endswith(f': "rpc error: code = Internal desc = {QUOTED}"')
    (content,) = stage.contents()
    assert f'desc = {QUOTED}"' in content["status"]["error"]["message"]
    event = stage.events("SnapshotCreationFailed")[0]
    assert event["metadata"]["namespace"] == "default"
    assert event["involvedObject"]["kind"] == "VolumeSnapshotContent"
    assert stage.snapshot(SNAPSHOT)["status"]["readyToUse"] is False


@pytest.mark.parametrize(
    ("scene", "text", "reason"),
    [
        (
            csi_scenes.snapshot_class_missing,
            'volumesnapshotclass.snapshot.storage.k8s.io "no-such-class" not found',
            "GetSnapshotClassFailed",
        ),
        (
            csi_scenes.snapshot_no_default_class,
            "cannot find default snapshot class",
            "SetDefaultSnapshotClassFailed",
        ),
        (
            csi_scenes.snapshot_source_missing,
            "cannot get claim from snapshot",
            "SnapshotContentCreationFailed",
        ),
        (
            csi_scenes.snapshot_source_unbound,
            "is not yet bound to a PV",
            "SnapshotContentCreationFailed",
        ),
        (
            csi_scenes.snapshot_content_missing,
            "VolumeSnapshotContent is missing",
            "SnapshotContentMissing",
        ),
    ],
)
def test_a_snapshot_that_cannot_begin_says_why(
    stage: CsiStage, scene: Callable[[CsiStage], None], text: str, reason: str
) -> None:
    """The same words in its status and in one Event."""
    scene(stage)
    message = stage.snapshot(SNAPSHOT)["status"]["error"]["message"]
    assert text in message
    stage.wait("the Event", lambda: stage.messages(reason) == [message])
    assert stage.contents() == []


def test_a_snapshot_that_is_cut_is_not_yet_ready(stage: CsiStage) -> None:
    """SnapshotCreated comes before; readyToUse is what counts."""
    csi_scenes.snapshot_not_finished(stage)
    assert stage.snapshot(SNAPSHOT)["status"]["readyToUse"] is False
    stage.wait("the end", lambda: stage.snapshot(SNAPSHOT)["status"]["readyToUse"])


def test_a_failed_deletion_of_a_snapshot_tells_no_cause(stage: CsiStage) -> None:
    """Its Event counts up without the driver's text, and the snapshot goes on being ready."""
    csi_scenes.snapshot_deletion_failed(stage)
    stage.wait("more", lambda: stage.events("SnapshotDeleteError")[0]["count"] > 1)
    assert not any(MESSAGE in event["message"] for event in stage.events())
    status = stage.snapshot(SNAPSHOT)["status"]
    assert status["readyToUse"] is True
    assert "error" not in status


def test_without_a_sidecar_a_snapshot_waits_without_an_error(csi: Csi, stage: CsiStage) -> None:
    """There is a content object, and nobody has written to its status."""
    with without(csi, "csi-snapshotter"):
        csi_scenes.snapshot_no_sidecar(stage)
        (content,) = stage.contents()
        assert not content.get("status")
        assert {event["reason"] for event in stage.events()} == {"CreatingSnapshot"}
        assert "error" not in (stage.snapshot(SNAPSHOT).get("status") or {})


def test_without_a_controller_nothing_at_all_is_said(csi: Csi, stage: CsiStage) -> None:
    """No status, no finalizer, no Event, until one comes; then all is well."""
    with without(csi, "snapshot-controller"):
        csi_scenes.snapshot_no_controller(stage)
        found = stage.snapshot(SNAPSHOT)
        assert not found.get("status")
        assert "finalizers" not in found["metadata"]
        assert stage.events() == []
    stage.wait(
        "a ready one", lambda: (stage.snapshot(SNAPSHOT).get("status") or {}).get("readyToUse")
    )


def test_a_fault_can_pass_by_itself(csi: Csi, stage: CsiStage) -> None:
    """Told to fail twice, the driver does what it is asked the third time."""
    csi.fail(csi_scenes.EXPAND, "Internal", times=2, volume=handle(stage.space, CLAIM))
    before = csi.driver.calls(csi_scenes.EXPAND)
    csi_scenes.expansion_waits_for_node(stage)
    assert csi.driver.calls(csi_scenes.EXPAND) == before + 3


@pytest.mark.parametrize(
    ("rpc", "code", "what"),
    [("ControllerBreakVolume", "Internal", "no RPC"), ("CreateSnapshot", "Wrong", "no gRPC code")],
)
def test_a_fault_that_makes_no_sense_is_refused(csi: Csi, rpc: str, code: str, what: str) -> None:
    """A misspelt command does not pass as a driver without faults."""
    with pytest.raises(LocalClusterError, match=what):
        csi.fail(rpc, code)
