"""One namespace of volumes of the faulty CSI driver: make them, read what became of them, tidy up.

It sets nothing wrong by itself; `csi_scenes` does. Every wait has a deadline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local import csi_objects, workloads

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from local.csi import Csi

Object = dict[str, Any]
PATIENCE = 30.0
ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
SNAPSHOT_API = "/apis/snapshot.storage.k8s.io/v1"


class CsiStage:
    """A namespace, gone again with its volumes when the context ends; faults of its volumes too."""

    def __init__(self, csi: Csi, space: str, node: str, other: str) -> None:
        """Prepare; `node` and `other` are where its pods run."""
        self.csi = csi
        self.cluster = csi.cluster
        self.space = space
        self.node = node
        self.other = other

    def __enter__(self) -> Self:
        """Make the namespace."""
        self.cluster.apply(csi_objects.namespace(self.space))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Heal the driver, remove everything of this namespace, and wait until it is gone."""
        self.csi.heal()
        self._remove()

    def apply(self, *manifests: str) -> None:
        """Apply manifests."""
        self.cluster.apply("".join(manifests))

    def fail(self, rpc: str, code: str, message: str, claim: str) -> None:
        """Let calls of an RPC fail that are about a claim's volume."""
        self.csi.fail(rpc, code, message, volume=csi_objects.handle(self.space, claim))

    def hang(self, rpc: str, claim: str) -> None:
        """Let calls of an RPC hang that are about a claim's volume."""
        self.csi.hang(rpc, volume=csi_objects.handle(self.space, claim))

    def run_pod(self, pod: str, claim: str, node: str = "", *, running: bool = True) -> None:
        """Start a pod with a claim on a node (`node` of this stage) and wait until it runs."""
        self.apply(workloads.pod(self.space, pod, claim, node or self.node))
        if running:
            self.wait(f"{pod} Running", lambda: self.pod(pod)["status"].get("phase") == "Running")

    def delete(self, kind: str, name: str) -> None:
        """Ask for an object's deletion and go on."""
        self.cluster.kubectl("-n", self.space, "delete", kind, name, "--wait=false")

    def request(self, claim: str, size: str) -> None:
        """Ask for another size of a claim."""
        patch = f'{{"spec":{{"resources":{{"requests":{{"storage":"{size}"}}}}}}}}'
        self.cluster.kubectl("-n", self.space, "patch", "pvc", claim, "-p", patch)

    def wait(self, what: str, ready: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait for a condition; raises LocalClusterError after the deadline."""
        self.cluster.wait(f"{what} in {self.space}", ready, seconds)

    def claim(self, name: str) -> Object:
        """Return a claim, empty without one."""
        return self._get(f"/api/v1/namespaces/{self.space}/persistentvolumeclaims/{name}")

    def pod(self, name: str) -> Object:
        """Return a pod, empty without one."""
        return self._get(f"/api/v1/namespaces/{self.space}/pods/{name}")

    def volume(self, claim: str) -> Object:
        """Return the PersistentVolume of a claim, empty without one."""
        return self._get(f"/api/v1/persistentvolumes/{csi_objects.volume_name(self.space, claim)}")

    def snapshot(self, name: str) -> Object:
        """Return a VolumeSnapshot, empty without one."""
        return self._get(f"{SNAPSHOT_API}/namespaces/{self.space}/volumesnapshots/{name}")

    def snapshots(self) -> list[Object]:
        """Return this namespace's VolumeSnapshots."""
        return self._items(f"{SNAPSHOT_API}/namespaces/{self.space}/volumesnapshots")

    def contents(self) -> list[Object]:
        """Return the VolumeSnapshotContents of this namespace's snapshots."""
        return [
            item
            for item in self._items(f"{SNAPSHOT_API}/volumesnapshotcontents")
            if item["spec"]["volumeSnapshotRef"].get("namespace") == self.space
        ]

    def attachments(self) -> dict[str, Object]:
        """Return the VolumeAttachments of this namespace's volumes by node."""
        prefix = csi_objects.volume_name(self.space, "")
        return {
            item["spec"]["nodeName"]: item
            for item in self._items(ATTACHMENTS)
            if item["spec"]["source"]["persistentVolumeName"].startswith(prefix)
        }

    def events(self, reason: str = "") -> list[Object]:
        """Return the Events about this namespace's objects, of one reason or all, oldest first."""
        found = self._items(f"/api/v1/namespaces/{self.space}/events")
        unspaced = {item["metadata"]["uid"] for item in (*self.contents(), *self.volumes())}
        for item in self._items("/api/v1/namespaces/default/events"):
            if item["involvedObject"].get("uid") in unspaced:
                found.append(item)
        found.sort(key=lambda item: str(item["metadata"]["creationTimestamp"]))
        return [item for item in found if reason in {"", item["reason"]}]

    def messages(self, reason: str) -> list[str]:
        """Return the texts of the Events of a reason."""
        return [item["message"] for item in self.events(reason)]

    def volumes(self) -> list[Object]:
        """Return this namespace's PersistentVolumes."""
        selector = f"{csi_objects.SPACE_LABEL}%3D{self.space}"
        return self._items(f"/api/v1/persistentvolumes?labelSelector={selector}")

    def classes(self) -> list[Object]:
        """Return the StorageClasses that claims here name, and every VolumeSnapshotClass."""
        claims = self._items(f"/api/v1/namespaces/{self.space}/persistentvolumeclaims")
        named = {claim["spec"].get("storageClassName") for claim in claims}
        found = self._items("/apis/storage.k8s.io/v1/storageclasses")
        return [
            *(item for item in found if item["metadata"]["name"] in named),
            *self._items(f"{SNAPSHOT_API}/volumesnapshotclasses"),
        ]

    def nodes(self) -> list[Object]:
        """Return this stage's Nodes and CSINodes."""
        paths = ("/api/v1/nodes", "/apis/storage.k8s.io/v1/csinodes")
        return [self._get(f"{path}/{node}") for path in paths for node in (self.node, self.other)]

    def everything(self) -> list[Object]:
        """Return every object that tells something about this namespace's volumes, no Events."""
        space = f"namespaces/{self.space}"
        return [
            *self._items(f"/api/v1/{space}/persistentvolumeclaims"),
            *self.volumes(),
            *self._items(f"/api/v1/{space}/pods"),
            *self.attachments().values(),
            *self.snapshots(),
            *self.contents(),
        ]

    def _remove(self) -> None:
        kubectl, space = self.cluster.kubectl, self.space
        # csi-snapshotter forgets a snapshot that is deleted at the moment in which it is made.
        self.wait("snapshots to be made", lambda: not any(map(_in_the_making, self.snapshots())))
        kinds = "pods,volumesnapshots,persistentvolumeclaims"
        kubectl("-n", space, "delete", kinds, "--all", "--wait=false")
        selector = f"--selector={csi_objects.SPACE_LABEL}={space}"
        kubectl("delete", "persistentvolumes,storageclasses", selector, "--wait=false")
        for content in self.contents():
            # One whose snapshot never came has nobody to delete it.
            name, gone = content["metadata"]["name"], "--ignore-not-found"
            kubectl("delete", "volumesnapshotcontent", name, "--wait=false", gone)
        kubectl("delete", "namespace", space, "--wait=false")
        self.wait("everything gone", lambda: not self.everything())

    def _get(self, path: str) -> Object:
        return self.cluster.get(path) or {}

    def _items(self, path: str) -> list[Object]:
        listed = self.cluster.get(path) or {"apiVersion": "", "kind": "", "items": []}
        # Items of built-in kinds do not say what they are.
        named = {"apiVersion": listed["apiVersion"], "kind": listed["kind"].removesuffix("List")}
        return [{**named, **item} for item in listed["items"]]


def _in_the_making(snapshot: Object) -> bool:
    """Say whether a healed driver will still make a snapshot, or is about to."""
    status = snapshot.get("status") or {}
    began = "boundVolumeSnapshotContentName" in status or "error" not in status
    return (
        began and not status.get("readyToUse") and "deletionTimestamp" not in snapshot["metadata"]
    )
