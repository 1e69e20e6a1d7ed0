"""Many who are asked again and again, each for itself: kubelets, and our own pods on the nodes.

One that does not answer is asked in a lane of its own, so that slow and dead ones never delay the
rest. Whom to ask, what about, and what an answer means is the asker's.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

import msgspec

from exporter.observe import errors

AT_ONCE = 32
SLOW_AT_ONCE = 4
STALE_ROUNDS = 3
"""What one said stands for so many rounds without a new answer."""
CHECK_SECONDS = 1.0

T = TypeVar("T")
A = TypeVar("A")


class Asker(Protocol[T, A]):
    """Who asks."""

    def whom(self) -> Mapping[str, T] | None:
        """Return whom to ask, by name; None: not known yet."""
        ...

    async def ask(self, one: T) -> A:
        """Ask one; raises ObserveError."""
        ...

    async def took(self, name: str, answer: A) -> None:
        """Take an answer."""
        ...

    def failed(self, name: str, error: errors.ObserveError, *, first: bool, stale: bool) -> None:
        """Hear of none: the `first` in a row, and whether what was said before is too old."""
        ...

    def late(self, name: str) -> None:
        """Forget what one said: it is too old, and no new answer has come yet."""
        ...

    def left(self, name: str) -> None:
        """Forget one that is not to be asked any more."""
        ...

    def tried(self, *, nobody: bool) -> None:
        """Hear that each was asked at least once, or that there is nobody to ask."""
        ...


class _Party(msgspec.Struct):
    """What is known of one; times by the steady clock."""

    due: float
    heard: float
    failing: bool = False
    under_way: bool = False
    tried: bool = False
    late: bool = False


class Rounds(Generic[T, A]):
    """Asks all of them every so many seconds, for ever."""

    def __init__(self, asker: Asker[T, A], every: float, steady: Callable[[], float]) -> None:
        self.answering: set[str] = set()
        """Those whose last answer was one."""
        self._asker = asker
        self._every = every
        self._steady = steady
        self._parties: dict[str, _Party] = {}
        self._fast = asyncio.Semaphore(AT_ONCE)
        self._slow = asyncio.Semaphore(SLOW_AT_ONCE)

    def knows(self, name: str) -> bool:
        """Whether this one is among those that are asked."""
        return name in self._parties

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                for name, one in self.due():
                    group.create_task(self.one(name, one))
                await asyncio.sleep(CHECK_SECONDS)

    def due(self) -> list[tuple[str, T]]:
        """Return whom to ask now, and forget those that are not to be asked any more."""
        now = self._steady()
        known = self._asker.whom()
        if known is None:
            # Nobody to ask is not nothing to hear.
            return []
        for name in self._parties.keys() - known.keys():
            if not self._parties[name].under_way:
                del self._parties[name]
                self.answering.discard(name)
                self._asker.left(name)
        found = []
        for name, one in known.items():
            party = self._parties.setdefault(name, _Party(now, now))
            if not party.late and self._stale(party):
                # Where many are dead, its turn to be asked again may come much later than this.
                party.late = True
                self._asker.late(name)
            if not party.under_way and party.due <= now:
                party.under_way = True
                found.append((name, one))
        if all(party.tried for party in self._parties.values()):
            self._asker.tried(nobody=not known)
        return found

    async def one(self, name: str, one: T) -> None:
        """Ask one."""
        party = self._parties[name]
        try:
            async with self._slow if party.failing else self._fast:
                answer = await self._asker.ask(one)
        except errors.ObserveError as error:
            first, party.failing = not party.failing, True
            self.answering.discard(name)
            self._asker.failed(name, error, first=first, stale=self._stale(party))
        else:
            party.failing = party.late = False
            party.heard = self._steady()
            self.answering.add(name)
            await self._asker.took(name, answer)
        finally:
            party.under_way = False
            party.tried = True
            party.due = self._steady() + self._every

    def _stale(self, party: _Party) -> bool:
        """Whether what one said is too old to stand."""
        return self._steady() - party.heard > STALE_ROUNDS * self._every
