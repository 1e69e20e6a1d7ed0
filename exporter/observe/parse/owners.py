"""References to objects on the wire: who owns, and what is scaled."""

from functools import lru_cache

import msgspec

from exporter.observe.model.controllers import Owner
from exporter.observe.parse.envelope import BareMeta, Meta, shared

# ruff: noqa: N815 -- field names are the wire's

_MOVED = {
    ("extensions", "Deployment"): "apps",
    ("extensions", "ReplicaSet"): "apps",
    ("extensions", "DaemonSet"): "apps",
    ("extensions", "DeploymentConfig"): "apps.openshift.io",
    ("", "DeploymentConfig"): "apps.openshift.io",
}
"""Groups that old references still name, and where the kind lives since."""


class WireOwner(msgspec.Struct, gc=False):
    """OwnerReference; without uid and controller also CrossVersionObjectReference."""

    apiVersion: str | None = None
    kind: str | None = None
    name: str | None = None
    uid: str | None = None
    controller: bool | None = None


class OwnedMeta(BareMeta, gc=False):
    """ObjectMeta with owners, without labels and annotations."""

    ownerReferences: list[WireOwner] | None = None


class WholeMeta(Meta, gc=False):
    """ObjectMeta with owners, labels and annotations."""

    ownerReferences: list[WireOwner] | None = None


def named(wire: WireOwner, *, group: str = "", kind: str = "") -> Owner:
    """Read a reference; `group` and `kind` are meant where it says none."""
    said = wire.kind or kind
    lives_in = _group(wire.apiVersion, said) if wire.apiVersion else group
    return Owner(lives_in, shared(said), wire.name or "", wire.uid or "")


@lru_cache(maxsize=1024)
def _group(version: str, kind: str) -> str:
    group = version.rpartition("/")[0]
    return shared(_MOVED.get((group, kind), group))


def controller(owners: list[WireOwner] | None) -> Owner | None:
    """Return the owner that controls, of which there is at most one."""
    for owner in owners or ():
        if owner.controller:
            return named(owner)
    return None
