"""Lists that several looks of one round share. Edge.

A list may serve a look that became due before the list was begun: it is as fresh as a list of its
own would have been at that time. Nothing here knows what is looked for, and who acts does not ask
here.
"""

import time
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from exporter.observe.kube.api import Listing
from exporter.observe.model import Kind

AskList = Callable[[Kind, str, str], Awaitable[Listing]]
"""Lists a kind in a namespace by a field selector; raises ObserveError."""

KEPT_SECONDS = 15.0
"""How old a list may be, whatever a clock that was set back says."""

KEPT = 8
"""Lists that are held at one time."""


class _Held(msgspec.Struct, frozen=True):
    listing: Listing
    began: float
    at: float


class SharedLists:
    """Holds what was listed last. `clock` tells when looks are due, `steady` never goes back."""

    def __init__(
        self,
        ask: AskList,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask this one for what is not held."""
        self._ask = ask
        self._clock = clock
        self._steady = steady
        self._held: dict[tuple[Kind, str], _Held] = {}

    def since(self, due: float) -> AskList:
        """Return how a look lists that was due at `due`, in Unix seconds."""
        return partial(self._list, due)

    async def _list(self, due: float, kind: Kind, namespace: str, field_selector: str) -> Listing:
        if field_selector:
            # About one subject: nobody else asks for it.
            return await self._ask(kind, namespace, field_selector)
        held, key = self._held.get((kind, namespace)), (kind, namespace)
        began, at = self._clock(), self._steady()
        if held is not None and held.began >= due and at - held.at <= KEPT_SECONDS:
            return held.listing
        self._held.pop(key, None)
        listing = await self._ask(kind, namespace, "")
        self._held[key] = _Held(listing, began, at)
        while len(self._held) > KEPT:
            del self._held[next(iter(self._held))]
        return listing
