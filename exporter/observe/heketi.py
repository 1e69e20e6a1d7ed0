"""Heketis, asked from outside as the provisioner reaches them; and what their databases hold.

All are asked at once, each with a time limit of its own. None that fails hides another: it is an
object that says why. It remembers for an hour what came and what went, because the lists that are
compared with Heketi's are never of the same moment. What is an orphan is not decided here.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, NoReturn

import aiohttp
import msgspec

from exporter.kit.described import setting
from exporter.kit.values import Duration
from exporter.observe import errors, model
from exporter.observe.model import HeketiProblem, HeketiVolume, Kind, Object
from exporter.observe.parse import heketi
from exporter.observe.view import View

log = logging.getLogger(__name__)

HELLO, GREETING = "/hello", b"Hello from Heketi"
DUMP = "/db/dump"
LARGEST_DUMP = 64 * 1024 * 1024
"""Bytes. A volume of three bricks has about 4 KB."""
LONGEST_TIMEOUT = 60.0
TOKEN_SECONDS = 60
"""A token is good for one request; it lives as long as clocks may differ."""
SETTLE_SECONDS = 3600.0
"""For so long something that came or went is not missed by anybody."""
WAIT_SECONDS = 30.0
"""For so long a first look waits for the StorageClasses, which are listed at the same time."""
CHECK_SECONDS = 0.2


class HeketiSettings(msgspec.Struct, frozen=True):
    """The section `heketi`."""

    endpoints: Annotated[
        tuple[str, ...],
        setting("URLs of Heketis to ask beside those that StorageClasses name as `resturl`."),
    ] = ()
    admin_key_file: Annotated[
        Path | None,
        setting(
            "A file with the key of Heketi's user admin, read anew when it changes. With it Heketi"
            " shows its database; without it, no orphaned volumes are looked for."
        ),
    ] = None
    every: Annotated[Duration, setting("How often each Heketi is asked.", unit="duration")] = (
        Duration(60)
    )
    dump_every: Annotated[
        Duration,
        setting("How often its whole database is read: 4 KB a volume.", unit="duration"),
    ] = Duration(300)
    timeout: Annotated[
        Duration, setting("How long a Heketi may take for an answer.", unit="duration")
    ] = Duration(10)
    authority: Annotated[
        Path | None,
        setting("The CA that signs Heketis' certificates; without it, the system's own."),
    ] = None
    verify: Annotated[
        bool, setting("Whether a Heketi with TLS must prove who it is, before it gets a token.")
    ] = True
    other_clusters: Annotated[
        bool,
        setting(
            "Whether other Kubernetes clusters use these Heketis, too. Their PersistentVolumes are"
            " not seen here, so then none is missed."
        ),
    ] = False

    def problems(self) -> Iterable[tuple[str, str]]:
        """Name what contradicts."""
        for one in self.endpoints:
            if not heketi.endpoint(one):
                yield ("endpoints", f"{one!r} is not a URL: write http://HOST:PORT")
        if self.every < 1:
            yield ("every", "must be at least 1s")
        if not 0 < self.timeout <= LONGEST_TIMEOUT / 2:
            # Two answers, and a look that takes two minutes is given up with all that it saw.
            yield ("timeout", f"must be more than 0s and at most {LONGEST_TIMEOUT / 2:.0f}s")


class _NoAnswer(Exception):
    """A Heketi does not say what it was asked."""

    def __init__(self, problem: HeketiProblem, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = problem


class _Known(msgspec.Struct):
    """What is remembered of one Heketi. Keys are cluster and name of a volume."""

    dump: heketi.Dump | None = None
    looked: float = 0.0
    held: dict[tuple[str, str], HeketiVolume] | None = None
    came: dict[tuple[str, str], float] = {}
    went: dict[tuple[str, str], tuple[float, HeketiVolume]] = {}
    said: str = ""


class Heketis:
    """The Source. `view` is what is known of the cluster: its StorageClasses and volumes."""

    name = "heketi"
    kinds = frozenset({Kind.HEKETI, Kind.HEKETI_VOLUME})

    def __init__(
        self, settings: HeketiSettings, view: Callable[[], View], wall: Callable[[], float]
    ) -> None:
        self.every = float(settings.every)
        self.largest = LARGEST_DUMP
        self._settings = settings
        self._view = view
        self._wall = wall
        self._known: dict[str, _Known] = {}
        self._claimed: frozenset[str] | None = None
        self._let_go: dict[str, float] = {}
        self._tls: ssl.SSLContext | bool | None = None

    async def look(self) -> Sequence[Object]:
        """Ask all of them; raises ObserveError while nobody knows which there are."""
        endpoints = await self._endpoints()
        for gone in self._known.keys() - endpoints:
            del self._known[gone]
        self._follow_claimed()
        limit = aiohttp.ClientTimeout(total=self._settings.timeout)
        async with aiohttp.ClientSession(timeout=limit) as session:
            found = await asyncio.gather(
                *(self._one(session, endpoint) for endpoint in sorted(endpoints))
            )
        return [obj for objects in found for obj in objects]

    async def _endpoints(self) -> set[str]:
        """Return those that the settings and StorageClasses name."""
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while not (view := self._view()).sees(Kind.STORAGE_CLASS):
            if asyncio.get_running_loop().time() > deadline:
                why = view.unseen[Kind.STORAGE_CLASS]
                raise errors.Unreachable(f"which Heketis there are is not known: {why}")
            await asyncio.sleep(CHECK_SECONDS)
        named = {one.heketi for one in view.storage_classes()} - {""}
        return named | {heketi.endpoint(one) for one in self._settings.endpoints}

    def _follow_claimed(self) -> None:
        """Notice which volumes have lost their PersistentVolume since the last look."""
        view, now = self._view(), self._wall()
        self._let_go = {name: at for name, at in self._let_go.items() if _recent(at, now)}
        if not view.sees(Kind.VOLUME):
            return
        claimed = frozenset(volume.gluster_name for volume in view.gluster_claimed())
        self._let_go |= dict.fromkeys((self._claimed or frozenset()) - claimed, now)
        self._claimed = claimed

    async def _one(self, session: aiohttp.ClientSession, endpoint: str) -> list[Object]:
        """Ask one; what is wrong with it is said once."""
        known = self._known.setdefault(endpoint, _Known())
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self._greet(session, endpoint)
        except _NoAnswer as error:
            known.dump = None
            self._said(known, f"Heketi {endpoint} is down: {error}")
            return [model.Heketi(endpoint, up=False, reason=error.problem)]
        took = loop.time() - began
        blind, said = "", ""
        try:
            if known.dump is None or self._wall() - known.looked >= self._settings.dump_every:
                await self._read(session, endpoint, known)
        except _NoAnswer as error:
            known.dump = None
            blind, said = error.problem, f"Heketi {endpoint} does not show its database: {error}"
        if self._settings.admin_key_file is not None:
            # Else nobody wants to see it.
            self._said(known, said)
        up = model.Heketi(endpoint, up=True, seconds=round(took, 3), blind=blind)
        if known.dump is None:
            return [up]
        clusters = {cluster.id for cluster in known.dump.clusters}
        volumes = {
            model.ref(volume): volume
            for volume in self._volumes(known)
            if volume.cluster in clusters
        }
        shown = msgspec.structs.replace(
            up,
            listed=True,
            looked=known.looked,
            clusters=known.dump.clusters,
            volumes=len(volumes),
            shared=self._settings.other_clusters,
        )
        return [shown, *volumes.values()]

    async def _greet(self, session: aiohttp.ClientSession, endpoint: str) -> None:
        try:
            async with session.get(
                f"{endpoint}{HELLO}", ssl=self._trusted(endpoint), allow_redirects=False
            ) as answer:
                _check(answer.status)
                said = b""
                async for piece in answer.content.iter_any():
                    said += piece
                    if len(said) > len(GREETING) + 1:
                        break
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            _translate(error)
        if said.strip() != GREETING:
            raise _NoAnswer(HeketiProblem.GARBAGE, "it does not greet as a Heketi does")

    async def _read(self, session: aiohttp.ClientSession, endpoint: str, known: _Known) -> None:
        """Read the database and note what came and what went since the last time."""
        now = self._wall()
        token = _token(self._key(), "GET", DUMP, int(now))
        body = bytearray()
        try:
            async with session.get(
                f"{endpoint}{DUMP}",
                headers={"Authorization": f"bearer {token}"},
                ssl=self._trusted(endpoint),
                allow_redirects=False,
            ) as answer:
                _check(answer.status)
                async for chunk in answer.content.iter_any():
                    body += chunk
                    if len(body) > self.largest:
                        why = f"its database is more than {self.largest} bytes"
                        raise _NoAnswer(HeketiProblem.GARBAGE, why)
            found = heketi.dump(endpoint, bytes(body))
        except heketi.UndecodableError as error:
            raise _NoAnswer(HeketiProblem.GARBAGE, str(error)) from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            _translate(error)
        held = {(one.cluster, one.name): one for one in found.volumes}
        if known.held is not None:
            known.came |= dict.fromkeys(held.keys() - known.held.keys(), now)
            known.went |= {key: (now, known.held[key]) for key in known.held.keys() - held.keys()}
        known.held, known.dump, known.looked = held, found, now

    def _volumes(self, known: _Known) -> Iterator[HeketiVolume]:
        """Yield what the database holds, and what it held within the hour."""
        now, held = self._wall(), known.held or {}
        known.came = {key: at for key, at in known.came.items() if _recent(at, now)}
        known.went = {
            key: (at, one)
            for key, (at, one) in known.went.items()
            if _recent(at, now) and key not in held
        }
        claimed = (self._claimed or frozenset()) | self._let_go.keys()
        for key, volume in held.items():
            marks = {"settling": key in known.came, "claimed": volume.name in claimed}
            yield msgspec.structs.replace(volume, **marks) if any(marks.values()) else volume
        for _, volume in known.went.values():
            yield msgspec.structs.replace(volume, settling=True)

    def _key(self) -> bytes:
        path = self._settings.admin_key_file
        if path is None:
            raise _NoAnswer(HeketiProblem.NO_KEY, "heketi.admin_key_file is not set")
        try:
            key = path.read_bytes().strip()
        except OSError as error:
            why = f"heketi.admin_key_file {path} cannot be read: {error.strerror}"
            raise _NoAnswer(HeketiProblem.NO_KEY, why) from error
        if not key:
            raise _NoAnswer(HeketiProblem.NO_KEY, f"heketi.admin_key_file {path} is empty")
        return key

    def _trusted(self, endpoint: str) -> ssl.SSLContext | bool:
        if not endpoint.startswith("https:"):
            return True
        if not self._settings.verify:
            return False
        if self._tls is None:
            try:
                self._tls = ssl.create_default_context(cafile=self._settings.authority)
            except (OSError, ssl.SSLError) as error:
                why = f"heketi.authority {self._settings.authority} cannot be read: {error}"
                raise _NoAnswer(HeketiProblem.TLS, why) from error
        return self._tls

    def _said(self, known: _Known, sentence: str) -> None:
        if sentence and sentence != known.said:
            log.warning("%s", sentence)
        known.said = sentence


def _recent(when: float, now: float) -> bool:
    return now - when < SETTLE_SECONDS


def _token(key: bytes, method: str, path: str, now: int) -> str:
    """Return a JWT as Heketi wants it: HS256, and good for this method and path only."""
    claims = {
        "iss": "admin",
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "qsh": hashlib.sha256(f"{method}&{path}".encode()).hexdigest(),
    }
    parts = (json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signed = ".".join(_text(part) for part in parts)
    return f"{signed}.{_text(hmac.digest(key, signed.encode(), 'sha256'))}"


def _text(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _check(status: int) -> None:
    """Raise for every answer but 200."""
    if status == HTTPStatus.OK:
        return
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        problem = HeketiProblem.UNAUTHORIZED
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        problem = HeketiProblem.SERVER_FAILED
    elif status in (HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS):
        problem = HeketiProblem.OTHER
    else:
        problem = HeketiProblem.GARBAGE
    raise _NoAnswer(problem, f"it answers {status}")


def _translate(error: Exception) -> NoReturn:
    """Raise what the HTTP library, TLS and the system raise in our words."""
    match error:
        case TimeoutError():
            problem = HeketiProblem.TIMEOUT
        case aiohttp.ClientConnectorDNSError():
            problem = HeketiProblem.UNRESOLVABLE
        case aiohttp.ClientSSLError() | ssl.SSLError() | aiohttp.ServerFingerprintMismatch():
            problem = HeketiProblem.TLS
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            problem = HeketiProblem.REFUSED
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError() | aiohttp.InvalidURL():
            problem = HeketiProblem.GARBAGE
        case _:
            problem = HeketiProblem.OTHER
    text = " ".join(str(error).split())[:300]
    raise _NoAnswer(problem, text or type(error).__name__) from error
