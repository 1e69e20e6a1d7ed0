"""Manifests of what lives in a played cluster: claims with their volumes, and their users.

Every function returns YAML text for `LocalCluster.apply`. There is no provisioner: volumes are made
beforehand and already bound to their claims. Pods tolerate a lost node for 5 s only.
"""

from __future__ import annotations

import json
from typing import Any

from local.statuses import HOST_LABEL, ZONE, ZONE_LABEL
from local.volumes import DRIVER

Object = dict[str, Any]
STORAGE_CLASS = "played-ebs"
IMAGE = "registry.invalid/played:1"  # never pulled: no container is ever started
TOLERATION_SECONDS = 5
MOUNT = {"name": "data", "mountPath": "/data"}


def namespace(name: str) -> str:
    """Return a namespace."""
    return _text([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}])


def storage_class() -> str:
    """Return the class that every claim here names."""
    return _text(
        [
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": STORAGE_CLASS},
                "provisioner": DRIVER,
                "volumeBindingMode": "Immediate",
            }
        ]
    )


def claim(space: str, name: str, mode: str = "ReadWriteOnce") -> str:
    """Return a claim bound to a network volume of its own that any node of the zone can attach."""
    source = {"csi": {"driver": DRIVER, "volumeHandle": f"vol-{space}-{name}", "fsType": "ext4"}}
    return _text(_bound(space, name, mode, source, (ZONE_LABEL, ZONE)))


def node_local_claim(space: str, name: str, node: str) -> str:
    """Return a claim bound to a volume that lives on one node and is lost with it."""
    source = {"local": {"path": f"/mnt/{name}"}}
    return _text(_bound(space, name, "ReadWriteOnce", source, (HOST_LABEL, node)))


def deployment(space: str, name: str, claim_name: str, prefers: str) -> str:
    """Return a Deployment of one pod with a claim; it starts on `prefers` while usable."""
    spec = {"replicas": 1, "strategy": {"type": "Recreate"}, **_selected(name)}
    spec["template"]["spec"] |= _volume(claim_name) | _preference(prefers)
    return _text([_object("apps/v1", "Deployment", space, name, spec)])


def stateful_set(space: str, name: str, prefers: str) -> str:
    """Return a StatefulSet of one pod and the claim `data-NAME-0` that its template asks for."""
    request = {
        "metadata": {"name": "data"},
        "spec": _claim_spec("ReadWriteOnce"),
    }
    spec = {
        "replicas": 1,
        "serviceName": name,
        "volumeClaimTemplates": [request],
        **_selected(name),
    }
    spec["template"]["spec"] |= _preference(prefers)
    stateful = _object("apps/v1", "StatefulSet", space, name, spec)
    return claim(space, f"data-{name}-0") + _text([stateful])


def pod(space: str, name: str, claim_name: str, node: str) -> str:
    """Return a bare pod that wants a claim on one node; two of them fight over the claim."""
    spec = _pod_spec() | _volume(claim_name) | {"nodeSelector": {HOST_LABEL: node}}
    return _text([_object("v1", "Pod", space, name, spec)])


def plain_pod(space: str, name: str, node: str) -> str:
    """Return a pod without a claim on one node, labelled `app` with its own name."""
    spec = _pod_spec() | {"nodeSelector": {HOST_LABEL: node}}
    spec["containers"] = [{"name": "main", "image": IMAGE}]
    found = _object("v1", "Pod", space, name, spec)
    found["metadata"]["labels"] = {"app": name}
    return _text([found])


def _bound(
    space: str, name: str, mode: str, source: Object, place: tuple[str, str]
) -> list[Object]:
    label, value = place
    volume_name = f"pv-{space}-{name}"
    term = {"matchExpressions": [{"key": label, "operator": "In", "values": [value]}]}
    volume_spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": [mode],
        "storageClassName": STORAGE_CLASS,
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": space,
            "name": name,
        },
        "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
        **source,
    }
    claim_spec = {**_claim_spec(mode), "volumeName": volume_name}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": volume_name},
            "spec": volume_spec,
        },
        _object("v1", "PersistentVolumeClaim", space, name, claim_spec),
    ]


def _claim_spec(mode: str) -> Object:
    return {
        "accessModes": [mode],
        "storageClassName": STORAGE_CLASS,
        "resources": {"requests": {"storage": "1Gi"}},
    }


def _selected(name: str) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": _pod_spec()}
    return {"selector": {"matchLabels": labels}, "template": template}


def _pod_spec() -> Object:
    lost = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
    return {
        "containers": [{"name": "main", "image": IMAGE, "volumeMounts": [MOUNT]}],
        "terminationGracePeriodSeconds": 1,
        "tolerations": [
            {
                "key": taint,
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": TOLERATION_SECONDS,
            }
            for taint in lost
        ],
    }


def _volume(claim_name: str) -> Object:
    return {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}]}


def _preference(node: str) -> Object:
    wanted = {"matchExpressions": [{"key": HOST_LABEL, "operator": "In", "values": [node]}]}
    terms = [{"weight": 100, "preference": wanted}]
    return {
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}
    }


def _object(version: str, kind: str, space: str, name: str, spec: Object) -> Object:
    metadata = {"name": name, "namespace": space}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _text(objects: list[Object]) -> str:
    """Return a YAML stream; JSON is YAML, and needs no library."""
    return "".join(f"---\n{json.dumps(item)}\n" for item in objects)
