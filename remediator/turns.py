"""Whose turn it is: when each record is looked at next, and who goes first. Pure: times are given.

A thousand records that wait must not keep one from its repair, and looking at them must not take
all of our time and the API server's: where looks take long, those that only wait are looked at less
often.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from math import ceil

from remediator.record import ACTING, Phase, Record

SHARE = 0.5
"""How much of the time looks at what waits may take."""

SLOWLY = 0.05
"""How much the last look counts in what a look usually takes."""

CROWD = 50
"""So many records and more become due in rounds, so that looks of one round can share lists."""

BEAT = 1 / 3
"""The time from one round to the next, as a part of the wait."""

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


class Standing:
    """Ranks of the records that are still looked at, worked out anew only for those that changed.

    Asked before each look: over ten thousand records that takes longer than the look.
    """

    def __init__(self, active: Callable[[Record], bool]) -> None:
        """`active` says of a record, by what it holds alone, whether it is still looked at."""
        self._active = active
        self._judged: dict[str, Record] = {}
        self._ranks: dict[str, Rank] = {}
        self.other = True
        """Whether other names are active than the time before."""

    def of(self, records: Sequence[Record]) -> Mapping[str, Rank]:
        """Return the ranks of those that are active by their names."""
        judged = self._judged
        news = [one for one in records if judged.get(one.name) is not one]
        self.other = False
        if len(judged) + sum(one.name not in judged for one in news) != len(records):
            names = {one.name for one in records}
            for name in [name for name in judged if name not in names]:
                del judged[name]
                self.other |= self._ranks.pop(name, None) is not None
        for one in news:
            judged[one.name] = one
            if self._active(one):
                self.other |= one.name not in self._ranks
                self._ranks[one.name] = rank(one)
            else:
                self.other |= self._ranks.pop(one.name, None) is not None
        return self._ranks


class Turns:
    """Remembers when whom. `wait` is how long what waits is left alone at least, in seconds."""

    def __init__(self, wait: float) -> None:
        """Know nobody yet."""
        self._wait = wait
        self._due: dict[str, float] = {}
        self._looked: dict[str, float] = {}
        self._asked: set[str] = set()
        self._spoken: set[str] = set()
        self._known = 0
        self._takes = 0.0
        self._begun: tuple[float, ...] = ()

    def keep(self, names: Iterable[str], now: float) -> None:
        """Know these and no others; who is new is due now."""
        names = set(names)
        self._spoken.clear()
        self._known = len(names)
        self._due = {name: self._due.get(name, now) for name in names}
        self._asked &= names
        self._looked = {name: at for name, at in self._looked.items() if name in names}

    def strangers(self, names: Mapping[str, Rank]) -> bool:
        """Whether somebody has spoken of another one than these since `keep`."""
        return not self._spoken <= names.keys()

    def hear(self, name: str, now: float) -> None:
        """Somebody speaks of it: at once, unless it was looked at just before."""
        soon = max(now, self._looked.get(name, NEVER) + self.pause())
        self._due[name] = min(soon, self._due.get(name, soon))
        self._spoken.add(name)

    def ask(self, name: str, now: float) -> None:
        """A person waits for it: at once, before all others."""
        self._due[name] = now
        self._asked.add(name)
        self._spoken.add(name)

    def first(self, now: float, ranks: Mapping[str, Rank]) -> str | None:
        """Return whose turn it is; None while nobody's time has come."""
        asked, rest = self._asked, self._due.items()
        due = ((name not in asked, ranks[name], at, name) for name, at in rest if at <= now)
        first = min(due, default=None)
        return None if first is None else first[-1]

    def begin(self, name: str, now: float) -> float:
        """Return when it was due, and forget it: what is heard meanwhile is not overwritten."""
        due = self._due.pop(name, now)
        self._begun = (due,)
        self._asked.discard(name)
        self._looked[name] = now
        return due

    def end(self, name: str, now: float, rest: float, took: float | None, *, waits: bool) -> None:
        """Its next turn is in `rest` seconds; later, where it only waits and looks take long.

        took: seconds that a look took at what waits, None for any other look.
        """
        self._begun = ()
        if took is not None:
            self._takes += (took - self._takes) * SLOWLY
        at = now + (max(rest, self.pause()) if waits else rest)
        if waits and self._known >= CROWD:
            beat = self._wait * BEAT
            at = ceil(at / beat) * beat
        self._due.setdefault(name, at)

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
