"""One client of the API server: get, list, watch, and a plain `send` for those who write.

Every request has a time limit, is counted, and fails with one of our errors. No retries here: who
asks knows whether asking again is right.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import NamedTuple, Protocol, Self
from urllib.parse import quote

import aiohttp

from exporter.observe import errors
from exporter.observe.kube import failures
from exporter.observe.kube.access import Access
from exporter.observe.kube.resources import RESOURCES, Asked, asked, path
from exporter.observe.model import Kind, Object
from exporter.observe.parse import wire
from exporter.observe.parse.envelope import Status

PAGE = 500
"""Objects in one page of a list: a few megabytes of pods."""
CONNECT_SECONDS = 5.0
GET_SECONDS = 15.0
LIST_SECONDS = 60.0
GRACE_SECONDS = 15.0
"""How much longer than asked for a watch may last, and how much longer it may be silent."""
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


class NoTally:
    """Counts nothing."""

    def request(self, resource: str, verb: str) -> None:
        """Forget it."""

    def failure(self, resource: str, verb: str, reason: str) -> None:
        """Forget it."""


class Listing(NamedTuple):
    """All objects of a list, the version to watch from, and how many are not kept."""

    objects: list[Object]
    version: str
    skipped: int


class Api:
    """Used as `async with Api(access) as api`."""

    def __init__(self, access: Access, tally: Tally | None = None) -> None:
        """Open nothing yet."""
        self._access = access
        self._tally = tally or NoTally()
        self._session: aiohttp.ClientSession | None = None
        self._bases: dict[Kind, str] = {}

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            headers={"User-Agent": "pvmedic", "Accept": "application/json"},
            # Our own tasks bound how much is asked at once, and watches hold a connection each.
            connector=aiohttp.TCPConnector(limit=0),
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
        with failures.translated(asked("GET", where)):
            return wire.one(kind, body)

    async def list(self, kind: Kind, namespace: str = "", field_selector: str = "") -> Listing:
        """Read all objects of a kind, page by page; raises ObserveError, NotInstalled among them.

        A list that outlives its continue token is read once more, in one piece, as Kubernetes' own
        clients do. A type that is not there is tried in its older versions.
        """
        absent: errors.NotInstalled | None = None
        for base in self._known(kind):
            try:
                try:
                    found = await self._list(kind, base, namespace, field_selector, PAGE)
                except errors.Gone:
                    found = await self._list(kind, base, namespace, field_selector, 0)
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

    async def _list(
        self, kind: Kind, base: str, namespace: str, selector: str, limit: int
    ) -> Listing:
        where = self._path(kind, namespace, base=base)
        objects: list[Object] = []
        skipped = 0
        params = {"limit": str(limit)} if limit else {}
        if selector:
            params["fieldSelector"] = selector
        while True:
            body = await self.send("GET", where, params=params, timeout=LIST_SECONDS)
            with failures.translated(asked("GET", where)):
                page = wire.page(kind, body)
            objects.extend(page.objects)
            skipped += page.skipped
            if not page.more:
                return Listing(objects, page.version, skipped)
            params["continue"] = page.more

    async def watch(
        self, kind: Kind, version: str, *, seconds: float, field_selector: str = ""
    ) -> AsyncGenerator[wire.Watched | None, None]:
        """Follow a kind from a version for about `seconds`; ends quietly when the server ends it.

        The first item is None: the server has accepted the watch. Raises ObserveError, Gone among
        them.
        """
        where = self._path(kind)
        request = asked("GET", where, watch=True)
        params = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(max(1, round(seconds))),
        }
        if field_selector:
            params["fieldSelector"] = field_selector
        limit = seconds + GRACE_SECONDS
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=limit)
        self._tally.request(request.resource, request.verb)
        try:
            with failures.translated(request):
                async with self._request("GET", where, params, None, {}, timeout) as answer:
                    await _refused(answer, request)
                    yield None
                    async for line in lines(answer.content):
                        found = wire.watched(kind, line)
                        if isinstance(found, Status):
                            raise failures.of_watch(found, request)
                        yield found
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
        self._tally.request(request.resource, request.verb)
        headers = {"Content-Type": content_type} if body is not None else {}
        limit = aiohttp.ClientTimeout(total=timeout, sock_connect=min(CONNECT_SECONDS, timeout))
        try:
            with failures.translated(request):
                async with self._request(method, where, params, body, headers, limit) as answer:
                    await _refused(answer, request)
                    return await answer.read()
        except errors.ObserveError as error:
            self._tally.failure(request.resource, request.verb, error.reason)
            raise

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


async def lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Split a watch into lines; one that is cut off or never ends is a broken connection."""
    rest = b""
    async for chunk in stream.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line.strip():
                yield line
        if len(rest) > LONGEST_LINE:
            message = f"a watch line of more than {LONGEST_LINE} bytes"
            raise aiohttp.ClientPayloadError(message)
    if rest.strip():
        message = "cut off in the middle of a watch line"
        raise aiohttp.ClientPayloadError(message)
