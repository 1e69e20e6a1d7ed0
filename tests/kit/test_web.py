"""The web face, over real sockets on loopback."""

import asyncio
import contextlib
import gzip
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from exporter.kit.packing import Part, Piece
from exporter.kit.values import Address
from exporter.kit.web import About, Choice, Web

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


def test_a_scrape_may_choose_collectors_by_name() -> None:
    """Several; a name that is not known is told the known ones."""

    def chosen(openmetrics: bool, names: frozenset[str]) -> list[Piece]:  # noqa: FBT001 -- the web's call
        return [f"{openmetrics} {sorted(names)}".encode()]

    async def run() -> None:
        face = Web(HERE, ABOUT, lambda _: [b"all"], lambda: "")
        face.choice = Choice(frozenset("abc"), chosen)
        async with face, aiohttp.ClientSession() as session:
            for query, status, text in (
                ("", 200, "all"),
                ("?collect[]=b&collect[]=a", 200, "False ['a', 'b']"),
                ("?collect%5B%5D=c", 200, "False ['c']"),
                ("?collect[]=a&collect[]=x", 400, "collect[]: x is not known; known are a, b, c\n"),
                ("?collect[]=", 400, "collect[]:  is not known; known are a, b, c\n"),
                ("?other=1", 200, "all"),
            ):
                async with session.get(f"http://{face.address}/metrics{query}") as answer:
                    assert (answer.status, await answer.text()) == (status, text)
            async with session.head(
                f"http://{face.address}/metrics", headers={"Accept-Encoding": "identity"}
            ) as answer:
                assert (answer.status, answer.headers["Content-Length"]) == (200, "3")

    asyncio.run(run())


def test_clients_of_every_bad_sort_harm_nobody() -> None:
    """One that is gone in the middle, that reads nothing, that says nothing, that says nonsense."""
    body = [Part([b"x" * 1024] * 1024) for _ in range(32)]
    errors: list[dict[str, object]] = []

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        async with Web(HERE, ABOUT, lambda _: body, lambda: "") as face:
            where = (face.address.host, face.address.port)
            ask = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
            reader, writer = await asyncio.open_connection(*where)
            writer.write(ask + b"\r\n")
            assert b"200" in await reader.readline()
            writer.transport.abort()  # gone in the middle
            slow = [await asyncio.open_connection(*where) for _ in range(3)]
            slow[0][1].write(ask + b"\r\n")  # reads nothing
            slow[1][1].write(ask)  # never ends its headers; the last one says nothing
            for nonsense in (
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                b"GET / HTTP/9.9\r\n\r\n",
                b"\x00" * 1000 + b"\r\n\r\n",
                ask + b"Content-Length: -1\r\n\r\n",
            ):
                reader, writer = await asyncio.open_connection(*where)
                writer.write(nonsense)
                assert (await reader.readline()).startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
                writer.close()
            for accept in (b"\xff\xfe", b";;=,", b"," * 8000, b"q=1" * 2000):
                reader, writer = await asyncio.open_connection(*where)
                writer.write(ask + b"Accept: " + accept + b"\r\n\r\n")
                assert b" 200 " in await reader.readline()
                writer.transport.abort()
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://{face.address}/metrics") as answer,
            ):
                assert len(await answer.read()) == 32 * 1024 * 1024
            for _, one in slow:
                one.transport.abort()

    asyncio.run(run())
    assert errors == []


def test_ten_megabytes_of_headers_are_refused_and_not_kept() -> None:
    """400 long before the end, and the connection is closed."""

    async def run() -> None:
        async with Web(HERE, ABOUT, lambda _: [], lambda: "") as face:
            reader, writer = await asyncio.open_connection(face.address.host, face.address.port)
            writer.write(b"GET /metrics HTTP/1.1\r\nX: ")
            sent = 0
            with contextlib.suppress(ConnectionError):
                for _ in range(160):
                    writer.write(b"x" * 65536)
                    await writer.drain()
                    sent += 65536
            with contextlib.suppress(ConnectionError):
                assert b" 400 " in await reader.readline()
            writer.transport.abort()
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://{face.address}/healthz") as answer,
            ):
                assert answer.status == 200

    asyncio.run(run())


def test_who_says_nothing_is_hung_up_on() -> None:
    """Also when it begins and does not end; who asks in time stays."""

    async def run() -> None:
        face = Web(HERE, ABOUT, lambda _: [b"a 1\n"], lambda: "")
        face.first_request_within = 0.3
        async with face:
            where = (face.address.host, face.address.port)
            good, silent, half = [await asyncio.open_connection(*where) for _ in range(3)]
            half[1].write(b"GET /metrics HTTP/1.1\r\nHost:")
            good[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in await good[0].readline()
            for reader, writer in (silent, half):
                async with asyncio.timeout(10):
                    with contextlib.suppress(ConnectionError):
                        assert await reader.read() == b""
                writer.close()
            good[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            await good[0].readuntil(b"ok\n")
            assert b" 200 " in await good[0].readline()
            good[1].close()

    asyncio.run(run())


def test_who_does_not_take_the_answer_is_hung_up_on() -> None:
    """It would keep the answer in our memory."""
    body = [Part([b"x" * 1024] * 1024) for _ in range(32)]

    async def run() -> None:
        face = Web(HERE, ABOUT, lambda _: body, lambda: "")
        face.written_within = 0.3
        ended = asyncio.Event()

        @web.middleware
        async def watched(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            try:
                return await handler(request)
            finally:
                ended.set()

        face.app.middlewares.append(watched)
        async with face:
            reader, writer = await asyncio.open_connection(
                face.address.host, face.address.port, limit=1024
            )
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(10):
                await ended.wait()
            got = 0
            with contextlib.suppress(ConnectionError):
                while more := await reader.read(65536):
                    got += len(more)
            assert got < 32 * 1024 * 1024
            writer.close()

    asyncio.run(run())
