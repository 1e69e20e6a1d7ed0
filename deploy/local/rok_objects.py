"""The objects of Rok's that a node has: its pods, its guard, its volumes, its Events. Pure.

Names and labels are those of Rok's own pages. Rok Disk Manager, the node plugin and Rok itself are
DaemonSets; the guard is a pod by itself with a PodDisruptionBudget of its node's.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from local.rok_texts import WRITER
from local.statuses import HOST_LABEL, timestamp
from local.workloads import IMAGE

Object = dict[str, Any]
Request = tuple[str, Object]
"""A path and what is sent there."""
DRIVER = "rok.arrikto.com"
ROK, SYSTEM = "rok", "rok-system"
DISK_MANAGER = "rok-disk-manager"
CONTAINER = "rok-disk-manager"
GUARD = "rok-csi-guard"
TOUCHED = "rok.arrikto.com/touched"
NOT_SCALED_IN = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}


def system(node: str) -> str:
    """Return Rok's namespaces, class, driver, and its DaemonSets on one node, as YAML text."""
    spaces = [_thing("v1", "Namespace", space) for space in (ROK, SYSTEM)]
    return "".join(
        f"---\n{json.dumps(one)}\n"
        for one in (
            *spaces,
            _thing(
                "storage.k8s.io/v1",
                "StorageClass",
                ROK,
                provisioner=DRIVER,
                volumeBindingMode="WaitForFirstConsumer",
            ),
            _thing(
                "storage.k8s.io/v1",
                "CSIDriver",
                DRIVER,
                spec={"attachRequired": False, "podInfoOnMount": False},
            ),
            _daemon(SYSTEM, DISK_MANAGER, {"name": DISK_MANAGER}, CONTAINER, node),
            _daemon(ROK, "rok-csi-node", {"app": "rok-csi-node"}, "csi-node", node),
            _daemon(ROK, ROK, {"app": ROK, "role": "master"}, ROK, node, NOT_SCALED_IN),
        )
    )


def guard(node: str) -> tuple[Request, ...]:
    """Return what makes the guard of a node, and its budget."""
    name = f"{GUARD}-{node}"
    labels = {"app": GUARD, "rok.arrikto.com/node": node}
    spec = {
        "nodeName": node,
        "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "guard", "image": IMAGE}],
        # It stays on a cordoned node that is not Ready: whoever wants it away has to evict it.
        "tolerations": [{"operator": "Exists"}],
    }
    pod = _thing("v1", "Pod", name, spec=spec)
    pod["metadata"] |= {"namespace": ROK, "labels": labels}
    _, change = budget(node, least=1)
    selector = {"matchLabels": labels}
    kept = _thing("policy/v1", "PodDisruptionBudget", name)
    kept["metadata"] |= {"namespace": ROK, "labels": labels}
    kept["spec"] = {**change["spec"], "selector": selector}
    return (
        (f"/api/v1/namespaces/{ROK}/pods", pod),
        (f"/apis/policy/v1/namespaces/{ROK}/poddisruptionbudgets", kept),
    )


def budget(node: str, *, least: int) -> Request:
    """Return what lets the guard's budget keep so many of them."""
    path = f"/apis/policy/v1/namespaces/{ROK}/poddisruptionbudgets/{GUARD}-{node}"
    return path, {"spec": {"minAvailable": least}}


def pinned(volume: Object, node: str) -> bool:
    """Say whether a volume of Rok's can be used on this node only, and is to stay."""
    if volume["spec"].get("csi", {}).get("driver") != DRIVER:
        return False
    terms = volume["spec"].get("nodeAffinity", {}).get("required", {}).get("nodeSelectorTerms", ())
    wanted = [one for term in terms for one in term.get("matchExpressions", ())]
    here = any(one["key"] == HOST_LABEL and one["values"] == [node] for one in wanted)
    return here and "deletionTimestamp" not in volume["metadata"]


def claim_of(volume: Object) -> tuple[str, str]:
    """Return the namespace and name of a volume's claim."""
    reference = volume["spec"].get("claimRef") or {}
    return reference.get("namespace", ""), reference.get("name", "")


def unpinned(volume: Object) -> Object:
    """Return the volume as it is made anew: the same one, for the same claim, on any node."""
    metadata = {
        key: volume["metadata"][key]
        for key in ("name", "labels", "annotations")
        if key in volume["metadata"]
    }
    spec = {key: value for key, value in volume["spec"].items() if key != "nodeAffinity"}
    made = _thing("v1", "PersistentVolume", metadata["name"], spec=spec)
    return {**made, "metadata": metadata}


def event(about: Object, reason: str, text: str, now: float) -> Request:
    """Return an Event about an object that was read."""
    metadata = about["metadata"]
    when = timestamp(now)
    body = _thing("v1", "Event", f"{metadata['name']}.{uuid.uuid4().hex[:16]}")
    body["metadata"]["namespace"] = metadata["namespace"]
    body |= {
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
        "reason": reason,
        "message": text,
        "type": "Warning" if reason == "JobFailed" else "Normal",
        "source": {"component": WRITER},
        "firstTimestamp": when,
        "lastTimestamp": when,
        "count": 1,
    }
    return f"/api/v1/namespaces/{metadata['namespace']}/events", body


def _daemon(
    space: str,
    name: str,
    labels: dict[str, str],
    container: str,
    node: str,
    annotations: dict[str, str] | None = None,
) -> Object:
    template = {
        "metadata": {"labels": labels, "annotations": annotations or {}},
        "spec": {
            "nodeSelector": {HOST_LABEL: node},
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": container, "image": IMAGE}],
        },
    }
    spec = {"selector": {"matchLabels": labels}, "template": template}
    found = _thing("apps/v1", "DaemonSet", name, spec=spec)
    found["metadata"]["namespace"] = space
    return found


def _thing(version: str, kind: str, name: str, **fields: object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}
