"""deploy/manifests as text: rights, pods, names, and the record's schema against the record."""

import builtins
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import yaml

from exporter.kit import settings
from exporter.settings import NodeSettings
from exporter.settings import Settings as ExporterSettings
from remediator import record
from remediator.settings import Mode
from remediator.settings import Settings as RemediatorSettings
from tests.manifests.shipped import HERE, OBJECTS, Tree, kustomized, of


def test_every_file_is_part_of_the_whole() -> None:
    """A manifest that no kustomization names would never be applied."""
    folders = (HERE, HERE / "node", *(HERE / "access" / "components").iterdir())
    composed = {path for folder in folders for path, _ in kustomized(folder)}
    lying = set(HERE.rglob("*.yaml")) - set(HERE.rglob("kustomization.yaml"))
    assert lying - composed == set(HERE.rglob("settings/*.yaml"))


def test_what_kubernetes_before_1_30_does_not_know_is_taken_out_by_a_component() -> None:
    """Every admission policy and binding, and nothing else."""
    path = HERE / "access" / "components" / "before-1.30" / "kustomization.yaml"
    patches = yaml.safe_load(path.read_text())["patches"]
    deleted = [yaml.safe_load(one["patch"]) for one in patches]
    assert [one["$patch"] for one in deleted] == ["delete"] * len(deleted)
    kinds = [one["target"] for one in patches]
    assert kinds == [{"kind": one["kind"]} for one in deleted]
    admission = {
        each["kind"]
        for each in OBJECTS
        if each["apiVersion"].startswith("admissionregistration.k8s.io/")
    }
    assert {one["kind"] for one in deleted} == admission


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
