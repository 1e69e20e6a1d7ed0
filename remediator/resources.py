"""Our own resources in the API server, held as values: listed once, then watched. Edge.

What a kind means, and how it is read, is told by whoever holds it. An object that cannot be read is
left alone and said once; it is nobody's order and nobody's record.

What we write ourselves and what the watch brings come on two ways, and the slower one must not undo
the other: of two versions of an object the later one is held, and what is not there any more at the
version up to which everything is known is gone. Versions are etcd's revisions, which are numbers.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Generic, Protocol, TypeVar

import msgspec

from exporter.observe import errors
from exporter.observe.kube.api import LIST_SECONDS

LOG = logging.getLogger("pvmedic.resources")

WATCH_SECONDS = 240.0
AGAIN = 2.0
"""Seconds to the next list after a failure, and the least between two that bring nothing."""
PAGE = 500
"""Objects in one page of a list."""

T = TypeVar("T")


class Asked(Protocol):
    """The client of the API server, as far as it is needed here."""

    async def send(
        self,
        method: str,
        where: str,
        *,
        params: Mapping[str, str] | None = None,
        timeout: float = LIST_SECONDS,  # noqa: ASYNC109 -- the client's own signature
    ) -> bytes:
        """Send one request."""
        ...

    def follow(
        self, where: str, version: str, *, seconds: float
    ) -> AsyncGenerator[bytes | None, None]:
        """Follow a collection."""
        ...


class _ListMeta(msgspec.Struct):
    version: str = msgspec.field(default="", name="resourceVersion")
    more: str = msgspec.field(default="", name="continue")


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
        again: float = AGAIN,
    ) -> None:
        """Start empty; `changed` hears the name of what came, changed or went."""
        self._api = api
        self._path = path
        self._decode = decode
        self._changed = changed
        self._again = again
        self._version = ""
        self._known = -1
        self._versions: dict[str, int] = {}
        self.held: dict[str, T] = {}
        self.loaded = False
        self.followed = False
        """Whether a watch is open that began where the last list ended."""
        self.trouble = "not listed yet"
        """Why what is held may be old, in a sentence; empty while it is followed."""

    def put(self, name: str, value: T, version: str) -> None:
        """Hold what we have just written ourselves, unless the watch knows better already."""
        number = _number(version)
        if number < self._versions.get(name, -1):
            return
        if number <= self._known and name not in self.held:
            # It is gone since: the answer to our write took longer than the word of its end.
            return
        self.held[name] = value
        self._versions[name] = number

    def values(self) -> tuple[T, ...]:
        """Return all that is held now; `held` itself is another one after each list."""
        return tuple(self.held.values())

    def drop(self, name: str) -> None:
        """Hold no more what is known to be gone."""
        self.held.pop(name, None)
        self._versions.pop(name, None)
        self._changed(name)

    async def load(self) -> None:
        """Read all of them; raises ObserveError."""
        try:
            listed, versions, version = await self._list(PAGE)
        except errors.Gone:
            # Its pages went stale under way: once more, in one piece.
            listed, versions, version = await self._list(0)
        known = _number(version)
        for name, number in self._versions.items():
            # Written or brought since.
            if number > known or number > versions.get(name, number):
                listed[name], versions[name] = self.held[name], number
        before, self.held, self._versions = self.held, listed, versions
        self._version, self._known = version, known
        self.loaded, self.trouble = True, ""
        for name in before.keys() | listed.keys():
            if before.get(name) != listed.get(name):
                self._changed(name)

    async def _list(self, limit: int) -> tuple[dict[str, T], dict[str, int], str]:
        listed: dict[str, T] = {}
        versions: dict[str, int] = {}
        params = {"limit": str(limit)} if limit else {}
        while True:
            body = await self._api.send("GET", self._path, params=params, timeout=LIST_SECONDS)
            try:
                page = msgspec.json.decode(body, type=_List)
            except msgspec.DecodeError as error:
                raise errors.Garbage(f"list {self._path}: {error}") from error
            for item in page.items:
                self._take(item, listed, versions)
            if not page.metadata.more:
                return listed, versions, page.metadata.version
            params["continue"] = page.metadata.more

    async def run(self) -> None:
        """List and watch until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                await self.load()
                while True:
                    began = clock()
                    await self._watch()
                    # A server, or what stands before it, that ends each watch at once.
                    await self._rest(began + self._again - clock())
            except errors.Gone:
                self.followed = False
                await self._rest(began + self._again - clock())
            except errors.ObserveError as error:
                self.followed, self.trouble = False, str(error)
                LOG.warning("%s cannot be followed: %s", self._path, error)
                await self._rest(self._again)

    async def _rest(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def _watch(self) -> None:
        """Follow what changes until the server ends it; raises Gone when too much was missed."""
        followed = self._api.follow(self._path, self._version, seconds=WATCH_SECONDS)
        async with aclosing(followed) as lines:
            async for line in lines:
                self.followed = True
                if line is not None:
                    self.line(line)

    def line(self, line: bytes) -> None:
        """Take one line of a watch; raises Gone when a new list is the way on, Garbage for junk."""
        try:
            found = msgspec.json.decode(line, type=_Line)
            named = msgspec.json.decode(found.object, type=_Named).metadata
        except msgspec.DecodeError as error:
            raise errors.Garbage(f"watch {self._path}: {error}") from error
        if found.type == "ERROR":
            # Whatever it is, the way on is a new list.
            raise errors.Gone(f"watch {self._path}: {_said(found.object)}")
        self._version = named.resource_version or self._version
        number = _number(named.resource_version)
        self._known = max(self._known, number)
        if found.type == "BOOKMARK" or number <= self._versions.get(named.name, -1):
            # Of the same version: what we have written ourselves, and hold.
            return
        if found.type == "DELETED":
            self.held.pop(named.name, None)
            self._versions.pop(named.name, None)
        else:
            self._take(found.object, self.held, self._versions)
        self._changed(named.name)

    def _take(self, item: msgspec.Raw, into: dict[str, T], versions: dict[str, int]) -> None:
        try:
            named = msgspec.json.decode(item, type=_Named).metadata
            into[named.name] = self._decode(item)
            versions[named.name] = _number(named.resource_version)
        except (errors.Garbage, msgspec.DecodeError) as error:
            LOG.warning("an object of %s cannot be read; left alone: %s", self._path, error)


def _number(version: str) -> int:
    return int(version) if version.isascii() and version.isdigit() else 0


def _said(status: msgspec.Raw) -> str:
    try:
        said = msgspec.json.decode(status, type=_Error)
    except msgspec.DecodeError as error:
        return f"an error that cannot be read: {error}"
    return f"{said.code} {said.message}"
