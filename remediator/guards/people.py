"""people: nothing begins while nobody's word can be heard: a no may be among what is not read."""

from remediator.guards.base import Allowed, NotYet, Question, Verdict


def people(question: Question) -> Verdict:
    """Wait while RemediationApprovals cannot be followed."""
    if question.unheard:
        return NotYet(f"what people say (RemediationApproval) cannot be read: {question.unheard}")
    return Allowed()
