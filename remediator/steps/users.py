"""Waiting until nobody uses a claim, and until Rok says that its volume can be used again.

These steps only look. What stops users is in workloads.py.
"""

from collections.abc import Iterable
from typing import ClassVar, Self

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.model.facts import RwxClear, RwxRecovering
from exporter.observe.signals.base import lost
from exporter.observe.view import View
from remediator.record import LedgerEntry
from remediator.steps.bare_pods import StopPod
from remediator.steps.base import (
    DONE,
    GONE,
    UNDO_ANNOTATION,
    Observation,
    listed,
    not_done,
    unseen,
)
from remediator.steps.claims import OfClaim
from remediator.steps.scales import StopScale
from remediator.steps.workloads import STOPPABLE, STOPPED_AT

PODS_WITHIN = 1800.0
"""Seconds for pods to end: a grace period, and the repair of a node that took some with it."""
CLEAR_WITHIN = 1800.0
"""Seconds for Rok to say that all are gone. Its Event lives an hour, and we look far more often."""


class AwaitNoPods(OfClaim, frozen=True):
    """Wait until no pod that has not ended holds the claim, not even a Terminating one."""

    @property
    def waits_for(self) -> float:
        """Return how long."""
        return PODS_WITHIN

    def sentence(self) -> str:
        """Return what it waits for."""
        return f"wait until no pod uses claim {self.target}"

    def observe(self, view: View) -> Observation:
        """Say which pods are left, and why one cannot end by itself."""
        if (blind := unseen(view, Kind.POD, Kind.NODE)) is not None:
            return blind
        left = [pod for pod in view.pods_of(*self.claim) if not pod.ended]
        if not left:
            return DONE
        return not_done(listed([_pod(pod, view) for pod in left], "; "))


class AwaitRwxClear(OfClaim, frozen=True):
    """Wait for Rok's word on the claim that all pods are gone, newer than its warning and our stop.

    Source: rok-csi, Event `INFO` on the claim. Where it was missed nobody can tell, and a person is
    asked. `since` is when we began to stop what carries no note of ours, Unix seconds; 0 for never.
    """

    readings: ClassVar[frozenset[str]] = frozenset({"since"})

    since: float = 0.0

    @property
    def waits_for(self) -> float:
        """Return how long."""
        return CLEAR_WITHIN

    def sentence(self) -> str:
        """Return what it waits for."""
        return f"wait until Rok says that the volume of claim {self.target} can be used again"

    def recalled(self, ledger: Iterable[LedgerEntry]) -> Self:
        """Return it with the time of the first of our stops that no note tells of."""
        kinds = (StopPod.__name__, StopScale.__name__)
        times = [one.at for one in ledger if one.kind in kinds and not one.closed]
        # As notes have it, and Events: whole seconds.
        return msgspec.structs.replace(self, since=float(int(min(times, default=0.0))))

    def observe(self, view: View) -> Observation:
        """Say whether the word came."""
        if (blind := unseen(view, Kind.EVENT, Kind.CLAIM)) is not None:
            return blind
        claim = self.found(view)
        if claim is None:
            return GONE
        namespace, name = self.claim
        warned, clear = 0.0, 0.0
        for event in view.events_of("PersistentVolumeClaim", namespace, name):
            if event.about_uid not in ("", claim.uid) or event.last is None:
                continue
            match event.fact:
                case RwxRecovering(volume=volume) if volume in ("", claim.volume):
                    warned = max(warned, event.last)
                case RwxClear(volume=volume) if volume in ("", claim.volume):
                    clear = max(clear, event.last)
        if clear and clear > warned and clear >= self._stopped_at(view):
            return DONE
        return not_done("Rok has not said yet that all pods are gone")

    def _stopped_at(self, view: View) -> float:
        """Return when we began to stop users, Unix seconds; 0 when nothing tells of it."""
        namespace, _ = self.claim
        noted = [
            float(told)
            for kind in STOPPABLE
            for one in view.workloads(kind, namespace)
            if one.annotations.get(UNDO_ANNOTATION) == self.owner
            and (told := one.annotations.get(STOPPED_AT, "")).isdecimal()
        ]
        return min([*noted, *([self.since] if self.since else [])], default=0.0)


def _pod(pod: model.Pod, view: View) -> str:
    where = f" on {pod.node}" if pod.node else ""
    if pod.node and lost(view.node(pod.node)):
        return (
            f"pod {pod.namespace}/{pod.name}{where} cannot end: the node is lost, see"
            " node_lost_with_volumes"
        )
    going = " is Terminating" if pod.deletion is not None else " runs still"
    alone = "" if pod.owner else " and nothing would start it again: a person deletes it"
    return f"pod {pod.namespace}/{pod.name}{where}{going}{alone}"
