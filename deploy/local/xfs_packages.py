"""Finds mkfs.xfs: this machine's, or the distribution's package, unpacked and not installed."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local import debian

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.progress import Report

PROGRAM = "mkfs.xfs"
ADVICE = "The tests of XFS need Debian's or Ubuntu's package xfsprogs."
PACKAGES = debian.Packages("xfs", "xfsprogs", ("xfsprogs",), ADVICE, dependencies=True)


@dataclass(frozen=True)
class Xfs:
    """mkfs.xfs, and the environment in which it finds its libraries."""

    mkfs: Path
    environ: Mapping[str, str]


def ensure(cache: Path, report: Report) -> Xfs:
    """Return the program, fetched if it was not yet."""
    installed = shutil.which(PROGRAM, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if installed is not None:
        return Xfs(Path(installed), dict(os.environ))
    tree = cache / PACKAGES.folder
    if not _programs(tree):
        tree = debian.fetch(cache, PACKAGES, report)
    libraries = sorted({str(path.parent) for path in tree.rglob("*.so.*")})
    return Xfs(_programs(tree)[0], {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)})


def _programs(tree: Path) -> list[Path]:
    return sorted(tree.rglob(PROGRAM))
