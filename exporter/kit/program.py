"""A program's command line and its end: settings in, exit status out. What it does is handed in.

Exit status 0: ended as asked. 1: the listen address cannot be had. 2: the settings cannot be used.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar, cast

import msgspec

from exporter.kit import build, entrance, logs, settings
from exporter.kit.entrance import Entrance
from exporter.kit.reference import reference
from exporter.kit.reload import Source
from exporter.kit.values import Address

UNUSABLE = 2


class Served(Protocol):
    """What the settings of every program have."""

    @property
    def listen(self) -> Address:
        """Where it listens."""
        ...

    @property
    def log_level(self) -> logs.Level:
        """How much it logs."""
        ...


S = TypeVar("S", bound=msgspec.Struct)


class Program(NamedTuple):
    """A command's name and sentence. `unusable` are errors that a person mends in the settings."""

    name: str
    description: str
    unusable: tuple[type[Exception], ...]


class Start(NamedTuple, Generic[S]):
    """What a program begins with: settings, where to read them again, and who may come in."""

    settings: S
    source: Source[S]
    entrance: Entrance


def main(
    program: Program,
    into: type[S],
    run: Callable[[Start[S]], Coroutine[None, None, None]],
    environ: Mapping[str, str],
    arguments: list[str] | None = None,
) -> int:
    """Read the settings, run, and return the exit status; `arguments` None: the command line's."""
    given = _parser(program).parse_args(arguments)
    if given.print_config:
        print(reference(into), end="")  # noqa: T201 -- what was asked for
        return 0
    read = partial(settings.read, given.config, into, environ)
    try:
        found, loaded = read(), entrance.load(given.web_config)
    except settings.SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- there are no logs yet
        return UNUSABLE
    if given.check_config:
        return 0
    served = cast("Served", found)  # a type variable has one bound only
    logs.set_up(served.log_level)
    door = Entrance(given.web_config, loaded, time.time, time.monotonic)
    try:
        asyncio.run(run(Start(found, Source(given.config, read), door)))
    except program.unusable as error:
        print(f"{program.name}: {error}", file=sys.stderr)  # noqa: T201 -- for a person's eyes
        return UNUSABLE
    except OSError as error:
        print(f"{program.name}: {served.listen}: {error}", file=sys.stderr)  # noqa: T201 -- same
        return 1
    return 0


def _parser(program: Program) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program.name,
        description=program.description,
        epilog="A setting a.b is also the environment variable PVMEDIC_A_B, which goes first.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, as YAML")
    parser.add_argument(
        "--check-config", action="store_true", help="say what is wrong with the settings and exit"
    )
    parser.add_argument(
        "--print-config", action="store_true", help="print every setting with its default and exit"
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config",
        type=Path,
        metavar="FILE",
        help="TLS and passwords, as Prometheus' exporter-toolkit reads them",
    )
    parser.add_argument("--version", action="version", version=build.our_version())
    return parser
