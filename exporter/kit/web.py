"""The web face of a program: /metrics, /healthz, /readyz, landing page, on an address it knows.

What is measured and what ready means are the program's; further routes are added to `app` before
`start`.
"""

import asyncio
import gzip
import html
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import web

from exporter.kit.values import Address

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
LARGE = 64 * 1024
"""Bytes from which on joining and packing leave the event loop: packing takes 2 ms for 100 KB."""
LARGEST_REQUEST = 1024 * 1024
"""Bytes of a request's body; more is answered with 413."""

Metrics = Callable[[bool], Sequence[bytes]]
"""Parts of the exposition, for OpenMetrics (True) or text; quick, called on the event loop."""
NotReady = Callable[[], str]
"""Why the program is not ready, as a sentence; empty when it is."""


class About(msgspec.Struct, frozen=True):
    """What the landing page says. `links` maps a path or URL to its name."""

    name: str
    version: str
    description: str
    links: Mapping[str, str]


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
        self.app = web.Application(client_max_size=largest_request)
        self._about = about
        self._metrics = metrics
        self._not_ready = not_ready
        self._runner = web.AppRunner(self.app, access_log=None, handle_signals=False)
        self.app.router.add_get("/", self._landing)
        self.app.router.add_get("/metrics", self._serve_metrics)
        self.app.router.add_get("/healthz", self._healthy)
        self.app.router.add_get("/readyz", self._ready)

    async def start(self) -> None:
        """Listen; raises OSError when the address is taken."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.address.host, self.address.port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        bound = self._runner.addresses[0]
        self.address = Address(self.address.host, int(bound[1]))

    async def stop(self) -> None:
        """Stop listening and let requests under way end."""
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
        return web.Response(status=503, text=f"{why}\n") if why else web.Response(text="ok\n")

    async def _serve_metrics(self, request: web.Request) -> web.Response:
        openmetrics = "application/openmetrics-text" in request.headers.get("Accept", "")
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        parts = self._metrics(openmetrics)
        if sum(map(len, parts)) >= LARGE:
            body = await asyncio.to_thread(_body, parts, packed=packed)
        else:
            body = _body(parts, packed=packed)
        headers = {"Content-Type": OPENMETRICS if openmetrics else TEXT}
        if packed:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)


def _body(parts: Sequence[bytes], *, packed: bool) -> bytes:
    body = b"".join(parts)
    # Level 1: a quarter of the time of level 9 for a tenth more bytes.
    return gzip.compress(body, compresslevel=1) if packed else body
