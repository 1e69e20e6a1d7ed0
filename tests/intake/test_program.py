"""The remediator as a program: a whole small life against an API server on loopback."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web

from exporter.observe.errors import Conflict, NotFound
from remediator.store import PATH
from tests.intake.notifications import alert, body
from tests.intake.resources import Resources
from tests.story.objects import NAME

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-tests"  # noqa: S105 -- opens nothing
DEADLINE = 20.0
LEASES = "/apis/coordination.k8s.io/v1/namespaces/pvmedic/leases"
EVENTS = "/api/v1/namespaces/default/events"
SAID = "/apis/pvmedic.dev/v1alpha1/remediationapprovals"


class Server:
    """An API server of an empty cluster that keeps Remediations; `down` answers 503 to all.

    listed: how often what people say was listed. fails: which of those lists fail, by number.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.resources = Resources()
        self.down = False
        self.asked: list[str] = []
        self.lease: object = None
        self.listed = 0
        self.fails: set[int] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.asked.append(f"{request.method} {request.path}")
        if self.down:
            return web.json_response({"message": "down"}, status=503)
        if request.path.startswith(LEASES):
            return await self._lease(request)
        if "watch" in request.query:
            return await self._watch(request)
        if request.path == SAID:
            self.listed += 1
            if self.listed in self.fails:
                return web.json_response({"message": "by chance"}, status=500)
        if not request.path.startswith(f"{PATH}/") and request.path != PATH:
            return self._empty(request.path)
        sent = await request.read() or None
        try:
            text = await self.resources.send(request.method, request.path, sent)
        except Conflict as error:
            return web.json_response({"message": str(error)}, status=409)
        except NotFound as error:
            return web.json_response({"message": str(error)}, status=404)
        return web.Response(body=text, content_type="application/json")

    async def _lease(self, request: web.Request) -> web.Response:
        """Keep the one Lease that there is."""
        if request.method == "GET" and self.lease is None:
            return web.json_response({"reason": "NotFound", "message": "no"}, status=404)
        if request.method != "GET":
            self.lease = await request.json()
        return web.json_response(self.lease)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """Tell what changes, until the program or the test ends."""
        answer = web.StreamResponse()
        await answer.prepare(request)
        told = dict(self.resources.objects) if request.path == PATH else {}
        while not self.down:
            there = dict(self.resources.objects) if request.path == PATH else {}
            for name, obj in there.items():
                if told.get(name) != obj:
                    line = json.dumps({"type": "MODIFIED", "object": obj})
                    await answer.write(f"{line}\n".encode())
            told = there
            await asyncio.sleep(0.02)
        return answer

    def _empty(self, path: str) -> web.Response:
        if path == "/version":
            return web.json_response({"major": "1", "minor": "36+"})
        if path == EVENTS:
            return web.json_response({}, status=201)
        kinds = ("nodes", "pods", "volumeattachments", "remediationapprovals")
        if path.endswith(kinds):
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})
        return web.json_response({"reason": "NotFound", "message": path}, status=404)

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """Serve on a free loopback port and return the URL."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


class Program:
    """A running remediator and its log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Follow the log."""
        self.process = process
        self.log: list[dict[str, object]] = []

    async def address(self) -> str:
        """Return where it serves."""
        return str((await self.said("serving"))["address"])

    async def said(self, message: str) -> dict[str, object]:
        """Return the next line of the log with this message."""
        assert self.process.stderr is not None
        async with asyncio.timeout(DEADLINE):
            async for line in self.process.stderr:
                self.log.append(json.loads(line))
                if self.log[-1]["message"] == message:
                    return self.log[-1]
        raise AssertionError(f"never said {message!r}: {self.log}")

    async def stopped(self) -> int:
        """End it as Kubernetes does and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE):
            await self.process.communicate()
        return self.process.returncode or 0


@contextlib.asynccontextmanager
async def started(directory: Path, server: str) -> AsyncIterator[Program]:
    """Start the program against an API server, and be sure that it ends."""
    (directory / "webhook-token").write_text(TOKEN)
    (directory / "token").write_text("service-account")
    (directory / "ca.crt").touch()
    settings = directory / "remediator.yaml"
    settings.write_text(f"""
listen: 127.0.0.1:0
webhook: {{token_file: {directory}/webhook-token}}
kubernetes: {{server: "{server}", service_account_directory: {directory}}}
limits: {{look_every: 1s}}
""")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "remediator",
        "--config",
        str(settings),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def sent(address: str, data: bytes) -> int:
    """Send a notification and return the answer's status."""
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
        session.post(f"http://{address}/webhook", data=data) as answer,
    ):
        return answer.status


async def got(address: str, path: str) -> tuple[int, str]:
    """Read a page."""
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}{path}") as answer:
        return answer.status, await answer.text()


async def until(server: Server, phase: str) -> None:
    """Wait until the record is in a phase."""
    async with asyncio.timeout(DEADLINE):
        while server.resources.objects[NAME]["status"].get("phase", "Observed") != phase:  # noqa: ASYNC110 -- another process writes it
            await asyncio.sleep(0.01)


async def ready(address: str) -> None:
    """Wait until the program says that it is ready."""
    async with asyncio.timeout(DEADLINE):
        while (await got(address, "/readyz"))[0] != 200:  # noqa: ASYNC110 -- over HTTP
            await asyncio.sleep(0.01)


def test_an_alert_about_a_node_that_does_not_exist_is_recorded_and_cleared(tmp_path: Path) -> None:
    """From the webhook to the record and its end, with metrics on the way."""

    async def life() -> None:
        server = Server()
        async with server.served() as url, started(tmp_path, url) as program:
            address = await program.address()
            await ready(address)
            assert await sent(address, body(alert())) == 200
            await until(server, "Cleared")
            _, metrics = await got(address, "/metrics")
            assert 'pvmedic_webhook_alerts_total{outcome="Recorded"} 1.0' in metrics
            wanted = 'pvmedic_remediations{phase="Cleared",signal="node_lost_with_volumes"} 1.0'
            assert wanted in metrics
            assert await program.stopped() == 0

    asyncio.run(life())


def test_while_the_api_server_is_down_alerts_are_sent_again_and_then_land(tmp_path: Path) -> None:
    """503 until it is durable; the repetition is one record."""

    async def life() -> None:
        server = Server()
        server.down = True
        async with server.served() as url, started(tmp_path, url) as program:
            address = await program.address()
            assert (await got(address, "/healthz"))[0] == 200
            assert (await got(address, "/readyz"))[0] == 503
            assert await sent(address, body(alert())) == 503
            server.down = False
            await ready(address)
            server.down = True
            assert await sent(address, body(alert())) == 503
            server.down = False
            assert await sent(address, body(alert())) == 200
            assert await sent(address, body(alert())) == 200
            assert list(server.resources.objects) == [NAME]
            assert await program.stopped() == 0

    asyncio.run(life())


def test_a_restart_goes_on_with_what_is_on_record(tmp_path: Path) -> None:
    """It was killed, and nobody sends the alert again."""

    async def life() -> None:
        server = Server()
        async with server.served() as url:
            async with started(tmp_path, url) as program:
                address = await program.address()
                await ready(address)
                assert await sent(address, body(alert())) == 200
                program.process.kill()
                await program.process.communicate()
            server.resources.objects[NAME]["status"] = {"phase": "Observed"}
            async with started(tmp_path, url) as program:
                await until(server, "Cleared")
                assert await program.stopped() == 0

    asyncio.run(life())


def test_who_could_not_be_heard_at_the_start_is_asked_again(tmp_path: Path) -> None:
    """The watch of what people say works all along, so nothing else would ever list them again."""

    async def run() -> None:
        server = Server()
        # The first list is that of the watch, the second of who comes to lead.
        server.fails = {2}
        async with server.served() as url, started(tmp_path, url) as program:
            await program.said("what people say could not be listed")
            async with asyncio.timeout(DEADLINE):
                while server.listed < 3:  # noqa: ASYNC110 -- another process's doing has no event
                    await asyncio.sleep(0.02)
            assert await program.stopped() == 0

    asyncio.run(run())
