"""The API client against a real HTTP server that behaves, misbehaves, or is not there."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from http import HTTPStatus

import pytest
from aiohttp import web

from exporter.observe import errors
from exporter.observe.kube import api as kube_api
from exporter.observe.kube.access import ServiceAccount
from exporter.observe.kube.api import Api, Listing
from exporter.observe.kube.version import version
from exporter.observe.model import Kind, ref
from exporter.observe.parse import wire
from tests.edges.fake_api_server import FakeApiServer, said, streamed

NODES = "/api/v1/nodes"
NODE_A = {"metadata": {"name": "a", "resourceVersion": "3"}}


def ask(server: FakeApiServer, question: Callable[[Api], Awaitable[object]]) -> object:
    """Serve, ask, and return the answer."""

    async def run() -> object:
        async with server.api() as api, asyncio.timeout(20):
            return await question(api)

    return asyncio.run(run())


def refused(server: FakeApiServer, question: Callable[[Api], Awaitable[object]]) -> object:
    """Return the error that a question ends with."""
    with pytest.raises(errors.ObserveError) as caught:
        ask(server, question)
    return caught.value


def page(*names: str, more: str = "", version: str = "9") -> dict[str, object]:
    """Return a page of a list."""
    items = [{"metadata": {"name": name}} for name in names]
    return {"metadata": {"resourceVersion": version, "continue": more}, "items": items}


async def watched(api: Api, version: str = "5", seconds: float = 5.0) -> list[wire.Watched | None]:
    """Return all that a watch says."""
    async with aclosing(api.watch(Kind.NODE, version, seconds=seconds)) as items:
        return [item async for item in items]


def test_one_object_is_read_with_our_token(server: FakeApiServer) -> None:
    """The path, the header, and the count."""
    server.json("/api/v1/namespaces/web/pods/db-0", {"metadata": {"name": "db-0"}})
    found = ask(server, lambda api: api.get(Kind.POD, "web", "db-0"))
    assert getattr(found, "name", None) == "db-0"
    assert server.requests[0].headers["Authorization"] == "Bearer s3cret"
    assert server.counted == [("pods", "get")]


def test_a_list_is_read_page_by_page(server: FakeApiServer) -> None:
    """The version is the last page's."""
    server.answer(NODES, said(page("a", "b", more="go on")), said(page("c", version="12")))
    found = ask(server, lambda api: api.list(Kind.NODE, field_selector="x=y"))
    assert isinstance(found, Listing)
    assert [ref(obj).name for obj in found.objects] == ["a", "b", "c"]
    assert (found.version, found.skipped) == ("12", 0)
    first, second = (dict(request.query) for request in server.requests)
    assert first == {"limit": "500", "fieldSelector": "x=y"}
    assert second == {**first, "continue": "go on"}


def test_a_list_in_a_namespace_counts_what_is_not_kept(server: FakeApiServer) -> None:
    """Pods without claims."""
    server.json("/api/v1/namespaces/web/pods", page("a", "b"))
    assert ask(server, lambda api: api.list(Kind.POD, "web")) == Listing([], "9", 2)


def test_a_list_whose_continue_token_expired_is_read_in_one_piece(server: FakeApiServer) -> None:
    """410 on a token: once more from the start, without a limit."""
    server.answer(NODES, said(page("a", more="old")), said({}, 410), said(page("a", "b")))
    found = ask(server, lambda api: api.list(Kind.NODE))
    assert isinstance(found, Listing)
    assert len(found.objects) == 2
    assert "limit" not in server.requests[-1].query


def test_a_write_is_sent_as_it_is(server: FakeApiServer) -> None:
    """Method, body, content type, parameters; the answer's bytes come back."""
    server.answer(f"{NODES}/a", said("done"))
    kind = "application/merge-patch+json"
    found = ask(
        server,
        lambda api: api.send(
            "PATCH", f"{NODES}/a", b"{}", content_type=kind, params={"dryRun": "All"}
        ),
    )
    assert found == b"done"
    (request,) = server.requests
    assert (request.method, request.content_type) == ("PATCH", kind)
    assert dict(request.query) == {"dryRun": "All"}
    assert server.counted == [("nodes", "patch")]


STATUS = {"kind": "Status", "message": "because so"}


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (400, errors.Invalid, "list nodes at cluster scope: refused (400): because so"),
        (401, errors.Unauthorized, "our credentials are not accepted (401)"),
        (403, errors.Forbidden, "list nodes at cluster scope: not allowed (403): because so"),
        (404, errors.NotInstalled, "this resource type does not exist here (404)"),
        (409, errors.Conflict, "conflict (409)"),
        (410, errors.Gone, "the resource version is too old (410)"),
        (422, errors.Invalid, "refused (422)"),
        (429, errors.Throttled, "too many requests (429)"),
        (500, errors.ServerFailed, "the server failed (500)"),
        (503, errors.ServerFailed, "the server failed (503)"),
        (302, errors.Garbage, "an answer nobody promised (302)"),
    ],
)
def test_every_status_has_its_error(
    server: FakeApiServer, status: int, error: type[errors.ObserveError], text: str
) -> None:
    """The text names the verb, the resource and the scope, and what the server said."""
    server.json(NODES, STATUS, status)
    found = refused(server, lambda api: api.list(Kind.NODE))
    assert type(found) is error
    assert text in str(found)
    assert server.counted[-1] == ("nodes", "list", error.reason)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Wed, 21 Oct 2026 07:28:09 GMT", 9.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
    ],
)
def test_throttling_keeps_the_servers_waiting_time(
    server: FakeApiServer, header: str, seconds: float | None
) -> None:
    """Seconds, or a date, which counts from the answer's own: no clock of ours is asked."""
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    server.answer(NODES, said(STATUS, 429, {"Retry-After": header, "Date": date}))
    found = refused(server, lambda api: api.list(Kind.NODE))
    assert isinstance(found, errors.Throttled)
    assert found.retry_after == seconds


def test_a_missing_object_is_not_a_missing_type(server: FakeApiServer) -> None:
    """404 on one object, and on a write into a namespace that is not there."""
    server.json("/api/v1/namespaces/web/pods/x", {"kind": "Status", "reason": "NotFound"}, 404)
    found = refused(server, lambda api: api.get(Kind.POD, "web", "x"))
    assert isinstance(found, errors.NotFound)
    found = refused(server, lambda api: api.get(Kind.POD, "web", "y"))
    assert isinstance(found, errors.Garbage), "not the API server's own words"
    where = "/api/v1/namespaces/gone/configmaps"
    message = 'namespaces "gone" not found'
    server.json(where, {"kind": "Status", "reason": "NotFound", "message": message}, 404)
    assert isinstance(refused(server, lambda api: api.send("POST", where, b"{}")), errors.NotFound)
    other = f"{where}z"
    found = refused(server, lambda api: api.send("POST", other, b"{}"))
    assert isinstance(found, errors.NotInstalled)


@pytest.mark.parametrize("inner", [b'"\xff"}', b"[" * 100_000])
@pytest.mark.parametrize("status", [200, 403, 404, 500])
def test_bytes_that_are_no_text_are_one_of_our_errors(
    server: FakeApiServer, status: int, inner: bytes
) -> None:
    """In an answer, in an error message, and in the version."""

    async def mad(request: web.Request) -> web.Response:
        del request
        field = b'{"gitVersion":' if status == HTTPStatus.OK else b'{"message":'
        return web.Response(body=field + inner, status=status)

    server.answer("/version", mad)
    assert isinstance(refused(server, version), errors.ObserveError)


def test_a_long_answer_is_cut_in_the_message(server: FakeApiServer) -> None:
    """A proxy's error page is not an error text."""
    server.answer(NODES, said("<html>" + "x" * 10_000, 502))
    assert len(str(refused(server, lambda api: api.list(Kind.NODE)))) < 500


@pytest.mark.parametrize("body", ["", "<html>", '{"items":5}', '{"items":[{"metadata"', "[]"])
def test_garbage_is_named(server: FakeApiServer, body: str) -> None:
    """200 is not enough."""
    server.answer(NODES, said(body))
    found = refused(server, lambda api: api.list(Kind.NODE))
    assert isinstance(found, errors.Garbage)
    assert "list nodes at cluster scope: cannot read the answer" in str(found)


def test_no_answer_in_time_is_unreachable(server: FakeApiServer) -> None:
    """Each call has its own limit."""

    async def never(request: web.Request) -> web.Response:
        del request
        await asyncio.Event().wait()
        return web.Response()

    server.answer(NODES, never)
    found = refused(server, lambda api: api.send("GET", NODES, timeout=0.1))
    assert isinstance(found, errors.Unreachable)
    assert "no answer in time" in str(found)


def test_a_connection_cut_in_an_answer_is_unreachable(server: FakeApiServer) -> None:
    """Half a list is no list."""
    server.answer(NODES, streamed('{"items": [', cut=True))
    assert isinstance(refused(server, lambda api: api.list(Kind.NODE)), errors.Unreachable)


def test_nobody_listening_is_unreachable(server: FakeApiServer) -> None:
    """The text says where it tried, and not how."""

    async def run() -> None:
        async with server.api():
            access = ServiceAccount(server.directory, "http://127.0.0.1:1")
        async with Api(access) as api:
            await api.list(Kind.NODE)

    with pytest.raises(errors.Unreachable, match=r"cannot connect to 127\.0\.0\.1:1") as caught:
        asyncio.run(run())
    assert "object at" not in str(caught.value)


def test_a_client_that_was_not_opened_is_a_mistake_in_the_program(server: FakeApiServer) -> None:
    """Not an answer of the world."""
    api = Api(ServiceAccount(server.directory, "http://127.0.0.1:1"))
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(api.list(Kind.NODE))


def test_a_watch_says_first_that_it_was_accepted(server: FakeApiServer) -> None:
    """Then what happened, and it ends as the server does; empty lines are nothing."""
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}}
    added = {"type": "ADDED", "object": NODE_A}
    server.answer(NODES, streamed(added, "\n", bookmark), watch=True)
    found = ask(server, watched)
    assert isinstance(found, list)
    assert found[0] is None
    assert isinstance(found[1], wire.Put)
    assert found[2:] == [wire.Bookmark("8")]
    assert dict(server.requests[0].query) == {
        "watch": "1",
        "resourceVersion": "5",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "5",
    }
    assert server.counted == [("nodes", "watch")]


def test_a_watch_may_be_limited_to_some_objects(server: FakeApiServer) -> None:
    """By field."""
    server.answer("/api/v1/events", streamed(), watch=True)

    async def question(api: Api) -> None:
        stream = api.watch(Kind.EVENT, "5", seconds=5, field_selector="reason=X")
        async with aclosing(stream) as items:
            assert [item async for item in items] == [None]

    ask(server, question)
    assert server.requests[0].query["fieldSelector"] == "reason=X"


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([{"type": "ERROR", "object": {"code": 410, "message": "old"}}], errors.Gone),
        ([{"type": "ERROR", "object": {"code": 500}}], errors.ServerFailed),
        ([{"type": "ERROR", "object": {}}], errors.Garbage),
        ([{"type": "ADDED", "object": NODE_A}, '{"type":"MODI'], errors.Unreachable),
        (["not json\n"], errors.Garbage),
    ],
    ids=["too old", "failed", "no reason given", "half a line", "garbage"],
)
def test_a_watch_that_breaks_says_how(
    server: FakeApiServer, lines: list[object], error: type[errors.ObserveError]
) -> None:
    """Inside the stream the status was 200 long ago."""
    server.answer(NODES, streamed(*lines), watch=True)
    assert type(refused(server, watched)) is error
    assert server.counted[-1] == ("nodes", "watch", error.reason)


def test_a_watch_that_is_refused_says_so_before_anything(server: FakeApiServer) -> None:
    """The verb is watch, which RBAC knows apart from list."""
    server.answer(NODES, said(STATUS, 403), watch=True)
    found = refused(server, watched)
    assert isinstance(found, errors.Forbidden)
    assert str(found) == "watch nodes at cluster scope: not allowed (403): because so"


def test_a_watch_cut_in_the_middle_is_unreachable(server: FakeApiServer) -> None:
    """The server went away."""
    added = {"type": "ADDED", "object": NODE_A}
    server.answer(NODES, streamed(added, cut=True), watch=True)
    assert isinstance(refused(server, watched), errors.Unreachable)


def test_a_watch_that_falls_silent_is_given_up(
    server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection may die without a word; the client does not wait for ever."""
    monkeypatch.setattr(kube_api, "GRACE_SECONDS", 0.1)
    server.answer(NODES, streamed(hold=True), watch=True)
    found = refused(server, lambda api: watched(api, seconds=0.1))
    assert isinstance(found, errors.Unreachable)
    assert "no answer in time" in str(found)


def test_a_line_without_end_is_given_up(
    server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded."""
    monkeypatch.setattr(kube_api, "LONGEST_LINE", 1000)
    server.answer(NODES, streamed("x" * 2000, hold=True), watch=True)
    assert isinstance(refused(server, watched), errors.Unreachable)


def test_a_line_may_come_in_pieces(server: FakeApiServer) -> None:
    """And several in one piece."""
    bookmark = '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8"}}}\n'
    server.answer(NODES, streamed(bookmark[:20], bookmark[20:] + bookmark), watch=True)
    assert ask(server, watched) == [None, wire.Bookmark("8"), wire.Bookmark("8")]


def test_without_a_token_nothing_is_asked(server: FakeApiServer) -> None:
    """The file is gone: an error of ours, before any request."""

    async def question(api: Api) -> None:
        (server.directory / "token").unlink()
        with contextlib.suppress(errors.ObserveError):
            await api.list(Kind.NODE)

    ask(server, question)
    assert not server.requests
    assert server.counted == [("nodes", "list"), ("nodes", "list", "Unauthorized")]
