"""One question to our pod on a node, over real TLS: bounded, and every fault has its name."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from exporter.kit.values import Duration
from exporter.observe import errors, node_pods
from exporter.observe.kube.access import ServiceAccount
from exporter.observe.model import FACTS, Kind
from exporter.observe.node_pods import FactsSettings, Reader, Said
from exporter.observe.parse import node_answer
from exporter.observe.parse.endpoints import NodePod
from tests.edges.fake_api_server import FakeApiServer, said
from tests.kit.authority import Authority
from tests.signals.worlds import TYPICAL

SLICES = "/apis/discovery.k8s.io/v1/namespaces/pvmedic/endpointslices"
NAME = "pvmedic-node.pvmedic.svc"
KINDS = frozenset({Kind.GLUSTERD, Kind.ROK_SPACE})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Ask = Callable[[Reader, NodePod], Awaitable[object]]


def body(node: str = "a", *kinds: Kind) -> bytes:
    """Return what a node tells."""
    told = [(k, node_answer.told(TYPICAL[k][:1], 5.0, "")) for k in kinds or sorted(KINDS)]
    return b"".join(node_answer.written(node, "boot", 10.0, told))


def tells(answer: bytes, status: int = 200, **headers: str) -> Handler:
    """Answer so, if the token is ours."""

    async def handle(request: web.Request) -> web.Response:
        assert request.path == "/facts"
        assert request.headers["Authorization"] == "Bearer s3cret"
        return web.Response(body=answer, status=status, headers=headers)

    return handle


@asynccontextmanager
async def pod(
    server: FakeApiServer, handler: Handler, *, name: str = NAME, **changes: object
) -> AsyncIterator[tuple[Reader, NodePod]]:
    """Serve one, and return who asks it."""
    signer = Authority(server.directory)
    pair = signer.issue(name)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    fields = {"authority": signer.certificate, "timeout": Duration(10), **changes}
    settings = FactsSettings("pvmedic", "pvmedic-node", **fields)  # type: ignore[arg-type]
    try:
        async with server.api() as api:
            access = ServiceAccount(server.directory, server.url)
            async with Reader(api, access, settings) as reader:
                yield reader, NodePod("a", "127.0.0.1", runner.addresses[0][1])
                await asyncio.sleep(0)
    finally:
        await runner.cleanup()


def asked(server: FakeApiServer, handler: Handler, **changes: object) -> Said | None:
    """Ask once."""

    async def run() -> Said | None:
        async with pod(server, handler, **changes) as (reader, where):  # type: ignore[arg-type]
            return await reader.ask(where, KINDS)

    return asyncio.run(run())


def test_a_node_is_asked_for_some_kinds_with_our_token_over_verified_tls(
    server: FakeApiServer,
) -> None:
    """And its answer is read, with the mark that the next question names."""
    queries: list[list[str]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        queries.append(request.query.getall("kind"))
        assert "fresh" not in request.query
        assert "If-None-Match" not in request.headers
        return await tells(body(), ETag='"m"')(request)

    found = asked(server, handle)
    assert found is not None
    assert found.mark == '"m"'
    assert found.answer.kinds[Kind.GLUSTERD].objects == TYPICAL[Kind.GLUSTERD][:1]
    assert queries == [["glusterd", "rokspace"]]


def test_a_node_that_looked_no_further_says_so_in_a_few_bytes(server: FakeApiServer) -> None:
    """Only where a mark was given: else there would be nothing to stand."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=304 if request.headers.get("If-None-Match") == '"m"' else 200)

    async def run() -> None:
        async with pod(server, handle) as (reader, where):
            assert await reader.ask(where, KINDS, mark='"m"') is None
            with pytest.raises(errors.Garbage):
                await reader.ask(where, KINDS)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (304, errors.Garbage),
        (302, errors.Garbage),
        (400, errors.Invalid),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.Garbage),
        (409, errors.Conflict),
        (410, errors.Gone),
        (429, errors.Throttled),
        (500, errors.ServerFailed),
        (503, errors.ServerFailed),
    ],
)
def test_every_bad_answer_is_one_of_our_errors(
    server: FakeApiServer, status: int, error: type[errors.ObserveError]
) -> None:
    """It names the node."""
    with pytest.raises(error, match=r"^get facts a: "):
        asked(server, tells(b"" if status == 304 else b"no", status))


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b"\xff\xfe", body()[:-30], b"[" * 100_000, body("b")],
)
def test_garbage_is_refused(server: FakeApiServer, answer: bytes) -> None:
    """Half an answer, none, another node's."""
    with pytest.raises(errors.Garbage, match="get facts a: cannot read the answer"):
        asked(server, tells(answer))


def test_an_answer_that_is_cut_is_no_answer(server: FakeApiServer) -> None:
    """The connection broke in the middle."""

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.content_length = len(body())
        await answer.prepare(request)
        await answer.write(body()[:40])
        assert request.transport is not None
        request.transport.abort()
        return answer

    with pytest.raises(errors.Unreachable, match="get facts a: no answer"):
        asked(server, handle)


def test_a_huge_answer_is_given_up_while_it_comes(server: FakeApiServer) -> None:
    """It is not held."""

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(64):
            await answer.write(b"[" * 65536)
            await asyncio.sleep(0)
        return answer

    async def run() -> None:
        async with pod(server, handle) as (reader, where):
            reader.largest = 1_000_000
            with pytest.raises(errors.Garbage, match="more than 1000000 bytes"):
                await reader.ask(where, KINDS)

    asyncio.run(run())


def test_a_node_that_does_not_answer_is_given_up(server: FakeApiServer) -> None:
    """After the time limit; a fresh look may take twice as long."""

    async def handle(request: web.Request) -> web.Response:
        if "fresh" in request.query:
            await asyncio.sleep(1.5)
            return web.Response(body=body())
        await asyncio.Event().wait()
        raise AssertionError

    async def run() -> None:
        async with pod(server, handle, timeout=Duration(1)) as (reader, where):
            with pytest.raises(errors.Unreachable, match="no answer in time"):
                await reader.ask(where, KINDS)
            assert await reader.ask(where, KINDS, fresh=True) is not None

    asyncio.run(run())


def test_who_cannot_prove_to_be_a_node_pod_gets_no_token(server: FakeApiServer) -> None:
    """Neither with another name nor with another authority's certificate."""
    heard: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        heard.append(request.headers["Authorization"])
        return web.Response(body=body())

    with pytest.raises(errors.Unreachable, match="certificate verify failed"):
        asked(server, handle, name="somebody.else.svc")
    other = server.directory / "other"
    other.mkdir()
    with pytest.raises(errors.Unreachable, match="certificate verify failed"):
        asked(server, handle, authority=Authority(other).certificate)
    assert heard == []
    assert asked(server, handle, name="node.test", server_name="node.test") is not None


def test_a_token_made_for_node_pods_alone_is_sent_instead_of_ours(
    server: FakeApiServer, tmp_path: Path
) -> None:
    """Read again each time, for it is renewed."""
    file = tmp_path / "facts-token"
    heard: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        heard.append(request.headers["Authorization"])
        return web.Response(body=body())

    async def run() -> None:
        async with pod(server, handle, token=file) as (reader, where):
            for text in ("one\n", "two\n"):
                file.write_text(text)
                await reader.ask(where, KINDS)
            file.unlink()
            with pytest.raises(errors.Unauthorized, match="the token for node pods"):
                await reader.ask(where, KINDS)

    asyncio.run(run())
    assert heard == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize(
    ("authority", "sentence"),
    [(Path("/nowhere/ca.crt"), r"/nowhere/ca\.crt cannot be read"), (None, "facts.authority")],
)
def test_a_ca_that_is_not_there_is_said(
    server: FakeApiServer, authority: Path | None, sentence: str
) -> None:
    """Nothing is sent."""
    with pytest.raises(errors.Unauthorized, match=sentence):
        asked(server, tells(body()), authority=authority)


def listed(*pods: NodePod) -> dict[str, object]:
    """Return EndpointSlices, one a pod."""
    ends = [{"nodeName": one.node, "addresses": [one.address]} for one in pods]
    return {
        "items": [
            {"endpoints": [end], "ports": [{"port": one.port}]}
            for end, one in zip(ends, pods, strict=True)
        ]
    }


def test_the_pods_are_those_behind_the_service(server: FakeApiServer) -> None:
    """Asked for by the Service's name, in its namespace."""
    one = NodePod("a", "10.0.0.1", 9821)
    server.json(SLICES, listed(one))

    async def run() -> None:
        async with pod(server, tells(b"")) as (reader, _):
            assert await reader.pods() == {"a": one}

    asyncio.run(run())
    (request,) = server.requests
    assert request.query["labelSelector"] == "kubernetes.io/service-name=pvmedic-node"


@pytest.mark.parametrize(
    ("answer", "status", "error", "sentence"),
    [
        ("no", 403, errors.Forbidden, "list endpointslices in namespace pvmedic: not allowed"),
        ("404 page not found\n", 404, errors.Garbage, "get endpoints pvmedic/pvmedic-node"),
        ("<html>", 200, errors.Garbage, "list endpointslices"),
        ("no", 500, errors.ServerFailed, "endpointslices"),
    ],
)
def test_pods_that_cannot_be_found_are_one_of_our_errors(
    server: FakeApiServer,
    answer: str,
    status: int,
    error: type[errors.ObserveError],
    sentence: str,
) -> None:
    """It names the right."""
    server.answer(SLICES, said(answer, status))

    async def run() -> None:
        async with pod(server, tells(b"")) as (reader, _):
            await reader.pods()

    with pytest.raises(error, match=sentence):
        asyncio.run(run())


def test_where_there_are_no_slices_endpoints_are_read(server: FakeApiServer) -> None:
    """Kubernetes before 1.21; a Service that is not there is said."""
    subset = {"addresses": [{"ip": "10.0.0.1", "nodeName": "a"}], "ports": [{"port": 9821}]}
    path = "/api/v1/namespaces/pvmedic/endpoints/pvmedic-node"
    missing = {"kind": "Status", "reason": "NotFound", "message": 'endpoints "x" not found'}

    async def run() -> None:
        async with pod(server, tells(b"")) as (reader, _):
            server.json(path, {"subsets": [subset]})
            assert await reader.pods() == {"a": NodePod("a", "10.0.0.1", 9821)}
            server.json(path, missing, 404)
            with pytest.raises(errors.NotFound, match="get endpoints pvmedic/pvmedic-node"):
                await reader.pods()

    asyncio.run(run())


def test_a_fresh_look_is_asked_of_one_node_or_of_all(server: FakeApiServer) -> None:
    """A node that does not answer makes all kinds unseen; what others tell is there."""

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.query["fresh"] == "1"
        return await tells(body())(request)

    async def run() -> None:
        async with pod(server, handle) as (reader, where):
            dead = NodePod("dead", "127.0.0.1", 1)
            server.json(SLICES, listed(where, dead))
            one = await reader.fresh("a", KINDS)
            assert (len(one.objects), one.unseen) == (2, {})
            everyone = await reader.fresh("", KINDS)
            assert len(everyone.objects) == 2
            assert everyone.unseen.keys() == KINDS
            assert "get facts dead: cannot connect" in everyone.unseen[Kind.GLUSTERD]
            more = await reader.fresh("a", FACTS)
            assert more.unseen[Kind.MOUNT] == "node a says nothing of mounts"
            with pytest.raises(errors.Unreachable, match="has no pod on node gone"):
                await reader.fresh("gone", KINDS)
            server.json(SLICES, listed())
            with pytest.raises(errors.Unreachable, match="has no pod on any node"):
                await reader.fresh("", KINDS)

    asyncio.run(run())


def test_settings_that_contradict_are_named() -> None:
    """A service needs its namespace and a CA."""
    assert not list(FactsSettings().problems())
    whole = FactsSettings("ns", "s", Path("ca.crt"))
    assert not list(whole.problems())
    assert [name for name, _ in FactsSettings("ns").problems()] == ["service"]
    assert [name for name, _ in FactsSettings("ns", "s").problems()] == ["authority"]
    often = FactsSettings(every=Duration(0.5), timeout=Duration(0))
    assert [name for name, _ in often.problems()] == ["every", "timeout"]


def test_an_answer_of_5500_volumes_fits(server: FakeApiServer) -> None:
    """As many as a neglected pool had."""
    (volume, *_) = TYPICAL[Kind.GLUSTER_VOLUME]
    told = json.loads(node_answer.told([volume], 5.0, ""))
    told["objects"] = [{**told["objects"][0], "name": f"vol_{n}"} for n in range(5500)]
    pieces = node_answer.written("a", "", 1.0, [(Kind.GLUSTER_VOLUME, json.dumps(told).encode())])
    answer = b"".join(pieces)
    assert len(answer) < node_pods.LARGEST_ANSWER / 4

    async def run() -> Said | None:
        async with pod(server, tells(answer)) as (reader, where):
            return await reader.ask(where, {Kind.GLUSTER_VOLUME})

    found = asyncio.run(run())
    assert found is not None
    assert len(found.answer.kinds[Kind.GLUSTER_VOLUME].objects) == 5500
