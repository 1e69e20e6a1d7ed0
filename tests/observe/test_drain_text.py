"""A node's pods and budgets on the wire: what a drain meets, by selectors as Kubernetes' own."""

import json

import pytest

from exporter.observe.model.drain import Budget, Drain, DrainPod
from exporter.observe.parse import drain as parse

Json = dict[str, object]


def pod(name: str = "web-0", namespace: str = "shop", **fields: object) -> Json:
    """Return a pod; `labels`, `annotations`, `owners`, `volumes` and others override."""
    owners = fields.get("owners", [])
    meta = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "labels": fields.get("labels"),
        "annotations": fields.get("annotations"),
        "ownerReferences": owners,
        "deletionTimestamp": fields.get("deletion"),
    }
    return {
        "metadata": meta,
        "spec": {"volumes": fields.get("volumes")},
        "status": {"phase": fields.get("phase", "Running")},
    }


def budget(name: str, selector: Json | None, namespace: str = "shop", **status: int) -> Json:
    """Return a budget that was counted, unless `status` says otherwise."""
    counted = {"observedGeneration": 2, **status}
    meta = {"name": name, "namespace": namespace, "generation": 2}
    return {"metadata": meta, "spec": {"selector": selector}, "status": counted}


def drain(pods: list[Json], budgets: list[Json] | None = None, *, beta: bool = False) -> Drain:
    """Return what is read of these lists."""
    texts = (json.dumps({"items": each}).encode() for each in (pods, budgets or []))
    return parse.drain("node-a", *texts, beta=beta)


def test_what_a_drain_asks_of_a_pod() -> None:
    """Who makes it anew, what goes with it, whose it is, and whether it is going already."""
    owners = [
        {"kind": "Node", "name": "n", "uid": "u", "apiVersion": "v1"},
        {
            "kind": "ReplicaSet",
            "name": "r",
            "uid": "u",
            "apiVersion": "apps/v1",
            "controller": True,
        },
    ]
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-0"}},
        {"name": "tmp", "ephemeral": {"volumeClaimTemplate": {}}},
        {"name": "cache", "emptyDir": {}},
        {"name": "config", "configMap": {"name": "c"}},
    ]
    found = drain(
        [
            pod(labels={"app": "rok-csi-guard"}, owners=owners, volumes=volumes),
            pod("static", annotations={parse.MIRROR: "hash"}, deletion="1970-01-01T00:01:40Z"),
            pod("done", phase="Succeeded"),
        ]
    )
    assert found == Drain(
        "node-a",
        (
            DrainPod(
                "shop",
                "web-0",
                "uid-web-0",
                "Running",
                "ReplicaSet",
                local_data=True,
                app="rok-csi-guard",
                claims=("data-0", "web-0-tmp"),
            ),
            DrainPod("shop", "static", "uid-static", "Running", mirror=True, deletion=100.0),
            DrainPod("shop", "done", "uid-done", "Succeeded"),
        ),
    )
    assert [one.ended for one in found.pods] == [False, False, True]


A = {"app": "web", "tier": "front"}


@pytest.mark.parametrize(
    ("selector", "there", "beta"),
    [
        ({"matchLabels": {"app": "web"}}, True, True),
        ({"matchLabels": {"app": "web", "tier": "back"}}, False, False),
        ({"matchLabels": {"other": "web"}}, False, False),
        (
            {"matchExpressions": [{"key": "app", "operator": "In", "values": ["db", "web"]}]},
            True,
            True,
        ),
        (
            {"matchExpressions": [{"key": "none", "operator": "In", "values": ["web"]}]},
            False,
            False,
        ),
        (
            {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]},
            False,
            False,
        ),
        ({"matchExpressions": [{"key": "none", "operator": "NotIn", "values": ["x"]}]}, True, True),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, True, True),
        ({"matchExpressions": [{"key": "none", "operator": "Exists"}]}, False, False),
        ({"matchExpressions": [{"key": "none", "operator": "DoesNotExist"}]}, True, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False, False),
        (
            {
                "matchLabels": {"app": "web"},
                "matchExpressions": [{"key": "tier", "operator": "In", "values": ["back"]}],
            },
            False,
            False,
        ),
        # Empty: every pod of the namespace in v1, none in v1beta1. Missing: none in both.
        ({}, True, False),
        ({"matchLabels": {}, "matchExpressions": []}, True, False),
        (None, False, False),
    ],
)
def test_a_selector_selects_as_kubernetes_does(
    selector: Json | None, *, there: bool, beta: bool
) -> None:
    """Labels and expressions must all be met, within the namespace."""
    budgets = [budget("b", selector), budget("far", selector, namespace="other")]
    for old, wanted in ((False, there), (True, beta)):
        (one,) = drain([pod(labels=A)], budgets, beta=old).pods
        assert one.budgets == (("b",) if wanted else ())


def test_budgets_of_a_pod_are_all_those_that_select_it() -> None:
    """And of the others none is kept."""
    budgets = [
        budget("two", {"matchLabels": A}, disruptionsAllowed=0, currentHealthy=1, desiredHealthy=2),
        budget("one", {}, disruptionsAllowed=1),
        budget("not", {"matchLabels": {"app": "db"}}),
        budget("one", {}, namespace="other"),
    ]
    found = drain([pod(labels=A)], budgets)
    (one,) = found.pods
    assert found.budgets == (Budget("shop", "one", 1), Budget("shop", "two", 0, 1, 2))
    assert found.budgets_of(one) == found.budgets


@pytest.mark.parametrize("status", [{}, {"observedGeneration": 1, "disruptionsAllowed": 3}])
def test_a_budget_that_was_not_counted_since_it_changed_allows_nothing_known(status: Json) -> None:
    """The API server refuses by such a one, too."""
    made = {**budget("b", {}), "status": status}
    assert drain([pod()], [made]).budgets == (Budget("shop", "b", None),)


@pytest.mark.parametrize(
    ("pods", "budgets"),
    [
        ("<html>", '{"items": []}'),
        ("{}", '{"items": []}'),
        ('{"items": [{"metadata": {"name": "a", "namespace": "b"}}]}', '{"items": []}'),
        ('{"items": [{}]}', '{"items": []}'),
        ('{"items": []}', "[]"),
        ('{"items": []}', "{}"),
        ('{"items": []}', "\udcff"),
        (
            json.dumps({"items": [pod()]}),
            json.dumps(
                {
                    "items": [
                        budget(
                            "b",
                            {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]},
                        )
                    ]
                }
            ),
        ),
    ],
)
def test_what_cannot_be_read_is_no_empty_list(pods: str, budgets: str) -> None:
    """Nor is an operator that is not known passed over."""
    with pytest.raises(parse.UNREADABLE):
        parse.drain(
            "a",
            pods.encode(errors="surrogateescape"),
            budgets.encode(errors="surrogateescape"),
            beta=False,
        )


def test_null_lists_are_empty() -> None:
    """Go writes them so."""
    assert parse.drain("a", b'{"items": null}', b'{"items": null}', beta=False) == Drain("a", ())
