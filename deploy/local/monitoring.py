"""Finds Prometheus and promtool: those that the user names, or a package's.

How packages are fetched is in `debian`.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from local import debian
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.progress import Report

PROGRAMS = {
    "prometheus": "usr/bin/prometheus",
    "promtool": "usr/bin/promtool",
}
# keep_firing_for, which the rules use, came with 2.42.
OLDEST_PROMETHEUS = (2, 42)
ADVICE = (
    "Get Prometheus 2.42 or newer from its own releases and set "
    + ", ".join(f"PVMEDIC_{name.upper()}" for name in PROGRAMS)
    + " to the paths of the programs."
)
PACKAGES = debian.Packages("monitoring", "Prometheus", ("prometheus",), ADVICE)


def ensure(cache: Path, environ: Mapping[str, str], report: Report) -> dict[str, Path]:
    """Return the path of each program; those that PVMEDIC_<NAME> names are taken from there."""
    given = {name: environ.get(f"PVMEDIC_{name.upper()}") for name in PROGRAMS}
    unpacked = cache / PACKAGES.folder
    paths = {
        name: Path(own) if (own := given[name]) else unpacked / inside
        for name, inside in PROGRAMS.items()
    }
    for name, path in paths.items():
        if given[name] and not os.access(path, os.X_OK):
            message = f"PVMEDIC_{name.upper()} is {path}, which is not a program"
            raise LocalClusterError(message)
    if not all(path.is_file() for path in paths.values()):
        debian.fetch(cache, PACKAGES, report)
    check_version(_version_line(paths["prometheus"]))
    return paths


def check_version(line: str) -> None:
    """Raise unless what `prometheus --version` prints names one that is new enough."""
    found = re.search(r"version (\d+)\.(\d+)", line)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_PROMETHEUS:
        message = f"this Prometheus is too old: {line.strip() or 'no version printed'}. {ADVICE}"
        raise LocalClusterError(message)


def _version_line(prometheus: Path) -> str:
    done = subprocess.run([prometheus, "--version"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
