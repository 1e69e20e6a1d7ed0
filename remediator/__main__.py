"""The command `pvmedic-remediator`: this program's settings and run, in the kit's command line."""

import os
import sys

from exporter.kit.program import Program
from exporter.kit.program import main as run_program
from exporter.observe.errors import ObserveError
from remediator import app
from remediator.settings import Settings

PROGRAM = Program("pvmedic-remediator", app.ABOUT.description, (ObserveError, ValueError))


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit status."""
    return run_program(PROGRAM, Settings, app.run, os.environ, arguments)


if __name__ == "__main__":
    sys.exit(main())
