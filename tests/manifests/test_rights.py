"""What each account may, as it ships: exactly what its program uses, and nothing dangerous."""

import pytest
import yaml

from exporter.observe.kube.resources import RESOURCES
from exporter.observe.signals import READ
from remediator.cli.rights import More, needed, unwanted
from tests.manifests.shipped import HERE, PEOPLE, every, of, rights

BEFORE = HERE / "access" / "components" / "before-1.26"
BARE = HERE / "access" / "components" / "bare-pods"


def test_the_exporter_may_look_and_nothing_else() -> None:
    """List and watch on exactly what its detectors read, and what kubelets and nodes tell."""
    watched: set[tuple[str, str, str, str, str]] = set()
    for kind in READ & RESOURCES.keys():
        group = RESOURCES[kind].base.strip("/").split("/")[1:-1]
        watched |= every("".join(group), RESOURCES[kind].name, "list watch")
    assert rights("pvmedic-exporter") == (
        watched
        | every("", "nodes/stats /facts", "get")
        | {("pvmedic-node", "discovery.k8s.io", "endpointslices", "list", "")}
    )


def test_a_node_asks_the_api_server_only_who_its_callers_are() -> None:
    """And the claim of a volume whose mount is in trouble, by its name."""
    assert rights("pvmedic-node") == (
        every("authentication.k8s.io", "tokenreviews", "create")
        | every("authorization.k8s.io", "subjectaccessreviews", "create")
        | every("", "persistentvolumes", "get")
    )


def test_the_remediator_has_exactly_the_rights_it_uses() -> None:
    """Look, patch nodes, write Events, keep records, hear people, hold the Lease."""
    assert rights("pvmedic-remediator") == (
        every("", "persistentvolumeclaims namespaces", "get")
        | every("", "persistentvolumes", "get list")
        | every("", "pods", "list")
        | every("storage.k8s.io", "volumeattachments", "list")
        | every("", "nodes", "get list patch")
        | every("", "events", "create list")
        # Who uses a claim, and stopping and starting them.
        | every("apps", "deployments statefulsets daemonsets replicasets", "list patch")
        | every("", "replicationcontrollers", "list patch")
        | every("batch", "jobs cronjobs", "list patch")
        | every("apps.openshift.io", "deploymentconfigs", "list patch")
        | every("kubeflow.org", "notebooks", "list patch")
        | every("argoproj.io", "rollouts cronworkflows", "list patch")
        | every("argoproj.io", "workflows", "list")
        | every("autoscaling", "horizontalpodautoscalers", "list")
        | every("keda.sh", "scaledobjects", "list")
        | every("snapshot.storage.k8s.io", "volumesnapshots", "list")
        # What a claim asks for, and what limits it.
        | every("", "persistentvolumeclaims", "patch")
        | every("", "resourcequotas limitranges", "list")
        | every("", "nodes/stats", "get")
        | every("storage.k8s.io", "storageclasses", "get")
        | every("pvmedic.dev", "remediations", "get list watch create patch delete")
        | every("pvmedic.dev", "remediationapprovals", "list watch")
        | every("pvmedic.dev", "nodeattestations", "list")
        | every("csiaddons.openshift.io", "networkfences", "list")
        | every("pvmedic.dev", "remediations/status", "update")
        | {("kube-node-lease", "coordination.k8s.io", "leases", "get", "")}
        | {("pvmedic", "", "configmaps", "get", "pvmedic-pause")}
        | {("pvmedic", "coordination.k8s.io", "leases", "create", "")}
        | {
            ("pvmedic", "coordination.k8s.io", "leases", verb, "pvmedic-remediator")
            for verb in ("get", "update")
        }
    )


def test_check_access_asks_for_exactly_what_ships() -> None:
    """A right that is missing is found by the command that looks for it."""
    asked = {
        (one.namespace, one.group, one.resource, one.verb, one.name) for one in needed("pvmedic")
    }
    assert asked == rights("pvmedic-remediator")


def test_only_before_1_26_pods_may_be_deleted() -> None:
    """There the taint does nothing; the right ships as a component, and is too much elsewhere."""
    new, old = needed("pvmedic"), needed("pvmedic", server=(1, 25))
    (more,) = set(old) - set(new)
    assert str(more) == "delete pods"
    assert "delete pods" in map(str, unwanted())
    assert "delete pods" not in map(str, unwanted((1, 25)))
    (cluster_role,) = (
        each
        for each in yaml.safe_load_all((BEFORE / "pods.yaml").read_text())
        if each["kind"] == "ClusterRole"
    )
    assert cluster_role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}
    ]


def test_pods_may_be_made_only_where_somebody_binds_that_role() -> None:
    """Who may create pods in a namespace may be any account of it: no binding ships."""
    assert {"create pods", "delete pods"} <= set(map(str, unwanted()))
    there = needed("pvmedic", More(bare_pods=("web",)))
    assert {str(one) for one in set(there) - set(needed("pvmedic"))} == {
        "create pods in namespace web",
        "delete pods in namespace web",
    }
    (role,) = yaml.safe_load_all((BARE / "pods.yaml").read_text())
    assert role["kind"] == "ClusterRole"
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete", "create"]}
    ]


@pytest.mark.parametrize("account", ["pvmedic-exporter", "pvmedic-node", "pvmedic-remediator"])
def test_no_account_has_a_dangerous_right(account: str) -> None:
    """No wildcard, no command execution, no secrets, no deleting and no rights over rights."""
    for _, group, resource, verb, _ in rights(account):
        assert "*" not in (group, resource, verb)
        assert resource not in ("nodes/proxy", "pods/exec", "pods/attach", "secrets")
        assert verb not in ("deletecollection", "escalate", "bind", "impersonate")
        # Its own records, once they are over for long, and nothing else.
        assert verb != "delete" or (group, resource) == ("pvmedic.dev", "remediations")
        assert (resource, verb) != ("remediationapprovals", "create")
        assert (resource, verb) != ("nodeattestations", "create")


def test_every_role_is_bound_and_every_binding_has_its_role() -> None:
    """A role without a binding, or the reverse, is a right that somebody believes in."""
    for kind in ("ClusterRole", "Role"):
        bound = {
            (namespace, binding["roleRef"]["name"])
            for (namespace, _), binding in of(f"{kind}Binding").items()
        }
        # Which people may do what is for the cluster's owner to say.
        assert bound == set(of(kind)) - PEOPLE
