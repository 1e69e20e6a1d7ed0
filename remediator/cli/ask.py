"""plan: ask the running remediator for a dry run over HTTP. Edge."""

import ssl
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import msgspec

from exporter.kit.terminal import harmless
from exporter.observe import errors
from remediator.cli import show
from remediator.cli.said import DONE, NO, UNANSWERED, Said, said
from remediator.dry_run import DryRun
from remediator.record import Phase

PATH = "/plan"
PATIENCE = aiohttp.ClientTimeout(total=40.0, sock_connect=5.0)
REFUSED = 400
GOES_ON = frozenset({Phase.RUNNING, Phase.AWAITING_APPROVAL, Phase.OBSERVED})
"""Where a plan goes that no guard but the mode keeps from being done."""


class Remediator(msgspec.Struct, frozen=True):
    """Where it is, and what shows it that we may ask."""

    url: str
    token_file: Path
    authority: Path | None = None


class _Error(msgspec.Struct):
    error: str = ""


async def plan(where: Remediator, signal: str, subject: Mapping[str, str], width: int) -> Said:
    """Return its answer; raises ObserveError without one."""
    try:
        token = where.token_file.read_text(encoding="ascii").strip()
        tls = ssl.create_default_context(cafile=where.authority)
    except (OSError, UnicodeDecodeError, ssl.SSLError) as error:
        raise errors.Unauthorized(f"token or authority cannot be read: {error}") from error
    headers = {"Authorization": f"Bearer {token}"}
    params = {"signal": signal, **subject}
    url = f"{where.url.rstrip('/')}{PATH}"
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE, headers=headers) as session,
            # A redirect would carry our token to wherever it points.
            session.get(url, params=params, ssl=tls, allow_redirects=False) as answer,
        ):
            status, body = answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        why = str(error) or "no answer in time"
        raise errors.Unreachable(f"the remediator at {where.url} cannot be reached: {why}") from (
            error
        )
    return _answer(status, body, width)


def _answer(status: int, body: bytes, width: int) -> Said:
    try:
        if status >= REFUSED:
            refused = msgspec.json.decode(body, type=_Error).error
            sentence = harmless(f"the remediator refuses ({status}): {refused}")
            return said(NO if status == REFUSED else UNANSWERED, sentence, {"error": refused})
        run = msgspec.json.decode(body, type=DryRun)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise errors.Garbage(f"this is no remediator's answer ({status}): {error}") from error
    return said(DONE if run.phase in GOES_ON else NO, show.dry(run, width), run)
