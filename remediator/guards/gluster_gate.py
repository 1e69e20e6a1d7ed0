"""gluster_gate: no node's Gluster is taken away while a volume of its pool needs it.

The judgement of the metric `pvmedic_gluster_disruption_safe`, over the fresh facts of all nodes. A
plan names the nodes whose glusterd or bricks its steps touch; one that names none passes. Whoever
names one reads `gluster_safety.WANTS` as well: what was not read is not safe.
"""

from exporter.observe.gluster_safety import NEEDS, safeties
from remediator.guards.base import Allowed, NotYet, Question, Verdict


def gluster_gate(question: Question) -> Verdict:
    """Wait until every node that the plan names may be taken away."""
    nodes, view = question.plan.gluster_nodes, question.case.view
    if not nodes:
        return Allowed()
    for kind in sorted(NEEDS & view.unseen.keys()):
        return NotYet(f"cannot see {kind}: {view.unseen[kind]}")
    known = safeties(view)
    for node in nodes:
        found = known.get(node)
        if found is None:
            return NotYet(f"nothing is seen of Gluster on node {node}")
        if not found.safe:
            return NotYet(f"Gluster on node {node} is needed ({found.reason}): {found.sentence}")
    return Allowed()
