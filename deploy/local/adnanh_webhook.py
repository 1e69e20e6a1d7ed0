"""Finds adnanh/webhook, which runs a command for each HTTP request: a measurement's yardstick.

The package of the distribution, unpacked and not installed. How it is fetched is in `debian`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local import debian

if TYPE_CHECKING:
    from pathlib import Path

    from local.progress import Report

PROGRAM = "usr/bin/webhook"
ADVICE = "Only the measurement of the intake needs it."
PACKAGES = debian.Packages("adnanh-webhook", "adnanh/webhook", ("webhook",), ADVICE)


def ensure(cache: Path, report: Report) -> Path:
    """Return the program."""
    return debian.program(cache, PACKAGES, PROGRAM, report)
