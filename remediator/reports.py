"""What a save of a record tells: a report for each sentence and each order in it. Pure.

Nothing that stands in a record's history is left out of the log because something else followed in
the same tick.
"""

import msgspec

from remediator.ports import Report
from remediator.record import DecisionRecord, HistoryEntry, Record, Status


def news(before: Record | None, after: Record) -> tuple[Report, ...]:
    """Return what is new in a record, in order; the last report carries the status before."""
    was = before.status if before is not None else None
    orders = _decided(was, after.status)
    found: list[Report] = []
    phase = str(was.phase) if was is not None else ""
    for entry in _said(was, after.status):
        order = next((one for one in orders if _tells(entry, one, phase)), None)
        if order is not None:
            orders.remove(order)
        found.append(Report(record=after, entry=entry, before=phase, decision=order))
        phase = str(entry.phase)
    for order in orders:
        # Its sentence was the last one already, as when two void ones follow each other.
        entry = HistoryEntry(at=order.at, phase=after.status.phase, sentence=after.status.message)
        found.append(Report(record=after, entry=entry, before=phase, decision=order))
    if found:
        found[-1] = msgspec.structs.replace(found[-1], was=was or Status())
    return tuple(found)


def _said(was: Status | None, status: Status) -> tuple[HistoryEntry, ...]:
    """Return the new sentences; a long history has lost some of its old ones meanwhile."""
    last = was.history[-1] if was is not None and was.history else None
    history = status.history
    if last is None or last not in history:
        return history
    return history[len(history) - history[::-1].index(last) :]


def _decided(was: Status | None, status: Status) -> list[DecisionRecord]:
    known = {one.uid for one in was.decisions} if was is not None else set()
    return [one for one in status.decisions if one.uid not in known]


def _tells(entry: HistoryEntry, order: DecisionRecord, phase: str) -> bool:
    """Whether a sentence is the one that an order left: it changes no phase by itself."""
    return (entry.at, str(entry.phase)) == (order.at, phase) and order.by in entry.sentence
