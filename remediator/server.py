"""POST /webhook: who may send, how much, and what each answer is.

Edge; what becomes of alerts is the intake's.

Answers: 200 durable; 400 not a notification; 401 no or wrong token; 413 too large; 503 not durable,
too many at once or too slow, so that Alertmanager sends it again (it repeats 5xx only).
"""

import asyncio
import hmac
import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec
from aiohttp import web

from exporter.observe.errors import ObserveError
from remediator import alert as alerts
from remediator.intake import Intake
from remediator.metrics import Metrics

LOG = logging.getLogger("pvmedic.webhook")

WEBHOOK = "/webhook"
DURABLE_WITHIN = 0.9
"""Seconds to write a notification's records. What is written stays; the rest is sent again."""

REJECTED_KEPT = 20
REJECTED_BYTES = 2048


class Bounds(msgspec.Struct, frozen=True):
    """How much is taken at one time; what is more is told at once to come again.

    at_once: notifications. held: bytes of them, but a single one may be larger. read_within:
    seconds in which one must have come in whole.
    """

    at_once: int = 256
    held: int = 32 * 1024 * 1024
    read_within: float = 10.0


BOUNDS = Bounds()


class Token:
    """The bearer token, from a file that is read again when it changes."""

    def __init__(self, path: Path, setting: str = "webhook.token_file") -> None:
        """Read it; ValueError when there is none or it cannot be read."""
        self._path = path
        self._setting = setting
        self._mark: tuple[int, int] = (0, 0)
        self._token = b""
        try:
            self._read()
        except OSError as error:
            sentence = f"{setting}: {path} cannot be read: {error.strerror}"
            raise ValueError(sentence) from error

    def accepts(self, header: str) -> bool:
        """Compare an Authorization header in constant time."""
        try:
            self._read()
        except (OSError, ValueError) as error:
            LOG.warning("%s cannot be read; keeping the one before: %s", self._setting, error)
        scheme, _, given = header.partition(" ")
        # Headers are bytes on the wire; aiohttp keeps those that are not UTF-8 as surrogates.
        token = given.strip().encode(errors="surrogateescape")
        return hmac.compare_digest(token, self._token) and scheme.lower() == "bearer"

    def _read(self) -> None:
        stat = self._path.stat()
        mark = (stat.st_mtime_ns, stat.st_ino)
        if mark == self._mark:
            return
        token = self._path.read_bytes().strip()
        if not token:
            raise ValueError(
                f"{self._path} is empty: {self._setting.partition('.')[0]} without a token is"
                " open to everybody"
            )
        self._token, self._mark = token, mark


class WebhookServer:
    """The route's handler. `ready` says whether the records are known."""

    def __init__(
        self,
        token: Token,
        intake: Intake,
        metrics: Metrics,
        ready: Callable[[], bool],
        missed: Callable[[], None] = lambda: None,
        bounds: Bounds = BOUNDS,
    ) -> None:
        """Answer with these; `missed` hears that alerts may have come in vain."""
        self._token = token
        self._intake = intake
        self._metrics = metrics
        self._ready = ready
        self._missed = missed
        self._bounds = bounds
        self._taking = 0
        self._held = 0
        self.rejected: deque[bytes] = deque(maxlen=REJECTED_KEPT)
        """What could not be understood, cut short, for an operator with a debugger or a log."""

    def routes(self, app: web.Application) -> None:
        """Add the route."""
        app.router.add_post(WEBHOOK, self.post)

    async def post(self, request: web.Request) -> web.Response:
        """Take one notification."""
        header = request.headers.get("Authorization", "")
        if not header:
            return self._refuse(401, "NoToken", "send `Authorization: Bearer <token>`")
        if not self._token.accepts(header):
            return self._refuse(401, "WrongToken", "this is not the webhook's token")
        # Who does not say how much it is may send as much as anybody may.
        most, bounds = request.client_max_size, self._bounds
        size = most if request.content_length is None else min(request.content_length, most)
        if self._taking >= bounds.at_once or (self._held and self._held + size > bounds.held):
            self._missed()
            return self._refuse(503, "Busy", "too many notifications at once; send it again")
        self._taking += 1
        self._held += size
        try:
            return await self._take(request)
        finally:
            self._taking -= 1
            self._held -= size

    async def _take(self, request: web.Request) -> web.Response:
        """Take one notification of somebody who may send."""
        try:
            async with asyncio.timeout(self._bounds.read_within):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._refuse(413, "TooLarge", "the notification is too large")
        except TimeoutError:
            return self._refuse(503, "TooSlow", "the notification did not come in whole in time")
        try:
            notification = alerts.parse(body)
        except ValueError as error:
            self.rejected.append(body[:REJECTED_BYTES])
            shown = {"why": str(error), "body": body[:REJECTED_BYTES].decode(errors="replace")}
            LOG.warning("a notification could not be understood", extra={"fields": shown})
            return self._refuse(400, "BadJSON", str(error))
        if notification.truncated_alerts:
            shown = {"truncated": str(notification.truncated_alerts)}
            LOG.warning("Alertmanager left alerts out: raise max_alerts", extra={"fields": shown})
            self._metrics.truncated(notification.truncated_alerts)
            self._missed()
        if not self._ready():
            return self._refuse(503, "NotDurable", "the records are not known yet")
        try:
            async with asyncio.timeout(DURABLE_WITHIN):
                outcomes = await self._intake.take(notification)
        except (ObserveError, TimeoutError) as error:
            self._missed()
            return self._refuse(503, "NotDurable", f"could not be recorded: {error}")
        self._metrics.taken(outcomes)
        return web.json_response({"alerts": [str(outcome) for outcome in outcomes]})

    def _refuse(self, status: int, reason: str, sentence: str) -> web.Response:
        self._metrics.refused(reason)
        return web.Response(status=status, text=f"{reason}: {sentence}\n")
