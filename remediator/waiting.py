"""What a record that waits has to say: since when it does, and whether that is news. Pure.

Who decides that it waits is the engine.
"""

from remediator.record import Phase, Record, with_status

REMEMBERED = 600.0
"""Seconds by which the last notification on record may lag; a restart forgets what is not there."""


def worth_saving(before: Record, after: Record) -> bool:
    """Return whether a tick said anything new.

    A repeated reading or an alert repeated soon alone is no write. The first reading of a run is
    news: the gap of a proof is counted from it.
    """
    last = before.status.last_alert_at or before.created
    heard = (after.status.last_alert_at or last) - last
    if heard > REMEMBERED:
        return True
    quiet = with_status(
        before, readings=after.status.readings, last_alert_at=after.status.last_alert_at
    )
    if quiet != after:
        return True
    return before.status.readings[:1] != after.status.readings[:1]


def deferred_since(record: Record, now: float) -> float:
    """Return since when it waits: what it tried in vain meanwhile is no new beginning."""
    status = record.status
    since = status.phase_since if status.phase is Phase.DEFERRED else None
    return status.deferred_since or since or now


def asked_since(record: Record, now: float) -> float:
    """Return since when a person is asked: a guard that spoke up meanwhile is no answer."""
    status = record.status
    since = status.phase_since if status.phase is Phase.AWAITING_APPROVAL else None
    return status.asked_since or since or now
