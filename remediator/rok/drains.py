"""The drain of a node before it begins: who has to leave, who cannot, and what goes with them."""

from collections.abc import Iterator

import msgspec

from exporter.observe import rok_jobs
from exporter.observe.model.drain import Drain, DrainPod
from exporter.observe.view import View
from remediator.plan import Declined, Deferred
from remediator.steps.base import listed
from remediator.steps.drain import GUARD, ROK, leaving, stays

FIRST_POLICY_V1 = (1, 22)
"""From here on Evictions are of policy/v1."""


class Leaving(msgspec.Struct, frozen=True):
    """A node's pods, and those that a drain evicts."""

    drain: Drain
    pods: tuple[DrainPod, ...]


def drained(node: str, view: View) -> Leaving | Declined | Deferred:
    """Return who leaves; Declined where a pod can never be evicted, or a volume never leave."""
    drain = view.drain(node)
    if drain is None:
        return Deferred(f"nobody has asked for the pods of node {node}")
    pods = leaving(drain)
    stuck = [pod for pod in pods if len(drain.budgets_of(pod)) > 1 and pod.deletion is None]
    if stuck:
        names = ", ".join(one.name for one in drain.budgets_of(stuck[0]))
        return Declined(
            f"pod {_name(stuck[0])} can never be evicted: {len(drain.budgets_of(stuck[0]))}"
            f" PodDisruptionBudgets select it ({names}); let only one of them"
        )
    if no_way := stranded(node, view, drain):
        return Declined(no_way)
    return Leaving(drain, tuple(pods))


def stranded(node: str, view: View, drain: Drain) -> str:
    """Return which volume nothing would move off the node; empty where there is none.

    With one of them an extended node could never be removed.
    """
    here = set(rok_jobs.claims_on(node, view))
    for volume in view.rok_on(node):
        if (volume.claim_namespace, volume.claim_name) not in here:
            return (
                f"volume {volume.name} lives on node {node} and no claim has it, so nothing moves"
                " it: delete it first, or move its data"
            )
    for pod in drain.pods:
        used = [name for name in pod.claims if (pod.namespace, name) in here]
        if used and stays(pod) and not pod.ended:
            return (
                f"pod {_name(pod)} stays in a drain and uses claim {used[0]}, whose volume lives on"
                f" node {node}: stop what makes it first"
            )
    return ""


def eviction_api(server: tuple[int, int] | None) -> str:
    """Return the version of Evictions that the API server takes."""
    return "policy/v1" if server is None or server >= FIRST_POLICY_V1 else "policy/v1beta1"


def findings(leaves: Leaving) -> Iterator[str]:
    """Say who leaves, whom a budget keeps now, and what is lost for good."""
    pods, drain = leaves.pods, leaves.drain
    yield (
        f"drain: {len(pods)} pods are evicted, {len(drain.pods) - len(pods)} stay (DaemonSets',"
        " static, ended)"
    )
    kept = [one for one in drain.budgets if not one.allowed or one.allowed < 0]
    for one in kept:
        held = [_name(pod) for pod in pods if one in drain.budgets_of(pod) and pod.app != GUARD]
        if held:
            counted = f"{one.healthy} of at least {one.wanted} healthy"
            yield (
                f"PodDisruptionBudget {one.namespace}/{one.name} allows no disruption now"
                f" ({counted}): the drain waits for {listed(held, ', ')}"
            )
    bare = [_name(pod) for pod in pods if not pod.owner and pod.app != GUARD]
    if bare:
        yield f"nothing makes these pods anew, they are gone for good: {listed(bare, ', ')}"
    local = [_name(pod) for pod in pods if pod.local_data]
    if local:
        yield f"emptyDir data is lost with: {listed(local, ', ')}"
    guards = sum(pod.app == GUARD for pod in pods)
    if guards:
        yield (
            f"Rok's guard ({guards} of the pods) is evicted only once every volume has left the"
            " node"
        )
    own = [_name(pod) for pod in drain.pods if pod.app == ROK and pod not in pods]
    if own:
        yield (
            f"Rok's own {listed(own, ', ')} goes with the machine: if it is the master, delete it"
            " after the drain, so that another one is chosen"
        )


def _name(pod: DrainPod) -> str:
    return f"{pod.namespace}/{pod.name}"
