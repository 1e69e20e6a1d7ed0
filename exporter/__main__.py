"""The command `pvmedic-exporter`: this program's settings and run, in the kit's command line."""

import os
import sys

from exporter import app
from exporter.kit.program import Program
from exporter.kit.program import main as run_program
from exporter.observe.errors import ObserveError
from exporter.settings import Settings

PROGRAM = Program("pvmedic-exporter", app.ABOUT.description, (ObserveError,))


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit status."""
    return run_program(PROGRAM, Settings, app.run, os.environ, arguments)


if __name__ == "__main__":
    sys.exit(main())
