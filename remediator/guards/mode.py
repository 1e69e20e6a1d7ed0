"""mode: what the operator lets this handler do: observe (nothing), approve (ask first), auto."""

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
