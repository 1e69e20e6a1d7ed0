"""Commands in containers over a scripted API server: which pod, and every way to go wrong."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from exporter.observe import errors
from exporter.observe.kube.access import ServiceAccount
from exporter.observe.shell import Output
from exporter.observe.shell.pod import PROTOCOL, ExecSettings, InPod
from tests.edges.fake_api_server import FakeApiServer, Handler, said

PODS = "/api/v1/namespaces/storage/pods"
EXEC = f"{PODS}/gluster-1/exec"
SETTINGS = ExecSettings("storage", "app=glusterfs")
Speaks = Callable[[web.WebSocketResponse], Awaitable[None]]


def pod(
    name: str, *containers: str, phase: str = "Running", ready: str = "True", going: bool = False
) -> dict[str, object]:
    """Return a pod as the API server lists it."""
    meta = {"name": name, **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {})}
    return {
        "metadata": meta,
        "spec": {"containers": [{"name": each} for each in containers or ("glusterfs",)]},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]},
    }


def speaks(speak: Speaks, protocol: str = PROTOCOL) -> Handler:
    """Return a handler that accepts an exec and speaks."""

    async def handler(request: web.Request) -> web.StreamResponse:
        stream = web.WebSocketResponse(protocols=(protocol,))
        await stream.prepare(request)
        await speak(stream)
        return stream

    return handler


def end(status: object) -> bytes:
    """Return the message that ends a stream."""
    return b"\x03" + (status if isinstance(status, bytes) else json.dumps(status).encode())


FAILED = {
    "status": "Failure",
    "details": {"causes": [{"reason": "ExitCode", "message": "7"}]},
}


def ran(
    server: FakeApiServer,
    settings: ExecSettings = SETTINGS,
    *,
    largest: int = 1000,
    timeout: float = 10.0,
) -> Output:
    """Run `gluster pool list` in the pod that is there."""

    async def run() -> Output:
        async with server.api() as api:
            access = ServiceAccount(server.directory, server.url)
            shell = InPod(api, access, settings, "node-a")
            return await shell.run(("gluster", "pool list"), timeout=timeout, largest=largest)

    return asyncio.run(run())


def test_a_command_runs_in_the_one_ready_pod_of_the_node(server: FakeApiServer) -> None:
    """With our token, its arguments as they are, and what it says taken apart."""

    async def speak(stream: web.WebSocketResponse) -> None:
        await stream.send_bytes(b"\x01")
        for message in (b"\x01a", b"\x02b", b"\x01c", b"\x09?", end(FAILED)):
            await stream.send_bytes(message)

    others = [pod("old", going=True), pod("new", phase="Pending"), pod("sick", ready="False")]
    server.json(PODS, {"items": [*others, pod("gluster-1")]})
    server.answer(EXEC, speaks(speak))
    assert ran(server) == Output(b"ac", b"b", 7)
    listed, run = server.requests
    assert dict(listed.query) == {
        "labelSelector": "app=glusterfs",
        "fieldSelector": "spec.nodeName=node-a",
    }
    assert run.headers["Authorization"] == "Bearer s3cret"
    assert run.headers["Sec-WebSocket-Protocol"] == PROTOCOL
    assert run.query.getall("command") == ["gluster", "pool list"]
    assert (run.query["container"], run.query["stdout"]) == ("glusterfs", "true")
    assert "stdin" not in run.query


def test_success_is_status_0(server: FakeApiServer) -> None:
    """Though nothing was said."""

    async def speak(stream: web.WebSocketResponse) -> None:
        await stream.send_bytes(end({"status": "Success"}))

    server.json(PODS, {"items": [pod("gluster-1", "side", "main")]})
    server.answer(EXEC, speaks(speak))
    assert ran(server, ExecSettings("storage", "a=b", "main")) == Output(b"", b"", 0)


@pytest.mark.parametrize(
    ("pods", "error", "sentence"),
    [
        ([], errors.NotFound, r"no pod matches \(namespace storage, app=glusterfs, node node-a\)"),
        (
            [pod("b", phase="Pending"), pod("a", ready="False"), pod("c", going=True)],
            errors.NotFound,
            "no pod that matches is ready: a is not Ready, b is Pending, c is Terminating",
        ),
        ([pod(n) for n in "dcba"], errors.Invalid, "several pods match: a, b, c and 1 more"),
        ([pod("a", "x", "y")], errors.Invalid, "pod a has several containers: x, y"),
        ([{}], errors.NotFound, "without a phase"),
    ],
)
def test_without_exactly_one_ready_pod_nothing_is_run(
    server: FakeApiServer, pods: list[object], error: type[errors.ObserveError], sentence: str
) -> None:
    """And the sentence says why."""
    server.json(PODS, {"items": pods})
    with pytest.raises(error, match=sentence):
        ran(server)
    assert len(server.requests) == 1


def test_a_container_that_is_not_there_is_said(server: FakeApiServer) -> None:
    """With those that are."""
    server.json(PODS, {"items": [pod("a", "x", "y")]})
    with pytest.raises(errors.NotFound, match="pod a has no container z: x, y"):
        ran(server, ExecSettings("storage", "a=b", "z"))


def test_a_list_that_cannot_be_read_is_garbage(server: FakeApiServer) -> None:
    """Not an empty list."""
    server.answer(PODS, said("<html>"))
    with pytest.raises(errors.Garbage, match="list pods in namespace storage"):
        ran(server)


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (401, errors.Unauthorized, "not accepted"),
        (403, errors.Forbidden, r"create pods/exec storage/gluster-1: not allowed \(403\)"),
        (404, errors.NotFound, "not there"),
        (409, errors.Conflict, "conflict"),
        (410, errors.Gone, "410"),
        (429, errors.Throttled, "429"),
        (500, errors.ServerFailed, "500"),
        (200, errors.Garbage, "200"),
    ],
)
def test_every_refusal_is_one_of_our_errors(
    server: FakeApiServer, status: int, error: type[errors.ObserveError], sentence: str
) -> None:
    """A 403 names the right that is missing."""
    server.json(PODS, {"items": [pod("gluster-1")]})
    server.answer(EXEC, said("no", status))
    with pytest.raises(error, match=sentence):
        ran(server)


def test_what_forbids_a_command_is_told_in_its_own_words(server: FakeApiServer) -> None:
    """An admission policy's sentence, which the answer to a stream's beginning does not bring."""
    words = "pods x is forbidden: ValidatingAdmissionPolicy: this is none of\nthe commands"
    server.json(PODS, {"items": [pod("gluster-1")]})
    server.json(EXEC, {"kind": "Status", "message": words}, 403)
    with pytest.raises(errors.Forbidden, match=r"not allowed \(403\): .*: this is none of the com"):
        ran(server)
    _, stream, plain = server.requests
    assert stream.query_string == plain.query_string
    assert ("Upgrade" in stream.headers, "Upgrade" in plain.headers) == (True, False)


def test_a_command_that_would_be_allowed_a_moment_later_is_refused_all_the_same(
    server: FakeApiServer,
) -> None:
    """It was not run; the engine looks again."""
    server.json(PODS, {"items": [pod("gluster-1")]})
    server.answer(EXEC, said("no", 403), said({"message": "Upgrade request required"}, 400))
    with pytest.raises(errors.Forbidden, match=r"not allowed \(403\); API servers before"):
        ran(server)


def test_a_fence_is_asked_after_the_pod_was_chosen_and_before_anything_is_run(
    server: FakeApiServer,
) -> None:
    """Who leads no more by then runs nothing."""
    server.json(PODS, {"items": [pod("gluster-1")]})

    def fence() -> None:
        assert len(server.requests) == 1
        raise errors.Conflict("another one leads")

    async def run() -> None:
        async with server.api() as api:
            access = ServiceAccount(server.directory, server.url)
            shell = InPod(api, access, SETTINGS, "node-a", fence)
            await shell.run(("gluster",), timeout=5, largest=1)

    with pytest.raises(errors.Conflict, match="another one leads"):
        asyncio.run(run())
    assert len(server.requests) == 1


@pytest.mark.parametrize("once", [True, False])
def test_a_pod_is_chosen_for_each_command_or_once_for_several(
    server: FakeApiServer, *, once: bool
) -> None:
    """What belongs together is then of one pod, and one that went is told by its absence."""

    async def speak(stream: web.WebSocketResponse) -> None:
        await stream.send_bytes(end({"status": "Success"}))

    server.answer(PODS, said({"items": [pod("gluster-1")]}), said({"items": [pod("gluster-2")]}))
    server.answer(EXEC, speaks(speak))

    async def run() -> None:
        async with server.api() as api:
            access = ServiceAccount(server.directory, server.url)
            shell = InPod(api, access, SETTINGS, "node-a", once=once)
            for _ in range(2):
                await shell.run(("gluster",), timeout=5, largest=1)

    if once:
        asyncio.run(run())
        assert [one.path for one in server.requests] == [PODS, EXEC, EXEC]
    else:
        with pytest.raises(errors.NotFound, match="gluster-2: not there"):
            asyncio.run(run())


def test_a_stream_that_is_cut_is_no_answer(server: FakeApiServer) -> None:
    """Whatever was said before: the end was not told."""

    async def speak(stream: web.WebSocketResponse) -> None:
        await stream.send_bytes(b"\x01half")
        await stream.close()

    server.json(PODS, {"items": [pod("gluster-1")]})
    server.answer(EXEC, speaks(speak))
    with pytest.raises(errors.Unreachable, match="cut off before the command's end was told"):
        ran(server)


def test_a_command_that_never_returns_is_given_up(server: FakeApiServer) -> None:
    """After the time limit."""

    async def speak(stream: web.WebSocketResponse) -> None:
        await stream.receive()

    server.json(PODS, {"items": [pod("gluster-1")]})
    server.answer(EXEC, speaks(speak))
    with pytest.raises(errors.Unreachable, match=r"node node-a did not end within 0\.5 s"):
        ran(server, timeout=0.5)


@pytest.mark.parametrize("size", [1000, 3_000_000])
def test_a_command_that_says_too_much_is_hung_up_on(server: FakeApiServer, size: int) -> None:
    """In many messages or in a huge one, binary or not."""

    async def speak(stream: web.WebSocketResponse) -> None:
        with suppress(ConnectionError):
            while True:
                await stream.send_bytes(b"\x01" + bytes(size))
                await asyncio.sleep(0)

    server.json(PODS, {"items": [pod("gluster-1")]})
    server.answer(EXEC, speaks(speak))
    with pytest.raises(errors.Garbage, match=r"more than|size"):
        ran(server, largest=100_000)


@pytest.mark.parametrize("message", [end(b"<html>"), end(b"\xff"), end([])])
def test_an_end_that_cannot_be_read_is_garbage(server: FakeApiServer, message: bytes) -> None:
    """Not success."""

    async def speak(stream: web.WebSocketResponse) -> None:
        await stream.send_bytes(message)

    server.json(PODS, {"items": [pod("gluster-1")]})
    server.answer(EXEC, speaks(speak))
    with pytest.raises(errors.Garbage, match="cannot read how the command ended"):
        ran(server)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ('exec: "gluster": executable file not found in $PATH', errors.NotFound),
        ("container not running", errors.ServerFailed),
    ],
)
def test_a_command_that_did_not_start_has_no_status(
    server: FakeApiServer, message: str, error: type[errors.ObserveError]
) -> None:
    """The runtime's words are in the sentence."""

    async def speak(stream: web.WebSocketResponse) -> None:
        await stream.send_bytes(end({"status": "Failure", "message": message}))

    server.json(PODS, {"items": [pod("gluster-1")]})
    server.answer(EXEC, speaks(speak))
    with pytest.raises(error, match="create pods/exec storage/gluster-1: "):
        ran(server)


def test_nothing_runs_where_no_namespace_is_named(server: FakeApiServer) -> None:
    """The API server is not even asked."""
    with pytest.raises(errors.NotInstalled, match="no namespace is named"):
        ran(server, ExecSettings())
    assert server.requests == []


def test_settings_that_contradict_are_named() -> None:
    """A namespace needs a selector, and the reverse."""
    assert not list(ExecSettings().problems())
    assert not list(SETTINGS.problems())
    assert [name for name, _ in ExecSettings("storage").problems()] == ["selector"]
    assert [name for name, _ in ExecSettings(container="c").problems()] == ["namespace"]


def test_the_token_is_read_where_it_is_needed(server: FakeApiServer, tmp_path: Path) -> None:
    """A token that cannot be read is said before anything runs."""
    server.json(PODS, {"items": [pod("gluster-1")]})

    async def run() -> None:
        async with server.api() as api:
            lost = ServiceAccount(tmp_path / "nowhere", server.url)
            await InPod(api, lost, SETTINGS, "node-a").run(("a",), timeout=5, largest=1)

    with pytest.raises(errors.Unauthorized, match="service account"):
        asyncio.run(run())
