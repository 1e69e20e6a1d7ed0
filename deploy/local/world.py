"""What all players look at: one cache per kind, and who wants to hear of which change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.api import Api, Watched
from local.volumes import attachable, attached_to, claim_names

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Any]


class World:
    """Caches of nodes, pods, claims, volumes and attachments; no player writes to them."""

    def __init__(self, api: Api) -> None:
        """`follow` every member of `caches` to fill them."""
        self._wake: dict[str, Callable[[], None]] = {}
        self.nodes = Watched(api, "/api/v1/nodes", self._of_node_object)
        self.pods = Watched(api, "/api/v1/pods", self._of_node_name)
        self.claims = Watched(api, "/api/v1/persistentvolumeclaims", self._of_everybody)
        self.volumes = Watched(api, "/api/v1/persistentvolumes", self._of_everybody)
        self.attachments = Watched(
            api, "/apis/storage.k8s.io/v1/volumeattachments", self._of_attachment
        )
        self.caches = (self.nodes, self.pods, self.claims, self.volumes, self.attachments)
        self._attacher: Callable[[], None] = _nobody

    def tell_kubelet(self, node: str, wake: Callable[[], None]) -> None:
        """Call `wake` whenever something that concerns a node changes."""
        self._wake[node] = wake

    def tell_attacher(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever a VolumeAttachment changes."""
        self._attacher = wake

    def pods_on(self, node: str) -> list[Object]:
        """Return the pods bound to a node that have not ended."""
        return [
            pod
            for pod in self.pods.objects.values()
            if pod["spec"].get("nodeName") == node
            and pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"}
        ]

    def wanted(self, pod: Object) -> dict[str, str] | None:
        """Return the attachable volumes of a pod as `volumes.attachable` does."""
        return attachable(pod, self.claims.objects, self.volumes.objects)

    def mounts(self, pod: Object) -> list[tuple[Object, Object]]:
        """Return the bound claims of a pod, each with its volume."""
        space = pod["metadata"]["namespace"]
        claims = [self.claims.objects.get((space, name), {}) for name in claim_names(pod)]
        pairs = [
            (claim, self.volumes.objects.get(("", claim.get("spec", {}).get("volumeName", ""))))
            for claim in claims
        ]
        return [(claim, volume) for claim, volume in pairs if volume is not None]

    def attached(self, node: str) -> set[str]:
        """Return the names of the volumes that are attached to a node."""
        return attached_to(node, self.attachments.objects.values())

    def _of_node_object(self, node: Object) -> None:
        self._wake.get(node["metadata"]["name"], _nobody)()

    def _of_node_name(self, item: Object) -> None:
        self._wake.get(item["spec"].get("nodeName", ""), _nobody)()

    def _of_attachment(self, attachment: Object) -> None:
        self._of_node_name(attachment)
        self._attacher()

    def _of_everybody(self, _: Object) -> None:
        for wake in self._wake.values():
            wake()


def _nobody() -> None:
    """Hear nothing: no player plays that node."""
