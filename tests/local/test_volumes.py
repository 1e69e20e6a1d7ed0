"""Which volumes a played kubelet waits for."""

from __future__ import annotations

from typing import Any

import yaml

from local import workloads
from local.volumes import attachable, attached_to

Object = dict[str, Any]


def objects(text: str) -> list[Object]:
    """Parse manifests as kubectl would."""
    return [item for item in yaml.safe_load_all(text) if item]


def bound(text: str) -> tuple[dict[tuple[str, str], Object], dict[tuple[str, str], Object]]:
    """Return the claims and the volumes of manifests, with the claims bound."""
    items = objects(text)
    claims = {
        ("demo", item["metadata"]["name"]): {**item, "status": {"phase": "Bound"}}
        for item in items
        if item["kind"] == "PersistentVolumeClaim"
    }
    volumes = {
        ("", item["metadata"]["name"]): item for item in items if item["kind"] == "PersistentVolume"
    }
    return claims, volumes


def test_a_pod_waits_for_its_network_volume_under_the_name_that_nodes_use() -> None:
    """The name is that of a node's volumesAttached."""
    claims, volumes = bound(workloads.claim("demo", "data"))
    (pod,) = objects(workloads.pod("demo", "one", "data", "node-a"))
    wanted = {"pv-demo-data": "kubernetes.io/csi/ebs.csi.aws.com^vol-demo-data"}
    assert attachable(pod, claims, volumes) == wanted


def test_a_pod_with_an_unbound_or_missing_claim_cannot_start() -> None:
    """Nothing says yet which volume it would need."""
    claims, volumes = bound(workloads.claim("demo", "data"))
    (pod,) = objects(workloads.pod("demo", "one", "data", "node-a"))
    assert attachable(pod, {}, volumes) is None
    claims["demo", "data"]["status"] = {"phase": "Pending"}
    assert attachable(pod, claims, volumes) is None


def test_a_volume_of_the_node_itself_needs_no_attaching() -> None:
    """A local volume is there or it is not."""
    claims, volumes = bound(workloads.node_local_claim("demo", "data", "node-a"))
    (pod,) = objects(workloads.pod("demo", "one", "data", "node-a"))
    assert attachable(pod, claims, volumes) == {}


def test_an_attachment_counts_on_its_node_until_it_is_being_deleted() -> None:
    """Neither another node's, nor one not yet attached, nor one going away."""

    def attachment(name: str, node: str, *, attached: bool, leaving: bool = False) -> Object:
        return {
            "metadata": {"name": name, **({"deletionTimestamp": "now"} if leaving else {})},
            "spec": {"nodeName": node, "source": {"persistentVolumeName": name}},
            "status": {"attached": attached},
        }

    attachments = [
        attachment("here", "node-a", attached=True),
        attachment("there", "node-b", attached=True),
        attachment("not-yet", "node-a", attached=False),
        attachment("leaving", "node-a", attached=True, leaving=True),
    ]
    assert attached_to("node-a", attachments) == {"here"}
