"""breaker: repairs that went wrong stop all further ones, until a person has looked.

It needs no memory of its own: Failed and Unsettled records hold their subject until a person
releases them, and so many that nobody has released are the open breaker. Only a person closes it.
"""

from remediator.guards.base import Allowed, NotYet, Question, Verdict
from remediator.record import Phase

WRONG = frozenset({Phase.FAILED, Phase.UNSETTLED})


def breaker(question: Question) -> Verdict:
    """Wait while as many records as the policy names went wrong and are not released."""
    wrong = sorted(
        other.name
        for other in question.others
        if other.status.phase in WRONG and other.status.released_at is None
    )
    limit = question.case.policy.breaker
    if len(wrong) >= limit:
        return NotYet(
            f"the circuit breaker is open: {', '.join(wrong)} went wrong; look at each, then"
            " `pvmedic release` it"
        )
    return Allowed()
