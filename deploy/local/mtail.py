"""Finds mtail, which turns log lines into metrics: the yardstick of a measurement, nothing more.

The package of the distribution, unpacked and not installed. How it is fetched is in `debian`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local import debian

if TYPE_CHECKING:
    from pathlib import Path

    from local.progress import Report

PROGRAM = "usr/bin/mtail"
ADVICE = "Only the measurement of the glusterd log needs it."
PACKAGES = debian.Packages("mtail", "mtail", ("mtail",), ADVICE)


def ensure(cache: Path, report: Report) -> Path:
    """Return the program."""
    return debian.program(cache, PACKAGES, PROGRAM, report)
