"""Heketis over real HTTP: every bad answer is a reason, and none hides another Heketi."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web

from exporter.kit import settings
from exporter.kit.values import Duration
from exporter.observe import errors
from exporter.observe.heketi import HeketiSettings
from exporter.observe.model import Heketi, Kind
from local.certificates import Authority
from tests.edges.heketi_face import (
    KEY,
    RECORDED,
    Handler,
    World,
    heketis,
    naming,
    never,
    said,
    served,
    source,
)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a file with the key of admin."""
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    return path


async def cut(request: web.Request) -> web.StreamResponse:
    """Say half of what was promised."""
    answer = web.StreamResponse(headers={"Content-Length": "1000"})
    await answer.prepare(request)
    await answer.write(b'{"clusterentries": {')
    assert request.transport is not None
    request.transport.close()
    return answer


ANSWERS: Mapping[str, tuple[Handler, str]] = {
    "401": (said("who are you", 401), "Unauthorized"),
    "403": (said("no", 403), "Unauthorized"),
    "404": (said("404 page not found", 404), "Garbage"),
    "409": (said("conflict", 409), "Other"),
    "429": (said("Server handling too many operations", 429), "Other"),
    "500": (said("boom", 500), "ServerFailed"),
    "503": (said("no endpoints", 503), "ServerFailed"),
    "redirect": (said("", 302), "Garbage"),
    "a page": (said("<html>Hello from Heketi</html>"), "Garbage"),
    "nothing": (said(""), "Garbage"),
    "no answer": (never, "Timeout"),
    "cut": (cut, "Garbage"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_every_bad_greeting_is_a_reason(what: str, key: Path) -> None:
    """And nothing of a Heketi that is down is published but that it is down."""
    hello, reason = ANSWERS[what]

    async def run() -> None:
        async with served(hello) as url:
            found = await source(World(*naming(url)), key).look()
            assert found == [Heketi(url, up=False, reason=reason)]

    asyncio.run(run())


def test_a_greeting_that_comes_in_pieces_is_one(key: Path) -> None:
    """Whatever lies between may cut it; a Heketi that greets is not down."""

    async def slowly(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for piece in (b"Hello", b" from Heketi"):
            await answer.write(piece)
            for _ in range(100):
                await asyncio.sleep(0)  # so that the first is read alone
        return answer

    async def run() -> None:
        async with served(slowly) as url:
            (found,) = await source(World(*naming(url)), key).look()
            assert isinstance(found, Heketi)
            assert found.up

    asyncio.run(run())


@pytest.mark.parametrize("what", ANSWERS)
def test_every_bad_dump_is_a_reason_of_a_heketi_that_is_up(what: str, key: Path) -> None:
    """Its volumes are unseen then, not gone."""
    dump, reason = ANSWERS[what]

    async def run() -> None:
        async with served(dump=dump) as url:
            (found,) = await source(World(*naming(url)), key).look()
            assert isinstance(found, Heketi)
            assert (found.up, found.listed, found.blind) == (True, False, reason)

    asyncio.run(run())


def test_a_dump_that_is_cut_or_huge_is_garbage(key: Path) -> None:
    """Half a list would make orphans; one without an end would take all memory."""
    whole = RECORDED.read_bytes()

    async def run() -> None:
        for body, largest in ((whole[: len(whole) // 2], len(whole)), (whole, 10_000)):
            async with served(dump=said(body)) as url:
                asking = source(World(*naming(url)), key)
                asking.largest = largest
                (found,) = await asking.look()
                assert isinstance(found, Heketi)
                assert (found.listed, found.blind) == (False, "Garbage")

    asyncio.run(run())


def test_nobody_there_no_such_name_and_no_trusted_certificate(tmp_path: Path) -> None:
    """Each is a reason of its own."""

    async def run() -> None:
        async with served() as url:
            pass
        pair = Authority(tmp_path / "authority").issue("localhost", server=True)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair.certificate, pair.key)
        async with served(tls=context) as secret:
            names = [url, secret, "http://heketi.invalid:8080"]
            found = heketis(await source(World(*naming(*names)), timeout=Duration(5)).look())
            assert [found[name].reason for name in names] == ["Refused", "Tls", "Unresolvable"]

    asyncio.run(run())


def test_a_certificate_is_trusted_by_its_authority_or_not_asked_for(tmp_path: Path) -> None:
    """As the settings say."""

    async def run() -> None:
        authority = Authority(tmp_path / "authority")
        pair = authority.issue("localhost", server=True)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair.certificate, pair.key)
        async with served(tls=context) as url:
            for fields in ({"authority": authority.certificate}, {"verify": False}):
                found = heketis(await source(World(*naming(url)), **fields).look())
                assert found[url].up
            missing = source(World(*naming(url)), authority=tmp_path / "none")
            assert heketis(await missing.look())[url].reason == "Tls"

    asyncio.run(run())


def test_one_that_hangs_delays_the_others_by_no_more_than_its_time() -> None:
    """All are asked at once."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        async with served(never) as one, served(never) as two, served() as well:
            began = loop.time()
            asking = source(World(*naming(one, two, well, f"{one}/x")), timeout=Duration(1))
            found = heketis(await asking.look())
            assert loop.time() - began < 1.9
            assert {url for url, heketi in found.items() if heketi.up} == {well}

    asyncio.run(run())


def test_it_is_asked_with_a_token_for_this_question_only(key: Path) -> None:
    """HS256 by the key of admin; read anew when the file changes, and in no log."""
    seen: list[tuple[dict[str, object], bool]] = []
    body = RECORDED.read_bytes()

    async def dump(request: web.Request) -> web.Response:
        kind, _, token = request.headers["Authorization"].partition(" ")
        assert kind == "bearer"
        signed, _, signature = token.rpartition(".")
        claims = json.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
        right = hmac.digest((KEY, "another")[len(seen)].encode(), signed.encode(), "sha256")
        seen.append((claims, base64.urlsafe_b64decode(signature + "==") == right))
        return web.Response(body=body)

    async def run() -> None:
        async with served(dump=dump) as url:
            world = World(*naming(url))
            asking = source(world, key)
            assert heketis(await asking.look())[url].listed
            await asyncio.to_thread(key.write_text, "another")
            world.now += 300.0
            assert heketis(await asking.look())[url].listed

    asyncio.run(run())
    for claims, signed in seen:
        assert signed
        assert claims["iss"] == "admin"
        assert claims["qsh"] == hashlib.sha256(b"GET&/db/dump").hexdigest()
    assert [claims["iat"] for claims, _ in seen] == [1_000_000, 1_000_300]


@pytest.mark.parametrize("text", [None, "", "missing"])
def test_without_a_key_it_is_up_and_its_database_is_not_seen(
    text: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """That is no failure where nobody set one; one that cannot be read is said, once."""
    path = tmp_path / "key"
    if text == "":
        path.touch()

    async def run() -> None:
        async with served() as url:
            asking = source(World(*naming(url)), None if text is None else path)
            for _ in range(2):
                found = heketis(await asking.look())[url]
                assert (found.up, found.listed, found.blind) == (True, False, "NoKey")

    asyncio.run(run())
    assert len(caplog.records) == (0 if text is None else 1)


def test_endpoints_are_those_of_classes_and_settings_each_once(key: Path) -> None:
    """A Heketi that neither names any more is forgotten."""

    async def run() -> None:
        async with served() as url, served() as more:
            world = World(*naming(url, url))
            asking = source(world, key, endpoints=(f"{more}/", url))
            assert heketis(await asking.look()).keys() == {url, more}
            world.objects = []
            asking = source(world)
            assert await asking.look() == []

    asyncio.run(run())


def test_while_nobody_knows_which_there_are_none_is_healthy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A first look waits for the StorageClasses, for a while."""
    monkeypatch.setattr("exporter.observe.heketi.WAIT_SECONDS", 0.3)

    async def run() -> None:
        async with served() as url:
            world = World(*naming(url))
            world.unseen = {Kind.STORAGE_CLASS: "not listed yet"}
            with pytest.raises(errors.Unreachable, match="not listed yet"):
                await source(world).look()
            looking = asyncio.create_task(source(world).look())
            await asyncio.sleep(0)
            world.unseen = {}
            assert heketis(await looking)[url].up

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("endpoints: [heketi]", "endpoints"),
        ("every: 100ms", "every"),
        ("timeout: 31s", "timeout"),
        ("timeout: 0s", "timeout"),
    ],
)
def test_settings_that_cannot_be_are_refused(text: str, path: str) -> None:
    """With the path and a sentence."""
    with pytest.raises(settings.SettingsError) as refused:
        settings.read_text(text, "config.yaml", HeketiSettings)
    assert [problem.path for problem in refused.value.problems] == [path]
