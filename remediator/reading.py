"""GET /plan: what would be done about a subject now. For people who may read, and change nothing.

Edge. `?signal=NAME` and each label of the subject, a bearer token of its own. Answers: 200 a dry
run as JSON; 400 no such failure or subject; 401 no or wrong token; 404 nobody may ask, because the
settings name no token; 503 somebody else is asking, or the look was not done in time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from aiohttp import web

from exporter.kit.logs import fields
from exporter.observe.errors import ObserveError
from exporter.observe.model import Subject
from exporter.observe.signals.base import Detector
from remediator.dry_run import DryRun, named
from remediator.handlers.base import Handler
from remediator.server import Token

LOG = logging.getLogger("pvmedic.reading")

PLAN = "/plan"
ANSWERED_WITHIN = 30.0
WAITS_FOR_OTHERS = 5.0
"""Seconds that one who asks waits for another: a look costs the API server and the cloud."""

DryRuns = Callable[[tuple[Detector, Handler, Subject]], Awaitable[DryRun]]


class ReadingServer:
    """The route's handler. `run` does one dry run; one at a time is done."""

    def __init__(self, token_file: Path | None, run: DryRuns) -> None:
        """Read the token; ValueError when it cannot be read."""
        self._token = Token(token_file, "reading.token_file") if token_file is not None else None
        self._run = run
        self._slot = asyncio.Semaphore(1)

    def routes(self, app: web.Application) -> None:
        """Add the route."""
        app.router.add_get(PLAN, self.get)

    async def get(self, request: web.Request) -> web.Response:
        """Answer one question."""
        if self._token is None:
            return _refused(404, "nobody may ask: the remediator's setting reading.token_file")
        if not self._token.accepts(request.headers.get("Authorization", "")):
            return _refused(401, "send `Authorization: Bearer <token>` with the reading token")
        given = dict(request.query)
        asked = named(given.pop("signal", ""), given)
        if isinstance(asked, str):
            return _refused(400, asked)
        try:
            async with asyncio.timeout(WAITS_FOR_OTHERS):
                await self._slot.acquire()
        except TimeoutError:
            return _refused(503, "somebody else is asking; ask again")
        try:
            async with asyncio.timeout(ANSWERED_WITHIN):
                answer = await self._run(asked)
        except (ObserveError, TimeoutError) as error:
            why = str(error) or "no answer in time"
            LOG.warning("a dry run could not be done", extra=fields(why=why))
            return _refused(503, why)
        finally:
            self._slot.release()
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


def _refused(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)
