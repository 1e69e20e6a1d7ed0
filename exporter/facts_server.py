"""Tells what this node shows, as typed JSON, to callers whom the API server confirms.

`GET /facts?kind=KIND&kind=...&fresh=1` over TLS with a bearer token; no kind means all. `fresh`
looks again first: one look for all who ask, within a time, and not more often than a pause allows,
so that no caller can make a node busy. What cannot be seen says why, for its kind only.
"""

import asyncio
import logging
import time
from asyncio import sslproto
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from exporter.kit.web import WRITTEN_WITHIN, Web, sent
from exporter.observe.kube.reviews import Reviews, Word
from exporter.observe.model import FACTS, Kind, Object
from exporter.observe.parse import node_answer
from exporter.observe.sources import Holder, Looking, LookState
from exporter.settings import FactsServing

log = logging.getLogger(__name__)

PATH = "/facts"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SENT_AT_ONCE = 32
"""Answers on their way at one time: each is held until its caller has it."""
WAIT_SECONDS = 10.0
"""How long a caller waits for its turn."""
PIECE = 256 * 1024
TLS_BUFFER = 32 * 1024

PLAIN, MISSING, BAD = "Plain", "Missing", "Bad"
STATUS: Mapping[str, tuple[HTTPStatus, str]] = {
    PLAIN: (HTTPStatus.FORBIDDEN, "facts are told over TLS only"),
    MISSING: (HTTPStatus.UNAUTHORIZED, "a bearer token is needed"),
    BAD: (HTTPStatus.BAD_REQUEST, "the question cannot be understood"),
    Word.UNKNOWN: (HTTPStatus.UNAUTHORIZED, "the API server does not know this token"),
    Word.FORBIDDEN: (HTTPStatus.FORBIDDEN, f"not allowed: get {PATH} (nonResourceURLs)"),
    Word.UNREVIEWED: (HTTPStatus.SERVICE_UNAVAILABLE, "the API server cannot be asked about you"),
    Word.BUSY: (HTTPStatus.SERVICE_UNAVAILABLE, "too many at once"),
}


class Asked(msgspec.Struct, frozen=True):
    """What a caller wants to know."""

    kinds: tuple[Kind, ...]
    fresh: bool = False


class Facts:
    """What was looked at last, as the sources said it. A Holder that passes on to the observer."""

    def __init__(self, node: str, states: Mapping[Kind, LookState], then: Holder) -> None:
        self.node = node
        self.states = states
        self._then = then
        self._held: dict[Kind, Sequence[Object]] = {}
        self._written: dict[Kind, tuple[float | None, str, bytes]] = {}
        try:
            self._boot_id = BOOT_ID.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            self._boot_id = ""

    async def replace(self, kind: Kind, objects: Sequence[Object]) -> None:
        """Take all objects of a kind."""
        self._held[kind] = objects
        self._written.pop(kind, None)
        await self._then.replace(kind, objects)

    def mark(self, asked: Asked) -> str:
        """Return what changes with every look at these kinds: an ETag."""
        looks = [(kind, *self._seen(kind)) for kind in asked.kinds]
        return f'"{abs(hash((self._boot_id, id(self), *looks))):x}"'

    def answer(self, asked: Asked, now: float, late: Mapping[Kind, str]) -> list[bytes]:
        """Write an answer; `late` are kinds that could not be looked at again, and why."""
        told = [(kind, self._told(kind, late.get(kind, ""))) for kind in asked.kinds]
        return node_answer.written(self.node, self._boot_id, now, told)

    def _told(self, kind: Kind, late: str) -> bytes:
        taken, unseen = self._seen(kind)
        if late:
            return node_answer.told((), taken, late)
        known = self._written.get(kind)
        if known is None or known[:2] != (taken, unseen):
            body = node_answer.told(self._held.get(kind, ()), taken, unseen)
            known = self._written[kind] = (taken, unseen, body)
        return known[2]

    def _seen(self, kind: Kind) -> tuple[float | None, str]:
        state = self.states.get(kind)
        if state is None:
            return None, f"{kind} are not looked at here"
        return state.last_progress, state.unseen()


class Counts:
    """Counts questions, answered or not."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answered = Counter(
            "pvmedic_facts_requests",
            "Questions for what this node shows that were answered.",
            registry=registry,
        )
        self._refused = Counter(
            "pvmedic_facts_requests_refused",
            "Questions for what this node shows that were not answered, by reason.",
            ["reason"],
            registry=registry,
        )
        for reason in STATUS:
            self._refused.labels(str(reason))

    def answered(self) -> None:
        """Count one."""
        self._answered.inc()

    def refused(self, reason: str) -> None:
        """Count one."""
        self._refused.labels(str(reason)).inc()


class FactsServer:
    """Adds its route to a web face, before that starts."""

    def __init__(
        self,
        facts: Facts,
        reviews: Reviews,
        lookings: Sequence[Looking],
        settings: FactsServing,
        counts: Counts,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._facts = facts
        self._reviews = reviews
        self._lookings = lookings
        self._settings = settings
        self._counts = counts
        self._wall = wall
        self._written_within = WRITTEN_WITHIN
        self._warned = False
        self._sending = asyncio.Semaphore(SENT_AT_ONCE)

    def serve(self, served: Web) -> None:
        """Add the route; a token is checked here, so no password is asked for."""
        # asyncio takes 256 KB for each TLS connection at once; a thousand callers must not cost
        # five times of what the rest of this program needs.
        sslproto.SSLProtocol.max_size = TLS_BUFFER
        self._written_within = served.written_within
        served.app.router.add_get(PATH, self._answer)
        served.own_tokens |= {PATH}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if not self._settings.insecure and not _over_tls(request):
            if not self._warned:
                log.warning("facts are told to nobody over plain HTTP: name a web configuration")
            self._warned = True
            return self._refuse(PLAIN)
        token = bearer(request.headers.get("Authorization", ""))
        if not token:
            return self._refuse(MISSING)
        word = await self._reviews.ask(token)
        if word is not Word.YES:
            return self._refuse(word)
        asked = question(request)
        if isinstance(asked, str):
            return self._refuse(BAD, asked)
        late = dict(await self._fresh(asked.kinds)) if asked.fresh else {}
        mark = "" if late else self._facts.mark(asked)
        if mark and mark == request.headers.get("If-None-Match", ""):
            self._counts.answered()
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": mark})
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._sending.acquire()
        except TimeoutError:
            return self._refuse(Word.BUSY)
        try:
            # Read only now: who waited gets what is known now.
            body = list(_pieces(self._facts.answer(asked, self._wall(), late)))
            headers = {"Content-Type": "application/json"}
            headers |= {"ETag": self._facts.mark(asked)} if mark else {}
            self._counts.answered()
            return await sent(request, headers, body, self._written_within)
        finally:
            self._sending.release()

    async def _fresh(self, kinds: Sequence[Kind]) -> Sequence[tuple[Kind, str]]:
        """Look again at what tells of these kinds; return which it could not do in time."""
        within, pause = self._settings.fresh_within, self._settings.fresh_pause

        async def one(looking: Looking) -> list[tuple[Kind, str]]:
            try:
                async with asyncio.timeout(within):
                    await looking.afresh(pause)
            except TimeoutError:
                late = f"{looking.source.name}: a fresh look did not end within {within}"
                return [(kind, late) for kind in sorted(looking.source.kinds)]
            return []

        wanted = [one(each) for each in self._lookings if each.source.kinds & set(kinds)]
        return [late for found in await asyncio.gather(*wanted) for late in found]

    def _refuse(self, reason: str, why: str = "") -> web.Response:
        self._counts.refused(reason)
        status, sentence = STATUS[reason]
        headers = {}
        if status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        elif status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = "1"
        return web.Response(status=status, text=f"{why or sentence}\n", headers=headers)


def bearer(header: str) -> str:
    """Return the token of an Authorization header; empty without one."""
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def question(request: web.Request) -> Asked | str:
    """Read what is asked, or say what is wrong with it."""
    named = set(request.query.getall("kind", ()))
    unknown = sorted(named - FACTS)
    if unknown:
        known = ", ".join(sorted(FACTS))
        return f"kind: {', '.join(unknown)[:200]} is not known; known are {known}"
    fresh = request.query.get("fresh", "0")
    if fresh not in ("0", "1"):
        return "fresh: must be 0 or 1"
    kinds = sorted(FACTS & named if named else FACTS)
    return Asked(tuple(kinds), fresh == "1")


def _over_tls(request: web.Request) -> bool:
    """Whether this very connection is: TLS may have been switched on since it was made."""
    transport = request.transport
    return transport is not None and transport.get_extra_info("ssl_object") is not None


def _pieces(parts: Sequence[bytes]) -> Iterator[bytes]:
    for part in parts:
        for begin in range(0, len(part), PIECE):
            yield part[begin : begin + PIECE]
