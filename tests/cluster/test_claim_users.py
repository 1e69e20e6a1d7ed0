"""Who uses a claim, read from a real API server: what its controllers made, and custom kinds."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from exporter.observe.kube.access import Where, access
from exporter.observe.kube.api import Api
from exporter.observe.look import Look, look_again
from exporter.observe.model import Kind, Owner
from exporter.observe.signals import claim_lost
from exporter.observe.signals.base import claim_subject
from exporter.observe.users import KINDS, Found, Standing, User, blind, user_wants, users_of
from local.background import CLOSING_SECONDS
from tests.observe import manifests
from tests.observe.manifests import REPLICATED, STATEFUL, manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.line import Line
    from exporter.observe.model import Subject
    from exporter.observe.view import View, Want
    from local.cluster import LocalCluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

SPACE = "claim-users"
CUSTOM = ("Notebook", "Workflow", "CronWorkflow", "Rollout", "DeploymentConfig", "ScaledObject")


def definition(kind: str) -> dict[str, object]:
    """Return the least CustomResourceDefinition of a kind: any content."""
    version, resource = manifests.NAMES[kind]
    group, _, served = version.partition("/")
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": resource, "singular": kind.lower()},
            "versions": [{"name": served, "served": True, "storage": True, "schema": schema}],
        },
    }


def apply(cluster: LocalCluster, *bodies: dict[str, object]) -> None:
    """Apply objects without their status, those with a namespace in ours."""
    items = [{key: part for key, part in body.items() if key != "status"} for body in bodies]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    cluster.apply(text.replace('"namespace": "web"', f'"namespace": "{SPACE}"'))


class Calls:
    """A Tally that remembers what was listed."""

    def __init__(self) -> None:
        self.listed: list[str] = []

    def request(self, resource: str, verb: str) -> None:
        """Remember it."""
        if verb == "list":
            self.listed.append(resource)

    def failure(self, resource: str, verb: str, reason: str) -> None:
        """Leave it to the look, which says what it could not see."""

    def undecodable(self, resource: str) -> None:
        """Say so."""
        raise AssertionError(resource)


def look(cluster: LocalCluster, calls: Calls) -> Look:
    """Look once at the users of the claim `data`."""

    def extra(subject: Subject, view: View) -> Iterator[Want]:
        del subject, view
        yield from user_wants(SPACE)

    async def run() -> Look:
        who = access(Where(kubeconfig=cluster.kubeconfig), {})
        async with Api(who, calls) as api:
            found = await look_again(
                api, claim_lost.ClaimLost(), claim_subject(SPACE, "data"), extra
            )
        await asyncio.sleep(CLOSING_SECONDS)
        return found

    return asyncio.run(run())


def users(cluster: LocalCluster) -> dict[str, User]:
    """Return who uses `data`, by kind."""
    view = look(cluster, Calls()).view
    assert blind(view) == {}
    found = users_of(SPACE, "data", view)
    by_kind = {user.top.kind: user for user in found}
    assert len(by_kind) == len(found)
    return by_kind


def group_of(kind: str) -> str:
    """Return the group of a kind."""
    return manifests.NAMES[kind][0].partition("/")[0]


def pods(cluster: LocalCluster) -> int:
    """Return how many pods there are."""
    listed = json.loads(cluster.kubectl("-n", SPACE, "get", "pods", "-o", "json"))
    return len(listed["items"])


@pytest.fixture
def cluster(line: Line) -> Iterator[LocalCluster]:
    """Return the cluster with an empty namespace, and clean up."""
    line.cluster.kubectl("create", "namespace", SPACE)
    yield line.cluster
    line.cluster.kubectl("delete", "namespace", SPACE, "--wait=false")
    names = [f"{manifests.NAMES[kind][1]}.{group_of(kind)}" for kind in CUSTOM]
    line.cluster.kubectl("delete", "crd", "--ignore-not-found", *names)


def test_users_are_read_as_the_api_server_and_its_controllers_have_them(
    cluster: LocalCluster,
) -> None:
    """First without the custom kinds, which are absent and not unseen; then with all of them."""
    calls = Calls()
    assert blind(look(cluster, calls).view) == {}
    # Notebooks are asked for in an older version as well.
    assert len(calls.listed) == len(KINDS) + 1
    apply(cluster, *(definition(kind) for kind in CUSTOM))
    names = [f"crd/{manifests.NAMES[kind][1]}.{group_of(kind)}" for kind in CUSTOM]
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)

    told = {str(body["kind"]): body for body in manifests.ALL}
    told["Deployment"] = manifest("Deployment", "shop", {"replicas": 2, **REPLICATED})
    at = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
    scaler = {"scaleTargetRef": at, "minReplicas": 2, "maxReplicas": 5}
    keda = {"scaleTargetRef": {"name": "shop"}, "triggers": []}
    apply(
        cluster,
        *told.values(),
        manifest("HorizontalPodAutoscaler", "shop", scaler),
        manifest("ScaledObject", "shop", keda),
    )
    uid = cluster.kubectl("-n", SPACE, "get", "notebook", "lab", "-o", "jsonpath={.metadata.uid}")
    owner = {"apiVersion": "kubeflow.org/v1", "kind": "Notebook", "name": "lab", "uid": uid}
    meta = {"ownerReferences": [{**owner, "controller": True}]}
    apply(cluster, manifest("StatefulSet", "lab", {"replicas": 1, **STATEFUL}, meta=meta))

    cluster.wait("pods of all that makes pods", lambda: pods(cluster) >= 2 + 2 + 2 + 1, 60.0)
    found = users(cluster)
    assert found.keys() == told.keys()
    assert {user.standing for user in found.values()} == {Standing.WORKLOAD}
    with_pods = {kind: len(user.pods) for kind, user in found.items() if user.pods}
    assert with_pods == {
        "Deployment": 2,
        "ReplicaSet": 2,
        "ReplicationController": 2,
        "Notebook": 1,
    }
    shop, lab = found["Deployment"], found["Notebook"]
    assert [type(part).__name__ for part in shop.parts] == ["ReplicaSet"]
    assert [scaler.kind for scaler in shop.autoscalers] == [
        "HorizontalPodAutoscaler",
        "ScaledObject",
    ]
    assert lab.top == Owner("kubeflow.org", "Notebook", "lab", uid)
    assert [(part.kind, part.replicas) for part in lab.parts] == [("StatefulSet", 1)]
    assert found["CronJob"].found is Found.TEMPLATE

    calls = Calls()
    seen = look(cluster, calls).view
    assert len(calls.listed) == len(KINDS)
    # The StatefulSet controller's own name for the claim that it made.
    (made,) = users_of(SPACE, "logs-lab-0", seen)
    assert made.top == lab.top
    assert seen.sees(Kind.WORKFLOW)
