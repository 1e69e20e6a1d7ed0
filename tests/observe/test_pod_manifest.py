"""What a pod is made again from: nothing of the old one, and nothing that admission adds anew."""

import json
from typing import Any

import pytest

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.parse import wire

Json = dict[str, Any]
TOKEN_AT = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 -- a path
PROJECTED = {
    "name": "kube-api-access-x7q2p",
    "projected": {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt"}},
        ],
    },
}
OF_SECRET = {"name": "default-token-x7q2p", "secret": {"secretName": "default-token-x7q2p"}}
DATA = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
MOUNTED = {"name": "data", "mountPath": "/data"}


def token(volume: Json, at: str = TOKEN_AT) -> Json:
    """Return where a volume is mounted."""
    return {"name": volume["name"], "mountPath": at, "readOnly": True}


def read(spec: Json, **meta: object) -> model.PodManifest:
    """Read a pod."""
    about = {"name": "lonely", "namespace": "web", "uid": "u", "resourceVersion": "7", **meta}
    found = wire.one(Kind.POD_MANIFEST, json.dumps({"metadata": about, "spec": spec}).encode())
    assert isinstance(found, model.PodManifest)
    return found


def made(spec: Json, **meta: object) -> Json:
    """Return the manifest that a pod is made again from."""
    text: Json = json.loads(read(spec, **meta).text)
    return text


def container(*mounts: Json, **more: object) -> Json:
    """Return a container."""
    return {"name": "main", "image": "app:1", "volumeMounts": list(mounts), **more}


def test_what_the_old_pod_was_is_dropped_and_all_else_stays() -> None:
    """As kubectl would want it: no status, no node, no uid, no managed fields, no owner."""
    spec = {
        "containers": [container(MOUNTED, resources={"limits": {"cpu": "1"}})],
        "volumes": [DATA],
        "nodeName": "node-b",
        "priority": 0,
        "preemptionPolicy": "PreemptLowerPriority",
        "overhead": {"cpu": "250m"},
        "ephemeralContainers": [{"name": "debugger"}],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "tolerationSeconds": 300}],
        "restartPolicy": "Always",
    }
    whole = made(
        spec,
        labels={"app": "x", "topology.kubernetes.io/zone": "us-east-1a"},
        annotations={
            "example.com/why": "because",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "cni.projectcalico.org/podIP": "10.1.2.3/32",
            "k8s.ovn.org/pod-networks": "{}",
        },
        generateName="lonely-",
        creationTimestamp="2023-11-14T22:13:20Z",
        managedFields=[{"manager": "kubectl"}],
        ownerReferences=[{"kind": "Thing", "name": "x", "uid": "y", "apiVersion": "a/v1"}],
    )
    assert whole == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "lonely",
            "namespace": "web",
            "labels": {"app": "x"},
            "annotations": {"example.com/why": "because"},
        },
        "spec": {
            "containers": spec["containers"],
            "volumes": [DATA],
            "nodeSelector": {"disk": "ssd"},
            "tolerations": spec["tolerations"],
            "restartPolicy": "Always",
        },
    }


@pytest.mark.parametrize("volume", [PROJECTED, OF_SECRET], ids=["projected", "secret"])
def test_the_token_that_admission_mounts_is_dropped(volume: Json) -> None:
    """Since Kubernetes 1.21 a projection, before a Secret; init containers have it, too."""
    spec = made(
        {
            "initContainers": [container(token(volume))],
            "containers": [container(MOUNTED, token(volume))],
            "volumes": [DATA, volume],
        }
    )["spec"]
    assert spec["volumes"] == [DATA]
    assert spec["containers"][0]["volumeMounts"] == [MOUNTED]
    assert "volumeMounts" not in spec["initContainers"][0]


@pytest.mark.parametrize(
    ("volume", "at"),
    [
        (PROJECTED, "/mine"),
        ({**PROJECTED, "name": "my-token"}, TOKEN_AT),
        ({"name": "kube-api-access-x", "emptyDir": {}}, TOKEN_AT),
        ({"name": "db-token-x7q2p", "secret": {"secretName": "other"}}, TOKEN_AT),
        ({"name": "password", "secret": {"secretName": "password"}}, TOKEN_AT),
    ],
)
def test_a_volume_that_somebody_asked_for_stays(volume: Json, at: str) -> None:
    """By name, kind and place it is known who put it there."""
    spec = {"containers": [container(token(volume, at))], "volumes": [volume]}
    assert made(spec)["spec"] == spec


def test_what_speaks_against_keeping_it_is_told() -> None:
    """Who owns it, who must let it go, its grace period, claims of its own, values of variables."""
    env = [
        {"name": "PASSWORD", "value": "secret"},
        {"name": "EMPTY", "value": ""},
        {"name": "REFERRED", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]
    found = read(
        {
            "containers": [container(env=env)],
            "initContainers": [{"name": "init", "env": [{"name": "A", "value": "1"}]}],
            "volumes": [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}],
            "terminationGracePeriodSeconds": 0,
        },
        finalizers=["example.com/hold"],
        ownerReferences=[{"kind": "Thing", "name": "x"}],
        annotations={"pvmedic.dev/recreate": "enabled", "other": "x"},
        deletionTimestamp="2023-11-14T22:13:20Z",
    )
    assert (found.owners, found.finalizers) == (("Thing/x",), ("example.com/hold",))
    assert (found.grace, found.ephemeral) == (0, True)
    assert found.inline == ("init/A", "main/PASSWORD")
    assert dict(found.annotations) == {"pvmedic.dev/recreate": "enabled"}
    assert found.deletion == 1_700_000_000.0


def test_a_pod_of_which_nothing_is_known_is_read_all_the_same() -> None:
    """Every field may be missing or null."""
    for spec in ({}, {"containers": None, "volumes": None, "terminationGracePeriodSeconds": None}):
        found = read(spec)
        assert (found.grace, found.inline, found.ephemeral) == (None, (), False)
