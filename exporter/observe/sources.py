"""What looks at something that is no Kubernetes resource, and how it is looked at again and again.

A Source knows one thing of a node (or one service) and says it as objects; whoever looks puts them
where the detectors find them. What cannot be seen is unseen at once, and its objects go. What is
looked at is not known here.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from exporter.observe import errors, model
from exporter.observe.model import Kind, Object

log = logging.getLogger(__name__)

LONGEST_SECONDS = 120.0
"""A look that takes longer is given up, whatever it waits for."""


class Source(Protocol):
    """Sees one thing.

    name: the word in metrics and logs. kinds: what its objects are, and nobody else's are.
    every: seconds between two looks.
    """

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it tells of."""
        ...

    @property
    def every(self) -> float:
        """How often it is asked by itself."""
        ...

    async def look(self) -> Sequence[Object]:
        """Look now, and return all there is; nothing where there is nothing to see.

        Raises ObserveError when it cannot be seen. Must not block the event loop.
        """
        ...


class LookState:
    """How well a kind is seen by its source: as WatchState is for what is watched."""

    def __init__(self, kind: Kind, wall: Callable[[], float]) -> None:
        """Begin without having seen anything."""
        self.kind = kind
        self.last_progress: float | None = None
        self.listed = False
        self.skipped = 0
        self.unreadable: set[model.Ref] = set()
        self._wall = wall
        self._failure = ""

    def looked(self) -> None:
        """A look has told all there is."""
        self.last_progress = self._wall()
        self.listed = True
        self._failure = ""

    def failed(self, why: str) -> None:
        """A look has told nothing."""
        self._failure = why or "not seen"

    def unseen(self) -> str:
        """Return why this kind cannot be judged now; empty when it can."""
        if self._failure:
            return self._failure
        return "" if self.listed else f"{self.kind} have not been looked at yet"

    def settled(self) -> bool:
        """Whether the first look is over."""
        return self.listed or bool(self._failure)


class Holder(Protocol):
    """Where objects go: the observer."""

    async def replace(self, kind: Kind, objects: Sequence[Object]) -> None:
        """Take all objects of a kind."""
        ...


class Heard(Protocol):
    """Counts looks."""

    def looked(self, source: str, seconds: float, failure: str) -> None:
        """One look took so long, and failed for this reason."""
        ...


class Looking:
    """Looks at one source again and again; `now` looks at once, one look for all who ask."""

    def __init__(
        self,
        source: Source,
        states: dict[Kind, LookState],
        holder: Holder,
        heard: Heard,
        steady: Callable[[], float],
    ) -> None:
        self.source = source
        self._states = [states[kind] for kind in sorted(source.kinds)]
        self._holder = holder
        self._heard = heard
        self._steady = steady
        self._under_way: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._ended = float("-inf")
        self._failing = ""

    async def run(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                began = self._steady()
                await self.now()
                await asyncio.sleep(max(0.0, began + self.source.every - self._steady()))
        finally:
            for task in (self._next, self._under_way):
                if task is not None:
                    task.cancel()

    async def now(self) -> None:
        """Look once; who comes while a look is under way gets that one."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._look())
        await asyncio.shield(self._under_way)

    async def afresh(self, pause: float = 0.0) -> None:
        """Look once, from now on: a look that is under way may have seen what was before.

        One look for all who come before it begins, and no earlier than `pause` seconds after the
        one before it has ended.
        """
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._afresh(pause))
        await asyncio.shield(self._next)

    async def _afresh(self, pause: float) -> None:
        while True:
            if self._under_way is not None and not self._under_way.done():
                await asyncio.wait([self._under_way])
            elif (wait := self._ended + pause - self._steady()) > 0:
                await asyncio.sleep(wait)
            else:
                break
        # Who comes from now on wants the look after this one.
        self._next = None
        await self.now()

    async def _look(self) -> None:
        began, failure = self._steady(), ""
        found: Sequence[Object] = ()
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                found = await self.source.look()
        except TimeoutError:
            failure = self._failed(f"{self.source.name}: no end after {LONGEST_SECONDS:.0f} s")
            reason = "Unreachable"
        except errors.ObserveError as error:
            failure, reason = self._failed(str(error)), error.reason
        except Exception as error:
            # One source's mistake must not end the others, and is not "healthy" either.
            log.exception("source %s raised", self.source.name)
            failure, reason = self._failed(f"{self.source.name}: {error!r}"), "Other"
        else:
            reason = self._failing = ""
        for state in self._states:
            if failure:
                state.failed(failure)
            await self._holder.replace(
                state.kind, [one for one in found if model.KIND_OF[type(one)] is state.kind]
            )
            if not failure:
                state.looked()
        self._ended = self._steady()
        self._heard.looked(self.source.name, self._ended - began, reason)

    def _failed(self, sentence: str) -> str:
        if sentence != self._failing:
            log.warning("%s", sentence)
        self._failing = sentence
        return sentence
