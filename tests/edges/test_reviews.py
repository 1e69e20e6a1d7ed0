"""Who may ask, by a scripted API server: kept briefly, asked once, and broken means no."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from exporter.observe.kube import reviews
from exporter.observe.kube.reviews import ACCESS, AT_ONCE, STRANGERS, TOKENS, Reviews, Word
from tests.edges.fake_api_server import FakeApiServer, Handler, said

OURS = "t"
USER = {"username": "system:serviceaccount:pvmedic:e", "uid": "u", "groups": ["g"]}
KNOWN = {"status": {"authenticated": True, "user": USER}}
ALLOWED = {"status": {"allowed": True}}


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


def asked(
    server: FakeApiServer,
    ask: Callable[[Reviews, Clock], Awaitable[None]],
    audience: str = "",
) -> None:
    """Ask as often as a test does."""

    async def run() -> None:
        clock = Clock()
        async with server.api() as api, asyncio.timeout(20):
            await ask(Reviews(api, "/facts", audience, clock), clock)

    asyncio.run(run())


def one(server: FakeApiServer, token: str = OURS, audience: str = "") -> Word:
    """Ask once."""
    words: list[Word] = []

    async def ask(found: Reviews, _clock: Clock) -> None:
        words.append(await found.ask(token))

    asked(server, ask, audience)
    return words[0]


def allow(server: FakeApiServer) -> None:
    """Let everybody in."""
    server.json(TOKENS, KNOWN, 201)
    server.json(ACCESS, ALLOWED, 201)


def test_the_api_server_is_asked_who_it_is_and_whether_they_may(server: FakeApiServer) -> None:
    """With all that it says of them, for this path and this verb."""
    bodies: list[object] = []

    def kept(body: object) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            bodies.append((await request.json())["spec"])
            return web.json_response(body, status=201)

        return handler

    server.answer(TOKENS, kept({"status": {**KNOWN["status"], "audiences": ["facts"]}}))
    server.answer(ACCESS, kept(ALLOWED))
    assert one(server, audience="facts") is Word.YES
    wish = {"path": "/facts", "verb": "get"}
    assert bodies == [
        {"token": "t", "audiences": ["facts"]},
        {"user": USER["username"], "uid": "u", "groups": ["g"], "extra": {}}
        | {"nonResourceAttributes": wish},
    ]
    assert ("tokenreviews", "create") in server.counted


@pytest.mark.parametrize(
    ("token", "access", "word"),
    [
        ({"status": {"authenticated": False, "error": "expired"}}, ALLOWED, Word.UNKNOWN),
        ({"status": {"authenticated": True}}, ALLOWED, Word.UNKNOWN),
        ({"status": {"authenticated": True, "user": {}}}, ALLOWED, Word.UNKNOWN),
        ({}, ALLOWED, Word.UNKNOWN),
        (KNOWN, {"status": {"allowed": False}}, Word.FORBIDDEN),
        (KNOWN, {"status": {"allowed": True, "denied": True}}, Word.FORBIDDEN),
        (KNOWN, {}, Word.FORBIDDEN),
    ],
)
def test_whoever_is_not_known_or_not_allowed_stays_outside(
    server: FakeApiServer, token: object, access: object, word: Word
) -> None:
    """What is missing in an answer is a no."""
    server.json(TOKENS, token, 201)
    server.json(ACCESS, access, 201)
    assert one(server) is word


@pytest.mark.parametrize("audiences", [None, [], ["https://kubernetes"]])
def test_a_token_for_somebody_else_is_not_known(server: FakeApiServer, audiences: object) -> None:
    """Nor one that an API server without audiences confirms."""
    server.json(TOKENS, {"status": {**KNOWN["status"], "audiences": audiences}}, 201)
    server.json(ACCESS, ALLOWED, 201)
    assert one(server, audience="facts") is Word.UNKNOWN


@pytest.mark.parametrize("path", [TOKENS, ACCESS])
@pytest.mark.parametrize("status", [401, 403, 404, 409, 410, 429, 500, 503])
def test_an_api_server_that_says_nothing_lets_nobody_in(
    server: FakeApiServer, path: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Broken means no; the log says what is missing."""
    allow(server)
    server.answer(path, said("no", status))
    assert one(server) is Word.UNREVIEWED
    assert "callers of /facts cannot be checked" in caplog.text
    if status == 403:
        assert f"create {path.rpartition('/')[2]} at cluster scope: not allowed" in caplog.text


@pytest.mark.parametrize("body", ["<html>", "[]", '{"status":[]}', "\x00", '{"status'])
@pytest.mark.parametrize("path", [TOKENS, ACCESS])
def test_garbage_lets_nobody_in(server: FakeApiServer, path: str, body: str) -> None:
    """Whichever answer it stands for."""
    allow(server)
    server.answer(path, said(body, 201))
    assert one(server) is Word.UNREVIEWED


@pytest.mark.parametrize("token", ["", "t\u00e4", "t" * 10_000])
def test_what_is_no_token_is_not_asked_about(server: FakeApiServer, token: str) -> None:
    """The API server has other things to do."""
    allow(server)
    assert one(server, token) is Word.UNKNOWN
    assert server.requests == []


def test_answers_are_kept_for_a_while(server: FakeApiServer) -> None:
    """A yes for a minute, a no for ten seconds, a failure not at all."""
    allow(server)
    no = json.dumps({"status": {"authenticated": False}})

    async def ask(found: Reviews, clock: Clock) -> None:
        assert [await found.ask("t"), await found.ask("t")] == [Word.YES] * 2
        assert len(server.requests) == 2
        server.answer(TOKENS, said(no, 201))
        clock.now += 59.9
        assert await found.ask("t") is Word.YES
        clock.now += 0.2
        assert [await found.ask("t"), await found.ask("t")] == [Word.UNKNOWN] * 2
        assert len(server.requests) == 3
        allow(server)
        clock.now += 9.8
        assert await found.ask("t") is Word.UNKNOWN
        clock.now += 0.3
        assert await found.ask("t") is Word.YES
        server.answer(TOKENS, said("no", 500))
        assert await found.ask("u") is Word.UNREVIEWED
        allow(server)
        assert await found.ask("u") is Word.YES

    asked(server, ask)


def test_a_thousand_at_once_with_one_token_are_one_question(server: FakeApiServer) -> None:
    """Those who come while it is under way get its answer."""
    allow(server)

    async def ask(found: Reviews, _clock: Clock) -> None:
        assert set(await asyncio.gather(*(found.ask("t") for _ in range(1000)))) == {Word.YES}

    asked(server, ask)
    assert len(server.requests) == 2


def test_a_thousand_strangers_at_once_neither_flood_the_api_server_nor_keep_others_out(
    server: FakeApiServer,
) -> None:
    """A few are asked about, a few at a time; who was confirmed before needs no turn of theirs."""
    under_way, most, free = 0, 0, asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        nonlocal under_way, most
        if (await request.json())["spec"]["token"] == OURS:
            return web.json_response(KNOWN, status=201)
        under_way += 1
        most = max(most, under_way)
        await free.wait()
        under_way -= 1
        return web.json_response({"status": {}}, status=201)

    allow(server)
    server.answer(TOKENS, slow)

    async def ask(found: Reviews, clock: Clock) -> None:
        assert await found.ask("t") is Word.YES
        crowd = [asyncio.create_task(found.ask(f"wrong-{n}")) for n in range(1000)]
        clock.now += 61
        while under_way < AT_ONCE:  # noqa: ASYNC110 -- another task's doing
            await asyncio.sleep(0)
        assert await found.ask("t") is Word.YES
        free.set()
        words = await asyncio.gather(*crowd)
        assert words.count(Word.UNKNOWN) < STRANGERS + 1
        assert words.count(Word.BUSY) > 1000 - STRANGERS - 1
        clock.now += 10
        assert await found.ask("another") is Word.UNKNOWN

    asked(server, ask)
    assert most == AT_ONCE


def test_no_more_is_remembered_than_there_is_room_for(server: FakeApiServer) -> None:
    """Whatever many tokens come, and no token itself is kept."""
    server.json(TOKENS, {"status": {}}, 201)

    async def ask(found: Reviews, clock: Clock) -> None:
        for n in range(reviews.REMEMBERED + 10):
            clock.now += 0.11
            await found.ask(f"secret-{n}")
        assert len(found._no) == reviews.REMEMBERED  # noqa: SLF001 -- nobody else can see it
        assert "secret" not in repr(vars(found))

    asked(server, ask)
