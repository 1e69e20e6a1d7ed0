"""The command `pvmedic-remediator`.

Reads settings, then runs. Exit status 2: the settings cannot be used.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from exporter.kit import build, logs, settings
from exporter.observe.errors import ObserveError
from remediator import app
from remediator.settings import Settings

UNUSABLE = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit status."""
    parser = argparse.ArgumentParser(prog="pvmedic-remediator", description=app.ABOUT.description)
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, as YAML")
    parser.add_argument(
        "--check-config", action="store_true", help="say what is wrong with the settings and exit"
    )
    parser.add_argument("--version", action="version", version=build.our_version())
    given = parser.parse_args(arguments)
    try:
        found = settings.read(given.config, Settings)
    except settings.SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- there are no logs yet
        return UNUSABLE
    if given.check_config:
        return 0
    logs.set_up(found.log_level)
    try:
        asyncio.run(app.run(found))
    except (ObserveError, ValueError) as error:
        print(f"pvmedic-remediator: {error}", file=sys.stderr)  # noqa: T201 -- for a person's eyes
        return UNUSABLE
    except OSError as error:
        print(f"pvmedic-remediator: {error}", file=sys.stderr)  # noqa: T201 -- same
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
