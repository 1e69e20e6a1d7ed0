"""cluster_health: when many nodes are gone, the network or the control plane is ill, not they."""

from exporter.observe.model import OUT_OF_SERVICE
from exporter.observe.signals.base import lost
from remediator.guards.base import Allowed, NotYet, Question, Verdict


def cluster_health(question: Question) -> Verdict:
    """Refuse everything while more than a third of the nodes is lost or out of service."""
    nodes = question.case.view.nodes()
    down = [node for node in nodes if lost(node) or node.taint(OUT_OF_SERVICE) is not None]
    if not nodes:
        return NotYet("no node could be seen")
    if 3 * len(down) > len(nodes):
        return NotYet(
            f"{len(down)} of {len(nodes)} nodes are down, more than a third:"
            " this looks like the network or the control plane"
        )
    return Allowed()
