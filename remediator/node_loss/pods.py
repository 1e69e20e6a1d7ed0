"""Which pods of a dead node may be deleted by force, and which never: told apart by their owner.

Only for a Kubernetes that does not act on the out-of-service taint (before 1.26).
"""

import msgspec

from exporter.observe import model
from exporter.observe.signals.node_lost_with_volumes import exclusive_claims
from exporter.observe.view import View

STAYS = {
    "": "has no owner that would make it again",
    "Node": "is a static pod: only its kubelet can end it",
    "DaemonSet": "is a DaemonSet's, which would make it again on the same node",
}
"""By kind of the owner: why a pod is left to a person."""


class Sorted(msgspec.Struct, frozen=True):
    """The pods that hold volumes of one node at a time: those that may go, and why others stay.

    `kept` are the claims of those that stay.
    """

    go: tuple[model.Pod, ...]
    stay: tuple[str, ...]
    kept: frozenset[tuple[str, str]]


def sorted_out(node: str, view: View) -> Sorted:
    """Return which pods on a node may be deleted by force."""
    go, stay, kept = [], [], set[tuple[str, str]]()
    for pod in view.pods_on(node):
        claims = [] if pod.ended else exclusive_claims(pod, view)
        if not claims:
            continue
        owner = pod.controller
        why = STAYS.get(owner.kind if owner is not None else "")
        if why is None:
            go.append(pod)
        else:
            stay.append(f"pod {pod.namespace}/{pod.name} {why}")
            kept.update(claims)
    return Sorted(tuple(go), tuple(stay), frozenset(kept))
