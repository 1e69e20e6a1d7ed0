"""One loop per kind: list, then watch from there, for ever; what it learns goes to a Sink.

Resumes after cuts, lists again after 410, waits with full jitter between failures. It keeps no
objects.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from typing import Protocol

import msgspec

from exporter.observe import errors
from exporter.observe.kube.api import Api
from exporter.observe.kube.resources import RESOURCES
from exporter.observe.kube.watch_state import WatchState
from exporter.observe.model import Kind, Object, Ref, ref
from exporter.observe.parse import wire

log = logging.getLogger(__name__)

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 15.0
LONGEST_ASKED_SECONDS = 60.0
"""What a server may ask us to wait; longer would make us blind for a slip of its own."""
NOT_INSTALLED_SECONDS = 60.0
"""A type that does not exist may be installed later."""
WATCH_SECONDS = 40.0
"""A watch lasts one to one and a half times this.

So a quiet one is renewed well before it counts as unseen, and not all of them end together."""
SHORT_SECONDS = 1.0
"""A watch that ends sooner, with nothing said, is a failure.

Renewing it at once would be a hot loop.
"""


class Sink(Protocol):
    """Where objects go. Called from the event loop; must not hold it for long."""

    async def replace(
        self, kind: Kind, objects: Sequence[Object], spared: Collection[Ref] = ()
    ) -> None:
        """All objects of a kind, after a list; done when they are taken.

        `spared` are there as well, but could not be read: what was known of them stands.
        """
        ...

    def put(self, obj: Object) -> None:
        """One object in its newest version."""
        ...

    def remove(self, name: Ref) -> None:
        """One object is gone, or no longer worth keeping; it need not be known."""
        ...


class Pace(msgspec.Struct, frozen=True):
    """What is not decided here: chance, waiting, and a clock that only runs forward."""

    random: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    steady: Callable[[], float]


def delay(failures: int, chance: float, asked: float | None = None) -> float:
    """Return how long to wait, in seconds, before trying again.

    Full jitter, and no less than asked for, within reason.
    """
    longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(failures - 1, 16))
    return max(chance * longest, min(asked or 0.0, LONGEST_ASKED_SECONDS))


class Reflector:
    """Follows one kind."""

    def __init__(
        self, api: Api, state: WatchState, sink: Sink, pace: Pace, field_selector: str = ""
    ) -> None:
        """`field_selector` limits what is followed."""
        self._api = api
        self._state = state
        self._sink = sink
        self._pace = pace
        self._selector = field_selector
        self._version = ""
        self._failures = 0
        self._too_old = 0

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            verb = "watch" if self._version else "list"
            try:
                if self._version:
                    await self._watch()
                else:
                    await self._list()
            except errors.NotInstalled as error:
                if not RESOURCES[self._state.kind].optional:
                    await self._failed(verb, error)
                    continue
                log.info("%s; looking again in %.0f s", error, NOT_INSTALLED_SECONDS)
                await self._empty(verb)
                await self._pace.sleep(NOT_INSTALLED_SECONDS)
            except errors.ObserveError as error:
                await self._failed(verb, error)

    async def _failed(self, verb: str, error: errors.ObserveError) -> None:
        self._state.failed(verb, error)
        if isinstance(error, errors.Garbage):
            # What a watch said and nobody could read would be said again from the same version.
            self._version = ""
        if isinstance(error, errors.Gone):
            # The server lives, so its earlier silence no longer makes us wait.
            self._version = ""
            self._failures = 0
            self._too_old += 1
        else:
            self._failures += 1
        tries = self._failures or self._too_old
        asked = error.retry_after if isinstance(error, errors.Throttled) else None
        seconds = delay(tries, self._pace.random(), asked)
        # The first cut of a watch is everyday life; what persists is told ever more rarely.
        rare = tries > 1 and tries & (tries - 1) == 0
        level = logging.WARNING if rare else logging.INFO if tries == 1 else logging.DEBUG
        log.log(level, "%s; try %d, again in %.1f s", error, tries, seconds)
        await self._pace.sleep(seconds)

    async def _list(self) -> None:
        found = await self._api.list(self._state.kind, field_selector=self._selector, stream=True)
        if not found.version:
            message = f"a list of {self._state.kind} without a resource version"
            raise errors.Garbage(message)
        unreadable = {one.name for one in found.unreadable if one.name is not None}
        await self._sink.replace(self._state.kind, found.objects, unreadable)
        self._version = found.version
        self._state.skipped = found.skipped
        self._state.unreadable = unreadable
        for one in found.unreadable:
            self._warn(one)
        self._state.listed = True
        self._state.progressed("list")

    async def _empty(self, verb: str) -> None:
        await self._sink.replace(self._state.kind, ())
        self._version = ""
        self._failures = 0
        self._state.skipped = 0
        self._state.unreadable = set()
        self._state.listed = True
        self._state.progressed(verb)

    async def _watch(self) -> None:
        began = self._pace.steady()
        heard = 0
        seconds = WATCH_SECONDS * (1.0 + self._pace.random() / 2.0)
        watch = self._api.watch(
            self._state.kind, self._version, seconds=seconds, field_selector=self._selector
        )
        async with aclosing(watch) as items:
            async for item in items:
                self._state.progressed("watch")
                if item is not None:
                    heard += 1
                    self._failures = 0
                    self._too_old = 0
                    self._take(item)
        if not heard and self._pace.steady() - began < SHORT_SECONDS:
            message = f"the watch of {self._state.kind} ended as soon as it began"
            raise errors.Unreachable(message)
        self._failures = 0
        self._too_old = 0
        self._state.progressed("watch")

    def _take(self, item: wire.Watched) -> None:
        if self._state.unreadable and isinstance(item, wire.Put | wire.Removed):
            self._state.unreadable.discard(ref(item.object))
        match item:
            case wire.Put():
                if wire.kept(item.object):
                    self._sink.put(item.object)
                elif item.arrived:
                    self._state.skipped += 1
                else:
                    # An aggregated Event has another text each time; the one before holds no more.
                    self._sink.remove(ref(item.object))
            case wire.Removed():
                if not wire.kept(item.object):
                    self._state.skipped = max(0, self._state.skipped - 1)
                self._sink.remove(ref(item.object))
            case wire.Unreadable():
                self._unreadable(item)
            case wire.Bookmark():
                pass
        self._version = item.version or self._version

    def _unreadable(self, item: wire.Unreadable) -> None:
        """Keep what was known of an object, for want of better; one that is gone is gone."""
        if item.name is None:
            return
        if item.gone:
            self._state.unreadable.discard(item.name)
            self._sink.remove(item.name)
        elif item.name not in self._state.unreadable:
            self._state.unreadable.add(item.name)
            self._warn(item)

    def _warn(self, item: wire.Unreadable) -> None:
        log.warning("cannot read %s: %s", item.name or f"one of {self._state.kind}", item.error)
