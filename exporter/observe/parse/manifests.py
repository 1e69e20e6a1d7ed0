"""Pods as they would be made again: from the wire to a manifest without what is the old one's.

What is dropped, and why: `status`, `nodeName` and what identifies the object are the old pod's.
Priority, preemption policy and overhead are computed by admission, which refuses others' numbers.
Ephemeral containers may not be asked for. The service account's token is mounted by admission.
kubectl's own copy of the manifest would be a second one; addresses that the network wrote on it are
another pod's by then, and labels of its zone, which admission copies from the node, another place.
Whether it may be kept at all is not decided here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from exporter.observe import model
from exporter.observe.parse.envelope import ours, several
from exporter.observe.parse.owners import WholeMeta
from exporter.observe.parse.times import seconds

Part: TypeAlias = dict[str, Any]

COMPUTED = ("nodeName", "priority", "preemptionPolicy", "overhead", "ephemeralContainers")
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
OF_THE_NETWORK = (
    "cni.projectcalico.org/",
    "k8s.ovn.org/",
    "k8s.v1.cni.cncf.io/network-status",
    "k8s.v1.cni.cncf.io/networks-status",
)
"""How annotations begin that a network plugin writes on a running pod."""
OF_THE_PLACE = "topology.kubernetes.io/"
"""How labels begin that admission copies from the node (PodTopologyLabels, Kubernetes 1.33)."""
TOKEN_AT = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 -- a path
PROJECTED = "kube-api-access-"
"""How admission names the token's volume, since Kubernetes 1.21; before, after its Secret."""
OF_SECRET = re.compile(r".+-token-[a-z0-9]{5}")
CONTAINERS = ("initContainers", "containers")


class WireManifest(msgspec.Struct):
    """core/v1 Pod, its spec as it stands."""

    metadata: WholeMeta | None = None
    spec: Part | None = None


def pod_manifest(wire: WireManifest) -> model.PodManifest:
    """Return what a pod would be made again from, and what speaks against it."""
    meta, spec = wire.metadata or WholeMeta(), wire.spec or {}
    about: Part = {"name": meta.name or "", "namespace": meta.namespace or ""}
    labels = {k: v for k, v in (meta.labels or {}).items() if not k.startswith(OF_THE_PLACE)}
    if labels:
        about["labels"] = labels
    if annotations := dict(_lasting(meta.annotations or {})):
        about["annotations"] = annotations
    whole = {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": _spec(spec)}
    grace = spec.get("terminationGracePeriodSeconds")
    return model.PodManifest(
        namespace=meta.namespace or "",
        name=meta.name or "",
        uid=meta.uid or "",
        version=meta.resourceVersion or "",
        text=msgspec.json.encode(whole).decode(),
        annotations=ours(meta),
        owners=tuple(f"{one.kind}/{one.name}" for one in meta.ownerReferences or ()),
        finalizers=several(meta.finalizers),
        grace=grace if isinstance(grace, int) else None,
        ephemeral=any("ephemeral" in volume for volume in _each(spec, "volumes")),
        inline=tuple(_inline(spec)),
        deletion=seconds(meta.deletionTimestamp),
    )


def _lasting(annotations: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in annotations.items():
        if key != LAST_APPLIED and not key.startswith(OF_THE_NETWORK):
            yield key, value


def _spec(spec: Part) -> Part:
    kept = {key: value for key, value in spec.items() if key not in COMPUTED}
    token = {one["name"] for one in _each(spec, "volumes") if _is_token(one, spec)}
    _replace(
        kept, "volumes", [one for one in _each(spec, "volumes") if one.get("name") not in token]
    )
    for group in CONTAINERS:
        _replace(kept, group, [_container(one, token) for one in _each(spec, group)])
    return kept


def _container(container: Part, token: set[str]) -> Part:
    kept = dict(container)
    mounts = [one for one in _each(container, "volumeMounts") if one.get("name") not in token]
    _replace(kept, "volumeMounts", mounts)
    return kept


def _replace(part: Part, key: str, values: list[Part]) -> None:
    """Put a list in, or no list where it is empty."""
    part.pop(key, None)
    if values:
        part[key] = values


def _is_token(volume: Part, spec: Part) -> bool:
    """Whether admission has put it in: by its name and kind, and mounted where admission does."""
    name = volume.get("name", "")
    sources = (volume.get("projected") or {}).get("sources") or ()
    projected = name.startswith(PROJECTED) and any("serviceAccountToken" in one for one in sources)
    secret = (volume.get("secret") or {}).get("secretName") == name
    if not projected and not (secret and OF_SECRET.fullmatch(name)):
        return False
    containers = [one for group in CONTAINERS for one in _each(spec, group)]
    mounts = [at for one in containers for at in _each(one, "volumeMounts")]
    return all(one.get("mountPath") == TOKEN_AT for one in mounts if one.get("name") == name)


def _inline(spec: Part) -> Iterator[str]:
    """Yield the variables whose value stands in the manifest itself."""
    for group in CONTAINERS:
        for container in _each(spec, group):
            for variable in _each(container, "env"):
                if variable.get("value"):
                    yield f"{container.get('name', '')}/{variable.get('name', '')}"


def _each(part: Part, key: str) -> list[Part]:
    return [one for one in part.get(key) or () if isinstance(one, dict)]
