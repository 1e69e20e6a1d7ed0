"""Wire to model, in depth: claims that grow, volumes, attachments, plugins, snapshots, nodes."""

import copy
import json
from typing import Any

import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Failure, Kind
from exporter.observe.parse import wire
from tests.observe.test_wire_fencing import ATTESTATION, NETWORK_FENCE
from tests.observe.test_wire_limits import LIMIT_RANGE, QUOTA

T0, T1, T2 = "2023-11-14T22:13:20Z", "2023-11-14T22:13:21Z", "2023-11-14T22:13:22Z"
AT = 1_700_000_000.0
GI = 1024**3

CLAIM: dict[str, Any] = {
    "metadata": {
        "name": "data",
        "namespace": "web",
        "creationTimestamp": T0,
        "finalizers": ["kubernetes.io/pvc-protection"],
        "annotations": {
            "volume.kubernetes.io/storage-provisioner": "ebs.csi.aws.com",
            "volume.kubernetes.io/selected-node": "a",
        },
        "managedFields": [
            {
                "time": T1,
                "fieldsV1": {"f:spec": {"f:resources": {"f:requests": {"f:storage": {}}}}},
            },
            {"time": T2, "fieldsV1": {"f:spec": {"f:resources": {"f:requests": {}}}}},
            {"time": T2, "fieldsV1": {"f:status": {"f:conditions": {}}}},
        ],
    },
    "spec": {
        "storageClassName": "fast",
        "volumeMode": "Block",
        "resources": {"requests": {"storage": "20Gi"}},
        "dataSourceRef": {
            "apiGroup": "snapshot.storage.k8s.io",
            "kind": "VolumeSnapshot",
            "name": "snap",
            "namespace": "prod",
        },
    },
    "status": {
        "phase": "Bound",
        "capacity": {"storage": "10Gi"},
        "allocatedResources": {"storage": "20Gi"},
        "allocatedResourceStatuses": {"storage": "ControllerResizeInfeasible"},
        "conditions": [
            {"type": "Resizing", "status": "True", "lastTransitionTime": T2},
            {
                "type": "ControllerResizeError",
                "status": "True",
                "message": "rpc error: code = ResourceExhausted desc = full",
            },
        ],
    },
}
VOLUME: dict[str, Any] = {
    "metadata": {"name": "pv", "creationTimestamp": T0, "finalizers": ["x", "y"]},
    "spec": {
        "capacity": {"storage": "10Gi"},
        "csi": {"driver": "d", "volumeHandle": "h", "fsType": "xfs"},
        "claimRef": {"namespace": "web", "name": "data", "uid": "u-1"},
        "persistentVolumeReclaimPolicy": "Delete",
        "storageClassName": "fast",
    },
    "status": {"phase": "Released", "lastPhaseTransitionTime": T1, "message": "no"},
}
ATTACHMENT: dict[str, Any] = {
    "metadata": {
        "name": "csi-1",
        "creationTimestamp": T0,
        "managedFields": [{"manager": "m", "time": T0}, {"time": T2}, {}],
    },
    "spec": {"attacher": "d", "nodeName": "a", "source": {"persistentVolumeName": "pv"}},
    "status": {
        "attached": False,
        "attachError": {"time": T2, "message": "CSINode a does not contain driver d"},
    },
}
LAST_WORDS = "Registration process failed with error: timed out"
POD: dict[str, Any] = {
    "metadata": {
        "name": "csi-node-x",
        "namespace": "kube-system",
        "ownerReferences": [
            {"kind": "Other", "name": "o"},
            {"kind": "DaemonSet", "name": "csi-node", "controller": True},
        ],
    },
    "spec": {
        "nodeName": "a",
        "volumes": [
            {"name": "reg", "hostPath": {"path": "/var/lib/kubelet/plugins_registry/"}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        ],
        "containers": [
            {"name": "registrar", "image": "registrar:v2", "args": [
                "--csi-address=/csi/csi.sock",
                "--kubelet-registration-path=/var/lib/kubelet/plugins/ebs.csi.aws.com/csi.sock",
            ]},
            {"name": "driver", "image": "driver:v1"},
        ],
    },
    "status": {
        "phase": "Pending",
        "conditions": [{"type": "PodReadyToStartContainers", "status": "False"}],
        "containerStatuses": [
            {
                "ready": False,
                "restartCount": 7,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 1, "message": LAST_WORDS}},
            }
        ],
    },
}  # fmt: skip
SNAPSHOT: dict[str, Any] = {
    "metadata": {"name": "snap", "namespace": "web", "creationTimestamp": T0},
    "spec": {
        "source": {"persistentVolumeClaimName": "data"},
        "volumeSnapshotClassName": "fast",
    },
    "status": {
        "boundVolumeSnapshotContentName": "c",
        "readyToUse": False,
        "restoreSize": "10Gi",
        "error": {"time": T1, "message": "rpc error: code = DeadlineExceeded desc = late"},
    },
}
CONTENT: dict[str, Any] = {
    "metadata": {
        "name": "c",
        "annotations": {"snapshot.storage.kubernetes.io/volumesnapshot-being-deleted": "yes"},
    },
    "spec": {
        "driver": "d",
        "deletionPolicy": "Delete",
        "volumeSnapshotClassName": "fast",
        "volumeSnapshotRef": {"namespace": "web", "name": "snap", "uid": "u-2"},
    },
    "status": {"readyToUse": False, "error": {"time": T1}},
}
NODE: dict[str, Any] = {
    "metadata": {"name": "a"},
    "spec": {"unschedulable": True},
    "status": {
        "nodeInfo": {"kubeletVersion": "v1.36.1", "kernelVersion": "6.1.0"},
        "addresses": [
            {"type": "Hostname", "address": "a.local"},
            {"type": "InternalIP", "address": "10.0.0.1"},
            {"type": "InternalIP", "address": "fd00::1"},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "volumesAttached": [{"name": "kubernetes.io/aws-ebs/aws://z/vol-1", "devicePath": "/x"}],
        "volumesInUse": ["kubernetes.io/aws-ebs/aws://z/vol-1"],
    },
}
WHOLE = {
    Kind.CLAIM: CLAIM,
    Kind.VOLUME: VOLUME,
    Kind.ATTACHMENT: ATTACHMENT,
    Kind.POD: POD,
    Kind.SNAPSHOT: SNAPSHOT,
    Kind.SNAPSHOT_CONTENT: CONTENT,
    Kind.NODE: NODE,
    Kind.QUOTA: QUOTA,
    Kind.LIMIT_RANGE: LIMIT_RANGE,
    Kind.ATTESTATION: ATTESTATION,
    Kind.NETWORK_FENCE: NETWORK_FENCE,
}


def one(kind: Kind, body: object) -> model.Object:
    """Decode one object."""
    return wire.one(kind, json.dumps(body).encode())


def changed(body: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return a copy with one field changed; `path` is like `status.phase`."""
    made = copy.deepcopy(body)
    *way, last = path.split(".")
    at = made
    for step in way:
        at = at[step]
    at[last] = value
    return made


def test_a_claim_keeps_sizes_source_and_what_holds_it() -> None:
    """Everything that the signals of claims read."""
    found = one(Kind.CLAIM, CLAIM)
    assert isinstance(found, model.Claim)
    assert (found.requested, found.capacity, found.allocated) == (20 * GI, 10 * GI, 20 * GI)
    assert found.resize_status == "ControllerResizeInfeasible"
    assert found.data_source == model.DataSource("VolumeSnapshot", "snap", "prod")
    assert (found.storage_class, found.block) == ("fast", True)
    assert (found.provisioner, found.selected_node) == ("ebs.csi.aws.com", "a")
    assert (found.created, found.finalizers) == (AT, ("kubernetes.io/pvc-protection",))
    error = found.condition("ControllerResizeError")
    assert error is not None
    assert error.failure is not None
    assert error.failure.cause is Cause.NO_SPACE
    assert found.condition("FileSystemResizePending") is None


def test_when_a_claim_was_asked_to_grow_is_in_the_writer_of_its_requests() -> None:
    """Only while it has still to grow; the status' writer says nothing about it."""
    found = one(Kind.CLAIM, CLAIM)
    assert isinstance(found, model.Claim)
    assert found.grow_asked == AT + 1
    done = one(Kind.CLAIM, changed(CLAIM, "status.capacity", {"storage": "20Gi"}))
    assert isinstance(done, model.Claim)
    assert done.grow_asked is None


def test_the_forerunner_of_the_resize_statuses_is_read_too() -> None:
    """Kubernetes 1.23 to 1.27, alpha."""
    old = changed(CLAIM, "status.allocatedResourceStatuses", None)
    old["status"]["resizeStatus"] = "ControllerExpansionFailed"
    found = one(Kind.CLAIM, old)
    assert isinstance(found, model.Claim)
    assert found.resize_status == "ControllerExpansionFailed"


def test_a_class_that_is_not_said_differs_from_an_empty_one() -> None:
    """The empty class means: no provisioning, on purpose. The old annotation wins."""
    unsaid, empty = (
        one(Kind.CLAIM, changed(CLAIM, "spec.storageClassName", value)) for value in (None, "")
    )
    assert isinstance(unsaid, model.Claim)
    assert isinstance(empty, model.Claim)
    assert (unsaid.storage_class, empty.storage_class) == (None, "")
    marks = {"volume.beta.kubernetes.io/storage-class": "old"}
    annotated = one(Kind.CLAIM, changed(CLAIM, "metadata.annotations", marks))
    assert isinstance(annotated, model.Claim)
    assert annotated.storage_class == "old"


def test_a_volume_keeps_its_phase_time_policy_and_owner() -> None:
    """Everything that the signals of volumes read."""
    found = one(Kind.VOLUME, VOLUME)
    assert isinstance(found, model.Volume)
    assert (found.phase, found.phase_since) == ("Released", AT + 1)
    assert found.failure == Failure(Cause.OTHER, "no")
    assert (found.reclaim_policy, found.storage_class) == ("Delete", "fast")
    assert (found.claim_uid, found.fs_type, found.capacity) == ("u-1", "xfs", 10 * GI)
    assert found.finalizers == ("x", "y")


def test_an_attachments_error_is_read_and_its_time_is_not() -> None:
    """The time is the last try's."""
    found = one(Kind.ATTACHMENT, ATTACHMENT)
    assert isinstance(found, model.Attachment)
    text = "CSINode a does not contain driver d"
    assert found.attach_error == Failure(Cause.DRIVER_NOT_REGISTERED, text)
    assert found.detach_error is None
    assert found.written == AT + 2


def test_a_pod_that_mounts_the_plugin_registry_is_a_node_plugin() -> None:
    """Its driver is in the registrar's arguments; how it fails in its container statuses."""
    found = one(Kind.POD, POD)
    assert isinstance(found, model.Pod)
    assert found.plugin == model.Plugin(
        driver="ebs.csi.aws.com",
        images=("registrar:v2", "driver:v1"),
        ready=False,
        restarts=7,
        waiting="CrashLoopBackOff",
        exit_message=LAST_WORDS,
        exit_cause=Cause.TIMEOUT,
    )
    assert found.controller == model.Owner("", "DaemonSet", "csi-node")
    assert found.sandbox is False
    assert (found.starting, found.blocked_by) == (True, "CrashLoopBackOff")
    assert wire.kept(found)


@pytest.mark.parametrize(
    ("state", "starting"),
    [
        ({"waiting": {"reason": "ContainerCreating"}}, True),
        ({"running": {"startedAt": T0}}, False),
        ({"terminated": {"exitCode": 0}}, False),
        (None, True),
    ],
)
def test_a_pod_is_starting_until_a_container_has_started(state: object, *, starting: bool) -> None:
    """An init container that runs proves that the volumes are there."""
    found = one(Kind.POD, changed(POD, "status.initContainerStatuses", [{"state": state}]))
    assert isinstance(found, model.Pod)
    assert found.starting is starting


@pytest.mark.parametrize(
    ("arguments", "driver"),
    [
        (["--drivername=nfs.csi.k8s.io"], "nfs.csi.k8s.io"),
        (["--drivername", "nfs.csi.k8s.io"], "nfs.csi.k8s.io"),
        (["--kubelet-registration-path", "/var/lib/kubelet/plugins/csi-nfs/csi.sock"], "csi-nfs"),
        (["--kubelet-registration-path=/a/csi-nfs/csi.sock", "--driver-name=nfs"], "nfs"),
        (["--kubelet-registration-path"], ""),
        ([], ""),
    ],
)
def test_a_plugins_driver_is_what_it_is_told_or_where_its_socket_is(
    arguments: list[str], driver: str
) -> None:
    """The directory is the name by convention only."""
    found = one(Kind.POD, changed(POD, "spec.containers", [{"args": arguments}]))
    assert isinstance(found, model.Pod)
    assert found.plugin is not None
    assert found.plugin.driver == driver


def test_a_fuse_plugin_is_told_apart() -> None:
    """Its mounts die with its pod."""
    named = [{"name": "x", "image": "x", "args": ["--mounter=ceph-fuse"]}]
    found = one(Kind.POD, changed(POD, "spec.containers", named))
    assert isinstance(found, model.Pod)
    assert found.plugin is not None
    assert found.plugin.fuse


def test_a_snapshot_and_its_content_keep_their_errors_with_the_time_they_were_written() -> None:
    """An error without a text is one still."""
    found = one(Kind.SNAPSHOT, SNAPSHOT)
    assert isinstance(found, model.Snapshot)
    assert (found.claim, found.bound_content, found.snapshot_class) == ("data", "c", "fast")
    assert found.error is not None
    assert (found.error.cause, found.error.when) == (Cause.TIMEOUT, AT + 1)
    assert (found.ready, found.restore_size, found.touched) == (False, 10 * GI, True)
    content = one(Kind.SNAPSHOT_CONTENT, CONTENT)
    assert isinstance(content, model.SnapshotContent)
    assert content.error == Failure(Cause.OTHER, "no message", AT + 1)
    assert (content.snapshot_namespace, content.snapshot_name) == ("web", "snap")
    assert (content.touched, content.being_deleted) == (True, True)


def test_what_no_controller_has_seen_is_untouched() -> None:
    """No status and no finalizer; a content with an empty status."""
    snapshot = one(Kind.SNAPSHOT, {key: SNAPSHOT[key] for key in ("metadata", "spec")})
    content = one(Kind.SNAPSHOT_CONTENT, changed(CONTENT, "status", {}))
    assert isinstance(snapshot, model.Snapshot)
    assert isinstance(content, model.SnapshotContent)
    assert (snapshot.touched, content.touched) == (False, False)


def test_a_node_keeps_what_reaches_its_kubelet_and_its_volumes() -> None:
    """The first InternalIP; volumes by their unique names."""
    found = one(Kind.NODE, NODE)
    assert isinstance(found, model.Node)
    assert (found.address, found.kubelet_port) == ("10.0.0.1", 10250)
    assert found.internal_ips == ("10.0.0.1", "fd00::1")
    assert (found.kubelet_version, found.kernel_version) == ("v1.36.1", "6.1.0")
    assert found.unschedulable
    assert found.attached == found.in_use == ("kubernetes.io/aws-ebs/aws://z/vol-1",)


def test_classes_and_registered_drivers_are_read() -> None:
    """The small kinds."""
    fast = one(
        Kind.STORAGE_CLASS,
        {
            "metadata": {
                "name": "fast",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "d",
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": True,
            "reclaimPolicy": "Delete",
        },
    )
    assert fast == model.StorageClass("fast", "d", True, True, True, "Delete")  # noqa: FBT003
    registered = one(
        Kind.CSI_NODE, {"metadata": {"name": "a"}, "spec": {"drivers": [{"name": "d"}, {}]}}
    )
    assert registered == model.CsiNode("a", ("d",))
    driver = one(Kind.CSI_DRIVER, {"metadata": {"name": "d"}, "spec": {"attachRequired": False}})
    assert driver == model.CsiDriver("d", attach_required=False)
    snapshots = one(
        Kind.SNAPSHOT_CLASS,
        {
            "metadata": {
                "name": "s",
                "annotations": {"snapshot.storage.kubernetes.io/is-default-class": "true"},
            },
            "driver": "d",
        },
    )
    assert snapshots == model.SnapshotClass("s", "d", default=True)
