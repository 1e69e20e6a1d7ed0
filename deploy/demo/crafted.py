"""Objects and Events that are written by hand, for components that cannot be had here.

Rok, Ceph CSI, provisioners, and what a real kubelet says of mounts. Texts are as those write them.
Whoever uses this says on the screen whose words they are. YAML text, for `LocalCluster.apply`.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from local.csi_objects import SPACE_LABEL
from local.statuses import HOST_LABEL, timestamp
from local.workloads import IMAGE, MOUNT

Object = dict[str, Any]
KINDS = {
    "PersistentVolumeClaim": "v1",
    "PersistentVolume": "v1",
    "Pod": "v1",
    "StorageClass": "storage.k8s.io/v1",
    "CSIDriver": "storage.k8s.io/v1",
    "VolumeAttachment": "storage.k8s.io/v1",
    "VolumeSnapshot": "snapshot.storage.k8s.io/v1",
    "VolumeSnapshotContent": "snapshot.storage.k8s.io/v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
}
SPACED = {"PersistentVolumeClaim", "Pod", "VolumeSnapshot", "DaemonSet", "Deployment"}


def thing(kind: str, space: str, name: str, **fields: object) -> str:
    """Return an object of a namespace, or one without that is labelled with it."""
    metadata: Object = {"name": name, "labels": {SPACE_LABEL: space}}
    if kind in SPACED:
        metadata["namespace"] = space
    body = {"apiVersion": KINDS[kind], "kind": kind, "metadata": metadata, **fields}
    return f"---\n{json.dumps(body)}\n"


def storage_class(space: str, name: str, provisioner: str, *, grows: bool = False) -> str:
    """Return a StorageClass that binds at once."""
    return thing(
        "StorageClass",
        space,
        name,
        provisioner=provisioner,
        volumeBindingMode="Immediate",
        allowVolumeExpansion=grows,
    )


def driver(space: str, name: str, *, attach: bool) -> str:
    """Return a CSIDriver."""
    return thing("CSIDriver", space, name, spec={"attachRequired": attach, "podInfoOnMount": False})


def claim(
    space: str,
    name: str,
    storage_class: str,
    *,
    mode: str = "ReadWriteOnce",
    size: str = "1Gi",
    volume: str = "",
    **spec: object,
) -> str:
    """Return a claim; `volume` names the one that it is to be bound to."""
    wanted: Object = {
        "accessModes": [mode],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": size}},
        **spec,
    }
    if volume:
        wanted["volumeName"] = volume
    return thing("PersistentVolumeClaim", space, name, spec=wanted)


def volume(  # noqa: PLR0913 -- what a volume can differ in
    space: str,
    name: str,
    claim_name: str,
    storage_class: str,
    source: Object,
    *,
    mode: str = "ReadWriteOnce",
    policy: str = "Retain",
    node: str = "",
    uid: str = "",
) -> str:
    """Return a volume kept for a claim; `node` is the only one where it can be used."""
    spec: Object = {
        "accessModes": [mode],
        "capacity": {"storage": "1Gi"},
        "storageClassName": storage_class,
        "persistentVolumeReclaimPolicy": policy,
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": space,
            "name": claim_name,
            **({"uid": uid} if uid else {}),
        },
        **source,
    }
    if node:
        here = {"matchExpressions": [{"key": HOST_LABEL, "operator": "In", "values": [node]}]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [here]}}
    return thing("PersistentVolume", space, name, spec=spec)


def csi(driver: str, handle: str, fs_type: str = "ext4") -> Object:
    """Return a CSI volume's source."""
    return {"csi": {"driver": driver, "volumeHandle": handle, "fsType": fs_type}}


def deployment(space: str, name: str, claim_name: str, node: str) -> str:
    """Return a Deployment of one pod that uses a claim on a node."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": _using(claim_name, node)}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return thing("Deployment", space, name, spec=spec)


def pod(space: str, name: str, claim_name: str, node: str) -> str:
    """Return a pod that uses a claim on a node, with a label by which all can be deleted."""
    return thing("Pod", space, name, spec=_using(claim_name, node))


def _using(claim_name: str, node: str) -> Object:
    return {
        "containers": [{"name": "main", "image": IMAGE, "volumeMounts": [MOUNT]}],
        "terminationGracePeriodSeconds": 1,
        "nodeSelector": {HOST_LABEL: node},
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}],
    }


def mounting(now: float) -> Object:
    """Return what a kubelet says of a pod that waits for its volumes: its conditions."""
    at = timestamp(now)
    waits = {"waiting": {"reason": "ContainerCreating"}}
    names = {"PodReadyToStartContainers": "False", "Initialized": "True", "Ready": "False"}
    return {
        "phase": "Pending",
        "startTime": at,
        "containerStatuses": [container("main", waits)],
        "conditions": [
            {"type": kind, "status": status, "lastTransitionTime": at}
            for kind, status in ({"PodScheduled": "True"} | names).items()
        ],
    }


def container(name: str, state: Object, **more: object) -> Object:
    """Return a container's status."""
    return {
        "name": name,
        "image": IMAGE,
        "imageID": "",
        "ready": "running" in state,
        "restartCount": 0,
        "state": state,
        **more,
    }


def event(
    about: Object,
    reason: str,
    message: str,
    component: str,
    *,
    warning: bool = True,
    at: float | None = None,
    count: int = 1,
) -> str:
    """Return an Event about an object that is there, as it was read."""
    metadata = about["metadata"]
    space = metadata.get("namespace", "default")
    when = timestamp(time.time() if at is None else at)
    involved = {
        "apiVersion": about["apiVersion"],
        "kind": about["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    if "namespace" in metadata:
        involved["namespace"] = metadata["namespace"]
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}", "namespace": space},
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "type": "Warning" if warning else "Normal",
        "source": {"component": component},
        "firstTimestamp": when,
        "lastTimestamp": when,
        "count": count,
    }
    return f"---\n{json.dumps(body)}\n"
