"""Kubelets' `/exec` over TLS, so that commands in containers go through the real API server.

One face serves all nodes: it tells the API server so in their statuses. What a container does with
a command is played by whoever opens the face; `on_this_host` runs it for real. It speaks WebSocket
with `v4.channel.k8s.io`, which API servers hand on as it is; v5 would arrive here as SPDY.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from aiohttp import WSCloseCode, web

from local.background import Background
from local.certificates import Authority
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from local.cluster import LocalCluster

PROTOCOL = "v4.channel.k8s.io"
STDOUT, STDERR, END = 1, 2, 3
CHUNK = 32 * 1024  # what a kubelet sends at once
Object = dict[str, Any]


@dataclass(frozen=True)
class Command:
    """What is to be run, and where."""

    namespace: str
    pod: str
    container: str
    arguments: tuple[str, ...]


class CutError(Exception):
    """Played: the connection breaks in the middle."""


class NoProgramError(Exception):
    """Played: there is no such program in the container."""


Say: TypeAlias = Callable[[int, bytes], Awaitable[None]]
Played: TypeAlias = Callable[[Command, Say], Awaitable[int]]
"""Plays a command: says bytes on STDOUT and STDERR and returns the exit status."""


async def on_this_host(command: Command, say: Say) -> int:
    """Run the command here, as if this host were the container."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise NoProgramError(command.arguments[0]) from error

    async def pass_on(channel: int, stream: asyncio.StreamReader | None) -> None:
        while stream is not None and (chunk := await stream.read(CHUNK)):
            await say(channel, chunk)

    passing = [
        asyncio.create_task(pass_on(STDOUT, process.stdout)),
        asyncio.create_task(pass_on(STDERR, process.stderr)),
    ]
    try:
        await asyncio.gather(*passing)
        return await process.wait()
    finally:
        # With its children: they hold the pipes, too.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        for one in passing:
            one.cancel()
        # At once and unread: whoever asked may be gone, and with it the time to wait for anything.
        process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 -- no other way


class ExecFace:
    """Serves until the context ends; `ran` are the commands so far."""

    def __init__(self, cluster: LocalCluster, played: Played = on_this_host) -> None:
        """`played` may be set to another one at any time."""
        self.played = played
        self.ran: list[Command] = []
        self._cluster = cluster
        self._background = Background()
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        """Begin to serve, and tell the nodes' statuses."""
        try:
            port = self._background.run(self._start())
            self._tell(port)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._tell(0)
        self._close()

    def _tell(self, port: int) -> None:
        status = {"status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}}
        for node in self._cluster.nodes:
            patch = ("--type=merge", "--subresource=status", f"--patch={json.dumps(status)}")
            with suppress(LocalClusterError):  # a node that is gone hears nothing
                self._cluster.kubectl("patch", "node", node, *patch)

    async def _start(self) -> int:
        application = web.Application()
        application.router.add_route("*", "/exec/{namespace}/{pod}/{container}", self._exec)
        self._runner = web.AppRunner(
            application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._context()).start()
        port: int = self._runner.addresses[0][1]
        return port

    def _context(self) -> ssl.SSLContext:
        directory = self._cluster.directory / "exec-face"
        number = 0
        while directory.exists():
            number += 1
            directory = directory.with_name(f"exec-face-{number}")
        pair = Authority(directory).issue("system:node:exec", server=True)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair.certificate, pair.key)
        return context

    def _close(self) -> None:
        if self._runner is not None:
            self._background.run(self._runner.cleanup())
        self._background.close()

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        command = Command(
            request.match_info["namespace"],
            request.match_info["pod"],
            request.match_info["container"],
            tuple(request.query.getall("command", ())),
        )
        self.ran.append(command)
        stream = web.WebSocketResponse(protocols=(PROTOCOL,), timeout=0.5)
        if not stream.can_prepare(request).ok:
            return web.Response(status=HTTPStatus.BAD_REQUEST, text="only WebSocket is played")
        await stream.prepare(request)

        async def say(channel: int, body: bytes) -> None:
            for begin in range(0, len(body), CHUNK):
                await stream.send_bytes(bytes([channel]) + body[begin : begin + CHUNK])

        running = asyncio.create_task(self._ended(command, say))
        hung_up = asyncio.create_task(stream.receive())
        try:
            await asyncio.wait((running, hung_up), return_when=asyncio.FIRST_COMPLETED)
            if running.done() and not running.cancelled():
                await say(END, json.dumps(running.result()).encode())
        except (CutError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            for task in (running, hung_up):
                task.cancel()
            await asyncio.gather(running, hung_up, return_exceptions=True)
        await stream.close(code=WSCloseCode.OK)
        return stream

    async def _ended(self, command: Command, say: Say) -> Object:
        """Play it, and return the Status with which a kubelet ends such a stream."""
        try:
            status = await self.played(command, say)
        except NoProgramError as error:
            return _failure("InternalError", f'exec: "{error}": executable file not found in $PATH')
        if status == 0:
            return {"metadata": {}, "status": "Success"}
        text = f"command terminated with non-zero exit code: {status}"
        causes = [{"reason": "ExitCode", "message": str(status)}]
        return {**_failure("NonZeroExitCode", text), "details": {"causes": causes}}


def _failure(reason: str, message: str) -> Object:
    return {"metadata": {}, "status": "Failure", "reason": reason, "message": message}
