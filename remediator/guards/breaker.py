"""breaker: repairs that went wrong stop all further ones, until a person has looked.

It needs no memory of its own: Failed and Unsettled records hold their subject until a person
releases them, and so many that nobody has released are the open breaker. Only a person closes it.

What waited behind it does not all begin at the moment of the release: a reason of before counts
once its alert is heard again, and else grows old (alert_freshness, give_up_after) and is dropped.
"""

from collections.abc import Iterable

from exporter.observe.model import rfc3339
from remediator.guards.base import Allowed, NotYet, Question, Verdict
from remediator.record import Phase, Record

WRONG = frozenset({Phase.FAILED, Phase.UNSETTLED})


def breaker(question: Question) -> Verdict:
    """Wait while as many records as the policy names went wrong and are not released.

    And until the alert was heard since, for what is older than the last release.
    """
    wrong = gone_wrong(question.others)
    limit, record = question.case.policy.breaker, question.case.record
    if len(wrong) >= limit:
        return NotYet(
            f"the circuit breaker is open: {', '.join(wrong)} went wrong; look at each, then"
            " `pvmedic release` it"
        )
    closed = closed_at(question.others, limit)
    heard = max(record.status.last_alert_at or record.created, record.created)
    if closed is not None and heard <= closed:
        return NotYet(
            "it waited while the circuit breaker was open, and its alert was not heard again since"
            f" that was closed at {rfc3339(closed)}"
        )
    return Allowed()


def gone_wrong(records: Iterable[Record]) -> list[str]:
    """Return the names of the records that count."""
    return sorted(
        one.name for one in records if one.status.phase in WRONG and one.status.released_at is None
    )


def closed_at(records: Iterable[Record], limit: int) -> float | None:
    """Return when a release last closed an open breaker, in Unix seconds; None: none did.

    As far as records are kept; once they are pruned, whatever waited then has been dropped too.
    """
    wrong = [
        (one.status.phase_since or one.created, one.status.released_at)
        for one in records
        if one.status.phase in WRONG
    ]

    def open_just_before(moment: float) -> bool:
        there = [end for since, end in wrong if since < moment and (end is None or end >= moment)]
        return len(there) >= limit

    closed = (end for _, end in wrong if end is not None and open_just_before(end))
    return max(closed, default=None)
