"""A way to the API server that stops before and after every write, so that a test can act there.

Plain HTTP on loopback in front, the real API server behind. What happens at a write is decided by
the test; here nothing is decided.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
from aiohttp import web

from local.background import Background
from local.processes import free_ports

if TYPE_CHECKING:
    from local.cluster import LocalCluster

Json = Any
PASSED_ON = ("Authorization", "Content-Type", "Accept")


@dataclass(frozen=True)
class Write:
    """One request that changes something; `body` is what it carries."""

    method: str
    path: str
    body: Json

    @property
    def taints(self) -> bool | None:
        """Whether it puts (True) or takes (False) an out-of-service taint; None: another write."""
        if self.method != "PATCH" or not self.path.startswith("/api/v1/nodes/"):
            return None
        taints = self.body.get("spec", {}).get("taints")
        if taints is None:
            return None
        return any("out-of-service" in taint["key"] for taint in taints)

    @property
    def what(self) -> str:
        """Name the durable point that it makes: the same words for the same point."""
        if self.taints is not None:
            return "put taint" if self.taints else "take taint"
        if "command" in self.body:
            return " ".join(("exec", *self.body["command"]))
        if self.method == "PATCH" and "finalizers" in self.body.get("metadata", {}):
            return "keep" if self.body["metadata"]["finalizers"] else "let go"
        status = self.body.get("status") or {}
        return f"{status['phase']}: {status['message']}" if "message" in status else "create"


class Rule(Protocol):
    """What a test does at writes; called in threads, one write at a time."""

    def before(self, write: Write) -> bool:
        """Say whether it may pass on."""
        ...

    def after(self, write: Write, status: int) -> None:
        """Hear of the API server's answer before the writer does."""
        ...


class Gate:
    """Open from construction to `close`."""

    def __init__(self, cluster: LocalCluster, rule: Rule) -> None:
        """Listen."""
        self._server = cluster.server
        self._rule = rule
        self._background = Background()
        self._context = ssl.create_default_context(cafile=str(cluster.ca_file))
        (self._port,) = free_ports(1)
        self._background.run(self._open())

    @property
    def url(self) -> str:
        """Where to send what should go to the API server."""
        return f"http://127.0.0.1:{self._port}"

    def close(self) -> None:
        """Stop listening."""
        self._background.run(self._close())
        self._background.close()

    async def _open(self) -> None:
        self._turn = asyncio.Lock()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._context, limit=0)
        )
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def _close(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._talk(request)
        body = await request.read()
        if "watch" in request.query:
            return await self._stream(request)
        # A heartbeat is no point of a repair.
        if request.method == "GET" or request.path.endswith("/events") or "/leases" in request.path:
            return await self._pass_on(request, body)
        write = Write(request.method, request.path, json.loads(body))
        async with self._turn:
            if not await asyncio.to_thread(self._rule.before, write):
                return web.Response(status=502)
            answer = await self._pass_on(request, body)
            await asyncio.to_thread(self._rule.after, write, answer.status)
        return answer

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        url = self._server + request.path_qs
        async with self._session.get(url, headers=headers) as found:
            answer = web.StreamResponse(status=found.status)
            await answer.prepare(request)
            async for chunk in found.content.iter_any():
                await answer.write(chunk)
            return answer

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        """Pass a command on, and what it says: nobody says anything to it."""
        write = Write("GET", request.path, {"command": request.query.getall("command", [])})
        if not await asyncio.to_thread(self._rule.before, write):
            return web.Response(status=502)
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        url = self._server + request.path_qs
        protocols = tuple(request.headers.get("Sec-WebSocket-Protocol", "").split(", "))
        try:
            there = await self._session.ws_connect(url, headers=headers, protocols=protocols)
        except aiohttp.WSServerHandshakeError as refused:
            return web.Response(status=refused.status)
        async with there:
            here = web.WebSocketResponse(protocols=protocols)
            await here.prepare(request)
            async for message in there:
                await here.send_bytes(message.data)
            await here.close()
        return here

    async def _pass_on(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        url = self._server + request.path_qs
        async with self._session.request(
            request.method, url, data=body or None, headers=headers
        ) as found:
            return web.Response(
                status=found.status, body=await found.read(), content_type=found.content_type
            )
