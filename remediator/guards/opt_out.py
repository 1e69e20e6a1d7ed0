"""opt_out: people keep us away from a node, a namespace or a claim.

The label or annotation is `pvmedic.dev/remediation: disabled`.
"""

from collections.abc import Iterator, Mapping

from exporter.observe.model import OURS, Kind
from exporter.observe.signals.node_lost_with_volumes import claims_on
from remediator.guards.base import Allowed, Denied, NotYet, Question, Verdict

SWITCH = OURS + "remediation"


def opt_out(question: Question) -> Verdict:
    """Deny when the node, or the namespace or claim of anything on it, has opted out."""
    case = question.case
    if Kind.NAMESPACE in case.view.unseen:
        return NotYet(f"namespaces could not be read: {case.view.unseen[Kind.NAMESPACE]}")
    for what, ours in _touched(question):
        if ours.get(SWITCH) == "disabled":
            return Denied(f"{what} has opted out ({SWITCH}: disabled)")
    return Allowed()


def _touched(question: Question) -> Iterator[tuple[str, Mapping[str, str]]]:
    view = question.case.view
    for name in {step.node for step in question.plan.steps}:
        node = view.node(name)
        if node is not None:
            yield f"node {name}", {**node.labels, **node.annotations}
        for namespace, claim_name in claims_on(name, view):
            space, claim = view.namespace(namespace), view.claim(namespace, claim_name)
            if space is not None:
                yield f"namespace {namespace}", space.annotations
            if claim is not None:
                yield f"claim {namespace}/{claim_name}", claim.annotations
