"""Finds Prometheus' node_exporter: the neighbour on each node, a yardstick and nothing more.

The package of the distribution, unpacked and not installed. How it is fetched is in `debian`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local import debian

if TYPE_CHECKING:
    from pathlib import Path

    from local.progress import Report

NAME = "prometheus-node-exporter"
PROGRAM = f"usr/bin/{NAME}"
ADVICE = "Only the measurement of the role node needs it."
PACKAGES = debian.Packages(NAME, "node_exporter", (NAME,), ADVICE)


def ensure(cache: Path, report: Report) -> Path:
    """Return the program."""
    return debian.program(cache, PACKAGES, PROGRAM, report)
