"""A way to the API server on which three of ten calls go wrong, in every way that calls do.

Plain HTTP in front, the real API server behind: what is refused never came there, what is lost took
effect. What a test expects of whoever goes this way is not said here.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from aiohttp import web

from tests.cluster.gate import Gate

if TYPE_CHECKING:
    from local.cluster import LocalCluster
    from tests.cluster.gate import Rule

SHARE = 0.3
HOLD_SECONDS = 30.0
"""How long a call is left without an answer, at most: whoever asks gives up before."""
WATCHED_SECONDS = 2.0
"""How long a watch lasts until it is cut."""


class Fault(StrEnum):
    """What becomes of a call. "Lost": it took effect, and whoever called does not hear of it."""

    CONFLICT = "409"
    THROTTLED = "429"
    FAILED = "500"
    FAILED_LOST = "500, lost"
    CUT = "cut"
    CUT_LOST = "cut, lost"
    SILENT = "silent"
    SILENT_LOST = "silent, lost"


LOST = frozenset({Fault.FAILED_LOST, Fault.CUT_LOST, Fault.SILENT_LOST})
SILENT = frozenset({Fault.SILENT, Fault.SILENT_LOST})
STATUS = {
    Fault.CONFLICT: (409, "Conflict"),
    Fault.THROTTLED: (429, "TooManyRequests"),
    Fault.FAILED: (500, "InternalError"),
    Fault.FAILED_LOST: (500, "InternalError"),
}
SILENT_READS = 0.05
"""How often a read is left without an answer, to each other way. It costs 15 s; a write costs 5."""


class TroubledWay(Gate):
    """Open from construction to `close`; what goes wrong is chosen by chance, from a seed.

    calls: how many there were. faults: how many of them went wrong, and how.
    """

    def __init__(self, cluster: LocalCluster, rule: Rule, seed: int, share: float = SHARE) -> None:
        """Listen."""
        self._share = share
        self._chosen = random.Random(seed)  # noqa: S311 -- repeatable is what it has to be
        self.calls = 0
        self.faults: Counter[Fault] = Counter()
        super().__init__(cluster, rule)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        if self._chosen.random() >= self._share:
            return await super()._answer(request)
        fault = self._choice(request)
        self.faults[fault] += 1
        if "watch" in request.query:
            return await self._broken_watch(request, fault)
        if fault in LOST:
            await super()._answer(request)
        if fault in STATUS:
            return _refused(*STATUS[fault])
        if fault in SILENT:
            await _held(request)
        return _cut(request)

    def _choice(self, request: web.Request) -> Fault:
        """Choose one that there can be: nothing but a change meets a conflict."""
        reads = request.method == "GET"
        possible = [fault for fault in Fault if not (reads and fault is Fault.CONFLICT)]
        weights = [SILENT_READS if reads and fault in SILENT else 1.0 for fault in possible]
        (found,) = self._chosen.choices(possible, weights)
        return found

    async def _broken_watch(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        """Refuse a watch, or cut it off after a while."""
        if fault in STATUS:
            return _refused(*STATUS[fault])
        stream = asyncio.ensure_future(self._stream(request))
        await asyncio.wait([stream], timeout=WATCHED_SECONDS)
        if stream.done():
            return await stream
        answer = _cut(request)
        stream.cancel()
        await asyncio.wait([stream])
        return answer


def _refused(status: int, reason: str) -> web.Response:
    body = {"kind": "Status", "code": status, "reason": reason, "message": f"by chance: {reason}"}
    headers = {"Retry-After": "1"} if status == STATUS[Fault.THROTTLED][0] else {}
    return web.json_response(body, status=status, headers=headers)


async def _held(request: web.Request) -> None:
    """Say nothing until whoever asks has gone."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HOLD_SECONDS):
            while request.transport is not None:  # noqa: ASYNC110 -- aiohttp has no event for it
                await asyncio.sleep(0.05)


def _cut(request: web.Request) -> web.Response:
    """Cut the connection; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)
