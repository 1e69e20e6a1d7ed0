"""Workloads as their APIs define them, short: what a person would apply, with a server's fields.

For tests that decode them, in memory and from a real API server.
"""

from collections.abc import Mapping

Body = dict[str, object]

NAMES = {
    "Deployment": ("apps/v1", "deployments"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "DaemonSet": ("apps/v1", "daemonsets"),
    "ReplicaSet": ("apps/v1", "replicasets"),
    "ReplicationController": ("v1", "replicationcontrollers"),
    "DeploymentConfig": ("apps.openshift.io/v1", "deploymentconfigs"),
    "Job": ("batch/v1", "jobs"),
    "CronJob": ("batch/v1", "cronjobs"),
    "Notebook": ("kubeflow.org/v1", "notebooks"),
    "Workflow": ("argoproj.io/v1alpha1", "workflows"),
    "CronWorkflow": ("argoproj.io/v1alpha1", "cronworkflows"),
    "Rollout": ("argoproj.io/v1alpha1", "rollouts"),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers"),
    "ScaledObject": ("keda.sh/v1alpha1", "scaledobjects"),
}
"""Version and resource by kind."""


def volume(name: str, claim: str) -> Body:
    """Return a pod's volume that is a claim."""
    return {"name": name, "persistentVolumeClaim": {"claimName": claim}}


def template(*volumes: Body, **spec: object) -> Body:
    """Return a pod template."""
    container = {"name": "main", "image": "pause:3.10"}
    inner = {"containers": [container], "volumes": list(volumes), **spec}
    return {"metadata": {"labels": {"app": "x"}}, "spec": inner}


def manifest(
    kind: str,
    name: str,
    spec: Mapping[str, object],
    status: Mapping[str, object] | None = None,
    meta: Mapping[str, object] | None = None,
) -> Body:
    """Return an object of namespace web."""
    metadata = {"name": name, "namespace": "web", **(meta or {})}
    body: Body = {"apiVersion": NAMES[kind][0], "kind": kind, "metadata": metadata}
    return {**body, "spec": spec} if status is None else {**body, "spec": spec, "status": status}


SELECTOR = {"matchLabels": {"app": "x"}}
DATA = volume("files", "data")
REPLICATED = {"selector": SELECTOR, "template": template(DATA)}
NUMBERS = {"replicas": 3, "readyReplicas": 2, "observedGeneration": 4}


def _made(name: str) -> Body:
    resources = {"requests": {"storage": "1Gi"}}
    return {
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": resources},
    }


STATEFUL = {
    "serviceName": "db",
    "selector": SELECTOR,
    "template": template(DATA, volume("logs", "replaced")),
    "volumeClaimTemplates": [_made("logs")],
}
"""Names the claim `data`, and makes `logs-<name>-<ordinal>` in place of its volume `logs`."""

_STEP = {"name": "main", "container": {"image": "alpine:3"}, "volumes": [DATA]}
WORKFLOW = {
    "entrypoint": "main",
    "arguments": {"parameters": [{"name": "where", "value": "data"}]},
    "volumes": [volume("shared", "shared"), volume("p", "in-{{workflow.parameters.where}}")],
    "volumeClaimTemplates": [_made("scratch")],
    "templates": [_STEP, {"name": "no-volumes", "steps": [[{"name": "a", "template": "main"}]]}],
}

ALL = (
    manifest("Deployment", "shop", {"replicas": 3, "paused": True, **REPLICATED}, NUMBERS),
    manifest("StatefulSet", "db", {"replicas": 0, **STATEFUL}, {"replicas": 0}),
    manifest(
        "DaemonSet",
        "agent",
        {"selector": SELECTOR, "template": template(DATA, nodeSelector={"disk": "ssd"})},
        {"currentNumberScheduled": 3, "desiredNumberScheduled": 3, "numberReady": 1},
    ),
    manifest("ReplicaSet", "alone", {"replicas": 2, **REPLICATED}, NUMBERS),
    manifest(
        "ReplicationController",
        "old",
        {"replicas": 2, "selector": {"app": "x"}, "template": template(DATA)},
        NUMBERS,
    ),
    manifest(
        "DeploymentConfig",
        "shift",
        {"replicas": 2, "selector": {"app": "x"}, "template": template(DATA)},
        {"replicas": 2, "latestVersion": 1},
    ),
    manifest(
        "Job",
        "load",
        {"suspend": True, "template": template(DATA, restartPolicy="Never")},
        {"active": 1, "ready": 0},
    ),
    manifest(
        "CronJob",
        "nightly",
        {
            "schedule": "0 3 * * *",
            "suspend": True,
            "jobTemplate": {"spec": {"template": template(DATA, restartPolicy="Never")}},
        },
        {"active": [{"apiVersion": "batch/v1", "kind": "Job", "name": "nightly-1"}]},
    ),
    manifest(
        "Notebook",
        "lab",
        {"template": template(DATA)},
        {"readyReplicas": 1, "containerState": {}},
        {"annotations": {"kubeflow-resource-stopped": ""}},
    ),
    manifest("Workflow", "train-x2x4f", WORKFLOW, {"phase": "Running"}),
    manifest(
        "CronWorkflow",
        "report",
        {"schedule": "0 4 * * *", "suspend": True, "workflowSpec": WORKFLOW},
        {"active": []},
    ),
    manifest("Rollout", "canary", REPLICATED, {"replicas": 1, "observedGeneration": "7"}),
)
"""One of each workload, all of which name the claim `data`."""
