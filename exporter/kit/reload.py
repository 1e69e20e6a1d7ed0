"""Settings that change while a program runs: which can be applied at once, and which cannot.

A file is followed by its content, so that it does not matter how it was replaced: written over,
renamed onto, or by the swap of links that Kubernetes makes of a ConfigMap. SIGHUP asks at once.
What applying means is the program's.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec
from prometheus_client import CollectorRegistry, Gauge

from exporter.kit.described import fields_of, is_section, joined
from exporter.kit.logs import fields
from exporter.kit.metrics import Reloads
from exporter.kit.settings import SettingsError

log = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two looks at the files."""

S = TypeVar("S", bound=msgspec.Struct)


class Changes(NamedTuple):
    """Paths of settings: those that can be applied at once, and those that need a restart."""

    live: tuple[str, ...]
    restart: tuple[str, ...]


def changes(before: msgspec.Struct, after: msgspec.Struct) -> Changes:
    """Compare two settings of one type."""
    found = list(_differences(before, after, ""))
    return Changes(
        tuple(path for path, live in found if live),
        tuple(path for path, live in found if not live),
    )


def applied(before: S, after: S) -> S:
    """Return the settings before, with what can be applied at once as it is after."""
    values: dict[str, object] = {}
    for name, field in fields_of(type(before)).items():
        old, new = getattr(before, name), getattr(after, name)
        if is_section(field.type):
            values[name] = applied(old, new)
        else:
            values[name] = new if field.live else old
    return type(before)(**values)


class Source(NamedTuple, Generic[S]):
    """Where settings are from; `path` None: nowhere that could change."""

    path: Path | None
    read: Callable[[], S]


class Follower(Protocol):
    """Looks whether what it follows has changed; `asked`: a person wants to know."""

    async def look(self, *, asked: bool) -> None:
        """Look, and use what is new."""
        ...


class Reload(Generic[S]):
    """Follows the settings' file. `apply` gets settings in which only live ones have changed."""

    def __init__(
        self,
        source: Source[S],
        settings: S,
        apply: Callable[[S], None],
        registry: CollectorRegistry,
        now: Callable[[], float],
    ) -> None:
        self.settings = settings
        self._source = source
        self._apply = apply
        self._now = now
        self._content = b""
        self._reloads = Reloads("config", "settings", registry, now())
        self._restart = Gauge(
            "pvmedic_config_restart_needed",
            "1 for a setting that differs in the file and is not in force until a restart.",
            ["setting"],
            registry=registry,
        )

    async def look(self, *, asked: bool) -> None:
        """Read the file when it has changed; what cannot be used is told once."""
        if self._source.path is None:
            return
        content = await asyncio.to_thread(_content, self._source.path)
        if content == self._content and not asked:
            return
        self._content = content
        try:
            found = await asyncio.to_thread(self._source.read)
        except SettingsError as error:
            log.error("the settings are as before: %s", error)  # noqa: TRY400 -- a sentence
            self._reloads.tell(good=False, now=self._now())
            return
        self._use(found)

    def _use(self, found: S) -> None:
        seen = changes(self.settings, found)
        self._reloads.tell(good=True, now=self._now())
        self._restart.clear()
        for path in seen.restart:
            self._restart.labels(path).set(1)
        if seen.live:
            self.settings = applied(self.settings, found)
            self._apply(self.settings)
        log.info("settings read again", extra=fields(applied=seen.live, restart_for=seen.restart))
        if seen.restart:
            log.warning("not in force before a restart: %s", ", ".join(seen.restart))


async def follow(followers: Sequence[Follower], every: float = EVERY) -> None:
    """Look now and then, and when somebody sends SIGHUP, for as long as the program runs."""
    hangup = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, hangup.set)
    try:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await hangup.wait()
            asked = hangup.is_set()
            hangup.clear()
            for follower in followers:
                await follower.look(asked=asked)
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        # Reading it says what is wrong; here it only has to differ from what was read.
        return repr(error).encode()


def _differences(
    before: msgspec.Struct, after: msgspec.Struct, path: str
) -> Iterator[tuple[str, bool]]:
    for name, field in fields_of(type(before)).items():
        old, new = getattr(before, name), getattr(after, name)
        if is_section(field.type):
            yield from _differences(old, new, joined(path, name))
        elif old != new:
            yield joined(path, name), field.live
