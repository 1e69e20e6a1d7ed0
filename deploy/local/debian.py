"""Fetches Debian or Ubuntu packages with what they need and lack here: no root, nothing installed.

apt's lists and downloads go to a directory of ours; the packages are only unpacked. Which packages
these are is not known here.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.errors import LocalClusterError
from local.progress import long_step

if TYPE_CHECKING:
    from pathlib import Path

    from local.progress import Report


@dataclass(frozen=True)
class Packages:
    """Packages that are unpacked together.

    folder: where below the cache. title: what a person calls them. advice: what to do on a machine
    that cannot get them. dependencies: whether what they depend on is fetched too, as far as this
    machine has not got it.
    """

    folder: str
    title: str
    names: tuple[str, ...]
    advice: str
    dependencies: bool = False


def fetch(cache: Path, packages: Packages, report: Report) -> Path:
    """Fetch and unpack anew; returns the directory, which is there only when it is complete."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        message = f"this machine has no apt-get to fetch {packages.title} with. {packages.advice}"
        raise LocalClusterError(message)
    unpacked = cache / packages.folder
    work = cache / f"{packages.folder}-unfinished"
    shutil.rmtree(work, ignore_errors=True)
    try:
        with long_step(report, f"Fetching {packages.title} (a package, not installed)", "20 s"):
            _download(work, packages)
            for package in work.rglob("*.deb"):
                _run(["dpkg-deb", "-x", package, work / "unpacked"], work, packages)
        shutil.rmtree(unpacked, ignore_errors=True)
        (work / "unpacked").rename(unpacked)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return unpacked


def program(cache: Path, packages: Packages, path: str, report: Report) -> Path:
    """Return a program of the packages, `path` below their directory; fetched when not there."""
    found = cache / packages.folder / path
    return found if found.is_file() else fetch(cache, packages, report) / path


def _download(work: Path, packages: Packages) -> None:
    for directory in ("lists/partial", "cache/archives/partial", "unpacked"):
        (work / directory).mkdir(parents=True)
    options = (
        f"Dir::State::Lists={work / 'lists'}",
        f"Dir::Cache={work / 'cache'}",
        "APT::Sandbox::User=root",
        "Debug::NoLocking=true",
        "Acquire::Languages=none",
    )
    apt = ["apt-get", "--quiet", *(word for option in options for word in ("-o", option))]
    _run([*apt, "update"], work, packages)
    if packages.dependencies:
        without = ("--yes", "--download-only", "--no-install-recommends")
        _run([*apt, *without, "install", *packages.names], work, packages)
    else:
        _run([*apt, "download", *packages.names], work, packages)


def _run(command: list[str | Path], directory: Path, packages: Packages) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = " ".join(str(word) for word in command[:1])
        message = f"{words} could not fetch the packages:\n{done.stderr.strip()}\n{packages.advice}"
        raise LocalClusterError(message)
