"""rwx_recovery_blocked on a real control plane: its controllers stop and start what we change.

Crafted: what Rok says. Real: API server, Deployment, StatefulSet, CronJob and Job controllers,
scheduler, garbage collection, and the rights that ship. Played: kubelets.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from demo import crafted
from local import workloads
from local.csi_objects import volume_name
from tests.cluster.test_webhook import notification

if TYPE_CHECKING:
    from tests.cluster.stage import Json, Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

ROK = "rok.arrikto.com"
CLAIM = "shared"
SIGNAL = "rwx_recovery_blocked"
ANNOTATED = {"pvmedic.dev/remediation": "enabled"}


def users(space: str) -> str:
    """Return the manifests of four kinds of users of the claim."""
    pod = {
        "containers": [{"name": "main", "image": workloads.IMAGE}],
        "terminationGracePeriodSeconds": 1,
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}],
    }
    template = {"metadata": {"labels": {"app": "x"}}, "spec": pod}
    running = {**template, "spec": {**pod, "restartPolicy": "Never"}}
    selected = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    specs: list[tuple[str, str, str, Json]] = [
        ("apps/v1", "Deployment", "web", {"replicas": 2, **selected}),
        ("apps/v1", "StatefulSet", "db", {"replicas": 1, "serviceName": "db", **selected}),
        ("apps/v1", "DaemonSet", "logs", selected),
        ("batch/v1", "Job", "batch", {"template": running}),
        (
            "batch/v1",
            "CronJob",
            "nightly",
            {"schedule": "0 4 * * *", "jobTemplate": {"spec": {"template": running}}},
        ),
    ]
    objects = [
        {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": space}}
        | {"spec": spec}
        for version, kind, name, spec in specs
    ]
    return "".join(f"---\n{json.dumps(one)}\n" for one in objects)


def begin(stage: Stage) -> None:
    """Start every user, and let Rok warn."""
    space, cluster = stage.space, stage.cluster
    volume, mode = volume_name(space, CLAIM), "ReadWriteMany"
    annotations = [f"{key}={value}" for key, value in ANNOTATED.items()]
    cluster.kubectl("annotate", "namespace", space, *annotations)
    cluster.apply(
        crafted.driver(space, ROK, attach=False)
        + crafted.volume(space, volume, CLAIM, "rok", crafted.csi(ROK, volume), mode=mode)
        + crafted.claim(space, CLAIM, "rok", mode=mode, volume=volume)
        + users(space)
    )
    stage.wait("a pod of each user Running", lambda: len(running(stage)) >= 4)
    say(
        stage,
        "WARNING",
        f"About to recover access-server volume 'pvc-server': You will need to stop any Pods"
        f" which are currently using RWX volume '{volume}'",
    )


def say(stage: Stage, reason: str, text: str) -> None:
    """Let Rok say something on the claim."""
    claim = got(stage, f"/api/v1/namespaces/{stage.space}/persistentvolumeclaims/{CLAIM}")
    warning = reason == "WARNING"
    stage.cluster.apply(crafted.event(claim, reason, text, "rok-csi", warning=warning))


def clear(stage: Stage) -> None:
    """Let Rok say that all are gone."""
    volume = volume_name(stage.space, CLAIM)
    say(
        stage,
        "INFO",
        f"All Pods using RWX volume '{volume}' are gone: You can start using the volume again",
    )


def running(stage: Stage) -> set[str]:
    """Return the owners of Running pods."""
    return {
        pod["metadata"]["ownerReferences"][0]["kind"]
        for pod in stage.pods()
        if pod["status"]["phase"] == "Running"
    }


def alert(stage: Stage) -> None:
    """Send what Alertmanager would."""
    labels = {
        "alertname": "PvmedicRwxRecoveryBlocked",
        "signal": SIGNAL,
        "namespace": stage.space,
        "persistentvolumeclaim": CLAIM,
    }
    status, text = stage.line.post(notification(labels))
    assert (status, json.loads(text)["alerts"]) in ((200, ["Recorded"]), (200, ["Known"]))


def status(stage: Stage) -> Json:
    """Return the status of the claim's newest record, empty without one."""
    mine = [
        item
        for item in stage.line.remediations()
        if item["spec"]["subject"].get("namespace") == stage.space
    ]
    return mine[-1].get("status", {}) if mine else {}


def spec(stage: Stage, kind: str, name: str) -> Json:
    """Return a workload's spec."""
    group = "batch" if kind in ("jobs", "cronjobs") else "apps"
    return got(stage, f"/apis/{group}/v1/namespaces/{stage.space}/{kind}/{name}")["spec"]


def got(stage: Stage, path: str) -> Json:
    """Return an object that is there."""
    found = stage.cluster.get(path)
    assert found is not None, path
    return found


def test_every_user_is_stopped_and_started_again_by_the_real_controllers(stage: Stage) -> None:
    """Each kind in its own way; nothing starts before Rok's word; all is as it was in the end."""
    begin(stage)
    alert(stage)
    stage.wait("no pod left", lambda: not stage.pods())
    stage.wait(
        "the wait for Rok's word",
        lambda: "Rok has not said yet" in status(stage).get("message", ""),
    )
    assert spec(stage, "deployments", "web")["replicas"] == 0
    assert spec(stage, "statefulsets", "db")["replicas"] == 0
    assert spec(stage, "jobs", "batch")["suspend"] is True
    assert spec(stage, "cronjobs", "nightly")["suspend"] is True
    stopped = got(stage, f"/apis/apps/v1/namespaces/{stage.space}/deployments/web")
    assert stopped["metadata"]["annotations"]["pvmedic.dev/undo-was"] == "2"
    # An Event's time is a whole second; the word has to be newer than the stop.
    second = int(time.time()) + 1
    stage.wait("the next second", lambda: time.time() >= second)
    clear(stage)
    stage.wait("Settled", lambda: status(stage).get("phase") == "Settled")
    assert spec(stage, "deployments", "web")["replicas"] == 2
    assert spec(stage, "statefulsets", "db")["replicas"] == 1
    assert spec(stage, "jobs", "batch")["suspend"] is False
    assert spec(stage, "cronjobs", "nightly")["suspend"] is False
    assert "nodeSelector" not in spec(stage, "daemonsets", "logs")["template"]["spec"]
    stage.wait("a pod of each user Running", lambda: len(running(stage)) >= 4)
    ledger = status(stage)["ledger"]
    assert len(ledger) == 5
    assert all(entry["closed"] for entry in ledger)
    for kind, name in (("deployments", "web"), ("daemonsets", "logs")):
        there = got(stage, f"/apis/apps/v1/namespaces/{stage.space}/{kind}/{name}")
        assert not [key for key in there["metadata"].get("annotations", {}) if "pvmedic" in key]
