"""What a kubelet writes: the bodies of nodes, leases, and the statuses of nodes and pods. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

from local.volumes import DRIVER

Object = dict[str, Any]
KUBELET_VERSION = "v1.36.1"
ZONE = "us-east-1a"
ZONE_LABEL = "topology.kubernetes.io/zone"
HOST_LABEL = "kubernetes.io/hostname"
LEASE_SECONDS = 40
HEALTHY = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID"),
    "Ready": ("True", "KubeletReady"),
}


def timestamp(now: float, *, micro: bool = False) -> str:
    """Return Unix seconds as Kubernetes writes times."""
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


def node(name: str, provider_id: str) -> Object:
    """Return the Node object that a kubelet registers."""
    annotation = "volumes.kubernetes.io/controller-managed-attach-detach"
    labels = {
        HOST_LABEL: name,
        ZONE_LABEL: ZONE,
        "topology.kubernetes.io/region": ZONE[:-1],
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {annotation: "true"}},
        "spec": {"providerID": provider_id},
    }


def node_status(
    conditions: list[Object], boot_id: str, now: float, version: str = KUBELET_VERSION
) -> Object:
    """Return the status of a healthy node; what was healthy keeps its transition time.

    `version` is the kubelet's.
    """
    before = {condition["type"]: condition for condition in conditions}
    room = {"cpu": "4", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    info = {
        "bootID": boot_id,
        "machineID": "",
        "systemUUID": "",
        "kernelVersion": "6.1.0",
        "osImage": "played by pvmedic",
        "containerRuntimeVersion": "containerd://2.1.0",
        "kubeletVersion": version,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": "amd64",
    }
    return {
        "capacity": room,
        "allocatable": room,
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "nodeInfo": info,
        "conditions": [
            _condition(before.get(kind), kind, status, reason, now)
            for kind, (status, reason) in HEALTHY.items()
        ],
    }


def healthy(conditions: list[Object]) -> bool:
    """Say whether every condition is as a healthy kubelet writes it."""
    present = {condition["type"]: condition["status"] for condition in conditions}
    return all(present.get(kind) == status for kind, (status, _) in HEALTHY.items())


def lease(name: str, owner_uid: str, now: float) -> Object:
    """Return the Lease with which a node says that it lives."""
    spec = {
        "holderIdentity": name,
        "leaseDurationSeconds": LEASE_SECONDS,
        "renewTime": timestamp(now, micro=True),
    }
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "ownerReferences": [_owner(name, owner_uid)]},
        "spec": spec,
    }


def csi_node(name: str, owner_uid: str, instance: str) -> Object:
    """Return the CSINode that says the driver is registered on a node."""
    driver = {
        "name": DRIVER,
        "nodeID": instance,
        "topologyKeys": [ZONE_LABEL],
        "allocatable": {"count": 25},
    }
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": name, "ownerReferences": [_owner(name, owner_uid)]},
        "spec": {"drivers": [driver]},
    }


def pod_status(pod: Object, address: str, now: float, *, running: bool) -> Object:
    """Return the status of a pod whose containers run, or wait for their volumes."""
    status = pod.get("status", {})
    before = {condition["type"]: condition for condition in status.get("conditions", ())}
    ready = ("True", "") if running else ("False", "ContainersNotReady")
    ours = {
        "PodReadyToStartContainers": ready,
        "Initialized": ("True", ""),
        "ContainersReady": ready,
        "Ready": ready,
    }
    state = (
        {"running": {"startedAt": timestamp(now)}}
        if running
        else {"waiting": {"reason": "ContainerCreating"}}
    )
    containers = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": running,
            "started": running,
            "restartCount": 0,
            "state": state,
        }
        for container in pod["spec"]["containers"]
    ]
    others = [condition for kind, condition in before.items() if kind not in ours]
    return {
        "phase": "Running" if running else "Pending",
        "hostIP": "127.0.0.1",
        "startTime": status.get("startTime") or timestamp(now),
        "containerStatuses": containers,
        "conditions": [
            *others,
            *(_condition(before.get(kind), kind, *value, now) for kind, value in ours.items()),
        ],
        **({"podIP": address, "podIPs": [{"ip": address}]} if running else {}),
    }


def pod_ready(pod: Object) -> bool:
    """Say whether a pod's status says that it runs and is ready."""
    status = pod.get("status", {})
    conditions = {item["type"]: item["status"] for item in status.get("conditions", ())}
    return status.get("phase") == "Running" and conditions.get("Ready") == "True"


def _condition(before: Object | None, kind: str, status: str, reason: str, now: float) -> Object:
    same = before is not None and before["status"] == status
    return {
        "type": kind,
        "status": status,
        **({"reason": reason} if reason else {}),
        "lastTransitionTime": before["lastTransitionTime"] if before and same else timestamp(now),
    }


def _owner(name: str, uid: str) -> Object:
    return {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}
