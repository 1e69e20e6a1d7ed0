"""What ships under deploy/manifests, read: objects, and what each account may. Expects little."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parents[2] / "deploy" / "manifests"

Tree = Mapping[str, Any]  # Any: what YAML holds; every test checks what it reads.


def kustomized(folder: Path) -> Iterator[tuple[Path, Tree]]:
    """Yield the objects that a kustomization composes, with their files."""
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text()).get("resources", ()):
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
