"""A scripted API server: a real aiohttp server on loopback that answers what a test tells it to."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from exporter.observe.kube.access import ServiceAccount
from exporter.observe.kube.api import Api

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeApiServer:
    """Answers by path. `answers` are used up in order; the last one stays.

    As far as a test says nothing else, it has no streaming lists; requests for those are in
    `streams`, all others in `requests`.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = ""
        self.requests: list[web.Request] = []
        self.streams: list[web.Request] = []
        self.counted: list[tuple[str, ...]] = []
        self._answers: dict[tuple[str, str], list[Handler]] = {}

    def answer(
        self, path: str, *handlers: Handler, watch: bool = False, stream: bool = False
    ) -> None:
        """Say how a path is answered: lists, watches and streaming lists apart."""
        self._answers[path, "stream" if stream else "watch" if watch else ""] = list(handlers)

    def json(self, path: str, body: object, status: int = 200, **headers: str) -> None:
        """Answer a path with JSON, always."""
        self.answer(path, said(body, status, headers))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        stream = "sendInitialEvents" in request.query
        (self.streams if stream else self.requests).append(request)
        asked = "stream" if stream else "watch" if "watch" in request.query else ""
        handlers = self._answers.get((request.path, asked), [no_streams if stream else missing])
        return await (handlers.pop(0) if len(handlers) > 1 else handlers[0])(request)

    def drop(self, path: str) -> None:
        """Cut the watches of a path that are under way."""
        for request in self.requests:
            if request.path == path and "watch" in request.query and request.transport is not None:
                request.transport.abort()

    def request(self, resource: str, verb: str) -> None:
        """Count, as a Tally."""
        self.counted.append((resource, verb))

    def failure(self, resource: str, verb: str, reason: str) -> None:
        """Count, as a Tally."""
        self.counted.append((resource, verb, reason))

    def undecodable(self, resource: str) -> None:
        """Count, as a Tally."""
        self.counted.append((resource, "undecodable"))

    @asynccontextmanager
    async def api(self) -> AsyncIterator[Api]:
        """Serve, and return a client of it with a service account's files."""
        (self.directory / "token").write_text("s3cret")
        (self.directory / "ca.crt").touch()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with Api(ServiceAccount(self.directory, self.url), self) as api:
                yield api
        finally:
            await runner.cleanup()


def said(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Handler:
    """Return a handler that answers with JSON, or with a text as it is."""
    text = body if isinstance(body, str) else json.dumps(body)

    async def handler(request: web.Request) -> web.Response:
        del request
        return web.Response(text=text, status=status, headers=headers)

    return handler


async def missing(request: web.Request) -> web.Response:
    """Answer as the API server does for a path that it does not have."""
    del request
    return web.Response(text="404 page not found\n", status=404)


async def no_streams(request: web.Request) -> web.Response:
    """Answer as an API server does that knows no streaming lists, or was told to have none."""
    del request
    what = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch"
    return web.json_response({"kind": "Status", "reason": "Invalid", "message": what}, status=422)


def streamed(*lines: object, cut: bool = False, hold: bool = False) -> Handler:
    """Return a handler that sends lines; `cut` drops the connection then, `hold` keeps it open."""

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for line in lines:
            text = line if isinstance(line, str | bytes) else json.dumps(line) + "\n"
            await answer.write(text if isinstance(text, bytes) else text.encode())
        if cut and request.transport is not None:
            request.transport.abort()
        if hold:
            await asyncio.Event().wait()
        return answer

    return handler
