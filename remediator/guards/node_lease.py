"""node_lease: where medik8s' tools repair nodes, too, only one works on a node at a time.

Asked only where the settings name the namespace of their Leases.
"""

from exporter.observe.model import Kind
from remediator.guards.base import Allowed, NotYet, Question, Verdict
from remediator.node_lease import held_by, holder_of, name_of


def node_lease(question: Question) -> Verdict:
    """Wait while somebody else holds the Lease of a node that the plan touches."""
    case = question.case
    space = case.policy.medik8s_leases
    if not space:
        return Allowed()
    why = case.view.unseen.get(Kind.LEASE)
    if why is not None:
        return NotYet(f"who works on the node could not be read: {why}")
    for node in question.plan.nodes:
        holder = held_by(case.view.lease(space, name_of(node)), case.now)
        if holder and holder != holder_of(case.record.name):
            return NotYet(
                f"{holder} works on node {node}: it holds the Lease {space}/{name_of(node)}"
            )
    return Allowed()
