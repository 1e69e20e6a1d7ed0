"""Pods without owner and a foreign kind, on a real control plane, with the roles made for them.

Crafted: what Rok says. Played: kubelets, and the foreign kind's own controller, by the test. Real:
API server with its admission, `/scale` of a CustomResourceDefinition, scheduler, rights.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from demo import crafted
from exporter.kit.settings import read_text
from local import workloads
from local.csi_objects import volume_name
from remediator.cli.roles import asked_for
from remediator.settings import Settings
from tests.cluster.stage import COMPONENTS
from tests.cluster.test_rwx import CLAIM, ROK, alert, clear, got, say, status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.stage import Json, Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

ROLE = "pvmedic-remediator-bare-pods"
SCALES = "pvmedic-remediator-scales"
STOPPING: Json = {
    "bare_pods": True,
    "scalable": [{"kind": "Farm", "group": "example.com", "version": "v1", "resource": "farms"}],
}
ASKED = {"pvmedic.dev/remediation": "enabled", "pvmedic.dev/recreate": "enabled"}
FARMS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "farms.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Farm", "plural": "farms", "singular": "farm"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.replicas",
                        "statusReplicasPath": ".status.replicas",
                    },
                },
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"replicas": {"type": "integer"}},
                            },
                            "status": {
                                "type": "object",
                                "properties": {"replicas": {"type": "integer"}},
                            },
                        },
                    }
                },
            }
        ],
    },
}


def pod(stage: Stage, name: str, owner: Json | None = None) -> str:
    """Return the manifest of a pod that uses the claim."""
    variable = {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    meta: Json = {"name": name, "namespace": stage.space, "labels": {"app": name}}
    spec = {
        "containers": [{"name": "main", "image": workloads.IMAGE, "env": [variable]}],
        "terminationGracePeriodSeconds": 1,
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}],
    }
    if owner is not None:
        meta["ownerReferences"] = [owner]
    whole = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
    return f"---\n{json.dumps(whole)}\n"


@pytest.fixture
def farm(stage: Stage) -> Iterator[Json]:
    """Run a Farm with a pod and a pod without owner, let Rok warn, and give the rights."""
    space, cluster = stage.space, stage.cluster
    cluster.apply(json.dumps(FARMS))
    cluster.kubectl("wait", "--for=condition=Established", "crd/farms.example.com")
    annotations = [f"{key}={value}" for key, value in ASKED.items()]
    cluster.kubectl("annotate", "namespace", space, *annotations)
    cluster.apply((COMPONENTS / "bare-pods" / "pods.yaml").read_text())
    account = "--serviceaccount=pvmedic:pvmedic-remediator"
    bound = ("create", "rolebinding", "pvmedic-bare-pods", f"--clusterrole={ROLE}", account)
    cluster.kubectl("-n", space, *bound)
    text = json.dumps({"webhook": {"token_file": "/t"}, "stopping": STOPPING})
    cluster.apply("\n".join(asked_for(read_text(text, "r.yaml", Settings)).lines))
    volume, mode = volume_name(space, CLAIM), "ReadWriteMany"
    meta = {"name": "x", "namespace": space}
    one = {"apiVersion": "example.com/v1", "kind": "Farm", "metadata": meta}
    cluster.apply(
        crafted.driver(space, ROK, attach=False)
        + crafted.volume(space, volume, CLAIM, "rok", crafted.csi(ROK, volume), mode=mode)
        + crafted.claim(space, CLAIM, "rok", mode=mode, volume=volume)
        + f"---\n{json.dumps({**one, 'spec': {'replicas': 1}})}\n"
    )
    there = farm_of(stage)
    owner = {
        "apiVersion": "example.com/v1",
        "kind": "Farm",
        "name": "x",
        "uid": there["metadata"]["uid"],
        "controller": True,
    }
    cluster.apply(pod(stage, "lonely") + pod(stage, "farm-0", owner))
    stage.wait("both Running", lambda: len(running(stage)) == 2)
    stage.start_remediator(stopping=STOPPING)
    warning = "About to recover access-server volume 'pvc-server': You will need to stop any Pods"
    say(stage, "WARNING", f"{warning} which are currently using RWX volume '{volume}'")
    yield owner
    stage.line.child("remediator").kill()
    missing = "--ignore-not-found"
    cluster.kubectl("delete", "clusterroles,clusterrolebindings", ROLE, SCALES, missing)
    cluster.kubectl("delete", "crd", "farms.example.com", "--wait=false", missing)


def farm_of(stage: Stage) -> Json:
    """Return the Farm as it is."""
    return got(stage, f"/apis/example.com/v1/namespaces/{stage.space}/farms/x")


def running(stage: Stage) -> dict[str, Json]:
    """Return the pods that run, by name."""
    return {one["metadata"]["name"]: one for one in stage.pods() if _runs(one)}


def _runs(one: Json) -> bool:
    return one["status"]["phase"] == "Running" and "deletionTimestamp" not in one["metadata"]


def test_a_bare_pod_and_a_foreign_kind_are_stopped_and_come_back(stage: Stage, farm: Json) -> None:
    """Its manifest is on the record while it is gone, and only then; the scale is as it was."""
    old = running(stage)["lonely"]
    assert any(one["name"].startswith("kube-api-access-") for one in old["spec"]["volumes"])
    alert(stage)
    stage.wait("the scale at zero", lambda: farm_of(stage)["spec"]["replicas"] == 0)
    stage.cluster.kubectl("-n", stage.space, "delete", "pod", "farm-0", "--wait=false")
    stage.wait("no pod left", lambda: not stage.pods())
    stage.wait(
        "the wait for Rok's word",
        lambda: "Rok has not said yet" in status(stage).get("message", ""),
    )
    (kept,) = [one for one in status(stage)["ledger"] if one["kind"] == "StopPod"]
    assert not kept.get("closed")
    manifest = json.loads(kept["prior"]["manifest"])
    assert manifest["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}
    ]
    assert "nodeName" not in manifest["spec"]
    assert manifest["metadata"]["labels"] == {"app": "lonely"}
    # An Event's time is a whole second; the word has to be newer than the stop.
    second = int(time.time()) + 1
    stage.wait("the next second", lambda: time.time() >= second)
    clear(stage)
    stage.wait("the scale as it was", lambda: farm_of(stage)["spec"]["replicas"] == 1)
    stage.cluster.apply(pod(stage, "farm-0", farm))
    has = ("patch", "farm", "x", "--subresource=status", "--type=merge", "-p")
    stage.cluster.kubectl("-n", stage.space, *has, '{"status": {"replicas": 1}}')
    stage.wait("Settled", lambda: status(stage).get("phase") == "Settled")
    again = running(stage)["lonely"]
    assert again["metadata"]["uid"] != old["metadata"]["uid"]
    assert again["metadata"]["labels"]["app"] == "lonely"
    assert again["metadata"]["annotations"]["pvmedic.dev/recreated-by"]
    assert again["spec"]["containers"][0]["env"] == old["spec"]["containers"][0]["env"]
    assert again["spec"]["serviceAccountName"] == old["spec"]["serviceAccountName"]
    ledger = status(stage)["ledger"]
    assert sorted(one["kind"] for one in ledger) == ["StopPod", "StopScale"]
    assert all(one["closed"] and "manifest" not in one.get("prior", {}) for one in ledger)
