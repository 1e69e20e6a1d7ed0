"""breaker: repairs that went wrong stop all further ones, until a person has looked.

It needs no memory of its own: Failed and Unsettled records hold their subject until a person
releases them, and so many that nobody has released are the open breaker. Only a person closes it.
"""

from collections.abc import Iterable

from remediator.guards.base import Allowed, NotYet, Question, Verdict
from remediator.record import Phase, Record

WRONG = frozenset({Phase.FAILED, Phase.UNSETTLED})


def breaker(question: Question) -> Verdict:
    """Wait while as many records as the policy names went wrong and are not released."""
    wrong = gone_wrong(question.others)
    limit = question.case.policy.breaker
    if len(wrong) >= limit:
        return NotYet(
            f"the circuit breaker is open: {', '.join(wrong)} went wrong; look at each, then"
            " `pvmedic release` it"
        )
    return Allowed()


def gone_wrong(records: Iterable[Record]) -> list[str]:
    """Return the names of the records that count."""
    return sorted(
        one.name for one in records if one.status.phase in WRONG and one.status.released_at is None
    )
