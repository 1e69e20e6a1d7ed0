"""Streaming lists: used where the server has them, never half, never asked for in vain for ever."""

import asyncio
from collections.abc import Sequence

import pytest
from aiohttp import web

from exporter.observe import errors
from exporter.observe.kube import api as kube_api
from exporter.observe.kube.api import STREAM_TRIES, Api, Listing
from exporter.observe.model import Kind
from tests.edges.fake_api_server import FakeApiServer, Handler, said, streamed

NODES = "/api/v1/nodes"
END = {
    "type": "BOOKMARK",
    "object": {
        "metadata": {
            "resourceVersion": "9",
            "annotations": {"k8s.io/initial-events-end": "true"},
        }
    },
}


def added(name: str) -> dict[str, object]:
    """Return a line."""
    return {"type": "ADDED", "object": {"metadata": {"name": name, "resourceVersion": "3"}}}


def listed(server: FakeApiServer, times: int = 1) -> list[Listing]:
    """Return what lists that may be streams give."""

    async def run() -> list[Listing]:
        async with server.api() as api, asyncio.timeout(20):
            return [await api.list(Kind.NODE, stream=True) for _ in range(times)]

    return asyncio.run(run())


def names(found: Sequence[Listing]) -> list[list[str]]:
    """Return the names of each list."""
    return [[obj.name for obj in one.objects] for one in found]


@pytest.fixture
def pages(server: FakeApiServer) -> FakeApiServer:
    """Return a server whose pages say `paged`."""
    items = [{"metadata": {"name": "paged"}}]
    server.json(NODES, {"metadata": {"resourceVersion": "5"}, "items": items})
    return server


def test_a_list_is_a_stream_where_the_server_has_them(pages: FakeApiServer) -> None:
    """Up to the mark of its end, though the server would go on."""
    pages.answer(NODES, streamed(added("a"), added("b"), END, hold=True), stream=True)
    (found,) = listed(pages)
    assert names([found]) == [["a", "b"]]
    assert (found.version, found.skipped) == ("9", 0)
    assert not pages.requests
    assert dict(pages.streams[0].query) == {
        "watch": "1",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "600",
    }
    assert pages.counted == [("nodes", "watch")]


def test_nobody_streams_who_did_not_ask_for_it(pages: FakeApiServer) -> None:
    """One namespace, or one look, is a page."""

    async def run() -> Listing:
        async with pages.api() as api:
            return await api.list(Kind.NODE)

    assert names([asyncio.run(run())]) == [["paged"]]
    assert not pages.streams


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_refuses_is_not_asked_again(pages: FakeApiServer, status: int) -> None:
    """400, and 422 from every server between 1.19 and the feature; other kinds are asked."""
    pages.answer(NODES, said({"kind": "Status", "message": "forbidden"}, status), stream=True)
    pages.answer("/api/v1/pods", streamed(END), stream=True)

    async def run(api: Api) -> None:
        for _ in range(3):
            assert names([await api.list(Kind.NODE, stream=True)]) == [["paged"]]
        await api.list(Kind.POD, stream=True)

    async def main() -> None:
        async with pages.api() as api:
            await run(api)

    asyncio.run(main())
    assert [request.path for request in pages.streams] == [NODES, "/api/v1/pods"]


async def never(request: web.Request) -> web.Response:
    """Accept nothing, refuse nothing."""
    del request
    await asyncio.Event().wait()
    return web.Response()


SILENT = streamed(added("a"), hold=True)


@pytest.mark.parametrize(
    "broken",
    [
        streamed(added("a"), cut=True),
        streamed(added("a")),
        streamed(added("a"), '{"type":"ADDED","object":{"meta'),
        SILENT,
        streamed(added("a"), {"type": "ERROR", "object": {"code": 410}}),
        streamed(added("a"), "not json\n"),
        said({"kind": "Status", "message": "Too large resource version"}, 504),
        said({"kind": "Status", "message": "too old"}, 410),
    ],
    ids=["cut", "ended", "half a line", "silent", "410", "garbage", "etcd 3.4", "410 at once"],
)
def test_half_a_stream_is_no_list(
    pages: FakeApiServer, broken: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are read instead; when that goes on, streams are asked for no more."""
    if broken is SILENT:
        # The others end by themselves, and even the first line may take a while on a busy machine.
        monkeypatch.setattr(kube_api, "STREAM_SILENT_SECONDS", 1.0)
    pages.answer(NODES, broken, stream=True)
    assert names(listed(pages, STREAM_TRIES + 2)) == [["paged"]] * (STREAM_TRIES + 2)
    assert len(pages.streams) == STREAM_TRIES


def test_a_stream_that_works_again_is_trusted_again(pages: FakeApiServer) -> None:
    """One cut is everyday life."""
    cut, whole = streamed(added("a"), cut=True), streamed(added("a"), END)
    pages.answer(NODES, cut, whole, cut, whole, stream=True)
    assert names(listed(pages, 4)) == [["paged"], ["a"], ["paged"], ["a"]]


def test_who_may_list_and_not_watch_gets_pages(pages: FakeApiServer) -> None:
    """The watch that follows says what is missing; roles may be repaired, so it is asked again."""
    refused = said({"kind": "Status", "message": "cannot watch"}, 403)
    pages.answer(NODES, refused, streamed(added("a"), END), stream=True)
    assert names(listed(pages, 2)) == [["paged"], ["a"]]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (said({}, 401), errors.Unauthorized),
        (said({}, 429, {"Retry-After": "3"}), errors.Throttled),
        (never, errors.Unreachable),
    ],
    ids=["401", "429", "no answer"],
)
def test_who_does_not_answer_now_is_not_asked_for_pages_at_once(
    pages: FakeApiServer,
    answer: Handler,
    error: type[errors.ObserveError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That the server is busy or away says nothing about streams."""
    monkeypatch.setattr(kube_api, "STREAM_SILENT_SECONDS", 0.1)
    pages.answer(NODES, answer, answer, answer, streamed(added("a"), END), stream=True)

    async def run() -> Listing:
        async with pages.api() as api:
            for _ in range(3):
                with pytest.raises(error):
                    await api.list(Kind.NODE, stream=True)
            return await api.list(Kind.NODE, stream=True)

    assert names([asyncio.run(run())]) == [["a"]]
    assert not pages.requests


def test_what_cannot_be_read_is_counted(pages: FakeApiServer) -> None:
    """In streams, pages and watches alike."""
    bad = {"type": "ADDED", "object": {"metadata": {"name": "bad", "labels": 5}}}
    pages.answer(NODES, streamed(added("a"), bad, END), stream=True)
    (found,) = listed(pages)
    assert names([found]) == [["a"]]
    assert [one.name and one.name.name for one in found.unreadable] == ["bad"]
    assert ("nodes", "undecodable") in pages.counted
