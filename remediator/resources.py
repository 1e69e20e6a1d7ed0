"""Our own resources in the API server, held as values: listed once, then watched. Edge.

What a kind means, and how it is read, is told by whoever holds it. An object that cannot be read is
left alone and said once; it is nobody's order and nobody's record.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Generic, Protocol, TypeVar

import msgspec

from exporter.observe import errors

LOG = logging.getLogger("pvmedic.resources")

WATCH_SECONDS = 240.0
AGAIN = 2.0
"""Seconds to the next list after a failure."""

T = TypeVar("T")


class Asked(Protocol):
    """The client of the API server, as far as it is needed here."""

    async def send(self, method: str, where: str) -> bytes:
        """Send one request."""
        ...

    def follow(
        self, where: str, version: str, *, seconds: float
    ) -> AsyncGenerator[bytes | None, None]:
        """Follow a collection."""
        ...


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""


class _List(msgspec.Struct):
    items: list[msgspec.Raw] = []
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Meta(msgspec.Struct, rename="camel"):
    name: str = ""
    resource_version: str = ""


class _Named(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class Resources(Generic[T]):
    """All objects of one kind by name. `decode` raises Garbage for what it cannot read."""

    def __init__(
        self,
        api: Asked,
        path: str,
        decode: Callable[[msgspec.Raw], T],
        changed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Start empty; `changed` hears the name of what came, changed or went."""
        self._api = api
        self._path = path
        self._decode = decode
        self._changed = changed
        self._version = ""
        self._touched: set[str] = set()
        self.held: dict[str, T] = {}
        self.loaded = False
        self.followed = False
        """Whether a watch is open that began where the last list ended."""

    def put(self, name: str, value: T) -> None:
        """Hold what we have just written ourselves; a list under way does not know it yet."""
        self.held[name] = value
        self._touched.add(name)

    def values(self) -> tuple[T, ...]:
        """Return all that is held now; `held` itself is another one after each list."""
        return tuple(self.held.values())

    def drop(self, name: str) -> None:
        """Hold no more what is known to be gone."""
        self.held.pop(name, None)
        self._changed(name)

    async def load(self) -> None:
        """Read all of them; raises ObserveError."""
        self._touched.clear()
        body = await self._api.send("GET", self._path)
        try:
            found = msgspec.json.decode(body, type=_List)
        except msgspec.DecodeError as error:
            raise errors.Garbage(f"list {self._path}: {error}") from error
        listed: dict[str, T] = {}
        for item in found.items:
            self._take(item, listed)
        listed |= {name: self.held[name] for name in self._touched if name in self.held}
        before, self.held = self.held, listed
        self._version = found.metadata.resource_version
        self.loaded = True
        for name in before.keys() | listed.keys():
            if before.get(name) != listed.get(name):
                self._changed(name)

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                await self.load()
                while True:
                    await self._watch()
            except errors.Gone:
                self.followed = False
                continue
            except errors.ObserveError as error:
                self.followed = False
                LOG.warning("%s cannot be followed: %s", self._path, error)
                await asyncio.sleep(AGAIN)

    async def _watch(self) -> None:
        """Follow what changes until the server ends it; raises Gone when too much was missed."""
        followed = self._api.follow(self._path, self._version, seconds=WATCH_SECONDS)
        async with aclosing(followed) as lines:
            async for line in lines:
                self.followed = True
                if line is not None:
                    self._line(line)

    def _line(self, line: bytes) -> None:
        try:
            found = msgspec.json.decode(line, type=_Line)
            named = msgspec.json.decode(found.object, type=_Named).metadata
        except msgspec.DecodeError as error:
            raise errors.Garbage(f"watch {self._path}: {error}") from error
        if found.type == "ERROR":
            said = msgspec.json.decode(found.object, type=_Error)
            # Whatever it is, the way on is a new list.
            raise errors.Gone(f"watch {self._path}: {said.code} {said.message}")
        self._version = named.resource_version or self._version
        if found.type == "BOOKMARK":
            return
        if found.type == "DELETED":
            self.held.pop(named.name, None)
        else:
            self._take(found.object, self.held)
        self._changed(named.name)

    def _take(self, item: msgspec.Raw, into: dict[str, T]) -> None:
        try:
            name = msgspec.json.decode(item, type=_Named).metadata.name
            into[name] = self._decode(item)
        except (errors.Garbage, msgspec.DecodeError) as error:
            LOG.warning("an object of %s cannot be read; left alone: %s", self._path, error)
