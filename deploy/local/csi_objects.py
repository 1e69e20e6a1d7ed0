"""Manifests of what the faulty CSI driver serves: its classes, volumes bound to claims, snapshots.

Every function returns YAML text for `LocalCluster.apply`. There is no provisioner: a claim and its
volume are made together. What belongs to one namespace carries `SPACE_LABEL`.
"""

from __future__ import annotations

import json
from typing import Any

from local.volumes import FAULTY_DRIVER

Object = dict[str, Any]
SPACE_LABEL = "pvmedic.dev/space"
STORAGE_CLASS = "faulty-csi"
SNAPSHOT_CLASS = "faulty-csi"
SNAPSHOTS = "snapshot.storage.k8s.io/v1"


def driver() -> str:
    """Return the driver's CSIDriver, StorageClass (it allows expansion) and the like."""
    csi_driver = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": FAULTY_DRIVER},
        "spec": {"attachRequired": True, "podInfoOnMount": False},
    }
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS},
        "provisioner": FAULTY_DRIVER,
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
    }
    return _text(csi_driver, storage_class)


def snapshot_class() -> str:
    """Return the driver's VolumeSnapshotClass, which is nobody's default."""
    return _text(
        {
            "apiVersion": SNAPSHOTS,
            "kind": "VolumeSnapshotClass",
            "metadata": {"name": SNAPSHOT_CLASS},
            "driver": FAULTY_DRIVER,
            "deletionPolicy": "Delete",
        }
    )


def namespace(space: str) -> str:
    """Return a namespace."""
    return _text({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})


def handle(space: str, name: str) -> str:
    """Return the volume handle by which the driver knows a claim's volume."""
    return f"vol-{space}-{name}"


def volume_name(space: str, name: str) -> str:
    """Return the name of a claim's PersistentVolume."""
    return f"pv-{space}-{name}"


def claim(space: str, name: str, *, block: bool = False, size: str = "1Gi") -> str:
    """Return a ReadWriteOnce claim and its volume; a block volume has no file system to grow."""
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": STORAGE_CLASS,
        "volumeMode": "Block" if block else "Filesystem",
    }
    volume = {
        **spec,
        "capacity": {"storage": size},
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": space,
            "name": name,
        },
        "csi": {"driver": FAULTY_DRIVER, "volumeHandle": handle(space, name)},
    }
    wanted = {
        **spec,
        "resources": {"requests": {"storage": size}},
        "volumeName": volume_name(space, name),
    }
    return _text(
        _object("v1", "PersistentVolume", space, volume_name(space, name), volume, spaced=False),
        _object("v1", "PersistentVolumeClaim", space, name, wanted),
    )


def unbound_claim(space: str, name: str) -> str:
    """Return a claim that waits for a provisioner, which there is none of."""
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": STORAGE_CLASS,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return _text(_object("v1", "PersistentVolumeClaim", space, name, spec))


def snapshot(
    space: str,
    name: str,
    claim_name: str = "",
    class_name: str | None = SNAPSHOT_CLASS,
    content: str = "",
) -> str:
    """Return a snapshot of a claim or a content object; `class_name` None asks for a default."""
    source = (
        {"volumeSnapshotContentName": content}
        if content
        else {"persistentVolumeClaimName": claim_name}
    )
    spec: Object = {"source": source}
    if class_name is not None:
        spec["volumeSnapshotClassName"] = class_name
    return _text(_object(SNAPSHOTS, "VolumeSnapshot", space, name, spec))


def _object(
    version: str, kind: str, space: str, name: str, spec: Object, *, spaced: bool = True
) -> Object:
    metadata: Object = {"name": name, "labels": {SPACE_LABEL: space}}
    if spaced:
        metadata["namespace"] = space
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _text(*objects: Object) -> str:
    """Return a YAML stream; JSON is YAML, and needs no library."""
    return "".join(f"---\n{json.dumps(item)}\n" for item in objects)
