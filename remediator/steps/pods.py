"""Taking pods from a dead node by force, and waiting until its volumes are detached.

For a Kubernetes that does not act on the out-of-service taint. Which pods may be deleted is decided
in node_loss/.
"""

from typing import ClassVar

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.signals.base import claim_of
from exporter.observe.signals.node_lost_with_volumes import exclusive_claims, holds
from exporter.observe.view import View
from remediator.steps.base import (
    DONE,
    KubeWrite,
    Observation,
    Step,
    listed,
    not_done,
    unseen,
)

GONE_WITHIN = 60.0
"""Seconds for an object to go once its deletion was accepted: only finalizers can keep it."""
DETACHED_WITHIN = 900.0
"""Seconds for the volumes. Kubernetes detaches by force 6 min after the last pod object is gone
(ReconcilerMaxWaitForUnmountDuration), one volume after the other; then the driver has its turn.
"""


class ForceDeletePod(Step, frozen=True):
    """Remove the object of one pod without the word of its kubelet.

    `target` is `namespace/name`, `uid` the pod's: a new pod of the same name is refused by the API
    server. `on` is the dead node, `on_uid` its Node object's: another machine that took its name is
    not the one that is proven dead. It cannot be taken back, and nothing is owed.
    """

    needs_proof: ClassVar[bool] = True
    settles: ClassVar[float] = GONE_WITHIN

    on: str
    on_uid: str

    @property
    def node(self) -> str:
        """Return the node."""
        return self.on

    def sentence(self) -> str:
        """Return what it does."""
        return f"delete pod {self.target} on {self.on} by force"

    def observe(self, view: View) -> Observation:
        """Say whether the object with this uid is gone."""
        if (blind := unseen(view, Kind.POD)) is not None:
            return blind
        there = self._found(view)
        if there is None:
            return DONE
        return not_done("" if there.deletion is None else "its object is Terminating")

    def act(self, view: View) -> KubeWrite | None:
        """Return the deletion, bound to uid and resourceVersion."""
        there, node = self._found(view), view.node(self.on)
        if there is None or there.node != self.on or node is None or node.uid != self.on_uid:
            return None
        bound = {"uid": self.uid, "resourceVersion": there.version}
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": bound,
        }
        path = f"/api/v1/namespaces/{there.namespace}/pods/{there.name}"
        return KubeWrite("DELETE", path, body, "application/json")

    def _found(self, view: View) -> model.Pod | None:
        there = view.pod(*self.named)
        return there if there is not None and there.uid == self.uid else None


class AwaitDetached(Step, frozen=True):
    """Wait until nothing that only one node can have is attached to the node any more.

    What a pod that is still there uses is not waited for: the plan left it. `target` is the node,
    `uid` its own; with the Node object go the in-tree names of its status, and nothing else.
    """

    @property
    def node(self) -> str:
        """Return the node."""
        return self.target

    @property
    def waits_for(self) -> float:
        """Return how long."""
        return DETACHED_WITHIN

    def sentence(self) -> str:
        """Return what it waits for."""
        return f"wait until Kubernetes has detached the volumes from node {self.target}"

    def observe(self, view: View) -> Observation:
        """Say which volumes are left.

        Only the absence of a VolumeAttachment means detached; in-tree volumes have none, and count
        by the node's status.volumesAttached.
        """
        needed = (Kind.NODE, Kind.ATTACHMENT, Kind.VOLUME, Kind.CLAIM, Kind.POD)
        if (blind := unseen(view, *needed)) is not None:
            return blind
        pods = [pod for pod in view.pods_on(self.target) if not pod.ended]
        used = {claim for pod in pods for claim in exclusive_claims(pod, view)}
        left = sorted(
            {
                one.volume
                for one in view.attachments_on(self.target)
                if holds(one, view) and (claim := claim_of(one, view)) and claim not in used
            }
        )
        if not left:
            return DONE
        return not_done(f"still attached: {listed(left, ', ')}")
