"""related, attached_twice: two plans never fight, and a volume with two writers is left alone.

A plan that acts claims what it touches: nodes and claims. One that only waits claims nothing, so
that no two wait for each other; nor does one that only holds, for what it repaired is in use again,
and may fail again elsewhere.
"""

from exporter.observe.signals.base import exclusive
from remediator.guards.base import Allowed, Denied, NotYet, Question, Verdict


def related(question: Question) -> Verdict:
    """Wait while another plan that acts touches something of this one."""
    mine = set(question.plan.touches)
    for other in question.others:
        plan = other.status.plan
        if plan is None or not other.acting:
            continue
        shared = sorted(mine & set(plan.touches))
        if shared:
            return NotYet(f"{other.name} is at work on {', '.join(shared)}")
    return Allowed()


def attached_twice(question: Question) -> Verdict:
    """Deny while a volume of the plan is attached to two nodes that may both write to it."""
    view = question.case.view
    for namespace, name in question.plan.used_claims:
        claim = view.claim(namespace, name)
        volume = view.volume_of(claim) if claim is not None else None
        if volume is None or not exclusive(volume):
            continue
        nodes = sorted({one.node for one in view.attachments_of(volume.name) if one.attached})
        if len(nodes) > 1:
            return Denied(
                f"volume {volume.name} of claim {namespace}/{name} is attached to"
                f" {' and '.join(nodes)} at once: see volume_attached_twice"
            )
    return Allowed()
