"""The storage failures that real CSI components show, each played until the cluster shows it.

A scene makes its objects on a stage of its own, commands the driver, and returns when the failure
shows. What the cluster must say then is for tests; nothing is repaired here.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from local import csi_objects
from local.statuses import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.csi import Csi
    from local.csi_stage import CsiStage

CLAIM, POD, SECOND, SNAPSHOT = "data", "user", "second-user", "nightly"
LARGE, LESS = "9Gi", "2Gi"
# As awkward as drivers write: Go quotes it once more, and old releases took it for a format.
MESSAGE = 'array "a-1": pool is 97% full, 100%d used'
PUBLISH, UNPUBLISH = "ControllerPublishVolume", "ControllerUnpublishVolume"
EXPAND, CREATE, DELETE = "ControllerExpandVolume", "CreateSnapshot", "DeleteSnapshot"
NO_ATTACHER_SECONDS = 150.0  # the controller manager itself gives up after 120 s


def attach_failed(stage: CsiStage) -> None:
    """ControllerPublish answers Internal."""
    stage.fail(PUBLISH, "Internal", MESSAGE, CLAIM)
    _wait_for_attach_error(stage)


def attach_timed_out(stage: CsiStage) -> None:
    """ControllerPublish hangs."""
    stage.hang(PUBLISH, CLAIM)
    _wait_for_attach_error(stage)


def attach_no_driver_on_node(stage: CsiStage) -> None:
    """The node's CSINode does not name the driver."""
    stage.csi.unregister(stage.node)
    try:
        _wait_for_attach_error(stage)
    finally:
        stage.csi.register(stage.node)


def attach_no_attacher(stage: CsiStage) -> None:
    """No csi-attacher runs (the caller has stopped it): nothing for two minutes, then an Event."""
    stage.apply(csi_objects.claim(stage.space, CLAIM))
    stage.run_pod(POD, CLAIM, running=False)
    stage.wait("the Event", lambda: stage.events("FailedAttachVolume"), NO_ATTACHER_SECONDS)


def detach_failed(stage: CsiStage) -> None:
    """ControllerUnpublish answers Internal after the pod has ended."""
    _attach(stage)
    stage.fail(UNPUBLISH, "Internal", MESSAGE, CLAIM)
    stage.delete("pod", POD)
    stage.wait("a detachError", lambda: _attachment_status(stage, stage.node).get("detachError"))


def attached_twice(stage: CsiStage) -> None:
    """After a failed detach the next pod's node gets the ReadWriteOnce volume as well."""
    detach_failed(stage)
    stage.run_pod(SECOND, CLAIM, stage.other)


def attach_refused_while_elsewhere(stage: CsiStage) -> None:
    """As `attached_twice`, with a driver that keeps to the specification and refuses."""
    detach_failed(stage)
    stage.fail(PUBLISH, "FailedPrecondition", "volume is published at another node", CLAIM)
    stage.run_pod(SECOND, CLAIM, stage.other, running=False)
    stage.wait("an attachError", lambda: _attachment_status(stage, stage.other).get("attachError"))
    stage.wait("the Event", lambda: stage.events("FailedAttachVolume"))


def expansion_infeasible(stage: CsiStage) -> None:
    """ControllerExpand answers OutOfRange: a final error."""
    _fail_to_grow(stage, "OutOfRange")


def expansion_internal(stage: CsiStage) -> None:
    """ControllerExpand answers Internal: final, and tried again."""
    _fail_to_grow(stage, "Internal")


def expansion_exhausted(stage: CsiStage) -> None:
    """ControllerExpand answers ResourceExhausted: not final."""
    _fail_to_grow(stage, "ResourceExhausted")


def expansion_timed_out(stage: CsiStage) -> None:
    """ControllerExpand hangs."""
    stage.hang(EXPAND, CLAIM)
    _grow(stage)
    stage.wait("the Event", lambda: stage.events("VolumeResizeFailed"))


def expansion_waits_for_node(stage: CsiStage) -> None:
    """The volume has grown, and its file system waits for a kubelet."""
    _grow(stage)
    stage.wait("the condition", lambda: "FileSystemResizePending" in _conditions(stage))


def expansion_done(stage: CsiStage) -> None:
    """A block volume has grown: there is no file system to wait for."""
    _grow(stage, block=True)
    stage.wait("the size", lambda: stage.claim(CLAIM)["status"]["capacity"]["storage"] == LARGE)


def expansion_lowered(stage: CsiStage) -> None:
    """After a final error the request is lowered, and that is then possible."""
    expansion_infeasible(stage)
    stage.csi.heal(EXPAND, csi_objects.handle(stage.space, CLAIM))
    stage.request(CLAIM, LESS)
    stage.wait("the condition", lambda: "FileSystemResizePending" in _conditions(stage))


def expansion_no_resizer(stage: CsiStage) -> None:
    """No csi-resizer runs (the caller has stopped it): one Event that says "waiting", no more."""
    _grow(stage)
    stage.wait("the Event", lambda: stage.events("ExternalExpanding"))


def snapshot_ready(stage: CsiStage) -> None:
    """All is well."""
    _take(stage)
    stage.wait("a ready snapshot", lambda: _snapshot_status(stage).get("readyToUse"))


def snapshot_creation_failed(stage: CsiStage) -> None:
    """CreateSnapshot answers Internal."""
    stage.fail(CREATE, "Internal", MESSAGE, CLAIM)
    _take(stage)
    _wait_for_creation_error(stage)


def snapshot_creation_timed_out(stage: CsiStage) -> None:
    """CreateSnapshot hangs."""
    stage.hang(CREATE, CLAIM)
    _take(stage)
    _wait_for_creation_error(stage)


def snapshot_not_finished(stage: CsiStage) -> None:
    """The storage has cut the snapshot, and says of it (as of all) that it is not ready."""
    stage.csi.driver.finish_snapshots(ready=False)
    try:
        _take(stage)
        stage.wait("the cut", lambda: _snapshot_status(stage).get("creationTime"))
        stage.wait("the Event", lambda: stage.events("SnapshotCreated"))
    finally:
        stage.csi.driver.finish_snapshots(ready=True)


def snapshot_deletion_failed(stage: CsiStage) -> None:
    """DeleteSnapshot answers Internal, for every volume: the request does not name one."""
    snapshot_ready(stage)
    stage.csi.fail(DELETE, "Internal", MESSAGE)
    stage.delete("volumesnapshot", SNAPSHOT)
    stage.wait("the Event", lambda: stage.events("SnapshotDeleteError"))


def snapshot_class_missing(stage: CsiStage) -> None:
    """The snapshot names a class that there is none of."""
    _take(stage, class_name="no-such-class")
    _wait_for_snapshot_error(stage)


def snapshot_no_default_class(stage: CsiStage) -> None:
    """The snapshot names no class, and none is the default."""
    _take(stage, class_name=None)
    _wait_for_snapshot_error(stage)


def snapshot_source_missing(stage: CsiStage) -> None:
    """The claim to take a snapshot of is not there."""
    stage.apply(csi_objects.snapshot(stage.space, SNAPSHOT, CLAIM))
    _wait_for_snapshot_error(stage)


def snapshot_source_unbound(stage: CsiStage) -> None:
    """The claim to take a snapshot of has no volume."""
    stage.apply(csi_objects.unbound_claim(stage.space, CLAIM))
    stage.apply(csi_objects.snapshot(stage.space, SNAPSHOT, CLAIM))
    _wait_for_snapshot_error(stage)


def snapshot_content_missing(stage: CsiStage) -> None:
    """The snapshot is of a content object that is not there."""
    stage.apply(csi_objects.snapshot(stage.space, SNAPSHOT, content="no-such-content"))
    _wait_for_snapshot_error(stage)


def snapshot_no_sidecar(stage: CsiStage) -> None:
    """No csi-snapshotter runs (the caller has stopped it)."""
    _take(stage)
    stage.wait("a content object", stage.contents)
    stage.wait("the Event", lambda: stage.events("CreatingSnapshot"))


def snapshot_no_controller(stage: CsiStage) -> None:
    """No snapshot-controller runs (the caller has stopped it): nothing will ever happen."""
    _take(stage)


SCENES: dict[str, Callable[[CsiStage], None]] = {
    scene.__name__: scene
    for scene in (
        attach_failed,
        attach_timed_out,
        attach_no_driver_on_node,
        detach_failed,
        attached_twice,
        attach_refused_while_elsewhere,
        expansion_infeasible,
        expansion_internal,
        expansion_exhausted,
        expansion_timed_out,
        expansion_waits_for_node,
        expansion_done,
        expansion_lowered,
        snapshot_ready,
        snapshot_creation_failed,
        snapshot_creation_timed_out,
        snapshot_not_finished,
        snapshot_deletion_failed,
        snapshot_class_missing,
        snapshot_no_default_class,
        snapshot_source_missing,
        snapshot_source_unbound,
        snapshot_content_missing,
    )
}
"""What needs every part, by name."""

WITHOUT: dict[str, tuple[str, Callable[[CsiStage], None]]] = {
    "expansion_no_resizer": ("csi-resizer", expansion_no_resizer),
    "snapshot_no_sidecar": ("csi-snapshotter", snapshot_no_sidecar),
    "snapshot_no_controller": ("snapshot-controller", snapshot_no_controller),
    "attach_no_attacher": ("csi-attacher", attach_no_attacher),
}
"""What is played while one part is stopped, by name."""


@contextmanager
def without(csi: Csi, part: str) -> Iterator[None]:
    """Stop a part for a while."""
    csi.stop_part(part)
    try:
        yield
    finally:
        csi.start_part(part)


def _attach(stage: CsiStage) -> None:
    stage.apply(csi_objects.claim(stage.space, CLAIM))
    stage.run_pod(POD, CLAIM)


def _attachment_status(stage: CsiStage, node: str) -> csi_objects.Object:
    status: csi_objects.Object = stage.attachments().get(node, {}).get("status", {})
    return status


def _wait_for_attach_error(stage: CsiStage) -> None:
    stage.apply(csi_objects.claim(stage.space, CLAIM))
    stage.run_pod(POD, CLAIM, running=False)
    stage.wait("an attachError", lambda: _attachment_status(stage, stage.node).get("attachError"))
    stage.wait("the Event", lambda: stage.events("FailedAttachVolume"))


def _grow(stage: CsiStage, *, block: bool = False) -> None:
    stage.apply(csi_objects.claim(stage.space, CLAIM, block=block))
    stage.wait("a bound claim", lambda: stage.claim(CLAIM)["status"].get("phase") == "Bound")
    # Kubernetes' times are whole seconds: only then can the request be seen to be the later one.
    made = stage.claim(CLAIM)["metadata"]["creationTimestamp"]
    stage.wait("the next second", lambda: timestamp(time.time()) > made)
    stage.request(CLAIM, LARGE)


def _fail_to_grow(stage: CsiStage, code: str) -> None:
    stage.fail(EXPAND, code, MESSAGE, CLAIM)
    _grow(stage)
    stage.wait("the Event", lambda: stage.events("VolumeResizeFailed"))


def _conditions(stage: CsiStage) -> set[str]:
    conditions = stage.claim(CLAIM).get("status", {}).get("conditions") or ()
    return {condition["type"] for condition in conditions if condition["status"] == "True"}


def _take(stage: CsiStage, class_name: str | None = csi_objects.SNAPSHOT_CLASS) -> None:
    stage.apply(csi_objects.claim(stage.space, CLAIM))
    stage.wait("a bound claim", lambda: stage.claim(CLAIM)["status"].get("phase") == "Bound")
    stage.apply(csi_objects.snapshot(stage.space, SNAPSHOT, CLAIM, class_name))


def _snapshot_status(stage: CsiStage) -> csi_objects.Object:
    return stage.snapshot(SNAPSHOT).get("status") or {}


def _wait_for_snapshot_error(stage: CsiStage) -> None:
    stage.wait("an error", lambda: _snapshot_status(stage).get("error"))


def _wait_for_creation_error(stage: CsiStage) -> None:
    _wait_for_snapshot_error(stage)
    stage.wait("the Event", lambda: stage.events("SnapshotCreationFailed"))
