"""One object of each kind as it is in life. No I/O.

What an object carries that nobody here reads (containers, tolerations, images of a node, the
managers of its fields) is there because a reader has to get past it. `managedFields` are written
by the API server itself when the sample is made.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.bench.copies import NOW, PODS_A_NODE, TOKENS

Object = dict[str, Any]
DRIVER = "ebs.csi.example.com"


class Sample(NamedTuple):
    """One kind: where it lives in the API and in etcd, how many there are for one pod.

    `writers` are the rest of its life: a subresource or nothing, a merge patch, who writes it.
    """

    collection: str
    stored: str
    namespaced: bool
    per_pod: float
    body: Object
    created_by: str
    writers: tuple[tuple[str, Object, str], ...] = ()


_CONTAINER = {
    "image": "registry.example/team/postgres:16.4-bookworm",
    "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}, "limits": {"memory": "4Gi"}},
    "env": [
        {"name": name, "value": f"value-of-{name.lower()}"}
        for name in ("PGDATA", "POSTGRES_DB", "POSTGRES_USER", "LANG", "TZ", "POOL_SIZE")
    ],
    "livenessProbe": {"exec": {"command": ["pg_isready"]}, "periodSeconds": 10},
    "readinessProbe": {"tcpSocket": {"port": 5432}, "periodSeconds": 5},
    "ports": [{"containerPort": 5432, "name": "sql"}],
    "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True},
}

POD: Object = {
    "metadata": {
        "name": TOKENS["pod"],
        "namespace": TOKENS["namespace"],
        "labels": {
            "app.kubernetes.io/name": "database",
            "app.kubernetes.io/instance": "main",
            "controller-revision-hash": "database-7c9f6d5b8",
            "statefulset.kubernetes.io/pod-name": TOKENS["pod"],
        },
        "annotations": {"checksum/config": "0" * 64, "prometheus.io/scrape": "true"},
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "name": "database",
                "uid": "0b0f2c2e-3b5e-4a54-8f10-1d9a3b6f5e11",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    },
    "spec": {
        "nodeName": TOKENS["node"],
        "automountServiceAccountToken": False,
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": TOKENS["claim"]}},
            {"name": "config", "configMap": {"name": "database"}},
            {"name": "run", "emptyDir": {"medium": "Memory"}},
        ],
        "initContainers": [
            {
                "name": "own",
                "image": "registry.example/busybox:1.36",
                "command": ["chown", "-R", "999", "/data"],
            }
        ],
        "containers": [
            {
                **_CONTAINER,
                "name": "main",
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            },
            {
                "name": "exporter",
                "image": "registry.example/postgres-exporter:0.15",
                "ports": [{"containerPort": 9187}],
            },
        ],
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "database"}},
                    }
                ]
            }
        },
    },
}
_RUNNING: Object = {
    "status": {
        "phase": "Running",
        "podIP": TOKENS["address"],
        "podIPs": [{"ip": TOKENS["address"]}],
        "hostIP": "192.0.2.1",
        "startTime": NOW,
        "qosClass": "Burstable",
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": NOW}
            for kind in (
                "PodReadyToStartContainers",
                "Initialized",
                "Ready",
                "ContainersReady",
                "PodScheduled",
            )
        ],
        "containerStatuses": [
            {
                "name": name,
                "ready": True,
                "started": True,
                "restartCount": 0,
                "image": image,
                "imageID": f"{image}@sha256:{'5d' * 32}",
                "containerID": f"containerd://{'7e' * 32}",
                "state": {"running": {"startedAt": NOW}},
            }
            for name, image in (
                ("main", "registry.example/team/postgres:16.4-bookworm"),
                ("exporter", "registry.example/postgres-exporter:0.15"),
            )
        ],
    }
}
CLAIM: Object = {
    "metadata": {
        "name": TOKENS["claim"],
        "namespace": TOKENS["namespace"],
        "labels": {"app.kubernetes.io/name": "database", "app.kubernetes.io/instance": "main"},
        "annotations": {
            "pv.kubernetes.io/bind-completed": "yes",
            "pv.kubernetes.io/bound-by-controller": "yes",
            "volume.beta.kubernetes.io/storage-provisioner": DRIVER,
            "volume.kubernetes.io/storage-provisioner": DRIVER,
            "volume.kubernetes.io/selected-node": TOKENS["node"],
        },
    },
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "100Gi"}},
        "storageClassName": TOKENS["class"],
        "volumeName": TOKENS["volume"],
        "volumeMode": "Filesystem",
    },
}
_BOUND_CLAIM: Object = {
    "status": {
        "phase": "Bound",
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "100Gi"},
    }
}
VOLUME: Object = {
    "metadata": {
        "name": TOKENS["volume"],
        "annotations": {
            "pv.kubernetes.io/provisioned-by": DRIVER,
            "volume.kubernetes.io/provisioner-deletion-secret-name": "",
            "volume.kubernetes.io/provisioner-deletion-secret-namespace": "",
        },
        "finalizers": ["external-provisioner.volume.kubernetes.io/finalizer"],
    },
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "100Gi"},
        "persistentVolumeReclaimPolicy": "Delete",
        "storageClassName": TOKENS["class"],
        "volumeMode": "Filesystem",
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": TOKENS["namespace"],
            "name": TOKENS["claim"],
            "uid": TOKENS["claim_uid"],
        },
        "csi": {
            "driver": DRIVER,
            "volumeHandle": TOKENS["handle"],
            "fsType": "ext4",
            "volumeAttributes": {
                "storage.kubernetes.io/csiProvisionerIdentity": f"1-8081-{DRIVER}"
            },
        },
        "nodeAffinity": {
            "required": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {
                                "key": "topology.kubernetes.io/zone",
                                "operator": "In",
                                "values": ["zone-1a"],
                            }
                        ]
                    }
                ]
            }
        },
    },
}
ATTACHMENT: Object = {
    "metadata": {
        "name": TOKENS["attachment"],
        "annotations": {"csi.alpha.kubernetes.io/node-id": "i-0123456789abcdef0"},
        "finalizers": [f"external-attacher/{DRIVER.replace('.', '-')}"],
    },
    "spec": {
        "attacher": DRIVER,
        "nodeName": TOKENS["node"],
        "source": {"persistentVolumeName": TOKENS["volume"]},
    },
}
NODE: Object = {
    "metadata": {
        "name": TOKENS["node"],
        "labels": {
            "kubernetes.io/hostname": TOKENS["node"],
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": "m6i.8xlarge",
            "topology.kubernetes.io/zone": "zone-1a",
            "topology.kubernetes.io/region": "region-1",
        },
        "annotations": {
            "csi.volume.kubernetes.io/nodeid": f'{{"{DRIVER}":"i-0123456789abcdef0"}}',
            "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        },
    },
    "spec": {"providerID": "aws:///zone-1a/i-0123456789abcdef0"},
}
_READY: Object = {
    "status": {
        "capacity": {"cpu": "32", "memory": "128Gi", "pods": "110"},
        "conditions": [
            {
                "type": kind,
                "status": "True" if kind == "Ready" else "False",
                "lastHeartbeatTime": NOW,
                "lastTransitionTime": NOW,
                "reason": "Kubelet",
                "message": "as the kubelet says",
            }
            for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
        ],
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": "6f1c1a8e-1d5e-4f0f-8e0c-0d6c8a4b7f10",
            "containerRuntimeVersion": "containerd://2.1.4",
            "kernelVersion": "6.8.0-1030",
            "kubeProxyVersion": "v1.36.1",
            "kubeletVersion": "v1.36.1",
            "machineID": "0123456789abcdef0123456789abcdef",
            "operatingSystem": "linux",
            "osImage": "Ubuntu 24.04",
            "systemUUID": "ec2a1c1e-0000-0000-0000-000000000000",
        },
        "images": [
            {
                "names": [f"registry.example/image-{n}@sha256:{'ab' * 32}", f"image-{n}:1"],
                "sizeBytes": 100_000_000 + n,
            }
            for n in range(40)
        ],
    }
}

SAMPLES = (
    Sample(
        "/apis/storage.k8s.io/v1/storageclasses",
        "storageclasses",
        namespaced=False,
        per_pod=0.0,
        body={
            "metadata": {"name": TOKENS["class"]},
            "provisioner": DRIVER,
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": True,
        },
        created_by="kubectl",
    ),
    Sample(
        "/apis/storage.k8s.io/v1/csidrivers",
        "csidrivers",
        namespaced=False,
        per_pod=0.0,
        body={"metadata": {"name": DRIVER}, "spec": {"attachRequired": True}},
        created_by="helm",
    ),
    Sample(
        "/api/v1/nodes",
        "minions",
        namespaced=False,
        per_pod=1 / PODS_A_NODE,
        body=NODE,
        created_by="kubelet",
        writers=(("status", _READY, "kubelet"),),
    ),
    Sample(
        "/apis/storage.k8s.io/v1/csinodes",
        "csinodes",
        namespaced=False,
        per_pod=1 / PODS_A_NODE,
        body={
            "metadata": {"name": TOKENS["node"]},
            "spec": {
                "drivers": [
                    {
                        "name": DRIVER,
                        "nodeID": "i-0123456789abcdef0",
                        "topologyKeys": ["topology.kubernetes.io/zone"],
                        "allocatable": {"count": 127},
                    }
                ]
            },
        },
        created_by="kubelet",
    ),
    Sample(
        "/api/v1/persistentvolumes",
        "persistentvolumes",
        namespaced=False,
        per_pod=1.0,
        body=VOLUME,
        created_by="csi-provisioner",
        writers=(("status", {"status": {"phase": "Bound"}}, "kube-controller-manager"),),
    ),
    Sample(
        f"/api/v1/namespaces/{TOKENS['namespace']}/persistentvolumeclaims",
        "persistentvolumeclaims",
        namespaced=True,
        per_pod=1.0,
        body=CLAIM,
        created_by="kube-controller-manager",
        writers=(("status", _BOUND_CLAIM, "kube-controller-manager"),),
    ),
    Sample(
        f"/api/v1/namespaces/{TOKENS['namespace']}/pods",
        "pods",
        namespaced=True,
        per_pod=1.0,
        body=POD,
        created_by="kube-controller-manager",
        writers=(("status", _RUNNING, "kubelet"),),
    ),
    Sample(
        "/apis/storage.k8s.io/v1/volumeattachments",
        "volumeattachments",
        namespaced=False,
        per_pod=0.2,
        body=ATTACHMENT,
        created_by="kube-controller-manager",
        writers=(("status", {"status": {"attached": True}}, "csi-attacher"),),
    ),
)
