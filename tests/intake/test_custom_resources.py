"""Resources that are listed once and then watched: lines, ends, gaps and junk."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable

import msgspec
import pytest

from exporter.observe.errors import Garbage, ObserveError, Unreachable
from remediator.resources import Resources

PATH = "/apis/pvmedic.dev/v1alpha1/things"
DEADLINE = 10.0


class Value(msgspec.Struct):
    """What a thing holds."""

    word: str


class _Thing(msgspec.Struct):
    spec: Value


def decode(body: msgspec.Raw) -> str:
    """Return a thing's word."""
    try:
        return msgspec.json.decode(body, type=_Thing).spec.word
    except msgspec.DecodeError as error:
        raise Garbage(str(error)) from error


def thing(name: str, word: object = "w", version: str = "1") -> dict[str, object]:
    """Return a thing on the wire."""
    return {"metadata": {"name": name, "resourceVersion": version}, "spec": {"word": word}}


def line(kind: str, obj: dict[str, object]) -> bytes:
    """Return a line of a watch."""
    return json.dumps({"type": kind, "object": obj}).encode()


class Server:
    """Lists in turn, and for each version what a watch from there says; the last one hangs."""

    def __init__(self, *lists: list[dict[str, object]], **watches: list[bytes]) -> None:
        self.lists = list(lists)
        self.watches = watches
        self.asked: list[str] = []
        self.fails: list[ObserveError] = []

    async def send(self, method: str, where: str) -> bytes:
        """List."""
        assert (method, where) == ("GET", PATH)
        self.asked.append("list")
        if self.fails:
            raise self.fails.pop(0)
        items = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        meta = {"resourceVersion": f"v{len(self.asked)}"}
        return json.dumps({"metadata": meta, "items": items}).encode()

    async def follow(
        self, where: str, version: str, *, seconds: float
    ) -> AsyncGenerator[bytes | None, None]:
        """Watch."""
        assert (where, seconds > 0) == (PATH, True)
        self.asked.append(f"watch {version}")
        yield None
        for one in self.watches.pop(version, []):
            yield one
        if not self.watches:
            await asyncio.sleep(DEADLINE)


def followed(server: Server, so: Callable[[Resources[str]], bool]) -> Resources[str]:
    """Run until something is so."""
    kept: Resources[str] = Resources(server, PATH, decode)

    async def scene() -> None:
        task = asyncio.create_task(kept.run())
        async with asyncio.timeout(DEADLINE):
            while not so(kept):  # noqa: ASYNC110 -- plain values have no event
                await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(scene())
    return kept


def test_what_comes_changes_and_goes_is_followed() -> None:
    """From the version of the list on."""
    lines = [
        line("ADDED", thing("b", version="5")),
        line("MODIFIED", thing("a", "new", "6")),
        line("DELETED", thing("b", version="7")),
        line("BOOKMARK", thing("", version="9")),
    ]
    server = Server([thing("a")], v1=lines, **{"9": []})
    kept = followed(server, lambda _: server.asked[-1:] == ["watch 9"])
    assert kept.held == {"a": "new"}
    assert server.asked == ["list", "watch v1", "watch 9"]


def test_a_watch_that_missed_too_much_begins_with_a_list() -> None:
    """410 Gone comes as a line, too."""
    gone = line("ERROR", {"kind": "Status", "code": 410, "message": "too old"})
    server = Server([thing("a")], [thing("c")], v1=[gone], v3=[])
    kept = followed(server, lambda kept: "c" in kept.held)
    assert kept.held == {"c": "w"}
    assert server.asked == ["list", "watch v1", "list", "watch v3"][: len(server.asked)]


def test_one_that_cannot_be_read_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """And what was known of it stands."""
    lines = [line("MODIFIED", thing("a", 5)), line("ADDED", thing("b"))]
    server = Server([thing("a"), thing("x", None)], v1=lines)
    kept = followed(server, lambda kept: "b" in kept.held)
    assert kept.held == {"a": "w", "b": "w"}
    assert caplog.text.count("cannot be read") == 2


@pytest.mark.parametrize("junk", [b"<html>", b'{"type":"ADDED"}', b"[]"])
def test_junk_in_a_watch_ends_it(junk: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever came in between is in the next list."""
    server = Server([thing("a")], [thing("a"), thing("b")], v1=[junk])
    kept = followed(server, lambda kept: "b" in kept.held)
    assert kept.loaded
    assert "cannot be followed" in caplog.text


def test_a_list_that_fails_is_tried_again() -> None:
    """Until then nothing is known, which is not nothing being there."""
    server = Server([thing("a")])
    server.fails = [Unreachable("no")]
    kept = followed(server, lambda kept: kept.loaded)
    assert kept.held == {"a": "w"}
    assert server.asked[:2] == ["list", "list"]


def test_whoever_asked_hears_what_changed_by_name() -> None:
    """A list tells what differs from before."""
    heard: list[str] = []
    kept: Resources[str] = Resources(Server([thing("a"), thing("b")]), PATH, decode, heard.append)
    kept.held = {"a": "w", "gone": "w"}
    asyncio.run(kept.load())
    assert sorted(heard) == ["b", "gone"]
