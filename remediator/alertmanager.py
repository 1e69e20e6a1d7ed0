"""Alertmanager, asked: what fires, what is silenced, and what its webhook may have missed. Edge.

Of an HA pair any one that answers will do, and a silence that one of them knows counts. Answers are
held for a few seconds, so that many records ask once. Nothing is written to it, ever.

Source: API v2 of Alertmanager 0.25 to 0.34, `GET /api/v2/alerts` and `/api/v2/silence/{id}`.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote

import aiohttp
import msgspec

from exporter.kit.described import setting
from exporter.kit.values import Duration
from exporter.observe import errors
from exporter.observe.kube import failures
from exporter.observe.kube.answers import body_of
from exporter.observe.kube.resources import Asked
from remediator import alert as alerts
from remediator.alert import Alert, Existing
from remediator.intake import CLUSTER
from remediator.ports import Told
from remediator.record import Record

HELD = 5.0
"""Seconds for which an answer is used again."""
LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes; an alert has about 1 KB."""


class AlertmanagerSettings(msgspec.Struct, frozen=True):
    """The section `alertmanager`."""

    urls: Annotated[
        tuple[str, ...],
        setting(
            "Every Alertmanager of the cluster that sends to us, as http(s)://HOST:PORT[/PREFIX]."
            " Without any, silences are not known and what the webhook missed is not fetched."
        ),
    ] = ()
    receiver: Annotated[
        str, setting("The name of the receiver that sends to us; alerts of others are not ours.")
    ] = "pvmedic"
    token_file: Annotated[
        Path | None, setting("Holds a bearer token to ask with; read each time.")
    ] = None
    timeout: Annotated[Duration, setting("How long one answer may take.")] = Duration(5.0)
    every: Annotated[
        Duration, setting("How often what fires is compared with what is recorded.")
    ] = Duration(300.0)

    def problems(self) -> Iterable[tuple[str, str]]:
        """Name what cannot be."""
        for url in self.urls:
            if not re.match(r"https?://[^/]", url):
                yield ("urls", f"{url!r} is not a URL: write http://HOST:PORT")
        if self.timeout <= 0:
            yield ("timeout", "must be more than 0s")
        if self.every < 1.0:
            yield ("every", "must be at least 1s")


class _State(msgspec.Struct, frozen=True, rename="camel"):
    state: str
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()


class _Receiver(msgspec.Struct):
    name: str


class _Found(msgspec.Struct, rename="camel"):
    labels: dict[str, str]
    fingerprint: str = ""
    starts_at: str = ""
    receivers: tuple[_Receiver, ...] = ()
    status: _State = _State("active")

    @property
    def fires(self) -> bool:
        """Neither silenced nor inhibited."""
        return self.status.state == "active"


class _Silence(msgspec.Struct, rename="camel"):
    comment: str = ""
    created_by: str = ""


class Alertmanager:
    """Used as `async with Alertmanager(settings) as alertmanager`.

    `existing` says by their names what alerts without a signal are about, `cluster` which label
    `cluster` is ours: what is said of another cluster's nodes is not said of ours.
    """

    def __init__(
        self,
        settings: AlertmanagerSettings,
        steady: Callable[[], float] = time.monotonic,
        existing: Mapping[str, Existing] | None = None,
        cluster: str = "",
    ) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._existing = existing or {}
        self._cluster = cluster
        self._steady = steady
        self._session: aiohttp.ClientSession | None = None
        self._held: tuple[float, Sequence[_Found] | str] = (float("-inf"), "never asked")
        self._asking = asyncio.Lock()
        self._comments: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    @property
    def named(self) -> bool:
        """Whether there is any to ask."""
        return bool(self._settings.urls)

    async def told(self, record: Record) -> Told | str | None:
        """Return what guards ask about; see `Question.told`."""
        if not self.named:
            return None
        found = await self._all()
        if isinstance(found, str):
            return found
        if self._cluster:
            found = [
                one for one in found if one.labels.get(CLUSTER, self._cluster) == self._cluster
            ]
        ours = [one for one in found if self._about(one, record)]
        silences = [name for one in ours for name in one.status.silenced_by]
        silence = await self._described(silences[0]) if silences else ""
        return Told(
            frozenset(one.labels.get("alertname", "") for one in found if one.fires), silence
        )

    async def firing(self) -> list[Alert]:
        """Return what fires for our receiver; raises ObserveError when nobody answers.

        Neither silenced nor inhibited: as a webhook call would bring it.
        """
        found = await self._all(anew=True)
        if isinstance(found, str):
            raise errors.Unreachable(found)
        wanted = self._settings.receiver
        return [
            Alert("firing", one.labels, one.starts_at, one.fingerprint)
            for one in found
            if one.fires and any(receiver.name == wanted for receiver in one.receivers)
        ]

    async def _all(self, *, anew: bool = False) -> Sequence[_Found] | str:
        """Return the alerts of all that answer, or why nobody did."""
        async with self._asking:
            when, found = self._held
            if anew or self._steady() - when > HELD:
                found = await self._ask_all()
                self._held = (self._steady(), found)
        return found

    async def _ask_all(self) -> Sequence[_Found] | str:
        answers = await asyncio.gather(*map(self._alerts, self._settings.urls))
        lists = [one for one in answers if not isinstance(one, str)]
        if not lists:
            return "; ".join(one for one in answers if isinstance(one, str))
        merged: dict[str, _Found] = {}
        for one in (one for found in lists for one in found):
            # Without one, an alert is its labels.
            mark = one.fingerprint or repr(sorted(one.labels.items()))
            known = merged.get(mark)
            # A silence counts as soon as one of a pair knows of it.
            if known is None or (one.status.silenced_by and not known.status.silenced_by):
                merged[mark] = one
        return tuple(merged.values())

    async def _alerts(self, url: str) -> Sequence[_Found] | str:
        try:
            body = await self._get(url, "/api/v2/alerts")
            return msgspec.json.decode(body, type=list[_Found])
        except errors.ObserveError as error:
            return str(error)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return f"{url}: its answer cannot be read: {error}"

    def _about(self, found: _Found, record: Record) -> bool:
        """Whether an alert is the one of a record, or another one about its subject."""
        if found.fingerprint and found.fingerprint == record.spec.alert.fingerprint:
            return True
        labels = alerts.translated(Alert("firing", found.labels), self._existing).labels
        return labels.get("signal") == record.spec.signal and all(
            labels.get(name) == value for name, value in record.spec.subject.items()
        )

    async def _described(self, silence: str) -> str:
        """Return a silence's id with its comment, where one can be had."""
        if silence not in self._comments:
            self._comments[silence] = silence
            for url in self._settings.urls:
                try:
                    body = await self._get(url, f"/api/v2/silence/{quote(silence, safe='')}")
                    found = msgspec.json.decode(body, type=_Silence)
                except (errors.ObserveError, msgspec.DecodeError):
                    continue
                comment = " ".join(found.comment.split())[:200]
                self._comments[silence] = f"{silence} by {found.created_by}: {comment}"
                break
        return self._comments[silence]

    async def _get(self, url: str, path: str) -> bytes:
        if self._session is None:
            raise RuntimeError("it is used as `async with Alertmanager(...) as alertmanager`")
        asked = Asked("get", f"{url.rstrip('/')}{path}", "", "")
        limit = aiohttp.ClientTimeout(total=self._settings.timeout)
        with failures.translated(asked):
            async with self._session.get(
                asked.resource, headers=self._credentials(), timeout=limit, allow_redirects=False
            ) as answer:
                return await body_of(answer, LARGEST_ANSWER, asked)

    def _credentials(self) -> Mapping[str, str]:
        file = self._settings.token_file
        if file is None:
            return {}
        try:
            return {"Authorization": f"Bearer {file.read_text(encoding='ascii').strip()}"}
        except (OSError, UnicodeDecodeError) as error:
            raise errors.Unauthorized(f"alertmanager.token_file cannot be read: {error}") from error
