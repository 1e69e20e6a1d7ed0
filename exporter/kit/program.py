"""A program's command line and its end: settings in, exit status out. What it does is handed in.

Exit status 0: ended as asked. 1: the listen address cannot be had. 2: the settings cannot be used.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from exporter.kit import build, logs, settings
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


S = TypeVar("S", bound=Served)


class Program(NamedTuple):
    """A command's name and sentence. `unusable` are errors that a person mends in the settings."""

    name: str
    description: str
    unusable: tuple[type[Exception], ...]


def main(
    program: Program,
    read: Callable[[Path | None], S],
    run: Callable[[S], Coroutine[None, None, None]],
    arguments: list[str] | None = None,
) -> int:
    """Read the settings, run, and return the exit status; `arguments` None: the command line's."""
    parser = argparse.ArgumentParser(prog=program.name, description=program.description)
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, as YAML")
    parser.add_argument(
        "--check-config", action="store_true", help="say what is wrong with the settings and exit"
    )
    parser.add_argument("--version", action="version", version=build.our_version())
    given = parser.parse_args(arguments)
    try:
        found = read(given.config)
    except settings.SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- there are no logs yet
        return UNUSABLE
    if given.check_config:
        return 0
    logs.set_up(found.log_level)
    try:
        asyncio.run(run(found))
    except program.unusable as error:
        print(f"{program.name}: {error}", file=sys.stderr)  # noqa: T201 -- for a person's eyes
        return UNUSABLE
    except OSError as error:
        print(f"{program.name}: {found.listen}: {error}", file=sys.stderr)  # noqa: T201 -- same
        return 1
    return 0
