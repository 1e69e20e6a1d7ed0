"""A node tells what it shows: over TLS, to whom the API server confirms, and anew when asked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import msgspec
import pytest

from exporter.facts_server import PATH, Asked, Counts, Facts, FactsServer
from exporter.kit.values import Duration
from exporter.observe import errors
from exporter.observe.kube.reviews import ACCESS, TOKENS, Reviews
from exporter.observe.model import FACTS, Kind, Object
from exporter.observe.parse import node_answer
from exporter.observe.parse.node_answer import Answer
from exporter.observe.sources import Looking, LookState
from exporter.settings import FactsServing
from tests.edges.fake_api_server import FakeApiServer, said
from tests.edges.test_reviews import ALLOWED, KNOWN, Clock
from tests.kit.authority import Authority
from tests.kit.served import Served, client, put
from tests.signals.worlds import TYPICAL

if TYPE_CHECKING:
    import ssl

EACH: dict[Kind, Object] = {kind: TYPICAL[kind][0] for kind in FACTS}
LOOKED = frozenset({Kind.GLUSTERD, Kind.GLUSTER_VOLUME})
TOKEN = {"Authorization": "Bearer t"}


class Played:
    """A source that says what a test wants, and counts."""

    name = "gluster"
    kinds = LOOKED
    every = 60.0

    def __init__(self) -> None:
        self.looks = 0
        self.says: Sequence[Object] | errors.ObserveError = [EACH[kind] for kind in sorted(LOOKED)]
        self.free = asyncio.Event()
        self.free.set()

    async def look(self) -> Sequence[Object]:
        """Look, when it is let."""
        self.looks += 1
        found = self.says
        await self.free.wait()
        if isinstance(found, errors.ObserveError):
            raise found
        return found


class Deaf:
    """An observer and a listener that hear nothing."""

    async def replace(self, kind: Kind, objects: Sequence[Object]) -> None:
        """Take nothing."""

    def looked(self, source: str, seconds: float, failure: str) -> None:
        """Hear nothing."""


class Node:
    """One node's web face with facts."""

    def __init__(self, face: Served, source: Played, looking: Looking) -> None:
        self.face = face
        self.source = source
        self.looking = looking
        self.tls: ssl.SSLContext | None = None

    async def get(self, query: str = "", **headers: str) -> tuple[int, str, dict[str, str]]:
        """Ask."""
        return await self.face.answer(PATH + query, tls=self.tls, headers=headers or TOKEN)

    async def told(self, query: str = "", kinds: frozenset[Kind] = LOOKED) -> Answer:
        """Ask, and read the answer."""
        status, text, _ = await self.get(query)
        assert status == 200, text
        return node_answer.read(text.encode(), "a", kinds)

    def refused(self, reason: str) -> float | None:
        """Return how many were refused."""
        name = "pvmedic_facts_requests_refused_total"
        return self.face.registry.get_sample_value(name, {"reason": reason})


@asynccontextmanager
async def node(
    server: FakeApiServer, settings: FactsServing | None = None, *, tls: bool = True
) -> AsyncIterator[Node]:
    """Serve one, over TLS, after its first look."""
    authority = Authority(server.directory)
    pair, file = authority.issue("node"), server.directory / "web.yaml"
    config = f"tls_server_config: {{cert_file: {pair.certificate}, key_file: {pair.key}}}\n"
    put(file, config if tls else "{}\n")
    face, source, clock = Served(file), Played(), Clock()
    states = {kind: LookState(kind, lambda: 1000.0 + source.looks) for kind in LOOKED}
    facts = Facts("a", states, Deaf())
    looking = Looking(source, states, facts, Deaf(), clock)
    async with server.api() as api:
        reviews = Reviews(api, PATH, "", clock)
        told = FactsServer(
            facts,
            reviews,
            [looking],
            settings or FactsServing(fresh_pause=Duration(0)),
            Counts(face.registry),
            lambda: 2000.0,
        )
        told.serve(face.web)
        await looking.now()
        async with face.web, asyncio.timeout(30):
            found = Node(face, source, looking)
            found.tls = client(authority.certificate) if tls else None
            yield found
            await asyncio.sleep(0)


@pytest.fixture
def allowing(server: FakeApiServer) -> FakeApiServer:
    """Return an API server that knows and allows everybody."""
    server.json(TOKENS, KNOWN, 201)
    server.json(ACCESS, ALLOWED, 201)
    return server


def test_a_caller_is_told_what_was_looked_at(allowing: FakeApiServer) -> None:
    """By kind, with when; what nobody looks at here says so."""

    async def run() -> None:
        async with node(allowing) as found:
            answer = await found.told("", FACTS)
            assert (answer.node, answer.taken) == ("a", 2000.0)
            for kind in FACTS:
                one = answer.kinds[kind]
                seen = kind in LOOKED
                assert one.objects == ((EACH[kind],) if seen else ())
                assert one.unseen == ("" if seen else f"node a: {kind} are not looked at here")
                assert one.taken == (1001.0 if seen else None)

    asyncio.run(run())


def test_only_the_kinds_that_are_asked_for_are_told(allowing: FakeApiServer) -> None:
    """By name, several if one likes; a wrong name is said with the right ones."""

    async def run() -> None:
        async with node(allowing) as found:
            _, text, _ = await found.get("?kind=glusterd&kind=glusterd")
            assert set(msgspec.json.decode(text)["kinds"]) == {"glusterd"}
            status, text, _ = await found.get("?kind=glusterd&kind=pods")
            assert status == 400
            assert text.startswith("kind: pods is not known; known are glusterd, glusterlog")
            assert (await found.get("?fresh=yes"))[0] == 400
            assert found.refused("Bad") == 2

    asyncio.run(run())


def test_who_looks_no_further_gets_the_same_answer_without_a_body(allowing: FakeApiServer) -> None:
    """Until there was another look."""

    async def run() -> None:
        async with node(allowing) as found:
            _, _, headers = await found.get()
            again = {**TOKEN, "If-None-Match": headers["Etag"]}
            assert (await found.get("", **again))[:2] == (304, "")
            await found.looking.now()
            assert (await found.get("", **again))[0] == 200

    asyncio.run(run())


def test_what_cannot_be_seen_says_why(allowing: FakeApiServer) -> None:
    """And nothing that was seen before is told as if it were still so."""

    async def run() -> None:
        async with node(allowing) as found:
            await found.told()
            found.source.says = errors.Unreachable("glusterd does not answer")
            await found.looking.now()
            for one in (await found.told()).kinds.values():
                assert one.unseen == "node a: glusterd does not answer"
                assert not one.objects

    asyncio.run(run())


def test_nothing_is_told_to_strangers(server: FakeApiServer) -> None:
    """Without a token, with none that is one, with a wrong one, without the right."""

    async def run() -> None:
        async with node(server) as found:
            status, _, headers = await found.get("", Accept="*/*")
            assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
            basic = aiohttp.encode_basic_auth("a", "b", encoding="utf-8")
            assert (await found.get("", Authorization=basic))[0] == 401
            assert (await found.get("", Authorization="Bearer "))[0] == 401
            assert found.refused("Missing") == 3
            assert server.requests == []
            server.json(TOKENS, {"status": {}}, 201)
            assert (await found.get("", Authorization="Bearer w"))[0] == 401
            server.json(TOKENS, KNOWN, 201)
            server.json(ACCESS, {"status": {}}, 201)
            status, text, _ = await found.get("", Authorization="Bearer x")
            assert (status, text) == (403, "not allowed: get /facts (nonResourceURLs)\n")
            server.answer(TOKENS, said("no", 500))
            status, _, headers = await found.get("", Authorization="Bearer y")
            assert (status, headers["Retry-After"]) == (503, "1")
            for reason in ("Unknown", "Forbidden", "Unreviewed"):
                assert found.refused(reason) == 1

    asyncio.run(run())


def test_nothing_is_told_over_plain_http(allowing: FakeApiServer) -> None:
    """Not even to the right ones, unless the settings say so."""

    async def run() -> None:
        async with node(allowing, tls=False) as found:
            assert (await found.get())[:2] == (403, "facts are told over TLS only\n")
            assert found.refused("Plain") == 1
            assert allowing.requests == []
        async with node(allowing, FactsServing(insecure=True), tls=False) as found:
            assert (await found.get())[0] == 200

    asyncio.run(run())


def test_passwords_are_for_the_other_paths(allowing: FakeApiServer) -> None:
    """A request has one Authorization header."""

    async def run() -> None:
        async with node(allowing) as found:
            assert PATH in found.face.web.own_tokens

    asyncio.run(run())


def test_a_fresh_look_begins_after_the_question(allowing: FakeApiServer) -> None:
    """One that is under way may have seen what was before; all who come then share the next."""

    async def run() -> None:
        async with node(allowing) as found:
            found.source.free.clear()
            under_way = asyncio.create_task(found.looking.now())
            while found.source.looks < 2:  # noqa: ASYNC110 -- another task's doing
                await asyncio.sleep(0)
            found.source.says = ()
            callers = [asyncio.create_task(found.told("?fresh=1")) for _ in range(20)]
            while allowing.requests == []:  # noqa: ASYNC110 -- same
                await asyncio.sleep(0.001)
            found.source.free.set()
            for answer in await asyncio.gather(*callers):
                assert not any(one.objects or one.unseen for one in answer.kinds.values())
            await under_way
            # The first, the one under way, and at most one more for callers who came late.
            assert 3 <= found.source.looks <= 4

    asyncio.run(run())


def test_a_fresh_look_that_takes_too_long_is_said(allowing: FakeApiServer) -> None:
    """It goes on, and the next who asks gets it; other kinds are told."""

    async def run() -> None:
        quick = FactsServing(fresh_within=Duration(0.05), fresh_pause=Duration(0))
        async with node(allowing, quick) as found:
            found.source.free.clear()
            for one in (await found.told("?fresh=1")).kinds.values():
                assert one.unseen == "node a: gluster: a fresh look did not end within 0.05s"
                assert not one.objects
            found.source.free.set()
            await found.looking.now()
            assert not any(one.unseen for one in (await found.told()).kinds.values())

    asyncio.run(run())


def test_fresh_looks_keep_a_pause_between_them(allowing: FakeApiServer) -> None:
    """No caller can make a node busy; this test's clock stands still, so none comes in time."""

    async def run() -> None:
        slow = FactsServing(fresh_within=Duration(0.05), fresh_pause=Duration(0.04))
        async with node(allowing, slow) as found:
            began = found.source.looks
            for _ in range(5):
                await found.told("?fresh=1")
            assert found.source.looks == began

    asyncio.run(run())


def test_only_what_tells_of_the_kinds_is_looked_at_again(allowing: FakeApiServer) -> None:
    """A question about mounts wakes no glusterd."""

    async def run() -> None:
        async with node(allowing) as found:
            await found.told("?fresh=1&kind=mounts", frozenset())
            assert found.source.looks == 1

    asyncio.run(run())


MANY = pytest.mark.parametrize("many", [200, pytest.param(1000, marks=pytest.mark.soak)])


@MANY
def test_many_callers_at_once_stall_nothing(allowing: FakeApiServer, many: int) -> None:
    """All are told, metrics are served meanwhile, and the API server is asked twice."""

    async def run() -> None:
        async with node(allowing) as found:
            url = f"https://{found.face.web.address}"
            connector = aiohttp.TCPConnector(limit=200, ssl=found.tls or True)
            async with aiohttp.ClientSession(connector=connector) as session:

                async def ask() -> int:
                    async with session.get(url + PATH, headers=TOKEN) as answer:
                        await answer.read()
                        return answer.status

                callers = asyncio.gather(*(ask() for _ in range(many)))
                assert (await found.face.get(tls=found.tls))[0] == 200
                assert not callers.done()
                assert set(await callers) == {200}
            assert len(allowing.requests) == 2
            assert found.source.looks == 1

    asyncio.run(run())


@MANY
def test_many_strangers_at_once_are_sent_away(server: FakeApiServer, many: int) -> None:
    """And the API server is asked about a few of them only."""
    server.json(TOKENS, {"status": {}}, 201)

    async def run() -> None:
        async with node(server) as found:
            url = f"https://{found.face.web.address}"
            connector = aiohttp.TCPConnector(limit=200, ssl=found.tls or True)
            async with aiohttp.ClientSession(connector=connector) as session:

                async def ask(number: int) -> int:
                    sent = {"Authorization": f"Bearer w{number}"}
                    async with session.get(url + PATH, headers=sent) as answer:
                        return answer.status

                statuses = await asyncio.gather(*(ask(number) for number in range(many)))
                assert set(statuses) == {401, 503}
            assert len(server.requests) < 100
            assert found.refused("Busy") == statuses.count(503)

    asyncio.run(run())


def test_a_boot_id_that_cannot_be_read_is_empty(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Facts are told all the same."""
    monkeypatch.setattr("exporter.facts_server.BOOT_ID", tmp_path / "none")
    facts = Facts("a", {}, Deaf())
    body = b"".join(facts.answer(Asked(()), 1.0, {}))
    assert node_answer.read(body, "a", ()).boot_id == ""
