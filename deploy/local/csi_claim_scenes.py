"""What Kubernetes' own controllers say of claims and volumes that go nowhere.

Scenes as in `csi_scenes`, recorded with them, but no CSI part is needed: the binder, the protection
controllers and the scheduler speak. A provisioner's failures are missing, as none can be had.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local import csi_objects
from local.csi_objects import SPACE_LABEL, volume_name
from local.csi_scenes import CLAIM, LARGE, POD
from local.volumes import FAULTY_DRIVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.csi_stage import CsiStage

Object = dict[str, Any]
NOWHERE = "no-such-node"


def claim_no_volume(stage: CsiStage) -> None:
    """No class at all, and no volume that fits."""
    _ask(stage, storageClassName="")
    _wait_for(stage, "FailedBinding")


def claim_class_missing(stage: CsiStage) -> None:
    """The class is not there."""
    _ask(stage, storageClassName="no-such-class")
    _wait_for(stage, "ProvisioningFailed")


def claim_plugin_removed(stage: CsiStage) -> None:
    """The class names an in-tree plugin that this Kubernetes no longer has."""
    _make_class(stage, "kubernetes.io/glusterfs", "Immediate")
    _ask(stage, storageClassName=stage.space)
    _wait_for(stage, "ProvisioningFailed")


def claim_no_provisioner(stage: CsiStage) -> None:
    """The driver's provisioner never comes."""
    _ask(stage)
    _wait_for(stage, "ExternalProvisioning")


def claim_waits_for_consumer(stage: CsiStage) -> None:
    """WaitForFirstConsumer, and no pod wants it: healthy."""
    _make_class(stage, FAULTY_DRIVER, "WaitForFirstConsumer")
    _ask(stage, storageClassName=stage.space)
    _wait_for(stage, "WaitForFirstConsumer")


def claim_waits_for_pod(stage: CsiStage) -> None:
    """WaitForFirstConsumer, and its pod can be scheduled nowhere."""
    claim_waits_for_consumer(stage)
    stage.run_pod(POD, CLAIM, NOWHERE, running=False)
    _wait_for(stage, "FailedScheduling")
    _wait_for(stage, "WaitForPodScheduled")


def claim_consumer_no_provisioner(stage: CsiStage) -> None:
    """WaitForFirstConsumer, its pod has a node, and no provisioner comes."""
    claim_waits_for_consumer(stage)
    stage.run_pod(POD, CLAIM, running=False)
    _wait_for(stage, "ExternalProvisioning")


def claim_volume_taken(stage: CsiStage) -> None:
    """It names a volume that is bound to another claim."""
    stage.apply(csi_objects.claim(stage.space, "first"))
    stage.wait("the first one", lambda: stage.claim("first")["status"].get("phase") == "Bound")
    _ask(stage, volumeName=volume_name(stage.space, "first"))
    _wait_for(stage, "FailedBinding")


def claim_volume_too_small(stage: CsiStage) -> None:
    """It names a volume that is smaller than its request."""
    # A class of its own, or claims elsewhere would take the volume.
    own: Object = {"storageClassName": stage.space}
    _make_volume(stage, claimRef=None, **own)
    resources = {"requests": {"storage": LARGE}}
    _ask(stage, volumeName=volume_name(stage.space, CLAIM), resources=resources, **own)
    _wait_for(stage, "VolumeMismatch")


def claim_volume_not_there(stage: CsiStage) -> None:
    """It names a volume that does not exist: Pending without an Event."""
    _ask(stage, volumeName=volume_name(stage.space, CLAIM))
    stage.wait("Pending", lambda: stage.claim(CLAIM)["status"].get("phase") == "Pending")


def claim_lost(stage: CsiStage) -> None:
    """Its volume was removed by force."""
    _bind(stage)
    name = volume_name(stage.space, CLAIM)
    stage.cluster.kubectl("delete", "pv", name, "--wait=false")
    patch = '{"metadata":{"finalizers":null}}'
    stage.cluster.kubectl("patch", "pv", name, "--type=merge", "-p", patch)
    _wait_for(stage, "ClaimLost")


def claim_deletion_stuck(stage: CsiStage) -> None:
    """It was deleted while a pod uses it."""
    _bind(stage)
    stage.run_pod(POD, CLAIM)
    stage.delete("pvc", CLAIM)
    stage.wait("the deletion", lambda: "deletionTimestamp" in stage.claim(CLAIM)["metadata"])


def volume_deletion_stuck(stage: CsiStage) -> None:
    """It was deleted while a claim is bound to it."""
    _bind(stage)
    stage.cluster.kubectl("delete", "pv", volume_name(stage.space, CLAIM), "--wait=false")
    stage.wait("the deletion", lambda: "deletionTimestamp" in stage.volume(CLAIM)["metadata"])


def volume_released_kept(stage: CsiStage) -> None:
    """Its claim is gone, and its policy is Retain: as somebody wanted it."""
    _bind(stage)
    _release(stage, "Released")


def volume_released_no_deleter(stage: CsiStage) -> None:
    """Its claim is gone, its policy is Delete, and the driver's provisioner never comes."""
    note = {"pv.kubernetes.io/provisioned-by": FAULTY_DRIVER}
    _make_volume(stage, annotations=note, persistentVolumeReclaimPolicy="Delete")
    _ask(stage, volumeName=volume_name(stage.space, CLAIM))
    _release(stage, "Released")


def volume_release_failed(stage: CsiStage) -> None:
    """Its claim is gone, its policy is Delete, and no plugin of Kubernetes can delete it."""
    nfs = {"server": "192.0.2.1", "path": "/exported"}
    _make_volume(stage, csi=None, nfs=nfs, persistentVolumeReclaimPolicy="Delete")
    _ask(stage, volumeName=volume_name(stage.space, CLAIM))
    _release(stage, "Failed")
    _wait_for(stage, "VolumeFailedDelete")


def volume_recycle_failed(stage: CsiStage) -> None:
    """Its claim is gone, and its policy is Recycle, which no CSI volume can."""
    _make_volume(stage, persistentVolumeReclaimPolicy="Recycle")
    _ask(stage, volumeName=volume_name(stage.space, CLAIM))
    _release(stage, "Failed")
    _wait_for(stage, "VolumeFailedRecycle")


CLAIM_SCENES: dict[str, Callable[[CsiStage], None]] = {
    scene.__name__: scene
    for scene in (
        claim_no_volume,
        claim_class_missing,
        claim_plugin_removed,
        claim_no_provisioner,
        claim_waits_for_consumer,
        claim_waits_for_pod,
        claim_consumer_no_provisioner,
        claim_volume_taken,
        claim_volume_too_small,
        claim_volume_not_there,
        claim_lost,
        claim_deletion_stuck,
        volume_deletion_stuck,
        volume_released_kept,
        volume_released_no_deleter,
        volume_release_failed,
        volume_recycle_failed,
    )
}
"""All of them, by name."""


def _ask(stage: CsiStage, **spec: object) -> None:
    """Make a claim like `csi_objects.unbound_claim`, with some fields of its spec replaced."""
    claim = json.loads(csi_objects.unbound_claim(stage.space, CLAIM).removeprefix("---\n"))
    claim["spec"] |= spec
    stage.apply(json.dumps(claim))


def _make_volume(
    stage: CsiStage, annotations: dict[str, str] | None = None, **spec: object
) -> None:
    """Make the volume of a claim, with some fields of its spec replaced; None takes one away."""
    volume = json.loads(csi_objects.claim(stage.space, CLAIM).split("---\n")[1])
    merged = {**volume["spec"], **spec}
    volume["spec"] = {key: value for key, value in merged.items() if value is not None}
    volume["metadata"]["annotations"] = annotations or {}
    stage.apply(json.dumps(volume))


def _make_class(stage: CsiStage, provisioner: str, binding: str) -> None:
    """Make a class named like the namespace, which goes with it."""
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": stage.space, "labels": {SPACE_LABEL: stage.space}},
        "provisioner": provisioner,
        "volumeBindingMode": binding,
    }
    stage.apply(json.dumps(storage_class))


def _bind(stage: CsiStage) -> None:
    stage.apply(csi_objects.claim(stage.space, CLAIM))
    _wait_bound(stage)


def _wait_bound(stage: CsiStage) -> None:
    stage.wait("a bound claim", lambda: stage.claim(CLAIM)["status"].get("phase") == "Bound")


def _release(stage: CsiStage, phase: str) -> None:
    _wait_bound(stage)
    stage.delete("pvc", CLAIM)
    stage.wait(phase, lambda: stage.volume(CLAIM)["status"].get("phase") == phase)


def _wait_for(stage: CsiStage, reason: str) -> None:
    stage.wait(reason, lambda: stage.events(reason))
