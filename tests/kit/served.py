"""A web face with a web configuration, on loopback, and clients of every sort."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry
from yarl import URL

from exporter.kit import entrance
from exporter.kit.entrance import Entrance
from exporter.kit.values import Address
from exporter.kit.web import About, Web
from tests.kit.authority import Pair

ABOUT = About("test", "1", "test", {})
HERE = Address("127.0.0.1", 0)


def put(file: Path, content: str | bytes) -> None:
    """Replace a file's content, as whoever renews it does; short enough for the event loop."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)


class Served:
    """A face, its entrance, and what it counts. `not_ready` may be set."""

    def __init__(self, file: Path, now: float = 1000.0) -> None:
        self.not_ready = ""
        self.now = now
        self.registry = CollectorRegistry()
        self.entrance = Entrance(file, entrance.load(file), self.clock, self.clock)
        self.entrance.publish(self.registry)
        self.web = Web(HERE, ABOUT, lambda _openmetrics: [b"a 1\n"], lambda: self.not_ready)
        self.web.entrance = self.entrance

    def clock(self) -> float:
        """Return the time that a test has set."""
        return self.now

    def metric(self, name: str, **labels: str) -> float | None:
        """Return one of our own metrics."""
        return self.registry.get_sample_value(f"pvmedic_web_{name}", labels)

    def refused(self, reason: str) -> float | None:
        """Return how many were refused for a reason."""
        return self.metric("requests_refused_total", reason=reason)

    async def get(
        self,
        path: str = "/metrics",
        *,
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        """Ask on a connection of its own."""
        status, text, _ = await self.answer(path, tls=tls, login=login, headers=headers)
        return status, text

    async def answer(
        self,
        path: str = "/metrics",
        *,
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str, dict[str, str]]:
        """Ask, and return the answer's headers as well."""
        scheme = "http" if tls is None else "https"
        sent = dict(headers or {})
        if login is not None:
            sent["Authorization"] = aiohttp.encode_basic_auth(*login, encoding="utf-8")
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls or True)) as session,
            session.get(
                URL(f"{scheme}://{self.web.address}{path}", encoded=True), headers=sent
            ) as answer,
        ):
            return answer.status, await answer.text(), dict(answer.headers)


@asynccontextmanager
async def served(file: Path) -> AsyncIterator[Served]:
    """Serve by a file."""
    face = Served(file)
    async with face.web:
        yield face
        # Closed TLS connections say goodbye in the next turns of the loop.
        await asyncio.sleep(0)


def client(authority: Path, own: Pair | None = None) -> ssl.SSLContext:
    """Return what a client needs to connect, with a certificate of its own if it has one."""
    context = ssl.create_default_context(cafile=str(authority))
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context
