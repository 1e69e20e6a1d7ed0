"""One client of the API server: get, list, watch, and a plain `send` for those who write.

Every request has a time limit, is counted, and fails with one of our errors. No retries here: who
asks knows whether asking again is right. A list is read as a stream where that is asked for and the
server can, else page by page.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from types import TracebackType
from typing import NamedTuple, Protocol, Self
from urllib.parse import quote

import aiohttp

from exporter.observe import errors
from exporter.observe.kube import failures
from exporter.observe.kube.access import Access
from exporter.observe.kube.resources import RESOURCES, Asked, asked, path
from exporter.observe.kube.server_clock import ServerClock
from exporter.observe.model import Kind, Object
from exporter.observe.parse import wire
from exporter.observe.parse.envelope import Status
from exporter.observe.parse.initial import Initial

PAGE = 500
"""Objects in one page of a list: a few megabytes of pods."""
CONNECT_SECONDS = 5.0
GET_SECONDS = 15.0
LIST_SECONDS = 60.0
GRACE_SECONDS = 15.0
"""How much longer than asked for a watch may last, and how much longer it may be silent."""
READ_AHEAD = 512 * 1024
"""Bytes that may wait for us before the connection is told to pause, which costs more than they."""
STREAM_SECONDS = 600
"""How long a streaming list may take altogether."""
STREAM_SILENT_SECONDS = 15.0
"""How long a streaming list may be silent before its end: older servers never mark one."""
STREAM_TRIES = 2
"""Streaming lists of a kind that may break in a row before it is always listed page by page."""
LONGEST_LINE = 8 * 1024 * 1024
"""Bytes of one watch line. etcd holds objects of 1.5 MB; a longer line is not an object."""


class Tally(Protocol):
    """Counts requests. `reason` is an ObserveError's reason."""

    def request(self, resource: str, verb: str) -> None:
        """Count one request."""
        ...

    def failure(self, resource: str, verb: str, reason: str) -> None:
        """Count one request that failed."""
        ...

    def undecodable(self, resource: str) -> None:
        """Count one object that could not be read."""
        ...


class NoTally:
    """Counts nothing."""

    def request(self, resource: str, verb: str) -> None:
        """Forget it."""

    def failure(self, resource: str, verb: str, reason: str) -> None:
        """Forget it."""

    def undecodable(self, resource: str) -> None:
        """Forget it."""


class Listing(NamedTuple):
    """All objects of a list, the version to watch from, how many are not kept, which unreadable."""

    objects: list[Object]
    version: str
    skipped: int
    unreadable: tuple[wire.Unreadable, ...] = ()


class Api:
    """Used as `async with Api(access) as api`."""

    def __init__(self, access: Access, tally: Tally | None = None) -> None:
        """Open nothing yet."""
        self._access = access
        self._tally = tally or NoTally()
        self._session: aiohttp.ClientSession | None = None
        self._bases: dict[Kind, str] = {}
        self._streams_broken: dict[Kind, int] = {}
        self.clock = ServerClock()

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": "pvmedic", "Accept": "application/json"},
            # Our own tasks bound how much is asked at once, and watches hold a connection each.
            connector=aiohttp.TCPConnector(limit=0),
            read_bufsize=READ_AHEAD,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            await self._session.close()

    async def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """Read one object; raises ObserveError, NotFound among them."""
        where = self._path(kind, namespace, name)
        body = await self.send("GET", where, timeout=GET_SECONDS)
        with self._failing(asked("GET", where)):
            return wire.one(kind, body)

    async def list(
        self, kind: Kind, namespace: str = "", field_selector: str = "", *, stream: bool = False
    ) -> Listing:
        """Read all objects of a kind; raises ObserveError, NotInstalled among them.

        `stream` asks for a streaming list, which is worth it where there are many objects: the
        server need not build pages, nor we hold one. What refuses it, breaks it off or never ends
        it is read page by page. A list that outlives its continue token is read once more, in one
        piece, as Kubernetes' own clients do. A type that is not there is tried in its older
        versions.
        """
        absent: errors.NotInstalled | None = None
        for base in self._known(kind):
            try:
                where = self._path(kind, namespace, base=base)
                streamed = await self._stream(kind, where, field_selector) if stream else None
                found = streamed or await self._pages(kind, where, field_selector)
            except errors.NotInstalled as error:
                absent = absent or error
            else:
                self._bases[kind] = base
                return found
        raise absent or errors.NotInstalled(str(kind))

    def _known(self, kind: Kind) -> tuple[str, ...]:
        resource = RESOURCES[kind]
        first = self._bases.get(kind, resource.base)
        return (first, *(b for b in (resource.base, *resource.older) if b != first))

    def _path(self, kind: Kind, namespace: str = "", name: str = "", base: str = "") -> str:
        spoken = base or self._bases.get(kind, "")
        return path(kind, quote(namespace, safe=""), quote(name, safe=""), spoken)

    async def _pages(self, kind: Kind, where: str, selector: str) -> Listing:
        try:
            return await self._list(kind, where, selector, PAGE)
        except errors.Gone:
            return await self._list(kind, where, selector, 0)

    async def _list(self, kind: Kind, where: str, selector: str, limit: int) -> Listing:
        objects: list[Object] = []
        unreadable: list[wire.Unreadable] = []
        skipped = 0
        params = {"limit": str(limit)} if limit else {}
        if selector:
            params["fieldSelector"] = selector
        while True:
            body = await self.send("GET", where, params=params, timeout=LIST_SECONDS)
            with self._failing(asked("GET", where)):
                page = wire.page(kind, body)
            objects.extend(page.objects)
            skipped += page.skipped
            unreadable += page.unreadable
            if not page.more:
                self._count(kind, len(unreadable))
                return Listing(objects, page.version, skipped, tuple(unreadable))
            params["continue"] = page.more

    async def _stream(self, kind: Kind, where: str, selector: str) -> Listing | None:
        """Read a streaming list; None where the pages are to be read instead."""
        if self._streams_broken.get(kind, 0) >= STREAM_TRIES:
            return None
        initial = Initial(kind)
        try:
            found = await self._streamed(where, selector, initial)
        except errors.Invalid:
            # Older than streaming lists, or told not to have them: asking again is of no use.
            self._streams_broken[kind] = STREAM_TRIES
            return None
        except errors.Forbidden:
            # Who may list and not watch hears that from the watch.
            return None
        except (errors.Unauthorized, errors.NotInstalled, errors.Throttled):
            raise
        except errors.ObserveError as error:
            if isinstance(error, errors.Unreachable) and not initial.began:
                raise
            self._streams_broken[kind] = self._streams_broken.get(kind, 0) + 1
            return None
        self._streams_broken.pop(kind, None)
        return found

    async def _streamed(self, where: str, selector: str, initial: Initial) -> Listing:
        request = asked("GET", where, watch=True)
        params = {
            "watch": "1",
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(STREAM_SECONDS),
        }
        if selector:
            params["fieldSelector"] = selector
        with self._counted(request):
            async with aclosing(self._blocks(where, params, STREAM_SILENT_SECONDS)) as blocks:
                async for block in blocks:
                    said = initial.take(block or b"")
                    if isinstance(said, Status):
                        raise failures.of_watch(said, request)
                    if initial.whole:
                        objects, unreadable = initial.result()
                        self._count(initial.kind, len(unreadable))
                        return Listing(objects, initial.version, initial.skipped, unreadable)
                    # What has arrived already is read without waiting.
                    await asyncio.sleep(0)
            message = f"{request}: the streaming list ended before its end was marked"
            raise errors.Unreachable(message)

    def _count(self, kind: Kind, unreadable: int) -> None:
        for _ in range(unreadable):
            self._tally.undecodable(kind)

    async def watch(
        self, kind: Kind, version: str, *, seconds: float, field_selector: str = ""
    ) -> AsyncGenerator[wire.Watched | None, None]:
        """Follow a kind from a version for about `seconds`; ends quietly when the server ends it.

        The first item is None: the server has accepted the watch. Raises ObserveError, Gone among
        them.
        """
        where = self._path(kind)
        request = asked("GET", where, watch=True)
        followed = self.follow(where, version, seconds=seconds, field_selector=field_selector)
        async with aclosing(followed) as lines:
            async for line in lines:
                if line is None:
                    yield None
                    continue
                with self._failing(request):
                    found = wire.watched(kind, line)
                    if isinstance(found, Status):
                        raise failures.of_watch(found, request)
                if isinstance(found, wire.Unreadable):
                    self._count(kind, 1)
                yield found

    async def follow(
        self, where: str, version: str, *, seconds: float, field_selector: str = ""
    ) -> AsyncGenerator[bytes | None, None]:
        """Follow any collection by its path, line by line; as `watch` else."""
        request = asked("GET", where, watch=True)
        params = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(max(1, round(seconds))),
        }
        if field_selector:
            params["fieldSelector"] = field_selector
        with self._counted(request):
            async with aclosing(self._blocks(where, params, seconds + GRACE_SECONDS)) as blocks:
                async for block in blocks:
                    if block is None:
                        yield None
                        continue
                    for line in bytes(block).split(b"\n"):
                        if line.strip():
                            yield line

    async def _blocks(
        self, where: str, params: Mapping[str, str], silent: float
    ) -> AsyncGenerator[bytes | memoryview | None, None]:
        """Yield a watch's whole lines, several at once; first None: it was accepted."""
        request = asked("GET", where, watch=True)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silent)
        async with self._request("GET", where, params, None, {}, timeout) as answer:
            await _refused(answer, request)
            yield None
            async for block in whole_lines(answer.content):
                yield block

    @contextmanager
    def _counted(self, request: Asked) -> Iterator[None]:
        self._tally.request(request.resource, request.verb)
        with self._failing(request):
            yield

    @contextmanager
    def _failing(self, request: Asked) -> Iterator[None]:
        try:
            with failures.translated(request):
                yield
        except errors.ObserveError as error:
            self._tally.failure(request.resource, request.verb, error.reason)
            raise

    async def send(
        self,
        method: str,
        where: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
        timeout: float = GET_SECONDS,  # noqa: ASYNC109 -- handed to the HTTP library
    ) -> bytes:
        """Send one request to a path of the API server and return the body of a 2xx answer.

        `timeout` is the whole call's, in seconds. Raises ObserveError; after Unreachable a write
        may or may not have happened.
        """
        request = asked(method, where)
        headers = {"Content-Type": content_type} if body is not None else {}
        limit = aiohttp.ClientTimeout(total=timeout, sock_connect=min(CONNECT_SECONDS, timeout))
        with self._counted(request):
            sent = time.time()
            async with self._request(method, where, params, body, headers, limit) as answer:
                self.clock.heard(answer.headers.get("Date", ""), sent, time.time())
                await _refused(answer, request)
                return await answer.read()

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        where: str,
        params: Mapping[str, str] | None,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 -- handed to the HTTP library
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            message = "the client is used as `async with Api(access) as api`"
            raise RuntimeError(message)
        who = await self._access.credentials()
        sent = dict(headers)
        if who.authorization:
            sent["Authorization"] = who.authorization
        async with self._session.request(
            method,
            f"{who.server}{where}",
            params=params,
            data=body,
            headers=sent,
            timeout=timeout,
            ssl=who.tls,
            server_hostname=who.server_name,
            proxy=who.proxy,
            # A redirect would carry our token to wherever it points.
            allow_redirects=False,
        ) as answer:
            yield answer


async def _refused(answer: aiohttp.ClientResponse, request: Asked) -> None:
    if not 200 <= answer.status < 300:  # noqa: PLR2004 -- the class of successes
        raise failures.of_answer(answer.status, answer.headers, await answer.read(), request)


async def whole_lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes | memoryview]:
    """Yield what arrives, up to its last line end.

    A line that is cut off or never ends is a broken connection. Hardly anything is copied: a
    streaming list is a gigabyte.
    """
    rest = b""
    async for chunk in stream.iter_any():
        first, last = chunk.find(b"\n"), chunk.rfind(b"\n")
        if rest and first >= 0:
            yield rest + chunk[:first]
        begin = first + 1 if rest else 0
        if last > begin:
            yield memoryview(chunk)[begin:last]
        rest = rest + chunk if first < 0 else chunk[last + 1 :]
        if len(rest) > LONGEST_LINE:
            message = f"a watch line of more than {LONGEST_LINE} bytes"
            raise aiohttp.ClientPayloadError(message)
    if rest.strip():
        message = "cut off in the middle of a watch line"
        raise aiohttp.ClientPayloadError(message)
