"""Stopping a pod that has no owner, and making it again.

Nobody else would make it again, so its manifest is on the record before it is deleted, and the
deletion is bound to the very version that was kept. It is deleted with its own grace period and
never by force. Only where its namespace or itself asks for it (`pvmedic.dev/recreate`).
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.view import View
from remediator.record import MANIFEST, LedgerEntry
from remediator.steps.base import (
    DONE,
    KubeWrite,
    Observation,
    Step,
    listed,
    not_done,
    unknown,
    unseen,
)

RECREATE = model.OURS + "recreate"
"""On a pod without owner, or on the namespace for all of its own: `enabled`, or `with-values`."""
ENABLED = "enabled"
WITH_VALUES = "with-values"
"""Allows to keep manifests in which values of variables stand, for who may read Remediations."""
RECREATED = model.OURS + "recreated-by"
"""On a pod that we made again: the Remediation, `name/uid`."""

LARGEST = 16 * 1024
"""Bytes of a manifest that may be kept; a usual one has 2,000. A record is written again and again.
"""
AT_MOST = 8
"""Pods of one plan: with the largest manifests their record still is a tenth of what etcd takes."""


def word(manifest: model.PodManifest, view: View) -> str:
    """Return what the pod says of being made again, else what its namespace says."""
    space = view.namespace(manifest.namespace)
    said = manifest.annotations.get(RECREATE)
    return (said if said is not None else _noted(space)) or ""


def _noted(space: model.Namespace | None) -> str:
    return space.annotations.get(RECREATE, "") if space is not None else ""


def refused(manifest: model.PodManifest, view: View) -> str:
    """Return why it is not deleted and made again, in a sentence; empty where it is."""
    said = word(manifest, view)
    if said not in (ENABLED, WITH_VALUES):
        return f"nobody asked for it ({RECREATE}: {ENABLED}, on it or its namespace)"
    size = len(manifest.text.encode())
    if manifest.owners:
        return f"{listed(manifest.owners, ', ')} owns it, without controlling it"
    if manifest.finalizers:
        return f"{listed(manifest.finalizers, ', ')} would have to let it go"
    if manifest.ephemeral:
        return "a claim of its own would be deleted with it"
    if manifest.grace == 0:
        return "its own grace period is 0 s: to delete it would be by force"
    if manifest.inline and said != WITH_VALUES:
        names = listed(manifest.inline, ", ")
        return f"values of {names} stand in its manifest ({RECREATE}: {WITH_VALUES} allows it)"
    if size > LARGEST:
        return f"its manifest has {size} bytes; {LARGEST} may be kept"
    return ""


class _Manifest(msgspec.Struct):
    metadata: dict[str, Any]
    spec: dict[str, Any]


class _BarePod(Step, frozen=True):
    """`target` is `namespace/name`, `uid` that of the pod that was there."""

    volume_claim: str

    @property
    def claim(self) -> tuple[str, str]:
        """Return the claim for whose sake it is stopped."""
        namespace, _ = self.named
        return (namespace, self.volume_claim)

    def there(self, view: View) -> model.PodManifest | None:
        """Return whatever pod has the name."""
        return view.manifest(*self.named)


class StopPod(_BarePod, frozen=True):
    """Delete a pod without owner; its manifest is in the ledger before."""

    owes: ClassVar[bool] = True

    def sentence(self) -> str:
        """Return what it does."""
        return f"delete pod {self.target}, which has no owner, and keep its manifest"

    def observe(self, view: View) -> Observation:
        """Say whether it is deleted, be it Terminating still: waiting is another step's."""
        if (blind := unseen(view, Kind.POD_MANIFEST, Kind.NAMESPACE)) is not None:
            return blind
        there = self.there(view)
        if there is None or there.uid != self.uid or there.deletion is not None:
            return DONE
        why = refused(there, view)
        return unknown(f"it is a person's by now: {why}") if why else not_done()

    def prior(self, view: View) -> dict[str, str]:
        """Return the manifest; nothing where it is gone or another one's."""
        there = self.there(view)
        return {MANIFEST: there.text} if there is not None and there.uid == self.uid else {}

    def act(self, view: View) -> KubeWrite | None:
        """Return the deletion, bound to uid and to the version whose manifest was kept."""
        there = self.there(view)
        if there is None or there.uid != self.uid or refused(there, view):
            return None
        bound = {"uid": self.uid, "resourceVersion": there.version}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": bound}
        path = f"/api/v1/namespaces/{there.namespace}/pods/{there.name}"
        return KubeWrite("DELETE", path, body, "application/json")


class RecreatePod(_BarePod, frozen=True):
    """Make a pod again that we deleted. Where one has its name, somebody was faster: left alone.

    `manifest` is what the record's ledger has of it.
    """

    readings: ClassVar[frozenset[str]] = frozenset({"manifest"})
    pays: ClassVar[str] = StopPod.__name__

    manifest: str = ""

    def sentence(self) -> str:
        """Return what it does."""
        return f"make pod {self.target} again"

    def recalled(self, ledger: Iterable[LedgerEntry]) -> Self:
        """Return it with the manifest that was kept."""
        kept = self.owed(ledger, MANIFEST)
        return msgspec.structs.replace(self, manifest=kept or "")

    def observe(self, view: View) -> Observation:
        """Say whether a pod of the name is there; ours that still ends is in the way."""
        if (blind := unseen(view, Kind.POD_MANIFEST)) is not None:
            return blind
        there = self.there(view)
        if there is None:
            return not_done() if self.manifest else unknown("its manifest is not on the record")
        if there.uid == self.uid and there.deletion is not None:
            return not_done("the one of before is Terminating")
        return DONE

    def ours(self, view: View) -> bool:
        """Whether the pod of the name was made by us."""
        there = self.there(view)
        return there is not None and there.annotations.get(RECREATED) == self.owner

    def act(self, view: View) -> KubeWrite | None:
        """Return the creation, which the API server refuses where a pod has the name."""
        if self.there(view) is not None or not self.manifest:
            return None
        kept = msgspec.json.decode(self.manifest, type=_Manifest)
        notes = {**kept.metadata.get("annotations", {}), RECREATED: self.owner}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**kept.metadata, "annotations": notes},
            "spec": kept.spec,
        }
        namespace, _ = self.named
        return KubeWrite("POST", f"/api/v1/namespaces/{namespace}/pods", body, "application/json")
