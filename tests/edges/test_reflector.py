"""List and watch against a server that cuts, forgets, refuses and lies."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from exporter.observe.kube.reflector import NOT_INSTALLED_SECONDS, Pace, Reflector
from exporter.observe.kube.watch_state import WatchState
from exporter.observe.model import Kind, Object, Ref
from tests.edges.fake_api_server import FakeApiServer, Handler, said, streamed

NODES = "/api/v1/nodes"
PODS = "/api/v1/pods"
EVENTS = "/api/v1/events"
CSI_DRIVERS = "/apis/storage.k8s.io/v1/csidrivers"


class Kept:
    """A Sink that keeps names and versions."""

    def __init__(self) -> None:
        self.objects: dict[str, str] = {}
        self.lists = 0

    async def replace(
        self, kind: Kind, objects: Sequence[Object], spared: Collection[Ref] = ()
    ) -> None:
        """Take a list."""
        assert kind in (Kind.NODE, Kind.POD, Kind.EVENT, Kind.CSI_DRIVER)
        self.lists += 1
        stay = {name: self.objects[name] for one in spared if (name := one.name) in self.objects}
        self.objects = stay | {obj.name: obj.version for obj in objects}

    def put(self, obj: Object) -> None:
        """Take an object."""
        self.objects[obj.name] = obj.version

    def remove(self, name: Ref) -> None:
        """Forget an object, if it is known."""
        self.objects.pop(name.name, None)


class Run:
    """One reflector at work; `slept` is how long it was asked to wait."""

    def __init__(self, kind: Kind) -> None:
        self.now = 0.0
        self.kept = Kept()
        self.state = WatchState(kind, lambda: 5.0, lambda: self.now)
        self.slept: list[float] = []
        self.pace = Pace(lambda: 1.0, self.sleep, self.steady)

    async def sleep(self, seconds: float) -> None:
        """Remember, and wait a moment only."""
        self.slept.append(seconds)
        await asyncio.sleep(0.001)

    def steady(self) -> float:
        """Tell a time at which each look is ten seconds later, so that no watch is a short one."""
        self.now += 10.0
        return self.now

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, at most ten seconds."""
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 -- what is waited for has no event
                await asyncio.sleep(0.005)


@asynccontextmanager
async def follow(
    server: FakeApiServer, kind: Kind = Kind.NODE, pace: Pace | None = None, selector: str = ""
) -> AsyncIterator[Run]:
    """Run a reflector against the server."""
    run = Run(kind)
    async with server.api() as api:
        reflector = Reflector(api, run.state, run.kept, pace or run.pace, selector)
        task = asyncio.create_task(reflector.run())
        try:
            yield run
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def node(name: str, version: str) -> dict[str, object]:
    """Return a node on the wire."""
    return {"metadata": {"name": name, "resourceVersion": version}}


def listed(version: str, *names: str) -> Handler:
    """Return a handler that lists nodes."""
    items = [node(name, version) for name in names]
    return said({"metadata": {"resourceVersion": version}, "items": items})


def line(kind: str, obj: object) -> dict[str, object]:
    """Return a line of a watch."""
    return {"type": kind, "object": obj}


def versions_watched(server: FakeApiServer) -> list[str]:
    """Return from where each watch began."""
    return [r.query["resourceVersion"] for r in server.requests if "watch" in r.query]


def test_it_lists_and_then_follows(server: FakeApiServer) -> None:
    """Arrivals, changes and removals; the watch begins where the list ended."""
    lines = (
        line("ADDED", node("c", "6")),
        line("MODIFIED", node("a", "7")),
        line("DELETED", node("b", "8")),
    )
    server.answer(NODES, listed("5", "a", "b"))
    server.answer(NODES, streamed(*lines, hold=True), watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: run.kept.objects == {"a": "7", "c": "6"})
            assert not run.state.unseen()
            assert run.state.last_progress == 5.0

    asyncio.run(run())
    assert versions_watched(server) == ["5"]


@pytest.mark.parametrize("broken", ["cut", "half a line", "ended"])
def test_after_a_cut_it_goes_on_where_it_was(server: FakeApiServer, broken: str) -> None:
    """No second list; a bookmark moves the place too."""
    bookmark = line("BOOKMARK", {"metadata": {"resourceVersion": "9"}})
    rest = ['{"type":"MODI'] if broken == "half a line" else []
    first = streamed(line("ADDED", node("b", "6")), bookmark, *rest, cut=broken == "cut")
    second = streamed(line("ADDED", node("c", "10")), hold=True)
    server.answer(NODES, listed("5", "a"))
    server.answer(NODES, first, second, watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: "c" in run.kept.objects)
            assert run.kept.lists == 1

    asyncio.run(run())
    assert versions_watched(server) == ["5", "9"]


@pytest.mark.parametrize(
    "gone",
    [streamed(line("ERROR", {"code": 410, "message": "old"})), said({"message": "old"}, 410)],
    ids=["inside the stream", "as an answer"],
)
def test_what_is_too_old_is_listed_again(server: FakeApiServer, gone: Handler) -> None:
    """And what went away in between is gone."""
    server.answer(NODES, listed("5", "a", "b"), listed("50", "b"))
    server.answer(NODES, gone, streamed(hold=True), watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: versions_watched(server) == ["5", "50"])
            assert run.kept.objects == {"b": "50"}
            assert run.slept == [0.5]

    asyncio.run(run())


def test_failures_wait_longer_and_longer_and_success_forgets_them(server: FakeApiServer) -> None:
    """500, garbage, 429 with Retry-After, then a list and a watch that is cut."""
    server.answer(
        NODES,
        said({}, 500),
        said("<html>"),
        said({}, 429, {"Retry-After": "7"}),
        said({"items": []}),
        listed("5", "a"),
    )
    added = line("ADDED", node("b", "6"))
    server.answer(NODES, streamed(added, cut=True), streamed(hold=True), watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: len(versions_watched(server)) > 1)
            assert run.slept == [0.5, 1.0, 7.0, 4.0, 0.5]

    asyncio.run(run())


def test_a_watch_that_ends_at_once_is_not_renewed_in_a_hot_loop(server: FakeApiServer) -> None:
    """A proxy that cannot stream would have us ask a thousand times a second."""
    server.answer(NODES, listed("5", "a"))
    server.answer(NODES, streamed(), watch=True)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0.001)

    async def run() -> None:
        async with follow(server, pace=Pace(lambda: 1.0, sleep, lambda: 0.0)) as run:
            await run.until(lambda: len(slept) > 2)

    asyncio.run(run())
    assert slept[:3] == [0.5, 1.0, 2.0]


def test_a_quiet_watch_that_is_renewed_is_progress(server: FakeApiServer) -> None:
    """Nothing happens in a small cluster for hours."""
    server.answer(NODES, listed("5", "a"))
    server.answer(NODES, streamed(), streamed(), streamed(hold=True), watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: len(versions_watched(server)) == 3)
            assert not run.slept
            assert not run.state.unseen()

    asyncio.run(run())


def test_a_refusal_is_unseen_at_once_and_heals_by_itself(server: FakeApiServer) -> None:
    """RBAC is repaired while we run."""
    status = {"kind": "Status", "message": 'nodes is forbidden: User "x" cannot list'}
    server.answer(NODES, said(status, 403))
    server.answer(NODES, streamed(hold=True), watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(
                lambda: "list nodes at cluster scope: not allowed" in run.state.unseen()
            )
            assert run.state.settled()
            server.answer(NODES, listed("5", "a"))
            await run.until(lambda: not run.state.unseen())

    asyncio.run(run())


def test_a_type_that_is_not_installed_is_empty_and_not_unseen(server: FakeApiServer) -> None:
    """It is looked for again now and then."""

    async def run() -> None:
        async with follow(server, kind=Kind.CSI_DRIVER) as run:
            await run.until(lambda: len(run.slept) > 1)
            assert run.kept.objects == {}
            assert run.kept.lists
            assert not run.state.unseen()
            assert set(run.slept) == {NOT_INSTALLED_SECONDS}
            server.answer(CSI_DRIVERS, listed("5", "a"))
            await run.until(lambda: run.kept.objects == {"a": "5"})

    asyncio.run(run())


@pytest.mark.parametrize("body", ["404 page not found\n", "<html>default backend - 404</html>"])
def test_a_type_that_every_cluster_has_is_not_taken_to_be_empty(
    server: FakeApiServer, body: str
) -> None:
    """A proxy's 404 hides the volumes; to believe it would make every claim a lost one."""
    server.answer(NODES, said(body, 404))

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: len(run.slept) > 1)
            assert not run.kept.lists
            assert "404" in run.state.unseen()

    asyncio.run(run())


def test_a_404_that_is_not_the_api_servers_installs_nothing_and_removes_nothing(
    server: FakeApiServer,
) -> None:
    """The API server says so in its own words, whatever the type."""
    server.answer(CSI_DRIVERS, said("<html>default backend - 404</html>", 404))

    async def run() -> None:
        async with follow(server, kind=Kind.CSI_DRIVER) as run:
            await run.until(lambda: len(run.slept) > 1)
            assert not run.kept.lists
            assert run.state.unseen()

    asyncio.run(run())


def test_pods_without_claims_are_only_counted(server: FakeApiServer) -> None:
    """Through lists, arrivals, changes and removals."""
    volumes = [{"persistentVolumeClaim": {"claimName": "data"}}]
    kept = {"metadata": {"name": "kept", "resourceVersion": "6"}, "spec": {"volumes": volumes}}
    lines = (
        line("ADDED", node("plain-2", "6")),
        line("MODIFIED", node("plain-2", "7")),
        line("ADDED", kept),
        line("ADDED", node("plain-3", "8")),
        line("DELETED", node("plain-1", "9")),
        line("DELETED", node("plain-2", "9")),
    )
    server.answer(PODS, listed("5", "plain-1"))
    server.answer(PODS, streamed(*lines, hold=True), watch=True)

    async def run() -> None:
        async with follow(server, Kind.POD) as run:
            await run.until(lambda: run.kept.objects == {"kept": "6"} and run.state.skipped == 1)

    asyncio.run(run())


def test_an_event_whose_text_says_nothing_any_more_is_forgotten(server: FakeApiServer) -> None:
    """An aggregated Event is one object with another text each time."""
    failed = 'resize volume "pv" by resizer "d" failed: rpc error: code = Aborted desc = busy'
    nothing = "Mark PVC failed: the object has been modified; please apply your changes"

    def event(name: str, message: str) -> dict[str, object]:
        return {
            "metadata": {"name": name, "namespace": "web", "resourceVersion": "6"},
            "involvedObject": {"kind": "PersistentVolumeClaim", "namespace": "web", "name": "data"},
            "reason": "VolumeResizeFailed",
            "message": f"(combined from similar events): {message}",
        }

    lines = (
        line("ADDED", event("changes", failed)),
        line("ADDED", event("stays", failed)),
        line("MODIFIED", event("changes", nothing)),
    )
    server.answer(EVENTS, listed("5"))
    server.answer(EVENTS, streamed(*lines, hold=True), watch=True)

    async def run() -> None:
        async with follow(server, kind=Kind.EVENT) as run:
            await run.until(lambda: run.kept.objects == {"stays": "6"})

    asyncio.run(run())


def test_only_what_is_selected_is_listed_and_watched(server: FakeApiServer) -> None:
    """By the same selector, both times."""
    server.answer(NODES, listed("5", "a"))
    server.answer(NODES, streamed(hold=True), watch=True)

    async def run() -> None:
        async with follow(server, selector="reason=X") as run:
            await run.until(lambda: len(server.requests) == 2)

    asyncio.run(run())
    assert [request.query["fieldSelector"] for request in server.requests] == ["reason=X"] * 2


def test_a_new_token_is_used_without_a_restart(server: FakeApiServer) -> None:
    """The kubelet writes a new one; the old one is refused."""

    async def only_new(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] != "Bearer renewed":
            return web.json_response({"message": "expired"}, status=401)
        return await listed("5", "a")(request)

    server.answer(NODES, only_new)
    server.answer(NODES, streamed(hold=True), watch=True)

    async def run() -> None:
        async with follow(server) as run:
            await run.until(lambda: "our credentials are not accepted" in run.state.unseen())
            unfinished = server.directory / "unfinished"
            unfinished.write_text("renewed")
            unfinished.rename(server.directory / "token")
            await run.until(lambda: not run.state.unseen())

    asyncio.run(run())
