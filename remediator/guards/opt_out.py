"""opt_out, opt_in: people keep us away from a node, a namespace or a claim, or let us come.

The label or annotation is `pvmedic.dev/remediation: disabled`, or `enabled` where the settings want
to be asked in.
"""

from collections.abc import Iterator, Mapping

from exporter.observe.model import Kind
from exporter.observe.signals.node_lost_with_volumes import claims_on
from remediator.case import SWITCH
from remediator.guards.base import Allowed, Denied, NotYet, Question, Verdict


def opt_out(question: Question) -> Verdict:
    """Deny when the node, or the namespace or claim of anything on it, has opted out."""
    case = question.case
    if Kind.NAMESPACE in case.view.unseen:
        return NotYet(f"namespaces could not be read: {case.view.unseen[Kind.NAMESPACE]}")
    for what, ours in _touched(question):
        if _says(ours, "disabled"):
            return Denied(f"{what} has opted out ({SWITCH}: disabled)")
    return Allowed()


def opt_in(question: Question) -> Verdict:
    """Where the policy asks for it: deny unless each namespace with a claim there asked us in.

    A node whose claims nobody has needs the label itself.
    """
    case = question.case
    if not case.policy.opt_in:
        return Allowed()
    if Kind.NAMESPACE in case.view.unseen:
        return NotYet(f"namespaces could not be read: {case.view.unseen[Kind.NAMESPACE]}")
    # A plan that takes a node asks for that; what is used there is what its label speaks for.
    plan = question.plan
    asked = [] if plan.nodes else sorted({namespace for namespace, _ in plan.claims})
    for name in question.plan.nodes:
        node = case.view.node(name)
        if node is not None and _says({**node.labels, **node.annotations}, "enabled"):
            continue
        spaces = sorted({namespace for namespace, _ in claims_on(name, case.view)})
        if not spaces:
            return Denied(f"node {name} has not opted in ({SWITCH}: enabled)")
        asked.extend(spaces)
    for space in asked:
        found = case.view.namespace(space)
        if found is None or not _says(found.annotations, "enabled"):
            return Denied(f"namespace {space} has not opted in ({SWITCH}: enabled)")
    return Allowed()


def _says(ours: Mapping[str, str], word: str) -> bool:
    return ours.get(SWITCH) == word


def _touched(question: Question) -> Iterator[tuple[str, Mapping[str, str]]]:
    view = question.case.view
    for name in question.plan.nodes:
        node = view.node(name)
        if node is not None:
            yield f"node {name}", {**node.labels, **node.annotations}
    there = {claim for name in question.plan.nodes for claim in claims_on(name, view)}
    for namespace, name in sorted(there | set(question.plan.claims)):
        space, claim = view.namespace(namespace), view.claim(namespace, name)
        if space is not None:
            yield f"namespace {namespace}", space.annotations
        if claim is not None:
            yield f"claim {namespace}/{name}", claim.annotations
