"""A Heketi that answers as it is told, over real HTTP, and what our source makes of it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from exporter.kit.values import Duration
from exporter.observe import model
from exporter.observe.heketi import Heketis, HeketiSettings
from exporter.observe.model import Heketi, HeketiVolume, Kind, Object
from exporter.observe.view import View
from tests.signals import made

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
KEY = "secret"
RECORDED = Path(__file__).parents[1] / "observe" / "recorded" / "heketi" / "dump.json"


async def greeting(request: web.Request) -> web.Response:
    """Greet as Heketi does."""
    del request
    return web.Response(text="Hello from Heketi")


def said(body: bytes | str, status: int = 200) -> Handler:
    """Answer so."""

    async def handle(request: web.Request) -> web.Response:
        del request
        return web.Response(body=body.encode() if isinstance(body, str) else body, status=status)

    return handle


async def never(request: web.Request) -> web.Response:
    """Do not answer."""
    del request
    await asyncio.Event().wait()
    raise AssertionError


@asynccontextmanager
async def served(
    hello: Handler = greeting, dump: Handler = never, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve a Heketi; yield its URL."""
    app = web.Application()
    app.router.add_get("/hello", hello)
    app.router.add_get("/db/dump", dump)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield f"{'https' if tls else 'http'}://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class World:
    """What is known of the cluster, and what time it is."""

    def __init__(self, *objects: Object) -> None:
        self.objects = list(objects)
        self.unseen: dict[Kind, str] = {}
        self.now = 1_000_000.0

    def view(self) -> View:
        """Return it."""
        return made.view(self.objects, self.unseen)

    def wall(self) -> float:
        """Return the time."""
        return self.now


def naming(*urls: str) -> list[Object]:
    """Return a StorageClass for each Heketi."""
    return [
        model.StorageClass(f"class-{n}", model.GLUSTERFS, False, False, heketi=url)  # noqa: FBT003
        for n, url in enumerate(urls)
    ]


def source(world: World, key: Path | None = None, **fields: object) -> Heketis:
    """Return a source that waits half a second for an answer."""
    given = {"timeout": Duration(0.5), "admin_key_file": key, **fields}
    return Heketis(HeketiSettings(**given), world.view, world.wall)  # type: ignore[arg-type]


def heketis(objects: Sequence[Object]) -> dict[str, Heketi]:
    """Return the Heketis among them by URL."""
    return {one.name: one for one in objects if isinstance(one, Heketi)}


def volumes(objects: Sequence[Object]) -> dict[str, HeketiVolume]:
    """Return the volumes among them by name."""
    return {one.name: one for one in objects if isinstance(one, HeketiVolume)}
