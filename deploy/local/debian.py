"""Fetches Prometheus as a Debian or Ubuntu package: no root, nothing installed.

apt's lists and downloads go to a directory of ours; the packages are only unpacked.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from local.errors import LocalClusterError
from local.progress import long_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.progress import Report

PACKAGES = ("prometheus",)
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


def ensure(cache: Path, environ: Mapping[str, str], report: Report) -> dict[str, Path]:
    """Return the path of each program; those that PVMEDIC_<NAME> names are taken from there."""
    given = {name: environ.get(f"PVMEDIC_{name.upper()}") for name in PROGRAMS}
    unpacked = cache / "monitoring"
    paths = {
        name: Path(own) if (own := given[name]) else unpacked / inside
        for name, inside in PROGRAMS.items()
    }
    for name, path in paths.items():
        if given[name] and not os.access(path, os.X_OK):
            message = f"PVMEDIC_{name.upper()} is {path}, which is not a program"
            raise LocalClusterError(message)
    if not all(path.is_file() for path in paths.values()):
        _fetch(cache, unpacked, report)
    check_version(_version_line(paths["prometheus"]))
    return paths


def check_version(line: str) -> None:
    """Raise unless what `prometheus --version` prints names one that is new enough."""
    found = re.search(r"version (\d+)\.(\d+)", line)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_PROMETHEUS:
        message = f"this Prometheus is too old: {line.strip() or 'no version printed'}. {ADVICE}"
        raise LocalClusterError(message)


def _fetch(cache: Path, unpacked: Path, report: Report) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        message = f"this machine has no apt-get to fetch Prometheus with. {ADVICE}"
        raise LocalClusterError(message)
    work = cache / "monitoring-unfinished"
    shutil.rmtree(work, ignore_errors=True)
    try:
        with long_step(report, "Fetching Prometheus (a package, not installed)", "20 s"):
            _download(work)
            for package in work.glob("*.deb"):
                _run(["dpkg-deb", "-x", package, work / "unpacked"], work)
        shutil.rmtree(unpacked, ignore_errors=True)
        (work / "unpacked").rename(unpacked)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(work: Path) -> None:
    for directory in ("lists/partial", "cache/archives/partial"):
        (work / directory).mkdir(parents=True)
    options = (
        f"Dir::State::Lists={work / 'lists'}",
        f"Dir::Cache={work / 'cache'}",
        "APT::Sandbox::User=root",
        "Debug::NoLocking=true",
        "Acquire::Languages=none",
    )
    apt = ["apt-get", "--quiet", *(word for option in options for word in ("-o", option))]
    _run([*apt, "update"], work)
    _run([*apt, "download", *PACKAGES], work)


def _run(command: list[str | Path], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = " ".join(str(word) for word in command[:1])
        message = f"{words} could not fetch the packages:\n{done.stderr.strip()}\n{ADVICE}"
        raise LocalClusterError(message)


def _version_line(prometheus: Path) -> str:
    done = subprocess.run([prometheus, "--version"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
