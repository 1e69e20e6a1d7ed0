"""Faults of an API server, and what it may hand us: each has its counter, nothing is hidden."""

import asyncio
import json

import pytest
from aiohttp import web

from exporter.observe.kube import api as kube_api
from exporter.observe.kube.access import ServiceAccount
from exporter.observe.kube.api import Api
from exporter.observe.kube.reflector import (
    LONGEST_ASKED_SECONDS,
    LONGEST_DELAY_SECONDS,
    Pace,
    Reflector,
    delay,
)
from exporter.observe.kube.resources import path as resource_path
from exporter.observe.kube.watch_state import UNSEEN_AFTER_SECONDS, WatchState
from exporter.observe.model import Kind, Ref
from exporter.observe.observer import Observer
from tests.edges.fake_api_server import FakeApiServer, Handler, said, streamed
from tests.edges.test_reflector import NODES, PODS, Run, follow, line, listed, node

BAD = {"metadata": {"name": "bad", "resourceVersion": "6", "labels": 5}}
GONE = {"metadata": {"name": "b", "resourceVersion": "9", "labels": 5}}


def test_an_object_that_cannot_be_read_stops_no_watch(server: FakeApiServer) -> None:
    """It is counted and named, what was known of it stands, and the next line is taken."""
    lines = (line("MODIFIED", BAD), line("ADDED", node("c", "7")))
    server.answer(NODES, listed("5", "a", "bad"))
    server.answer(NODES, streamed(*lines), streamed(hold=True), watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: len(server.requests) == 3)
            assert run.kept.objects == {"a": "5", "bad": "5", "c": "7"}
            assert run.state.unreadable == {Ref(Kind.NODE, "", "bad")}
            assert not run.state.unseen()

    asyncio.run(run())
    assert server.requests[-1].query["resourceVersion"] == "7"
    assert ("nodes", "undecodable") in server.counted


def test_an_object_that_can_be_read_again_is_like_any_other(server: FakeApiServer) -> None:
    """And one that is gone is gone, readable or not."""
    lines = (line("MODIFIED", BAD), line("MODIFIED", node("bad", "8")), line("DELETED", GONE))
    server.answer(NODES, listed("5", "b", "bad"))
    server.answer(NODES, streamed(*lines), streamed(hold=True), watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: run.kept.objects == {"bad": "8"})
            assert run.state.unreadable == set()

    asyncio.run(run())


def test_an_object_that_cannot_be_read_hides_no_page(server: FakeApiServer) -> None:
    """A list again: what was known of it stands, what else went away is gone."""
    items = [node("a", "50"), BAD]
    again = said({"metadata": {"resourceVersion": "50"}, "items": items})
    server.answer(NODES, listed("5", "a", "bad", "old"), again)
    server.answer(NODES, said({}, 410), streamed(hold=True), watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: run.kept.lists == 2)
            assert run.kept.objects == {"a": "50", "bad": "5"}
            assert run.state.unreadable == {Ref(Kind.NODE, "", "bad")}

    asyncio.run(run())


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"ADDED","object":{"metadata":{"name":"\xff"}}}\n',
        b'{"type":"ADDED","object":{}}\n',
        b"\xff\xfe\n",
        b"<html>\n",
    ],
    ids=["name not UTF-8", "no name", "not UTF-8", "not JSON"],
)
def test_a_line_that_nobody_understands_has_everything_listed_again(
    server: FakeApiServer, text: bytes
) -> None:
    """To watch on from the same version would be to hear the same line for ever."""
    server.answer(NODES, listed("5", "a"), listed("50", "a", "b"))
    server.answer(NODES, streamed(text, hold=True), streamed(hold=True), watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: run.kept.objects == {"a": "50", "b": "50"})

    asyncio.run(run())
    assert ("nodes", "watch", "Garbage") in server.counted


def test_too_old_for_ever_is_asked_ever_more_rarely(server: FakeApiServer) -> None:
    """A server that forgets faster than we can list is not asked in a hot loop."""
    server.answer(NODES, listed("5", "a"))
    server.answer(NODES, streamed(line("ERROR", {"code": 410, "message": "old"})), watch=True)

    async def run() -> list[float]:
        async with follow(server) as run:
            await run.until(lambda: len(run.slept) > 6)
            assert not run.state.unseen(), "each list is a look"
            return run.slept[:7]

    assert asyncio.run(run()) == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    assert ("nodes", "watch", "Gone") in server.counted


def test_a_server_may_ask_for_patience_within_reason() -> None:
    """A slip in its Retry-After must not make us blind for an hour."""
    assert delay(1, 0.0, 7.0) == 7.0
    assert delay(1, 0.0, 3600.0) == LONGEST_ASKED_SECONDS < UNSEEN_AFTER_SECONDS
    assert delay(30, 1.0) == LONGEST_DELAY_SECONDS


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (said({}, 500), "ServerFailed"),
        (said({}, 429, {"Retry-After": "1"}), "Throttled"),
        (streamed('{"items": [{"metadata": {"na', cut=True), "Unreachable"),
        (streamed('{"items": [{"metadata": {"na'), "Garbage"),
        (said("<html>"), "Garbage"),
    ],
    ids=["500", "429", "cut in an object", "ended in an object", "HTML"],
)
def test_one_kinds_trouble_is_counted_and_stops_no_other(
    server: FakeApiServer, answer: Handler, reason: str
) -> None:
    """Nodes go on failing; pods are followed."""
    server.answer(NODES, answer)
    server.answer(PODS, listed("5"))
    server.answer(PODS, streamed(hold=True), watch=True)

    async def run() -> None:
        nodes, pods = Run(Kind.NODE), Run(Kind.POD)
        async with server.api() as api:
            loops = [
                asyncio.create_task(Reflector(api, run.state, run.kept, run.pace).run())
                for run in (nodes, pods)
            ]
            await nodes.until(lambda: len(nodes.slept) > 2)
            await pods.until(lambda: pods.kept.lists == 1)
            assert not pods.state.unseen()
            assert "nodes have not been listed yet: list nodes" in nodes.state.unseen()
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    asyncio.run(run())
    assert ("nodes", "list", reason) in server.counted


def test_a_slow_server_is_given_up_and_asked_again(
    server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that drips is no list; the next one is."""
    monkeypatch.setattr(kube_api, "LIST_SECONDS", 0.2)

    async def drips(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b" ")
            await asyncio.sleep(0.02)

    server.answer(NODES, drips, listed("5", "a"))
    server.answer(NODES, streamed(hold=True), watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: run.kept.objects == {"a": "5"})

    asyncio.run(run())
    assert ("nodes", "list", "Unreachable") in server.counted


def test_the_wall_clock_decides_nothing(server: FakeApiServer) -> None:
    """Set forth by a year it makes nothing unseen, set back it makes nothing seen."""
    del server
    wall, steady = [1_000_000.0], [50.0]
    state = WatchState(Kind.NODE, lambda: wall[0], lambda: steady[0])
    state.listed = True
    state.progressed("list")
    wall[0] += 366 * 86400
    assert not state.unseen()
    assert state.settled()
    steady[0] += UNSEEN_AFTER_SECONDS + 1
    wall[0] -= 2 * 366 * 86400
    assert state.unseen() == "no sign of nodes for 121 s"
    state.progressed("watch")
    assert not state.unseen()
    assert state.last_progress == wall[0]


NAME = "a" * 253
ODD = {
    "everything null": {"metadata": {"name": "x"}, "spec": None, "status": None},
    "only a name": {"metadata": {"name": "x"}},
    "names at the limit": {
        "metadata": {"name": NAME, "namespace": "n" * 63, "uid": "u" * 36},
        "spec": {"nodeName": NAME, "volumeName": NAME, "storageClassName": NAME},
    },
    "a megabyte of annotations": {
        "metadata": {"name": "x", "annotations": {"k": "v" * 1024 * 1024}}
    },
    "values nobody knows": {
        "metadata": {"name": "x", "creationTimestamp": "when?"},
        "spec": {"accessModes": ["ReadWriteSometimes"], "volumeMode": "Tape"},
        "status": {"phase": "Odd", "conditions": [{"type": "New", "status": "Perhaps"}]},
    },
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
@pytest.mark.parametrize("kind", [Kind.NODE, Kind.POD, Kind.CLAIM, Kind.VOLUME, Kind.ATTACHMENT])
def test_odd_objects_are_taken_from_pages_and_watches(
    server: FakeApiServer, kind: Kind, body: dict[str, object]
) -> None:
    """Through the whole edge: page, watch, store, index."""
    path = resource_path(kind)
    server.json(path, {"metadata": {"resourceVersion": "5"}, "items": [body]})
    server.answer(path, streamed(json.dumps(line("MODIFIED", body)) + "\n"), watch=True)

    async def run() -> None:
        state = WatchState(kind, lambda: 0.0, lambda: 0.0)
        observer = Observer([], {kind: state}, Unheard(), lambda: 0.0)
        waits = asyncio.Event()

        async def sleep(seconds: float) -> None:
            del seconds
            waits.set()
            await asyncio.sleep(60)

        async with Api(ServiceAccount(server.directory, server.url), server) as api:
            pace = Pace(lambda: 1.0, sleep, lambda: 0.0)
            task = asyncio.create_task(Reflector(api, state, observer, pace).run())
            async with asyncio.timeout(10):
                while observer.count(kind) != 1 or len(server.requests) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def main() -> None:
        async with server.api():
            await run()

    asyncio.run(main())
    assert not [counted for counted in server.counted if "undecodable" in counted]


class Unheard:
    """A Listener that forgets."""

    def signal(self, *args: object) -> None:
        """Forget it."""

    def judged(self, *args: object, partly: bool = False) -> None:
        """Forget it."""

    def change(self, *args: object) -> None:
        """Forget it."""

    def settled(self, *args: object) -> None:
        """Forget it."""

    def decided(self, *args: object) -> None:
        """Forget it."""
