"""The web face of a program: /metrics, /healthz, /readyz, landing page, on an address it knows.

What is measured and what ready means are the program's; further routes are added to `app` before
`start`. Who may come in is the entrance's; what goes out is packed off the event loop, and nobody
holds a connection without using it.
"""

import asyncio
import html
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self, cast

import msgspec
from aiohttp import web

from exporter.kit import negotiation
from exporter.kit.packing import Piece, gzipped, plain
from exporter.kit.values import Address

if TYPE_CHECKING:
    import socket

    from exporter.kit.entrance import Entrance

LARGEST_REQUEST = 1024 * 1024
"""Bytes of a request's body; more is answered with 413."""

HANDSHAKE_WITHIN = 10.0
FIRST_REQUEST_WITHIN = 30.0
WRITTEN_WITHIN = 60.0
"""Seconds that a client may take to receive an answer, and so keep it in our memory."""

ACCEPTED_AT_ONCE = 8
"""Connections taken in one turn of the loop: a crowd's handshakes must not hold up the others."""
WAITING = 1024
"""Connections that may wait for their turn."""

PROBES = frozenset({"/healthz", "/readyz"})
CHOICE = "collect[]"

Metrics = Callable[[bool], Sequence[Piece]]
"""Parts of the exposition, for OpenMetrics (True) or text; quick, called on the event loop."""
NotReady = Callable[[], str]
"""Why the program is not ready, as a sentence; empty when it is."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class About(msgspec.Struct, frozen=True):
    """What the landing page says. `links` maps a path or URL to its name."""

    name: str
    version: str
    description: str
    links: Mapping[str, str]


class Choice(NamedTuple):
    """What `?collect[]=` may name, and the parts of only those; for OpenMetrics (True) or text."""

    names: frozenset[str]
    parts: Callable[[bool, frozenset[str]], Sequence[Piece]]


NOTHING = Choice(frozenset(), lambda _openmetrics, _names: ())


class Web:
    """Used as `async with Web(...) as served`; `served.address` then has the real port."""

    def __init__(
        self,
        listen: Address,
        about: About,
        metrics: Metrics,
        not_ready: NotReady,
        largest_request: int = LARGEST_REQUEST,
    ) -> None:
        self.address = listen
        self.app = web.Application(client_max_size=largest_request, middlewares=[self._guarded])
        self.app.on_response_prepare.append(self._set_headers)
        self.entrance: Entrance | None = None
        """Everybody may come in while there is none."""
        self.choice = NOTHING
        self.first_request_within = FIRST_REQUEST_WITHIN
        self.written_within = WRITTEN_WITHIN
        self.own_tokens: frozenset[str] = frozenset()
        """Paths that check a token of their own; they need no password."""
        self._about = about
        self._metrics = metrics
        self._not_ready = not_ready
        self._runner = web.AppRunner(self.app, access_log=None, handle_signals=False)
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._silent: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}
        self.app.router.add_get("/", self._landing)
        self.app.router.add_get("/metrics", self._serve_metrics)
        self.app.router.add_get("/healthz", self._healthy)
        self.app.router.add_get("/readyz", self._ready)

    async def start(self) -> None:
        """Listen; raises OSError when the address is taken."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            bound = await loop.create_server(
                self._connection, self.address.host, self.address.port, start_serving=False
            )
            # The addresses stay ours while who serves them, and over what, changes.
            self._sockets = [one.dup() for one in bound.sockets]
            bound.close()
            await self._listen()
        except OSError:
            await self.stop()
            raise
        self.address = Address(self.address.host, int(self._sockets[0].getsockname()[1]))
        if self.entrance is not None:
            self.entrance.changed = self._listen
            self.entrance.describe()

    async def stop(self) -> None:
        """Stop listening and let requests under way end."""
        for server in self._servers:
            server.close()
        for one in self._sockets:
            one.close()
        for timer in self._silent.values():
            timer.cancel()
        self._silent.clear()
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _listen(self) -> None:
        """Accept from now on over what the entrance says; connections that are there stay."""
        context = self.entrance.loaded.context if self.entrance is not None else None
        within = HANDSHAKE_WITHIN if context is not None else None
        loop = asyncio.get_running_loop()
        before, self._servers = self._servers, []
        for one in self._sockets:
            server = await loop.create_server(
                self._connection,
                sock=one.dup(),
                ssl=context,
                ssl_handshake_timeout=within,
                backlog=ACCEPTED_AT_ONCE,
            )
            self._servers.append(server)
            one.listen(WAITING)  # the kernel's queue; the loop's own pace is the server's
        for server in before:
            server.close()

    def _connection(self) -> asyncio.Protocol:
        return _Doorkeeper(self._came)

    def _came(self, transport: asyncio.Transport) -> asyncio.BaseProtocol | None:
        """Return who answers a new connection, or nobody."""
        if self.entrance is not None and not self.entrance.lets_in(
            transport.get_extra_info("ssl_object")
        ):
            return None
        loop = asyncio.get_running_loop()
        self._silent[transport] = loop.call_later(
            self.first_request_within, self._hang_up, transport
        )
        server = self._runner.server
        return server() if server is not None else None

    def _hang_up(self, transport: asyncio.Transport) -> None:
        self._silent.pop(transport, None)
        transport.abort()

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.transport is not None:
            timer = self._silent.pop(request.transport, None)
            if timer is not None:
                timer.cancel()
        if self.entrance is not None:
            resource = request.match_info.route.resource
            path = resource.canonical if resource is not None else ""
            open_path = path in PROBES or path in self.own_tokens
            refused = await self.entrance.refusal(request, open_path=open_path)
            if refused is not None:
                return refused
        return await handler(request)

    async def _set_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        del request
        if self.entrance is not None:
            for name, value in self.entrance.loaded.config.headers.items():
                response.headers[name] = " ".join(value.split())

    async def _landing(self, request: web.Request) -> web.Response:
        del request
        about = self._about
        links = {"/metrics": "metrics", "/healthz": "alive", "/readyz": "ready", **about.links}
        items = "".join(
            f'<li><a href="{html.escape(target)}">{html.escape(name)}</a></li>'
            for target, name in links.items()
        )
        page = (
            f'<!doctype html><html lang="en"><title>{html.escape(about.name)}</title>'
            f"<h1>{html.escape(about.name)} {html.escape(about.version)}</h1>"
            f"<p>{html.escape(about.description)}</p><ul>{items}</ul></html>"
        )
        return web.Response(text=page, content_type="text/html")

    async def _healthy(self, request: web.Request) -> web.Response:
        del request
        return web.Response(text="ok\n")

    async def _ready(self, request: web.Request) -> web.Response:
        del request
        why = self._not_ready()
        if why and self.entrance is not None and self.entrance.loaded.config.users:
            why = "not ready"  # nobody has been asked who they are
        return web.Response(status=503, text=f"{why}\n") if why else web.Response(text="ok\n")

    async def _serve_metrics(self, request: web.Request) -> web.StreamResponse:
        kind = negotiation.content_type(_header(request, "Accept"))
        openmetrics = kind == negotiation.OPENMETRICS
        chosen = frozenset(request.query.getall(CHOICE, ()))
        unknown = sorted(chosen - self.choice.names)
        if unknown:
            known = ", ".join(sorted(self.choice.names)) or "none"
            text = f"{CHOICE}: {', '.join(unknown)[:200]} is not known; known are {known}\n"
            return web.Response(status=400, text=text)
        pieces = self.choice.parts(openmetrics, chosen) if chosen else self._metrics(openmetrics)
        headers = {"Content-Type": kind, "Vary": "Accept, Accept-Encoding"}
        packed = negotiation.takes_gzip(_header(request, "Accept-Encoding"))
        if packed:
            headers["Content-Encoding"] = "gzip"
        body = await asyncio.to_thread(gzipped if packed else plain, pieces)
        return await sent(request, headers, body, self.written_within)


def _header(request: web.Request, name: str) -> str:
    return ",".join(request.headers.getall(name, ()))


async def sent(
    request: web.Request, headers: Mapping[str, str], body: Sequence[bytes], within: float
) -> web.StreamResponse:
    """Send piece by piece, so that no more is in memory than the client takes."""
    response = web.StreamResponse(headers=headers)
    response.content_length = sum(map(len, body))
    try:
        async with asyncio.timeout(within):
            await response.prepare(request)
            if request.method != "HEAD":
                for chunk in body:
                    await response.write(chunk)
                    await asyncio.sleep(0)  # writing may not wait, and others may
            await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    return response


class _Doorkeeper(asyncio.Protocol):
    """Hands a new connection to who answers it, or hangs up."""

    def __init__(self, came: Callable[[asyncio.Transport], asyncio.BaseProtocol | None]) -> None:
        self._came = came

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask who answers."""
        stream = cast("asyncio.Transport", transport)
        answers = self._came(stream)
        if answers is None:
            stream.abort()
            return
        stream.set_protocol(answers)
        answers.connection_made(stream)
