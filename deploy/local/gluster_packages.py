"""Finds GlusterFS: the package of the distribution, unpacked and not installed.

Its programs look for their parts at fixed places (`/usr/lib/.../glusterfs`, `/usr/sbin`), so they
run only where the tree lies over `/usr`; `gluster_node` sees to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local import debian
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from pathlib import Path

    from local.progress import Report

DAEMON = "usr/sbin/glusterd"
CONFIGURATION = "etc/glusterfs/glusterd.vol"
ADVICE = "The GlusterFS tests and the demo's scene gluster need Debian's or Ubuntu's package."
PACKAGES = debian.Packages("gluster", "GlusterFS", ("glusterfs-server",), ADVICE, dependencies=True)


def ensure(cache: Path, report: Report) -> Path:
    """Return the directory of the unpacked tree."""
    tree = cache / PACKAGES.folder
    if not complete(tree):
        tree = debian.fetch(cache, PACKAGES, report)
    if not complete(tree):
        # apt fetches only what is lacking: GlusterFS is installed here. Whose data are those?
        message = f"a machine with GlusterFS installed is not one to play on. {ADVICE}"
        raise LocalClusterError(message)
    return tree


def complete(tree: Path) -> bool:
    """Whether a directory has what a node needs."""
    return (tree / DAEMON).is_file() and (tree / CONFIGURATION).is_file()
