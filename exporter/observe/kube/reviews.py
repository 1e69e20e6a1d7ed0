"""Who a bearer token belongs to, and whether they may ask us: the API server's word, kept briefly.

A TokenReview and a SubjectAccessReview (rights: create tokenreviews, create subjectaccessreviews).
Tokens are kept as hashes only. However many ask at once, the API server is asked once for each
token, for a few tokens at a time, and those that it confirmed before go first: a crowd of strangers
cannot keep the others out. While it is away nobody is let in beyond what it has said a minute ago.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import msgspec

from exporter.observe import errors
from exporter.observe.kube.api import Api

log = logging.getLogger(__name__)

TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
YES_SECONDS = 60.0
NO_SECONDS = 10.0
REMEMBERED = 1024
"""Answers of each sort that are kept."""
AT_ONCE = 8
STRANGERS = 64
STRANGERS_A_SECOND = 10.0
"""Tokens never confirmed that the API server is asked about: so many, and then so many a second."""
REVIEW_SECONDS = 5.0
LONGEST_TOKEN = 8192


class Word(StrEnum):
    """What is said to a caller; all but YES are reasons on a metric."""

    YES = "Allowed"
    UNKNOWN = "Unknown"
    FORBIDDEN = "Forbidden"
    UNREVIEWED = "Unreviewed"
    BUSY = "Busy"


class WireUser(msgspec.Struct):
    """UserInfo."""

    username: str = ""
    uid: str = ""
    groups: list[str] | None = None
    extra: dict[str, list[str]] | None = None


class WireTokenStatus(msgspec.Struct):
    """TokenReviewStatus."""

    authenticated: bool = False
    user: WireUser | None = None
    audiences: list[str] | None = None


class WireToken(msgspec.Struct):
    """TokenReview."""

    status: WireTokenStatus = msgspec.field(default_factory=WireTokenStatus)


class WireAccessStatus(msgspec.Struct):
    """SubjectAccessReviewStatus."""

    allowed: bool = False
    denied: bool = False


class WireAccess(msgspec.Struct):
    """SubjectAccessReview."""

    status: WireAccessStatus = msgspec.field(default_factory=WireAccessStatus)


_token = msgspec.json.Decoder(WireToken)
_access = msgspec.json.Decoder(WireAccess)


class Reviews:
    """Says who may `get` a path of ours. `audience` empty: tokens for the API server itself."""

    def __init__(self, api: Api, path: str, audience: str, steady: Callable[[], float]) -> None:
        self._api = api
        self._path = path
        self._audiences: Sequence[str] = (audience,) if audience else ()
        self._steady = steady
        self._yes: dict[bytes, float] = {}
        self._no: dict[bytes, tuple[float, Word]] = {}
        self._under_way: dict[bytes, asyncio.Task[Word]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._first = asyncio.Semaphore(AT_ONCE)
        self._strangers = float(STRANGERS)
        self._filled_at = steady()
        self._said = ""

    async def ask(self, token: str) -> Word:
        """Say whether the token's owner may come in."""
        if not token or len(token) > LONGEST_TOKEN or not token.isascii():
            return Word.UNKNOWN
        key = hashlib.sha256(token.encode()).digest()
        now = self._steady()
        if self._yes.get(key, float("-inf")) > now:
            return Word.YES
        until, word = self._no.get(key, (float("-inf"), Word.UNKNOWN))
        if until > now:
            return word
        task = self._under_way.get(key)
        if task is None:
            # One that was confirmed before is a caller that comes every half a minute.
            known = key in self._yes
            if not known and not self._stranger(now):
                return Word.BUSY
            task = asyncio.create_task(self._review(key, token, known=known))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(task)

    def _stranger(self, now: float) -> bool:
        """Whether the API server may be asked about one more token that it never confirmed."""
        more = (now - self._filled_at) * STRANGERS_A_SECOND
        self._strangers = min(float(STRANGERS), self._strangers + more)
        self._filled_at = now
        if self._strangers < 1.0:
            return False
        self._strangers -= 1.0
        return True

    async def _review(self, key: bytes, token: str, *, known: bool) -> Word:
        try:
            async with self._first if known else self._slots:
                word = await self._word(token)
        except (errors.ObserveError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._tell(f"callers of {self._path} cannot be checked, and are sent away: {error}")
            return Word.UNREVIEWED
        self._tell("")
        self._yes.pop(key, None)
        self._no.pop(key, None)
        if word is Word.YES:
            self._yes[key] = self._steady() + YES_SECONDS
            _shorten(self._yes)
        else:
            self._no[key] = (self._steady() + NO_SECONDS, word)
            _shorten(self._no)
        return word

    async def _word(self, token: str) -> Word:
        about = {"token": token, "audiences": self._audiences}
        body = await self._create(TOKENS, "authentication.k8s.io/v1", "TokenReview", about)
        found = _token.decode(body).status
        user = found.user
        if not found.authenticated or user is None or not user.username:
            return Word.UNKNOWN
        if self._audiences and not set(self._audiences) & set(found.audiences or ()):
            # An API server that does not know of audiences confirms a token for anybody.
            return Word.UNKNOWN
        wish = {"path": self._path, "verb": "get"}
        spec = {
            "user": user.username,
            "uid": user.uid,
            "groups": user.groups or [],
            "extra": user.extra or {},
            "nonResourceAttributes": wish,
        }
        body = await self._create(ACCESS, "authorization.k8s.io/v1", "SubjectAccessReview", spec)
        answer = _access.decode(body).status
        return Word.YES if answer.allowed and not answer.denied else Word.FORBIDDEN

    async def _create(
        self, where: str, version: str, kind: str, spec: Mapping[str, object]
    ) -> bytes:
        body = msgspec.json.encode({"apiVersion": version, "kind": kind, "spec": spec})
        return await self._api.send("POST", where, body, timeout=REVIEW_SECONDS)

    def _tell(self, sentence: str) -> None:
        if sentence and sentence != self._said:
            log.warning("%s", sentence)
        self._said = sentence


def _shorten(held: dict[bytes, float] | dict[bytes, tuple[float, Word]]) -> None:
    while len(held) > REMEMBERED:
        held.pop(next(iter(held)))
