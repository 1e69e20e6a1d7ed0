"""mode: what the operator lets this handler do: observe (nothing), approve (ask first), auto.

approval: a plan that says itself that a person must look at it, whatever the mode.
"""

from remediator.guards.base import Allowed, Denied, NeedsApproval, Question, Verdict


def mode(question: Question) -> Verdict:
    """Deny in observe mode, ask in approve mode. A mode that is none of the three denies."""
    case = question.case
    wanted = case.policy.mode_of(case.signal.name)
    if wanted == "auto":
        return Allowed()
    if wanted == "approve":
        if question.approved:
            return Allowed(f"approved by {question.approved}")
        before = f"; {question.outdated} said yes to another plan" if question.outdated else ""
        return NeedsApproval(
            f"the mode of this handler is approve: a person has to say yes{before}"
        )
    return Denied(f"the mode of this handler is {wanted}: nothing is done")


def approval(question: Question) -> Verdict:
    """Ask for a yes to a plan that risks data or costs money without a proof of its own."""
    if not question.plan.needs_yes:
        return Allowed()
    if question.approved:
        return Allowed(f"approved by {question.approved}")
    return NeedsApproval("a plan of this kind needs a person's yes, whatever the mode")
