"""Whose turn it is: when each record is looked at next, and who goes first. Pure: times are given.

A thousand records that wait must not keep one from its repair, and looking at them must not take
all of our time and the API server's: where looks take long, those that only wait are looked at less
often.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum

from remediator.record import ACTING, Phase, Record

SHARE = 0.5
"""How much of the time looks at what waits may take."""

SLOWLY = 0.05
"""How much the last look counts in what a look usually takes."""

NEVER = float("-inf")


class Rank(IntEnum):
    """Who goes first among those whose time has come."""

    UNDER_WAY = 0
    NEW = 1
    WAITING = 2


def rank(record: Record) -> Rank:
    """Return where a record stands. A proof is under way between its two readings."""
    status = record.status
    proving = status.phase is Phase.DEFERRED and bool(status.readings)
    if status.phase in ACTING or record.owes or proving:
        return Rank.UNDER_WAY
    new = status.phase is Phase.OBSERVED and not status.history
    return Rank.NEW if new else Rank.WAITING


class Turns:
    """Remembers when whom. `wait` is how long what waits is left alone at least, in seconds."""

    def __init__(self, wait: float) -> None:
        """Know nobody yet."""
        self._wait = wait
        self._due: dict[str, float] = {}
        self._looked: dict[str, float] = {}
        self._asked: set[str] = set()
        self._known = 0
        self._takes = 0.0
        self._begun: tuple[float, ...] = ()

    def keep(self, names: Iterable[str], now: float) -> None:
        """Know these and no others; who is new is due now."""
        names = set(names)
        self._known = len(names)
        self._due = {name: self._due.get(name, now) for name in names}
        self._asked &= names
        self._looked = {name: at for name, at in self._looked.items() if name in names}

    def hear(self, name: str, now: float) -> None:
        """Somebody speaks of it: at once, unless it was looked at just before."""
        soon = max(now, self._looked.get(name, NEVER) + self.pause())
        self._due[name] = min(soon, self._due.get(name, soon))

    def ask(self, name: str, now: float) -> None:
        """A person waits for it: at once, before all others."""
        self._due[name] = now
        self._asked.add(name)

    def first(self, now: float, ranks: Mapping[str, Rank]) -> str | None:
        """Return whose turn it is; None while nobody's time has come."""
        due = (name for name, at in self._due.items() if at <= now)

        def order(name: str) -> tuple[bool, Rank, float, str]:
            return name not in self._asked, ranks[name], self._due[name], name

        return min(due, key=order, default=None)

    def begin(self, name: str, now: float) -> None:
        """Forget when it was due, so that what is heard meanwhile is not overwritten."""
        self._begun = (self._due.pop(name, now),)
        self._asked.discard(name)
        self._looked[name] = now

    def end(self, name: str, now: float, rest: float, took: float, *, waits: bool) -> None:
        """Its next turn is in `rest` seconds; later, where it only waits and looks take long."""
        self._begun = ()
        self._takes += (took - self._takes) * SLOWLY
        self._due.setdefault(name, now + (max(rest, self.pause()) if waits else rest))

    def stop(self) -> None:
        """Nobody is looked at any more."""
        self._begun = ()

    def pause(self) -> float:
        """Return for how long what only waits is left alone."""
        return max(self._wait, self._known * self._takes / SHARE)

    def next(self, now: float) -> float:
        """Return the seconds until somebody is due, at most the wait."""
        rest = min(self._due.values(), default=now + self._wait) - now
        return min(max(rest, 0.0), self._wait)

    def since(self, now: float) -> float | None:
        """Return since when the one that waits longest is due; None while nobody is."""
        due = [at for at in self._due.values() if at <= now]
        return min([*due, *self._begun], default=None)
