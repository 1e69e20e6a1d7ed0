"""What makes and scales pods, from the wire: what is kept of each kind, as its API defines it."""

import json
from collections.abc import Mapping

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import ClaimNames, Keeper, Kind, Owner
from exporter.observe.parse import wire
from tests.observe import manifests
from tests.observe.manifests import DATA, STATEFUL, WORKFLOW, manifest, template, volume


def read(body: Mapping[str, object]) -> model.Object:
    """Decode one manifest."""
    return wire.one(Kind(manifests.NAMES[str(body["kind"])][1]), json.dumps(body).encode())


def workload(body: Mapping[str, object]) -> model.Workload:
    """Decode one workload."""
    found = read(body)
    assert isinstance(found, model.Workload)
    return found


ARGO = ClaimNames(("shared", "in-{{workflow.parameters.where}}", "data"), ("scratch",))
ONE = ClaimNames(("data",))
EXPECTED = {
    "shop": model.Deployment("web", "shop", "", "", replicas=3, current=3, ready=2, paused=True),
    "db": model.StatefulSet("web", "db", "", "", replicas=0, current=0, ready=0),
    "agent": model.DaemonSet(
        "web", "agent", "", "", current=3, ready=1, node_selector={"disk": "ssd"}
    ),
    "alone": model.ReplicaSet("web", "alone", "", "", replicas=2, current=3, ready=2),
    "old": model.ReplicationController("web", "old", "", "", replicas=2, current=3, ready=2),
    "shift": model.DeploymentConfig("web", "shift", "", "", replicas=2, current=2, ready=0),
    "load": model.Job("web", "load", "", "", current=1, ready=0, suspended=True),
    "nightly": model.CronJob("web", "nightly", "", "", current=1, suspended=True),
    "lab": model.Notebook(
        "web",
        "lab",
        "",
        "",
        ready=1,
        suspended=True,
        annotations={"kubeflow-resource-stopped": ""},
    ),
    "train-x2x4f": model.Workflow("web", "train-x2x4f", "", ""),
    "report": model.CronWorkflow("web", "report", "", "", current=0, suspended=True),
    "canary": model.Rollout("web", "canary", "", "", replicas=1, current=1, ready=0),
}
NAMED = [
    *((cls.group, cls.kind) for cls in model.WORKLOADS),
    *((cls.group, cls.kind) for cls in model.AUTOSCALERS),
]
CLAIMS = {
    "db": ClaimNames(("data",), ("logs",)),
    "train-x2x4f": ARGO,
    "report": ARGO,
}


@pytest.mark.parametrize("body", manifests.ALL, ids=lambda body: str(body["kind"]))
def test_each_kind_keeps_its_numbers_and_the_claims_of_its_template(
    body: Mapping[str, object],
) -> None:
    """Replicas wanted where the kind has such a number, else None; what is not said is zero."""
    found = workload(body)
    expected = EXPECTED[found.name]
    claims = CLAIMS.get(found.name, ONE)
    assert found == msgspec.structs.replace(expected, claims=claims)
    assert model.ref(found) == model.Ref(
        Kind(manifests.NAMES[str(body["kind"])][1]), "web", found.name
    )


def test_every_workload_and_autoscaler_has_a_manifest() -> None:
    """A kind that is added is tested."""
    known = [kind for _, kind in NAMED]
    assert sorted(known) == sorted(manifests.NAMES)
    assert {str(body["kind"]) for body in manifests.ALL} == {cls.kind for cls in model.WORKLOADS}


def test_the_group_that_is_named_is_the_groups_own() -> None:
    """What an ownerReference says must meet what is kept."""
    for group, kind in NAMED:
        assert manifests.NAMES[kind][0].rpartition("/")[0] == group


OWNERS = [
    {"apiVersion": "v1", "kind": "ConfigMap", "name": "mere", "uid": "c"},
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "shop",
        "uid": "d",
        "controller": True,
        "blockOwnerDeletion": True,
    },
]


def test_the_owner_is_the_one_that_controls() -> None:
    """Others only keep the object from being collected."""
    body = manifest(
        "ReplicaSet", "shop-1", {"template": template()}, meta={"ownerReferences": OWNERS}
    )
    assert workload(body).owner == Owner("apps", "Deployment", "shop", "d")
    assert (
        workload(manifest("ReplicaSet", "x", {}, meta={"ownerReferences": OWNERS[:1]})).owner
        is None
    )


@pytest.mark.parametrize(
    ("version", "kind", "group"),
    [
        ("extensions/v1beta1", "Deployment", "apps"),
        ("extensions/v1beta1", "ReplicaSet", "apps"),
        ("v1", "DeploymentConfig", "apps.openshift.io"),
        ("v1", "ReplicationController", ""),
        ("apps.kruise.io/v1beta1", "StatefulSet", "apps.kruise.io"),
        ("batch.volcano.sh/v1alpha1", "Job", "batch.volcano.sh"),
    ],
)
def test_a_reference_is_known_by_its_group_wherever_its_kind_lives_now(
    version: str, kind: str, group: str
) -> None:
    """References are not rewritten when a kind moves; a kind of another group is another kind."""
    owner = {"apiVersion": version, "kind": kind, "name": "n", "uid": "u", "controller": True}
    body = {"metadata": {"name": "p", "ownerReferences": [owner]}}
    found = wire.one(Kind.POD, json.dumps(body).encode())
    assert isinstance(found, model.Pod)
    assert found.controller == Owner(group, kind, "n", "u")


def test_a_pod_without_a_controller_has_none() -> None:
    """A bare pod."""
    found = wire.one(Kind.POD, b'{"metadata": {"name": "p"}}')
    assert isinstance(found, model.Pod)
    assert found.controller is None


def test_generic_ephemeral_volumes_are_kept_by_name_and_a_claim_once() -> None:
    """A claim that is mounted twice is one claim."""
    cache: manifests.Body = {"name": "cache", "ephemeral": {"volumeClaimTemplate": {}}}
    body = manifest(
        "Deployment",
        "shop",
        {"template": template(DATA, volume("again", "data"), cache, {"name": "e", "emptyDir": {}})},
    )
    assert workload(body).claims == ClaimNames(("data",), (), ("cache",))


def test_a_rollout_without_a_template_says_where_it_has_it_from() -> None:
    """Argo Rollouts may refer to a Deployment."""
    at = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
    found = workload(manifest("Rollout", "r", {"replicas": 2, "workloadRef": at}))
    assert found.template_of == Owner("apps", "Deployment", "shop")
    assert found.claims == ClaimNames()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("Job", {"conditions": [{"type": "Complete", "status": "True"}]}),
        ("Job", {"conditions": [{"type": "Failed", "status": "True"}]}),
        ("Workflow", {"phase": "Succeeded"}),
        ("Workflow", {"phase": "Failed"}),
        ("Workflow", {"phase": "Error"}),
    ],
)
def test_what_has_ended_says_so(kind: str, status: dict[str, object]) -> None:
    """It makes no pods any more."""
    assert workload(manifest(kind, "x", {}, status)).ended


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("Job", {"conditions": [{"type": "Complete", "status": "False"}]}),
        ("Job", {"conditions": [{"type": "Suspended", "status": "True"}]}),
        ("Workflow", {"phase": "Running"}),
        ("Workflow", {}),
    ],
)
def test_what_has_not_ended_does_not_say_so(kind: str, status: dict[str, object]) -> None:
    """A suspended Job will go on."""
    assert not workload(manifest(kind, "x", {}, status)).ended


def test_a_workflow_whose_template_stands_elsewhere_says_so_until_it_has_copied_it() -> None:
    """What it took is in its status."""
    refers = {"workflowTemplateRef": {"name": "t"}}
    bare = workload(manifest("Workflow", "w", refers))
    assert bare.claims == ClaimNames(elsewhere=True)
    copied = {"storedWorkflowTemplateSpec": {"volumes": [DATA], "templates": []}}
    assert workload(manifest("Workflow", "w", refers, copied)).claims == ClaimNames(("data",))
    cron = workload(manifest("CronWorkflow", "c", {"workflowSpec": refers}))
    assert cron.claims.elsewhere


def test_a_step_of_another_template_makes_a_workflow_uncertain_and_a_text_does_not() -> None:
    """A script may speak of templateRef."""
    step = {"name": "a", "templateRef": {"name": "t", "template": "main"}}
    refers = {"templates": [{"name": "main", "steps": [[step]]}]}
    assert workload(manifest("Workflow", "w", refers)).claims.elsewhere
    stored = {"storedTemplates": {"namespaced/t/main": {"name": "main", "volumes": [DATA]}}}
    assert workload(manifest("Workflow", "w", refers, stored)).claims == ClaimNames(("data",))
    script = {"templates": [{"name": "m", "script": {"source": 'print("templateRef")'}}, None]}
    assert not workload(manifest("Workflow", "w", script)).claims.elsewhere
    defaults = {"templateDefaults": {"volumes": [DATA]}}
    assert workload(manifest("Workflow", "w", defaults)).claims.named == ("data",)


def test_an_autoscaler_keeps_target_and_bounds() -> None:
    """Its default minimum is one; a zero is kept."""
    at = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
    keda = [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "s", "uid": "k"}]
    owned = [{**keda[0], "controller": True}]
    spec = {"scaleTargetRef": at, "maxReplicas": 9}
    kind = "HorizontalPodAutoscaler"
    target = Owner("apps", "Deployment", "shop")
    expected = model.HorizontalPodAutoscaler("web", "h", "", "", target, 1, 9)
    assert read(manifest(kind, "h", spec)) == expected
    found = read(manifest(kind, "h", {**spec, "minReplicas": 0}, meta={"ownerReferences": owned}))
    by_keda = Owner("keda.sh", "ScaledObject", "s", "k")
    assert found == msgspec.structs.replace(expected, least=0, owner=by_keda)


def test_a_scaled_object_keeps_kedas_defaults_and_whether_it_is_paused() -> None:
    """A target without version and kind is a Deployment."""
    spec = {"scaleTargetRef": {"name": "shop"}, "triggers": [{"type": "cron", "metadata": {}}]}
    target = Owner("apps", "Deployment", "shop")
    expected = model.ScaledObject("web", "s", "", "", target, 0, 100)
    assert read(manifest("ScaledObject", "s", spec)) == expected
    at = {"autoscaling.keda.sh/paused-replicas": "0"}
    assert read(
        manifest("ScaledObject", "s", spec, meta={"annotations": at})
    ) == msgspec.structs.replace(expected, paused=True, paused_at=0, annotations=at)
    for text, paused in (("true", True), ("false", False)):
        found = read(
            manifest(
                "ScaledObject",
                "s",
                spec,
                meta={"annotations": {"autoscaling.keda.sh/paused": text}},
            )
        )
        assert isinstance(found, model.ScaledObject)
        assert (found.paused, found.paused_at) == (paused, None)


TRACKED = "argocd.argoproj.io/tracking-id"


@pytest.mark.parametrize(
    ("meta", "keepers"),
    [
        ({}, ()),
        (
            {"annotations": {TRACKED: "shop-app:apps/Deployment:web/shop"}},
            (Keeper("Argo CD", "shop-app"),),
        ),
        (
            {"annotations": {TRACKED: "team-a_shop-app:apps/Deployment:web/shop"}},
            (Keeper("Argo CD", "shop-app", "team-a"),),
        ),
        # Copied from another object, as controllers copy annotations to what they make.
        ({"annotations": {TRACKED: "shop-app:apps/Deployment:web/other"}}, ()),
        ({"labels": {"argocd.argoproj.io/instance": "a"}}, (Keeper("Argo CD", "a"),)),
        (
            {"labels": {"app.kubernetes.io/instance": "a"}},
            (Keeper("Argo CD or Helm", "a", sure=False),),
        ),
        (
            {
                "labels": {"app.kubernetes.io/instance": "a"},
                "annotations": {TRACKED: "b:apps/Deployment:web/shop"},
            },
            (Keeper("Argo CD", "b"),),
        ),
        (
            {
                "labels": {
                    "kustomize.toolkit.fluxcd.io/name": "apps",
                    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
                }
            },
            (Keeper("Flux Kustomization", "apps", "flux-system"),),
        ),
        (
            {"labels": {"helm.toolkit.fluxcd.io/name": "shop"}},
            (Keeper("Flux HelmRelease", "shop"),),
        ),
    ],
)
def test_who_keeps_an_object_is_told_by_its_labels(
    meta: dict[str, object], keepers: tuple[Keeper, ...]
) -> None:
    """A label that Helm writes as well is not sure."""
    assert workload(manifest("Deployment", "shop", {}, meta=meta)).keepers == keepers


def test_our_annotations_are_kept_and_others_are_not() -> None:
    """Who opted out, and what we noted there ourselves."""
    notes = {"pvmedic.dev/undo": "3", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    found = workload(manifest("Deployment", "shop", {}, meta={"annotations": notes}))
    assert found.annotations == {"pvmedic.dev/undo": "3"}


def test_a_custom_resource_may_leave_out_its_replicas() -> None:
    """One is the default everywhere; zero is zero."""
    assert workload(manifest("Rollout", "r", {})).replicas == 1
    assert workload(manifest("StatefulSet", "s", {"replicas": 0, **STATEFUL})).replicas == 0


def test_a_list_of_workflows_with_one_unreadable_step_says_which() -> None:
    """The others are read."""
    broken = manifest("Workflow", "broken", {"templates": [7]})
    items = [manifest("Workflow", "fine", WORKFLOW), broken]
    page = wire.page(Kind.WORKFLOW, json.dumps({"metadata": {}, "items": items}).encode())
    assert [obj.name for obj in page.objects] == ["fine"]
    assert [one.name for one in page.unreadable] == [model.Ref(Kind.WORKFLOW, "web", "broken")]
