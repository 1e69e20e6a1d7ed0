"""Resources that are listed once and then watched: lines, ends, gaps and junk."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping

import msgspec
import pytest

from exporter.observe.errors import Forbidden, Garbage, Gone, ObserveError, Unreachable
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
        self.watches = {name.removeprefix("v"): lines for name, lines in watches.items()}
        self.asked: list[str] = []
        self.fails: list[ObserveError] = []
        self.pages: list[list[dict[str, object]]] = []

    def _page(self, params: dict[str, str]) -> bytes:
        """Return one of the pages; the token of one that is not there is too old."""
        if "limit" not in params:
            return json.dumps(
                {"metadata": {"resourceVersion": "9"}, "items": self.lists[0]}
            ).encode()
        at = int(params.get("continue", "0"))
        if at >= len(self.pages):
            raise Gone("the continue token is too old")
        meta = {"resourceVersion": "9", "continue": str(at + 1) if at < 1 else ""}
        return json.dumps({"metadata": meta, "items": self.pages[at]}).encode()

    async def send(
        self,
        method: str,
        where: str,
        *,
        params: Mapping[str, str] | None = None,
        timeout: float = 0.0,  # noqa: ASYNC109 -- the client's own signature
    ) -> bytes:
        """List, page by page where it was told to."""
        assert (method, where, timeout > 0.0) == ("GET", PATH, True)
        self.asked.append("list")
        if self.pages:
            return self._page(dict(params or {}))
        if self.fails:
            raise self.fails.pop(0)
        items = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        meta = {"resourceVersion": f"{len(self.asked)}"}
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
    kept: Resources[str] = Resources(server, PATH, decode, again=0.001)

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
    assert server.asked == ["list", "watch 1", "watch 9"]


def test_a_watch_that_missed_too_much_begins_with_a_list() -> None:
    """410 Gone comes as a line, too."""
    gone = line("ERROR", {"kind": "Status", "code": 410, "message": "too old"})
    server = Server([thing("a")], [thing("c")], v1=[gone], v3=[])
    kept = followed(server, lambda kept: "c" in kept.held)
    assert kept.held == {"c": "w"}
    assert server.asked == ["list", "watch 1", "list", "watch 3"][: len(server.asked)]


def test_one_that_cannot_be_read_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """And what was known of it stands."""
    lines = [line("MODIFIED", thing("a", 5, version="2")), line("ADDED", thing("b"))]
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


def held(*things: dict[str, object]) -> Resources[str]:
    """Return what is held after a list of these, whose version is 1."""
    kept: Resources[str] = Resources(Server(list(things)), PATH, decode)
    asyncio.run(kept.load())
    return kept


def brought(kept: Resources[str], *lines: bytes) -> dict[str, str]:
    """Let a watch bring some lines; return what is held then."""

    async def follow() -> None:
        server = Server([], v1=list(lines), other=[])
        async for one in server.follow(PATH, "1", seconds=1.0):
            if one is not None:
                kept.line(one)

    asyncio.run(follow())
    return kept.held


def test_an_older_version_that_the_watch_brings_late_undoes_no_write_of_ours() -> None:
    """The answer to a write is often faster than the watch."""
    kept = held(thing("a"))
    kept.put("a", "ours", "8")
    assert brought(kept, line("MODIFIED", thing("a", "before", "6"))) == {"a": "ours"}
    assert brought(kept, line("MODIFIED", thing("a", "after", "9"))) == {"a": "after"}


def test_what_we_have_written_ourselves_is_not_read_again_from_the_watch() -> None:
    """Each record of a storm would be decoded twice; and what it is now would be told of again."""
    told: list[str] = []
    kept = Resources(Server([]), PATH, decode, told.append)
    kept.put("a", "ours", "5")
    kept.line(line("ADDED", thing("a", "echo", version="5")))
    assert (kept.held, told) == ({"a": "ours"}, [])
    kept.line(line("MODIFIED", thing("a", "later", version="6")))
    assert (kept.held, told) == ({"a": "later"}, ["a"])


def test_an_answer_that_comes_after_the_watch_undoes_nothing_either() -> None:
    """Somebody has changed it since."""
    kept = held(thing("a"))
    brought(kept, line("MODIFIED", thing("a", "theirs", "9")))
    kept.put("a", "ours", "8")
    assert kept.held == {"a": "theirs"}


def test_an_answer_about_what_the_watch_has_seen_go_brings_it_not_back() -> None:
    """Taking off the last finalizer ends an object; the word of its end may come first."""
    kept = held(thing("a"))
    assert brought(kept, line("DELETED", thing("a", version="9"))) == {}
    kept.put("a", "ours", "8")
    assert kept.held == {}


def test_the_end_of_one_is_not_the_end_of_the_next_one_of_its_name() -> None:
    """It was made again before we heard of the end of the first."""
    kept = held(thing("a"))
    kept.put("a", "again", "12")
    assert brought(kept, line("DELETED", thing("a", version="9"))) == {"a": "again"}


def test_a_list_is_newer_than_what_was_written_before_it() -> None:
    """It is held as the list says, even when that is nothing; what came after it is not in it."""
    kept: Resources[str] = Resources(Server([thing("b", "listed", "1")]), PATH, decode)
    for name, version in (("gone", "1"), ("b", "0"), ("later", "7")):
        kept.put(name, "ours", version)
    asyncio.run(kept.load())
    assert kept.held == {"b": "listed", "later": "ours"}


def test_a_long_list_is_read_page_by_page() -> None:
    """Ten thousand records are more than one answer should hold."""
    server = Server([])
    server.pages = [[thing("a")], [thing("b")]]
    kept: Resources[str] = Resources(server, PATH, decode)
    asyncio.run(kept.load())
    assert (kept.held, len(server.asked)) == ({"a": "w", "b": "w"}, 2)


def test_pages_that_go_stale_are_read_in_one_piece() -> None:
    """A list that can never be finished would be no list."""
    server = Server([thing("a"), thing("b")])
    server.pages = [[thing("a")]]
    kept: Resources[str] = Resources(server, PATH, decode)
    asyncio.run(kept.load())
    assert (kept.held, len(server.asked)) == ({"a": "w", "b": "w"}, 3)


def test_a_server_that_ends_each_watch_at_once_is_not_asked_without_rest() -> None:
    """Nor one whose every watch says that it is too old."""
    gone = line("ERROR", {"code": "what?"})
    for lines in ([], [gone]):
        server = Server([thing("a")], v1=lines, never=[])

        async def scene(server: Server = server) -> None:
            kept: Resources[str] = Resources(server, PATH, decode, again=60.0)
            task = asyncio.create_task(kept.run())
            async with asyncio.timeout(DEADLINE):
                while len(server.asked) < 2:  # noqa: ASYNC110 -- plain values have no event
                    await asyncio.sleep(0.001)
            for _ in range(100):
                await asyncio.sleep(0)
            task.cancel()

        asyncio.run(scene())
        assert server.asked == ["list", "watch 1"]


def test_why_nothing_can_be_known_is_said_and_taken_back() -> None:
    """Who waits for a person's word must hear that none can come."""
    server = Server([thing("a")])
    kept: Resources[str] = Resources(server, PATH, decode, again=60.0)
    assert kept.trouble == "not listed yet"
    server.fails = [Forbidden("may not list")]

    async def scene() -> None:
        task = asyncio.create_task(kept.run())
        async with asyncio.timeout(DEADLINE):
            while kept.trouble == "not listed yet":  # noqa: ASYNC110 -- plain values have no event
                await asyncio.sleep(0.001)
        task.cancel()
        assert kept.trouble == "may not list"
        await kept.load()

    asyncio.run(scene())
    assert kept.trouble == ""
