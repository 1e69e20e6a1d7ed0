"""How long a plan takes for a claim with 200 users: looked at, planned, judged, over a real server.

What is asked is `/plan` of the program as it ships, as `pvmedic plan` does. Beside it, in the same
run, the usual Kubernetes client lists the same kinds, which is the least that anybody needs who
looks for users with it. BENCH_USERS=20 makes it quick. Printed, not judged.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.aio import client, config

from demo import crafted
from local import tools
from tests.bench.figures import machine, spread, tell
from tests.bench.remediator_run import TOKEN, DurableServer, RemediatorRun

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

USERS = int(os.environ.get("BENCH_USERS", "200"))
TIMES = 10
AT_ONCE = 8
AIM = 1.0
SPACE, CLAIM, VOLUME = "many", "shared", "pv-shared"
Object = dict[str, Any]
ABOUT = f"signal=rwx_recovery_blocked&namespace={SPACE}&persistentvolumeclaim={CLAIM}"
STARTED = "2026-01-01T00:00:00Z"
RUNS = {
    "phase": "Running",
    "startTime": STARTED,
    "containerStatuses": [
        {
            "name": "main",
            "image": "example.com/app:1",
            "imageID": "",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": STARTED}},
        }
    ],
}
CUSTOM = (
    ("apps.openshift.io", "v1", "deploymentconfigs"),
    ("kubeflow.org", "v1", "notebooks"),
    ("argoproj.io", "v1alpha1", "workflows"),
    ("argoproj.io", "v1alpha1", "cronworkflows"),
    ("argoproj.io", "v1alpha1", "rollouts"),
    ("keda.sh", "v1alpha1", "scaledobjects"),
    ("snapshot.storage.k8s.io", "v1", "volumesnapshots"),
)


def spec() -> Object:
    """Return what each user's pods are."""
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}
    mount = {"name": "data", "mountPath": "/data"}
    env = [{"name": f"SETTING_{n}", "value": "some value"} for n in range(10)]
    main = {"name": "main", "image": "example.com/app:1", "volumeMounts": [mount], "env": env}
    return {"containers": [main], "volumes": [volume]}


def users() -> Iterator[tuple[str, Object, bool]]:
    """Yield collection, object, and whether a ReplicaSet stands between it and its pod."""
    for number in range(USERS):
        kind, deployed = ("Deployment", True) if number % 2 else ("StatefulSet", False)
        name = f"{kind.lower()}-{number}"
        labels = {"app": name}
        body = {
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": SPACE},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": spec()},
            },
        }
        yield f"/apis/apps/v1/namespaces/{SPACE}/{kind.lower()}s", body, deployed


def owned(name: str, owner: Object) -> Object:
    """Return metadata of what an object makes."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    labels = owner["spec"]["selector"]["matchLabels"]
    return {"name": name, "namespace": SPACE, "labels": labels, "ownerReferences": [reference]}


async def fill(server: DurableServer) -> None:
    """Make every user with its pod, as its controllers would."""
    api, rest = server.api, users()
    assert api is not None

    async def some() -> None:
        for where, body, deployed in rest:
            owner = await api.call("POST", where, body)
            name = body["metadata"]["name"]
            if deployed:
                copied = {**owner["spec"]}
                copied.pop("strategy", None)
                less = {k: copied[k] for k in ("replicas", "selector", "template")}
                inner = {"metadata": owned(f"{name}-5d4f", owner), "spec": less}
                path = f"/apis/apps/v1/namespaces/{SPACE}/replicasets"
                owner = await api.call("POST", path, inner)
            pods = f"/api/v1/namespaces/{SPACE}/pods"
            pod = {"metadata": owned(f"{name}-0", owner), "spec": spec()}
            there = await api.call("POST", pods, pod)
            await api.call("PUT", f"{pods}/{name}-0/status", {**there, "status": RUNS})

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some())


def prepare(server: DurableServer) -> None:
    """Make the namespace and the claim of which Rok has warned, and its users."""
    server.call("POST", "/api/v1/namespaces", {"metadata": {"name": SPACE}})
    path = f"/api/v1/namespaces/{SPACE}"
    server.call("POST", f"{path}/serviceaccounts", {"metadata": {"name": "default"}})
    source = crafted.csi("rok.arrikto.com", VOLUME)
    text = crafted.volume(SPACE, VOLUME, CLAIM, "rok", source, mode="ReadWriteMany")
    server.call("POST", "/api/v1/persistentvolumes", json.loads(text.removeprefix("---\n")))
    text = crafted.claim(SPACE, CLAIM, "rok", mode="ReadWriteMany", volume=VOLUME)
    claims = f"{path}/persistentvolumeclaims"
    claim = server.call("POST", claims, json.loads(text.removeprefix("---\n")))
    bound = {**claim, "status": {"phase": "Bound", "accessModes": ["ReadWriteMany"]}}
    server.call("PUT", f"{claims}/{CLAIM}/status", bound)
    warning = (
        f"About to recover access-server volume '{VOLUME}-server': You will need to stop any Pods"
        f" which are currently using RWX volume '{VOLUME}'"
    )
    event = crafted.event(claim, "WARNING", warning, "rok-csi")
    server.call("POST", f"{path}/events", json.loads(event.removeprefix("---\n")))
    server.run(fill(server), 300.0)


def test_a_plan_for_a_claim_with_many_users() -> None:
    """From the question to the answer, and the same lists by the usual client."""
    with DurableServer(tools.ensure(tell)) as server:
        prepare(server)
        token = server.directory / "reading"
        token.write_text(f"{TOKEN}-to-read")
        limits = {"stop_workloads": USERS, "stop_pods": 2 * USERS}
        settings = {"reading": {"token_file": str(token)}, "limits": limits}
        with RemediatorRun(server, **settings) as run:
            asked(run)
            before = run.metric("pvmedic_kube_requests_total")
            found = [asked(run) for _ in range(TIMES)]
            calls = (run.metric("pvmedic_kube_requests_total") - before) / TIMES
        peer = asyncio.run(listed(str(server.control.kubeconfig)))
        ours = [seconds for seconds, _ in found]
        tell(f"\na plan for {USERS} users, {TIMES} times: min, median, max. {machine()}")
        tell(f"  pvmedic plan   {spread(ours, f's; aim under {AIM:g} s')}, {calls:.0f} calls")
        tell(f"  usual client   {spread(peer, 's, its lists of the same kinds alone')}")
        ratios = [one / other for one, other in zip(sorted(ours), sorted(peer), strict=True)]
        tell(f"  ratio          {spread(ratios, 'of the usual client')}")
        tell(f"  the answer has {found[-1][1]} bytes")


def asked(run: RemediatorRun) -> tuple[float, int]:
    """Ask once; return the seconds, and the bytes of the answer."""
    request = urllib.request.Request(  # noqa: S310 -- loopback
        f"{run.url}/plan?{ABOUT}", headers={"Authorization": f"Bearer {TOKEN}-to-read"}
    )
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 -- loopback
        body = answer.read()
    seconds = time.perf_counter() - began
    plan = json.loads(body)["plan"]
    # Each is stopped and started; two steps wait.
    assert len(plan["steps"]) == 2 * USERS + 2
    return seconds, len(body)


async def listed(kubeconfig: str) -> list[float]:
    """Return how long the usual client's lists of the same kinds took, all at once each time."""
    await config.load_kube_config(config_file=kubeconfig)  # type: ignore[no-untyped-call]
    async with client.ApiClient() as api:
        await _lists(api)
        found = []
        for _ in range(TIMES):
            began = time.perf_counter()
            await _lists(api)
            found.append(time.perf_counter() - began)
        return found


async def _lists(api: client.ApiClient) -> None:
    core, apps = client.CoreV1Api(api), client.AppsV1Api(api)
    batch, scaling = client.BatchV1Api(api), client.AutoscalingV2Api(api)
    await asyncio.gather(
        core.list_node(),
        core.read_namespace(SPACE),
        core.read_namespaced_persistent_volume_claim(CLAIM, SPACE),
        core.list_namespaced_pod(SPACE),
        core.list_namespaced_replication_controller(SPACE),
        core.list_namespaced_event(SPACE, field_selector=f"involvedObject.name={CLAIM}"),
        apps.list_namespaced_deployment(SPACE),
        apps.list_namespaced_stateful_set(SPACE),
        apps.list_namespaced_daemon_set(SPACE),
        apps.list_namespaced_replica_set(SPACE),
        batch.list_namespaced_job(SPACE),
        batch.list_namespaced_cron_job(SPACE),
        scaling.list_namespaced_horizontal_pod_autoscaler(SPACE),
        *(_absent(client.CustomObjectsApi(api), *one) for one in CUSTOM),
    )


async def _absent(api: client.CustomObjectsApi, group: str, version: str, resource: str) -> None:
    """List a kind that this server does not have."""
    call: Awaitable[object] = api.list_namespaced_custom_object(group, version, SPACE, resource)
    with pytest.raises(client.ApiException) as refused:
        await call
    assert refused.value.status == 404
