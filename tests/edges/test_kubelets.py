"""Kubelets over real HTTPS: each for itself, slow and dead ones in a lane of their own."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from exporter.kit.values import Duration
from exporter.observe import errors, model
from exporter.observe.kube.access import Credentials
from exporter.observe.kubelets import KubeletSettings, Reader
from exporter.observe.model import VolumeStats
from local.certificates import Authority
from tests.signals import made

SUMMARY = {"pods": [{"volume": [{"pvcRef": {"name": "data", "namespace": "web"}, "inodes": 3}]}]}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Known:
    """Access with one token."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls

    async def credentials(self) -> Credentials:
        """Return it."""
        return Credentials("https://api", "Bearer t", self._tls)


def said(body: object, status: int = 200) -> Handler:
    """Answer so, if the token is ours."""

    async def handle(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer t"
        assert request.path == "/stats/summary"
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(text=text, status=status)

    return handle


@asynccontextmanager
async def kubelet(directory: Path, handler: Handler) -> AsyncIterator[tuple[model.Node, Reader]]:
    """Serve one; yield its Node and a reader that trusts its certificate."""
    authority = Authority(directory / "authority")
    pair = authority.issue("kubelet", server=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    trusted = Known(ssl.create_default_context(cafile=authority.certificate))
    settings = KubeletSettings(timeout=Duration(1))
    try:
        port = runner.addresses[0][1]
        async with Reader(trusted, settings) as reader:
            yield made.node(address="127.0.0.1", kubelet_port=port), reader
    finally:
        await runner.cleanup()


def asked(tmp_path: Path, handler: Handler) -> tuple[VolumeStats, ...]:
    """Ask one kubelet once."""

    async def run() -> tuple[VolumeStats, ...]:
        async with kubelet(tmp_path, handler) as (node, reader):
            return await reader.ask(node)

    return asyncio.run(run())


def test_a_kubelet_is_asked_with_our_token_over_verified_tls(tmp_path: Path) -> None:
    """And says what it measured."""
    (found,) = asked(tmp_path, said(SUMMARY))
    assert (found.namespace, found.name, found.node, found.inodes) == ("web", "data", "a", 3)


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ("Forbidden", 403, errors.Forbidden),
        ("Unauthorized", 401, errors.Unauthorized),
        ("slow down", 429, errors.Throttled),
        ("boom", 500, errors.ServerFailed),
        ("moved", 302, errors.Garbage),
        ("<html>", 200, errors.Garbage),
        ('{"pods":[', 200, errors.Garbage),
    ],
)
def test_every_bad_answer_is_one_of_our_errors(
    tmp_path: Path, body: str, status: int, error: type[errors.ObserveError]
) -> None:
    """A 403 names the right that is missing."""
    with pytest.raises(error, match="get nodes/stats a"):
        asked(tmp_path, said(body, status))


def test_a_kubelet_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    """After the time limit, not later."""

    async def never(request: web.Request) -> web.Response:
        del request
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(errors.Unreachable, match="no answer in time"):
        asked(tmp_path, never)


def test_a_large_answer_is_read_to_its_end(tmp_path: Path) -> None:
    """It comes in many pieces."""
    ref = {"namespace": "web"}
    volumes = [{"pvcRef": {**ref, "name": f"data-{number}"}} for number in range(20_000)]
    assert len(asked(tmp_path, said({"pods": [{"volume": volumes}]}))) == 20_000


def test_an_answer_without_end_is_refused(tmp_path: Path) -> None:
    """Whoever answers there is no kubelet."""

    async def run() -> None:
        async with kubelet(tmp_path, said("x" * 100)) as (node, reader):
            reader.largest = 10
            await reader.ask(node)

    with pytest.raises(errors.Garbage, match="more than 10 bytes"):
        asyncio.run(run())


def test_a_kubelet_that_cannot_prove_who_it_is_gets_no_token(tmp_path: Path) -> None:
    """Unless the settings say that it need not."""
    heard: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        heard.append(request.headers["Authorization"])
        return web.json_response(SUMMARY)

    async def run(*, verify: bool) -> int:
        async with kubelet(tmp_path / str(verify), handle) as (node, _):
            strange = Known(ssl.create_default_context())
            async with Reader(strange, KubeletSettings(verify=verify)) as reader:
                return len(await reader.ask(node))

    (tmp_path / "True").mkdir()
    (tmp_path / "False").mkdir()
    with pytest.raises(errors.Unreachable):
        asyncio.run(run(verify=True))
    assert heard == []
    assert asyncio.run(run(verify=False)) == 1


def test_a_kubeconfig_that_verifies_nothing_does_not_speak_for_kubelets() -> None:
    """Somebody else may be at a node's address where that person is."""
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE

    async def run() -> None:
        async with Reader(Known(careless), KubeletSettings()) as reader:
            await reader.ask(made.node(address="127.0.0.1", kubelet_port=1))

    with pytest.raises(errors.Unauthorized, match=r"kubelets\.verify"):
        asyncio.run(run())


def test_a_ca_that_cannot_be_read_is_said() -> None:
    """The file is named."""

    async def run() -> None:
        settings = KubeletSettings(authority=Path("/nowhere/ca.crt"))
        async with Reader(Known(ssl.create_default_context()), settings) as reader:
            await reader.ask(made.node(address="127.0.0.1", kubelet_port=1))

    with pytest.raises(errors.Unauthorized, match=r"/nowhere/ca\.crt"):
        asyncio.run(run())


def test_a_node_without_an_address_is_unreachable() -> None:
    """It registered and was never heard of again."""

    async def run() -> None:
        async with Reader(Known(ssl.create_default_context()), KubeletSettings()) as reader:
            await reader.ask(made.node())

    with pytest.raises(errors.Unreachable, match="no address"):
        asyncio.run(run())
