"""One namespace where a scene is played: make things, read them and their times, take them away.

It knows no failure. Every wait has a deadline.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from demo import crafted
from local import workloads
from local.csi_objects import SPACE_LABEL, volume_name
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from local.cluster import LocalCluster

Object = dict[str, Any]
PATIENCE = 60.0
STORAGE = "/apis/storage.k8s.io/v1"
PLURALS = {
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "PersistentVolume": "persistentvolumes",
    "Pod": "pods",
    "Node": "nodes",
    "CSINode": "csinodes",
    "StorageClass": "storageclasses",
    "CSIDriver": "csidrivers",
    "VolumeAttachment": "volumeattachments",
    "VolumeSnapshot": "volumesnapshots",
    "VolumeSnapshotContent": "volumesnapshotcontents",
    "DaemonSet": "daemonsets",
    "Deployment": "deployments",
}
BASES = {"Node": "/api/v1", "CSINode": STORAGE} | {
    kind: "/api/v1" if version == "v1" else f"/apis/{version}"
    for kind, version in crafted.KINDS.items()
}
LEFT = (
    "daemonsets,deployments,pods,volumesnapshots,persistentvolumeclaims",
    "persistentvolumes,storageclasses,csidrivers,volumeattachments,volumesnapshotcontents",
)
CRDS = frozenset({"volumesnapshots", "volumesnapshotcontents"})


class Ground:
    """A namespace; with `tidy` gone again when the context ends, with all that has its label."""

    def __init__(
        self, cluster: LocalCluster, space: str, nodes: tuple[str, ...], *, tidy: bool = True
    ) -> None:
        """Make nothing yet; `nodes` are those that a scene may use, all alive."""
        self.tidy = tidy
        self.cluster = cluster
        self.space = space
        self.nodes = nodes
        self._registered: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        """Make the namespace."""
        self.cluster.apply(workloads.namespace(self.space))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove everything, whoever still holds it, and wait until it is gone."""
        if not self.tidy:
            return
        installed = self.cluster.get("/apis/snapshot.storage.k8s.io/v1") is not None
        spaced, others = (
            ",".join(kind for kind in kinds.split(",") if installed or kind not in CRDS)
            for kinds in LEFT
        )
        kubectl = self.cluster.kubectl
        selector = f"--selector={SPACE_LABEL}={self.space}"
        kubectl("-n", self.space, "delete", spaced, "--all", "--wait=false")
        kubectl("delete", "volumeattachments", selector, "--wait=false")
        # A volume that goes before it is detached leaves its attachment behind for ever.
        self.wait("no volume attached", lambda: not self._attached())
        kubectl("delete", others, selector, "--wait=false")
        kubectl("delete", "namespace", self.space, "--wait=false")
        self.wait("everything gone", lambda: not self._left(spaced, others, selector))
        for node, driver in self._registered:
            self._write_drivers(node, driver, registered=False)

    def apply(self, *manifests: str) -> None:
        """Apply manifests."""
        self.cluster.apply("".join(manifests))

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the namespace."""
        return self.cluster.kubectl("-n", self.space, *arguments)

    def get(self, kind: str, name: str) -> Object:
        """Return an object, empty without one; its own words for what it is are filled in."""
        base = BASES[kind]
        space = f"/namespaces/{self.space}" if kind in crafted.SPACED else ""
        return self.cluster.get(f"{base}{space}/{PLURALS[kind]}/{name}") or {}

    def status(self, kind: str, name: str) -> Object:
        """Return an object's status, empty without one."""
        found: Object = self.get(kind, name).get("status") or {}
        return found

    def phase(self, kind: str, name: str) -> str:
        """Return an object's phase."""
        return str(self.status(kind, name).get("phase", ""))

    def wait(self, what: str, true: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait for a condition; raises LocalClusterError after the deadline."""
        self.cluster.wait(f"{what} in {self.space}", true, seconds)

    def until_phase(self, kind: str, name: str, phase: str) -> None:
        """Wait until an object is in a phase."""
        self.wait(f"{kind} {name} {phase}", lambda: self.phase(kind, name) == phase)

    def time(self, kind: str, name: str, *fields: str) -> Callable[[], float | None]:
        """Return what reads a time in an object's metadata or status, in Unix seconds."""

        def read() -> float | None:
            found: Any = self.get(kind, name)
            for one in fields:
                found = found.get(one) or {}
            return seconds(found) if isinstance(found, str) else None

        return read

    def created(self, kind: str, name: str) -> Callable[[], float | None]:
        """Return what reads an object's creationTimestamp."""
        return self.time(kind, name, "metadata", "creationTimestamp")

    def scheduled(self, pod: str) -> Callable[[], float | None]:
        """Return what reads when a pod was placed."""

        def read() -> float | None:
            for condition in self.status("Pod", pod).get("conditions", ()):
                if condition["type"] == "PodScheduled":
                    return seconds(condition["lastTransitionTime"])
            return None

        return read

    def mount_began(self, pod: str, volume: str, node: str) -> Callable[[], float | None]:
        """Return what reads since when a pod's mount could have worked.

        The pod placed, its node Ready, its volume attached (if it needs to be): the last of these.
        """

        def read() -> float | None:
            times = [self.scheduled(pod)(), self.ready(node)]
            attachment = self.attachment(volume, node)
            if attachment:
                times.append(written(attachment))
            return max((time for time in times if time is not None), default=None)

        return read

    def ready(self, node: str) -> float | None:
        """Return since when a node has been what its Ready condition says."""
        for condition in self.status("Node", node).get("conditions", ()):
            if condition["type"] == "Ready":
                return seconds(condition["lastTransitionTime"])
        return None

    def first_event(self, kind: str, name: str, reason: str) -> Callable[[], float | None]:
        """Return what reads when the first Event of a reason about an object began."""

        def read() -> float | None:
            about = f"involvedObject.kind={kind},involvedObject.name={name},reason={reason}"
            found = self.kubectl("get", "events", f"--field-selector={about}", "-o", "json")
            times = [seconds(item["firstTimestamp"]) for item in json.loads(found)["items"]]
            return min(times, default=None)

        return read

    def patch(self, kind: str, name: str, body: Object, *, status: bool = False) -> None:
        """Merge something into an object, or into its status."""
        flags = ["--subresource=status"] if status else []
        patch = f"--patch={json.dumps({'status': body} if status else body)}"
        self.kubectl("patch", kind, name, "--type=merge", patch, *flags)

    def delete(self, kind: str, name: str, *flags: str) -> None:
        """Ask for an object's deletion and go on."""
        self.kubectl("delete", kind, name, "--wait=false", *flags)

    def tell(
        self,
        kind: str,
        name: str,
        reason: str,
        message: str,
        component: str,
        *,
        warning: bool = True,
    ) -> None:
        """Write an Event about an object."""
        about = {**self.get(kind, name), "kind": kind, "apiVersion": crafted.KINDS[kind]}
        self.apply(crafted.event(about, reason, message, component, warning=warning))

    def register(self, node: str, driver: str) -> None:
        """Write a driver into a CSINode, as the kubelet does when the registrar asks it to."""
        self._write_drivers(node, driver, registered=True)
        self._registered.append((node, driver))

    def _write_drivers(self, node: str, driver: str, *, registered: bool) -> None:
        found = self.get("CSINode", node)
        if not found and not registered:
            return  # it went with its node
        drivers = [one for one in found["spec"].get("drivers") or () if one["name"] != driver]
        if registered:
            drivers.append({"name": driver, "nodeID": node})
        version = found["metadata"]["resourceVersion"]
        body = {"metadata": {"resourceVersion": version}, "spec": {"drivers": drivers}}
        self.patch("csinode", node, body)

    def attachment(self, volume: str, node: str) -> Object:
        """Return the VolumeAttachment of a volume on a node, empty without one."""
        listed = self.cluster.get(f"{STORAGE}/volumeattachments") or {"items": []}
        for item in listed["items"]:
            spec = item["spec"]
            if spec["nodeName"] == node and spec["source"]["persistentVolumeName"] == volume:
                found: Object = item
                return found
        return {}

    def _attached(self) -> list[str]:
        ours = volume_name(self.space, "")
        listed = self.cluster.get(f"{STORAGE}/volumeattachments") or {"items": []}
        names = (item["spec"]["source"].get("persistentVolumeName", "") for item in listed["items"])
        return [name for name in names if name.startswith(ours)]

    def _left(self, spaced: str, others: str, selector: str) -> str:
        found = self.kubectl("get", spaced, "-o", "name")
        found += self.cluster.kubectl("get", others, selector, "-o", "name")
        for line in found.split():
            # Nobody serves what was crafted, so nobody takes its finalizers off.
            with suppress(LocalClusterError):
                self.kubectl("patch", line, "--type=merge", '-p={"metadata":{"finalizers":null}}')
        return found


def written(item: Object) -> float:
    """Return when an object was written last, by the API server's own account."""
    return max(seconds(entry["time"]) for entry in item["metadata"]["managedFields"])


def seconds(text: str) -> float:
    """Return a time of Kubernetes' in Unix seconds."""
    return datetime.fromisoformat(text).timestamp()
