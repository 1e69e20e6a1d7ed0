"""The web face, over real sockets on loopback."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from exporter.kit.values import Address
from exporter.kit.web import About, Web

ABOUT = About("pvmedic <test>", "1.2", "Sees & says.", {"https://pvmedic.dev/": "documentation"})
HERE = Address("127.0.0.1", 0)


def served(
    ask: Callable[[aiohttp.ClientSession, str], Awaitable[None]],
    body: bytes = b"a 1\n",
    why: str = "",
) -> None:
    """Serve on a free port, and ask."""

    def metrics(openmetrics: bool) -> list[bytes]:  # noqa: FBT001 -- the web's own call
        return [body, b"# EOF\n"] if openmetrics else [body]

    async def run() -> None:
        async with (
            Web(HERE, ABOUT, metrics, lambda: why) as face,
            aiohttp.ClientSession(
                headers={"Accept-Encoding": "identity"}, auto_decompress=False
            ) as session,
        ):
            assert face.address.port
            await ask(session, f"http://{face.address}")

    asyncio.run(run())


def test_the_landing_page_says_who_it_is_and_links() -> None:
    """Name and version, escaped, and links to what there is."""

    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url) as answer:
            page = await answer.text()
        assert "pvmedic &lt;test&gt; 1.2" in page
        assert "Sees &amp; says." in page
        for target in ("/metrics", "/healthz", "/readyz", "https://pvmedic.dev/"):
            assert f'href="{target}"' in page

    served(ask)


def test_health_is_alive_and_ready_says_why_not() -> None:
    """Not ready is a 503 with a sentence; alive it is all the same."""

    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        async with session.get(f"{url}/readyz") as answer:
            assert (answer.status, await answer.text()) == (503, "pods have not been listed\n")

    async def ask_again(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(f"{url}/readyz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")

    served(ask, why="pods have not been listed")
    served(ask_again)


def test_metrics_are_text_unless_openmetrics_is_asked_for() -> None:
    """The scraper's Accept header decides."""

    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(f"{url}/metrics") as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert await answer.read() == b"a 1\n"
        accept = {"Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1"}
        async with session.get(f"{url}/metrics", headers=accept) as answer:
            kind = answer.headers["Content-Type"]
            assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
            assert await answer.read() == b"a 1\n# EOF\n"

    served(ask)


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_metrics_are_packed_when_the_scraper_can_unpack(size: int) -> None:
    """Small ones at once, large ones on another thread; the bytes are the same."""
    body = b"x" * size

    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(f"{url}/metrics", headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(await answer.read()) == body
        async with session.get(f"{url}/metrics", headers={"Accept-Encoding": "br"}) as answer:
            assert "Content-Encoding" not in answer.headers
            assert await answer.read() == body

    served(ask, body)


def test_a_body_over_the_limit_is_refused() -> None:
    """413 before the program reads it."""

    async def read(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async def run() -> None:
        face = Web(HERE, ABOUT, lambda _: [], lambda: "", largest_request=100)
        face.app.router.add_post("/in", read)
        async with face, aiohttp.ClientSession() as session:
            async with session.post(f"http://{face.address}/in", data=b"x" * 100) as answer:
                assert (answer.status, await answer.text()) == (200, "100")
            async with session.post(f"http://{face.address}/in", data=b"x" * 101) as answer:
                assert answer.status == 413

    asyncio.run(run())


def test_a_taken_port_is_an_os_error() -> None:
    """Whoever starts it says which address."""

    async def run() -> None:
        async with Web(HERE, ABOUT, lambda _: [], lambda: "") as face:
            with pytest.raises(OSError, match="address already in use"):
                await Web(face.address, ABOUT, lambda _: [], lambda: "").start()

    asyncio.run(run())
