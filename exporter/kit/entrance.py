"""Who may come in, and over what: the web configuration in force, and whether a newer one can be.

It is read again when one of its files changes, and on SIGHUP; one that cannot be used changes
nothing but a metric and a log line. What is served is not known here.

The toolkit asks for a password on every path. We let two kinds through: /healthz and /readyz,
because a kubelet's probe has no password (they then say one word and no reason), and paths that
check a token of their own, because a request has one Authorization header. Client certificates are
asked for before there is a path, so where they are required a probe must be an open TCP port.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from exporter.kit import tls, web_config
from exporter.kit.basic_auth import READ, Login, Passwords
from exporter.kit.logs import fields
from exporter.kit.metrics import Reloads
from exporter.kit.settings import Problem, SettingsError
from exporter.kit.web_config import WebConfig

log = logging.getLogger(__name__)

RATE, NAME = "RateLimited", "NameNotAllowed"
REASONS = (Login.MISSING, Login.WRONG, Login.BUSY, RATE, NAME)


class Loaded(NamedTuple):
    """A web configuration that can be served, and what is not as it asks."""

    config: WebConfig
    context: ssl.SSLContext | None = None
    differences: tuple[str, ...] = ()


def load(path: Path | None) -> Loaded:
    """Read a web configuration; without a file, plain HTTP. Raises SettingsError."""
    if path is None:
        return Loaded(WebConfig())
    config = web_config.read(path)
    differences = [
        f"basic_auth_users.{name}: nobody can log in: a hash of this kind cannot be checked"
        for name, text in config.users.items()
        if not text.startswith(READ)
    ]
    if config.tls is None:
        return Loaded(config, None, tuple(differences))
    try:
        made = tls.context(config.tls)
    except (ValueError, ssl.SSLError, OSError) as error:
        problem = Problem(str(path), "tls_server_config", str(error))
        raise SettingsError((problem,)) from error
    return Loaded(config, made.ssl, (*made.differences, *differences))


class Entrance:
    """`path` None: everybody may come in. `steady` is a clock that is never set."""

    def __init__(
        self,
        path: Path | None,
        loaded: Loaded,
        now: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self.loaded = loaded
        self.changed: Callable[[], Awaitable[None]] | None = None
        """Called when connections are to be made in another way from now on."""
        self._path = path
        self._now = now
        self._steady = steady
        self._passwords = Passwords()
        self._tokens = float(loaded.config.burst)
        self._filled_at = steady()
        self._refused: Counter | None = None
        self._reloads: Reloads | None = None
        self._said = ""

    def publish(self, registry: CollectorRegistry) -> None:
        """Publish what is refused, and whether the file can be used."""
        self._refused = Counter(
            "pvmedic_web_requests_refused",
            "Requests and connections that were refused at the web configuration, by reason.",
            ["reason"],
            registry=registry,
        )
        for reason in REASONS:
            self._refused.labels(str(reason))
        if self._path is not None:
            self._reloads = Reloads("web_config", "web configuration", registry, self._now())

    async def refusal(self, request: web.Request, *, open_path: bool) -> web.Response | None:
        """Return the answer for who may not come in; None for who may."""
        if open_path:
            return None
        config = self.loaded.config
        if not self._in_time():
            return self._refuse(RATE, web.Response(status=429, text="too many requests\n"))
        if not config.users:
            return None
        answer = await self._passwords.login(config.users, request.headers.get("Authorization", ""))
        if answer is Login.RIGHT:
            return None
        if answer is Login.BUSY:
            later = web.Response(status=503, text="too many logins\n", headers={"Retry-After": "1"})
            return self._refuse(answer, later)
        headers = {"WWW-Authenticate": "Basic"}
        return self._refuse(
            answer, web.Response(status=401, text="unauthorized\n", headers=headers)
        )

    def lets_in(self, secured: ssl.SSLObject | None) -> bool:
        """Whether a client's certificate has a name that is allowed."""
        wanted = self.loaded.config.tls.allowed_sans if self.loaded.config.tls else None
        if wanted is None:
            return True
        allowed = secured is not None and not wanted.isdisjoint(tls.names_of(secured.getpeercert()))
        if not allowed:
            self._count(NAME)
        return allowed

    def describe(self) -> None:
        """Log how connections are made, and what is not as the file asks."""
        if self._path is None:
            return
        config = self.loaded.config
        shown = fields(
            file=str(self._path),
            tls=config.tls is not None,
            users=len(config.users),
            http2="not offered, HTTP/1.1 only",
        )
        log.info("web configuration", extra=shown)
        for sentence in self.loaded.differences:
            log.warning("web configuration: %s", sentence)

    async def look(self, *, asked: bool) -> None:
        """Read the files again; what cannot be used is told once."""
        if self._path is None:
            return
        try:
            found = await asyncio.to_thread(self._newer, self._path)
        except SettingsError as error:
            if str(error) != self._said or asked:
                log.error("the web configuration is as before: %s", error)  # noqa: TRY400 -- a sentence
            self._said = str(error)
            self._tell(good=False)
            return
        if found.config == self.loaded.config:
            if self._said or asked:
                self._tell(good=True)
            self._said = ""
            return
        before, self.loaded, self._said = self.loaded, found, ""
        self._tokens = min(self._tokens, float(found.config.burst))
        if found.config.tls != before.config.tls and self.changed is not None:
            try:
                await self.changed()
            except OSError as error:
                self.loaded, self._said = before, str(error)
                log.error("the web configuration is as before: %s", error)  # noqa: TRY400 -- a sentence
                self._tell(good=False)
                return
        self._tell(good=True)
        self.describe()

    def _newer(self, path: Path) -> Loaded:
        found = load(path)
        if found.context is None and self.loaded.context is not None:
            sentence = "TLS cannot be switched off while the program runs: restart it"
            raise SettingsError((Problem(str(path), "tls_server_config", sentence),))
        if self.loaded.config.users and not found.config.users:
            # An empty file is one that somebody is writing at this moment.
            sentence = "passwords cannot be switched off while the program runs: restart it"
            raise SettingsError((Problem(str(path), "basic_auth_users", sentence),))
        return found

    def _in_time(self) -> bool:
        config = self.loaded.config
        if config.interval <= 0:
            return True
        now = self._steady()
        more = (now - self._filled_at) / config.interval
        self._tokens = min(float(config.burst), self._tokens + more)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def _tell(self, *, good: bool) -> None:
        if self._reloads is not None:
            self._reloads.tell(good=good, now=self._now())

    def _count(self, reason: str) -> None:
        if self._refused is not None:
            self._refused.labels(reason).inc()

    def _refuse(self, reason: str, answer: web.Response) -> web.Response:
        self._count(reason)
        return answer
