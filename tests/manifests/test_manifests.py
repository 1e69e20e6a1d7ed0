"""deploy/manifests as text: rights, pods, names, and the record's schema against the record."""

import builtins
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from exporter.kit import settings
from exporter.observe.kube.resources import RESOURCES
from exporter.observe.signals import READ
from exporter.settings import NodeSettings
from exporter.settings import Settings as ExporterSettings
from remediator import record
from remediator.cli.rights import needed
from remediator.settings import Mode
from remediator.settings import Settings as RemediatorSettings

HERE = Path(__file__).resolve().parents[2] / "deploy" / "manifests"

Tree = Mapping[str, Any]  # Any: what YAML holds; every test checks what it reads.


def kustomized(folder: Path) -> Iterator[tuple[Path, Tree]]:
    """Yield the objects that a kustomization composes, with their files."""
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]:
        path = folder / name
        if path.is_dir():
            yield from kustomized(path)
        else:
            for each in yaml.safe_load_all(path.read_text()):
                yield path, each


PEOPLE = {("", "pvmedic-approver"), ("", "pvmedic-attester"), ("pvmedic", "pvmedic-pauser")}
"""Roles for people."""

OBJECTS = [each for folder in (HERE, HERE / "node") for _, each in kustomized(folder)]


def of(kind: str) -> dict[tuple[str, str], Tree]:
    """Return the objects of a kind by namespace and name."""
    return {
        (each["metadata"].get("namespace", ""), each["metadata"]["name"]): each
        for each in OBJECTS
        if each["kind"] == kind
    }


def rights(name: str) -> set[tuple[str, str, str, str, str]]:
    """Return what an account may: (namespace, group, resource, verb, object name)."""
    space = "pvmedic-node" if name == "pvmedic-node" else "pvmedic"
    account = {"kind": "ServiceAccount", "name": name, "namespace": space}
    found = set()
    for kind in ("ClusterRole", "Role"):
        for (namespace, _), binding in of(f"{kind}Binding").items():
            if account not in binding["subjects"]:
                continue
            assert binding["roleRef"]["kind"] == kind
            role = of(kind)[namespace, binding["roleRef"]["name"]]
            for rule in role["rules"]:
                urls = rule.get("nonResourceURLs", ())
                found |= {("", "", url, verb, "") for url in urls for verb in rule["verbs"]}
                found |= {
                    (namespace, group, resource, verb, only)
                    for group in rule.get("apiGroups", ())
                    for resource in rule["resources"]
                    for verb in rule["verbs"]
                    for only in rule.get("resourceNames", [""])
                }
    return found


def every(group: str, resources: str, verbs: str) -> set[tuple[str, str, str, str, str]]:
    """Return rights in all namespaces."""
    return {("", group, each, verb, "") for each in resources.split() for verb in verbs.split()}


def test_every_file_is_part_of_the_whole() -> None:
    """A manifest that no kustomization names would never be applied."""
    folders = (HERE, HERE / "node", HERE / "access" / "components" / "medik8s")
    composed = {path for folder in folders for path, _ in kustomized(folder)}
    lying = set(HERE.rglob("*.yaml")) - set(HERE.rglob("kustomization.yaml"))
    assert lying - composed == set(HERE.rglob("settings/*.yaml"))


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
        | every("pvmedic.dev", "remediations", "get list watch create patch delete")
        | every("pvmedic.dev", "remediationapprovals", "list watch")
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


def test_everything_with_a_namespace_is_in_ours() -> None:
    """Only the right to read heartbeats stands elsewhere."""
    ours = {"pvmedic", "pvmedic-node"}
    elsewhere = {
        (each["kind"], each["metadata"]["namespace"])
        for each in OBJECTS
        if each["metadata"].get("namespace", "pvmedic") not in ours
    }
    assert elsewhere == {("Role", "kube-node-lease"), ("RoleBinding", "kube-node-lease")}
    levels = {
        name: space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for (_, name), space in of("Namespace").items()
    }
    assert levels == {"pvmedic": "restricted", "pvmedic-node": "privileged"}


NODE = of("DaemonSet")["pvmedic-node", "pvmedic-node"]["spec"]["template"]["spec"]
COMPONENTS = sorted((HERE / "node" / "components").iterdir())


def test_the_pod_on_a_node_only_reads_and_has_one_power_of_root() -> None:
    """What is the host's is read-only; what it keeps is its own, and goes with the pod."""
    (container,) = NODE["containers"]
    assert container["image"] == "pvmedic:0.1.0"
    assert container["securityContext"] == {
        "runAsUser": 0,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]},
    }
    assert not {"hostPID", "hostNetwork", "hostIPC"} & NODE.keys()
    of_host = {each["name"] for each in NODE["volumes"] if "hostPath" in each}
    mounts = [each for each in container["volumeMounts"] if each["name"] in of_host]
    assert len(mounts) == len(of_host) == 2
    assert all(each["readOnly"] for each in mounts)
    assert set(container["resources"]) == {"requests", "limits"}


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda path: path.name)
def test_a_component_writes_nowhere_but_where_glusterd_leaves_its_state(component: Path) -> None:
    """And needs no pod of another's, nor the host's processes or network."""
    (entry,) = yaml.safe_load((component / "kustomization.yaml").read_text())["patches"]
    pod = yaml.safe_load(entry["patch"])["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    writable = [m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")]
    assert writable == (["/host/run/gluster"] if component.name == "gluster" else [])
    assert set(pod) == {"containers", "volumes"}


def test_the_role_on_nodes_reads_the_settings_that_ship() -> None:
    """Where its state, the host and its certificate lie is where the pod has them."""
    shipped = HERE / "node" / "settings"
    found = settings.read(shipped / "node.yaml", NodeSettings)
    (container,) = NODE["containers"]
    paths = {each["mountPath"] for each in container["volumeMounts"]}
    assert {
        str(found.state),
        f"{found.host_root}/proc",
        f"{found.host_root}/var/lib/kubelet",
    } < paths
    tls = yaml.safe_load((shipped / "web.yaml").read_text())["tls_server_config"]
    assert all(str(Path(tls[name]).parent) in paths for name in ("cert_file", "key_file"))
    (port,) = of("Service")["pvmedic-node", "pvmedic-node"]["spec"]["ports"]
    assert found.listen.port == port["port"] == container["ports"][0]["containerPort"]


@pytest.mark.parametrize("name", ["pvmedic-exporter", "pvmedic-remediator"])
def test_the_pods_run_with_the_least_that_they_need(name: str) -> None:
    """Non-root, read-only, no capability, a pinned image, limits, probes, and quick to move."""
    pod = of("Deployment")["pvmedic", name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "pvmedic:0.1.0"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]) == {"requests", "limits"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert {each["key"] for each in pod["tolerations"]} == {
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    }
    assert all(each["tolerationSeconds"] <= 30 for each in pod["tolerations"])
    assert ("pvmedic", pod["serviceAccountName"]) in of("ServiceAccount")


def test_no_pod_needs_a_volume_claim() -> None:
    """A storage medic must not lie on the storage that it heals."""
    for deployment in of("Deployment").values():
        for volume in deployment["spec"]["template"]["spec"]["volumes"]:
            assert set(volume) - {"name"} <= {"configMap", "secret", "emptyDir"}


@pytest.mark.parametrize("name", ["pvmedic-exporter", "pvmedic-remediator"])
def test_service_and_settings_fit_their_pods(name: str) -> None:
    """Selectors match, ports exist, and the settings file is where the program looks for it."""
    deployment = of("Deployment")["pvmedic", name]["spec"]
    service = of("Service")["pvmedic", name]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()
    assert deployment["selector"]["matchLabels"].items() <= labels.items()
    (container,) = deployment["template"]["spec"]["containers"]
    (port,) = container["ports"]
    assert [each["targetPort"] for each in service["ports"]] == [port["name"]]
    generated = yaml.safe_load((HERE / "programs" / "kustomization.yaml").read_text())
    (files,) = [each["files"] for each in generated["configMapGenerator"] if each["name"] == name]
    assert container["args"] == ["--config", f"/etc/pvmedic/{Path(files[0]).name}"]
    assert (HERE / "programs" / files[0]).is_file()


def test_the_shipped_settings_are_accepted_and_careful() -> None:
    """Both programs read their file, listen where the Service sends, and act on nothing."""
    shipped = HERE / "programs" / "settings"
    exporter = settings.read(shipped / "exporter.yaml", ExporterSettings)
    remediator = settings.read(shipped / "remediator.yaml", RemediatorSettings)
    for name, listen in (("exporter", exporter.listen), ("remediator", remediator.listen)):
        (port,) = of("Service")["pvmedic", f"pvmedic-{name}"]["spec"]["ports"]
        assert (listen.host, listen.port) == ("0.0.0.0", port["port"])  # noqa: S104
    assert (remediator.mode, remediator.modes) == (Mode.OBSERVE, {})
    assert remediator.namespace == "pvmedic"
    pod = of("Deployment")["pvmedic", "pvmedic-remediator"]["spec"]["template"]["spec"]
    mounts = {each["mountPath"]: each["name"] for each in pod["containers"][0]["volumeMounts"]}
    assert mounts[str(remediator.webhook.token_file.parent)] == "webhook"


# The record's schema.

CRD = of("CustomResourceDefinition")["", "remediations.pvmedic.dev"]["spec"]
SCHEMA: Tree = CRD["versions"][0]["schema"]["openAPIV3Schema"]


def shape(kind: object, name: str) -> object:
    """Return the schema's outline of a type of the record, as the record is written."""
    args = typing.get_args(kind)
    match typing.get_origin(kind):
        case types.UnionType | typing.Union:
            return shape(next(each for each in args if each is not types.NoneType), name)
        case builtins.tuple:
            return [shape(args[0], name)]
        case builtins.dict:
            return {"*": "string"}
        case _:
            return simple_shape(typing.cast("type", kind), name)


def simple_shape(kind: type, name: str) -> object:
    """Return the outline of a struct or of a single value; floats are times by their name."""
    if issubclass(kind, msgspec.Struct):
        fields = msgspec.structs.fields(kind)
        return {each.encode_name: shape(each.type, each.encode_name) for each in fields}
    if kind is float:
        return "date-time" if name == "at" or name.endswith(("At", "Since")) else "number"
    return "string" if issubclass(kind, str) else {bool: "boolean", int: "integer"}[kind]


def outline(schema: Tree) -> object:
    """Return the same outline of a schema."""
    match schema["type"]:
        case "object" if "additionalProperties" in schema:
            return {"*": outline(schema["additionalProperties"])}
        case "object":
            return {name: outline(each) for name, each in schema["properties"].items()}
        case "array":
            return [outline(schema["items"])]
        case "string" if schema.get("format") == "date-time":
            return "date-time"
        case simple:
            return simple


@pytest.mark.parametrize(("part", "kind"), [("spec", record.Spec), ("status", record.Status)])
def test_the_schema_has_exactly_the_fields_that_the_record_writes(part: str, kind: type) -> None:
    """A field that the schema lacks would be dropped by the API server without a word."""
    assert outline(SCHEMA["properties"][part]) == shape(kind, "")


def at(*path: str) -> Tree:
    """Return the schema of one field of the status."""
    found: Tree = SCHEMA["properties"]["status"]
    for name in path:
        found = (
            found["items"]["properties"][name] if "items" in found else found["properties"][name]
        )
    return found


def test_closed_sets_and_defaults_are_those_of_the_record() -> None:
    """The record leaves defaults out when it is written, so the schema must put the same in."""
    status = record.Status()
    for field, values, default in (
        (at("phase"), record.Phase, status.phase),
        (at("seen"), record.Seen, status.seen),
        (at("plan", "steps", "state"), record.StepState, record.StepState.PENDING),
    ):
        assert set(field["enum"]) == {str(each) for each in values}
        assert field["default"] == default


def schemas(schema: Tree) -> Iterator[Tree]:
    """Yield a schema and all that it contains."""
    yield schema
    for each in (*schema.get("properties", {}).values(), schema.get("items")):
        if each is not None:
            yield from schemas(each)
    if "additionalProperties" in schema:
        yield from schemas(schema["additionalProperties"])


def test_the_schema_keeps_nothing_that_it_does_not_know() -> None:
    """Structural to the leaves."""
    for each in schemas(SCHEMA):
        assert "type" in each
        assert "x-kubernetes-preserve-unknown-fields" not in each
        assert each.get("additionalProperties") is not True


def test_the_spec_cannot_change_and_the_status_has_its_own_door() -> None:
    """The subresource keeps a status write from touching the spec, and CEL keeps everybody."""
    (rule,) = SCHEMA["properties"]["spec"]["x-kubernetes-validations"]
    assert rule["rule"] == "self == oldSelf"
    assert SCHEMA["required"] == ["spec"]
    assert CRD["versions"][0]["subresources"] == {"status": {}}
    assert CRD["scope"] == "Cluster"
