"""blast_radius: how many nodes may be out of service by our doing at once.

A node counts from the first write of its plan until the debt is taken back: what is in flight, and
what we still hold, is as good as down. Two nodes are always allowed, or a small cluster could not
be repaired while a dead machine waits for its owner; how many may be down in all is for
cluster_health to say.
"""

from remediator.guards.base import Allowed, NotYet, Question, Verdict
from remediator.record import ACTING, Phase

FLOOR = 2
"""Nodes that are allowed however small the cluster is: this one, and one that is held."""


def blast_radius(question: Question) -> Verdict:
    """Wait while this plan's nodes would be more than the policy's share of all nodes."""
    case = question.case
    mine = set(question.plan.nodes)
    taken = {
        node
        for other in question.others
        if other.status.phase in ACTING | {Phase.HOLDING} and other.status.plan is not None
        for node in other.status.plan.nodes
    }
    total = len(case.view.nodes())
    allowed = max(FLOOR, int(case.policy.blast_radius * total))
    if mine and len(taken | mine) > allowed:
        return NotYet(
            f"{', '.join(sorted(taken - mine))} already out of service by our doing:"
            f" of {total} nodes {allowed} may be at once"
        )
    return Allowed()
