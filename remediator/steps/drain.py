"""Emptying a node of Rok's: its snapshots succeed, its pods leave, its volumes leave.

Pods leave by the Eviction API alone, which keeps to their budgets; nothing is deleted. Rok's guard
keeps a node until its volumes have left: to end it earlier loses data.
"""

from collections.abc import Iterator
from typing import ClassVar

from exporter.observe import model, rok_jobs
from exporter.observe.model import Kind
from exporter.observe.model.drain import Drain, DrainPod
from exporter.observe.view import View
from remediator.steps.base import (
    DONE,
    KubeWrite,
    Observation,
    listed,
    not_done,
    refused,
    unseen,
)
from remediator.steps.nodes import OfNode

GUARD = "rok-csi-guard"
"""Label `app` of the pods that keep a node until its volumes have left it."""
ROK = "rok"
"""Label `app` of Rok's own pods; the master is one of them."""
RETRY_WITHIN = 1800.0
"""Seconds after the extension in which what failed is tried again, if ever."""

SIZES = frozenset({Kind.ROK_SPACE})
"""What only says more of why it takes so long."""

_JOBS = (Kind.EVENT, Kind.SNAPSHOT, Kind.CLAIM, Kind.VOLUME)


def stays(pod: DrainPod) -> bool:
    """Whether a drain leaves a pod where it is: it has ended, or would come back at once."""
    return pod.ended or pod.mirror or pod.owner == "DaemonSet"


def leaving(drain: Drain) -> list[DrainPod]:
    """Return the pods that have to leave, in this order: workloads, Rok's guard, Rok's own."""
    pods = (pod for pod in drain.pods if not stays(pod))
    return sorted(pods, key=lambda pod: (_rank(pod), pod.namespace, pod.name))


def _rank(pod: DrainPod) -> int:
    return {GUARD: 1, ROK: 2}.get(pod.app, 0)


def rebooted(node: str, view: View) -> str:
    """Say that an extended node was booted anew; empty where that is not so."""
    space = view.rok_space(node)
    if space is None or not space.rebooted:
        return ""
    return f"node {node} was rebooted since it was extended, see rok_extended_node_rebooted; "


class _Emptying(OfNode, frozen=True):
    """A part of emptying the node. `within` is seconds; Rok's sizes only say why it takes long."""

    without: ClassVar[frozenset[Kind]] = SIZES

    within: float

    @property
    def waits_for(self) -> float:
        """Return how long."""
        return self.within


class AwaitSnapshots(_Emptying, frozen=True):
    """Wait until what failed for want of space succeeds, in a new attempt.

    What nobody tries again is left to the drain: Rok takes a snapshot of its own of a volume that
    leaves, and unpins one at the latest when nobody uses it any more.
    """

    def sentence(self) -> str:
        """Return what it waits for."""
        return f"wait until the snapshots that failed on node {self.target} succeed"

    def observe(self, view: View) -> Observation:
        """Say which jobs have not succeeded yet."""
        if (other := self.looked(view, *_JOBS)) is not None:
            return other
        left = [one for one in rok_jobs.failures_on(self.target, view) if not self._over(one, view)]
        if not left:
            return DONE
        said = (f"{one.what} has not succeeded yet" for one in left)
        return not_done(rebooted(self.target, view) + listed(sorted(said), "; "))

    def _over(self, one: rok_jobs.Failed, view: View) -> bool:
        """Whether a failed job has not been tried again for long enough."""
        node = self.found(view)
        note = node.extended_by if node is not None else None
        if note is None:
            return False
        _, _, marked = note
        since = view.taken - RETRY_WITHIN
        return one.when < since and marked <= model.rfc3339(since)


class DrainNode(_Emptying, frozen=True):
    """Evict the node's pods one by one, as their budgets allow. `api` is Eviction's version.

    Workloads first; Rok's guard only once no volume of Rok's lives on the node; Rok's own pods
    last. Pods of DaemonSets and static pods stay.
    """

    repeats: ClassVar[bool] = True

    api: str

    def sentence(self) -> str:
        """Return what it does."""
        return (
            f"drain node {self.target}: workloads first, Rok's guard once no volume is left there"
        )

    def doing(self, view: View) -> str:
        """Return which pod is next."""
        pod = self._next(view)
        return f"evict pod {pod.namespace}/{pod.name}" if pod is not None else self.sentence()

    def observe(self, view: View) -> Observation:
        """Say which pods are left, and why they stay."""
        if (other := self.looked(view, Kind.DRAIN, *_JOBS)) is not None:
            return other
        drain = view.drain(self.target)
        if drain is None:
            return not_done("nobody asked for its pods")
        left = leaving(drain)
        if not left:
            return DONE
        said = [_why_here(pod, drain, self.target, view) for pod in left]
        return not_done(f"{len(left)} pods are left: {listed(said, '; ')}")

    def act(self, view: View) -> KubeWrite | None:
        """Return the eviction of the next pod, bound to its uid; None: none may go now."""
        pod = self._next(view)
        if pod is None or self.found(view) is None:
            return None
        named = {"name": pod.name, "namespace": pod.namespace}
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": pod.uid},
        }
        body = {
            "apiVersion": self.api,
            "kind": "Eviction",
            "metadata": named,
            "deleteOptions": options,
        }
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/eviction"
        return KubeWrite("POST", path, body, "application/json")

    def _next(self, view: View) -> DrainPod | None:
        drain = view.drain(self.target)
        pods = leaving(drain) if drain is not None else []
        return next(_evictable(pods, drain, self.target, view), None) if drain else None


class AwaitUnpinned(_Emptying, frozen=True):
    """Wait until no volume of Rok's lives on the node."""

    def sentence(self) -> str:
        """Return what it waits for."""
        return f"wait until no volume of Rok's is pinned to node {self.target}"

    def observe(self, view: View) -> Observation:
        """Say which are left; of a node that is gone none will leave any more."""
        if (blind := unseen(view, Kind.NODE, *_JOBS)) is not None:
            return blind
        left = pinned(self.target, view)
        if not left:
            return DONE
        if self.found(view) is None:
            return refused(f"the node is gone, and these volumes with it: {listed(left, ', ')}")
        return not_done(f"{rebooted(self.target, view)}still pinned: {listed(left, ', ')}")


def pinned(node: str, view: View) -> list[str]:
    """Return the volumes of Rok's that live on a node, and the claims whose volume may."""
    volumes = sorted(one.name for one in view.rok_on(node))
    known = {view.volume(name) for name in volumes}
    claims = {(one.claim_namespace, one.claim_name) for one in known if one is not None}
    more = [one for one in rok_jobs.claims_on(node, view) if one not in claims]
    return [*volumes, *(f"that of claim {namespace}/{name}" for namespace, name in more)]


def _evictable(pods: list[DrainPod], drain: Drain, node: str, view: View) -> Iterator[DrainPod]:
    """Iterate over the pods that may be evicted now, in order."""
    held = bool(pinned(node, view))
    for pod in pods:
        if _rank(pod) and (held or any(_rank(one) < _rank(pod) for one in pods)):
            # It waits until the others have left, not only until they were told to.
            continue
        if pod.deletion is None and not _kept_by(pod, drain):
            yield pod


def _kept_by(pod: DrainPod, drain: Drain) -> str:
    """Return why a pod's budgets let it not go now; empty where they do."""
    if pod.phase == "Pending":
        return ""
    budgets = drain.budgets_of(pod)
    if len(budgets) > 1:
        return f"{len(budgets)} PodDisruptionBudgets select it, so it can never be evicted"
    closed = [one for one in budgets if not one.allowed or one.allowed < 0]
    if closed:
        return f"PodDisruptionBudget {closed[0].name} allows no disruption now"
    return ""


def _why_here(pod: DrainPod, drain: Drain, node: str, view: View) -> str:
    name = f"{pod.namespace}/{pod.name}"
    if pod.deletion is not None:
        return f"{name} is Terminating"
    if pod.app == GUARD and pinned(node, view):
        return f"{name} keeps the node until its volumes have left"
    why = _kept_by(pod, drain)
    return f"{name}: {why}" if why else f"{name} is to be evicted"
