"""capacity_cap: how much cloud disk one plan may create."""

from remediator.guards.base import Allowed, Denied, Question, Verdict


def capacity_cap(question: Question) -> Verdict:
    """Deny a plan that creates more than the policy allows."""
    creates, cap = question.plan.creates, question.case.policy.capacity_cap
    if creates > cap:
        return Denied(f"the plan creates {creates} GiB of disk; {cap} GiB are allowed")
    return Allowed()
