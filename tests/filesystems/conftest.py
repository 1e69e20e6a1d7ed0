"""Images with real file systems, and one test at a time: there is one kernel with one table.

A lock, for pytest 9.2 leaves no way to pytest-xdist 3.8 to group tests by `xdist_group`.
"""

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import loop_disk, tools


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Wait for the other worker's test of this folder."""
    with (Path(tempfile.gettempdir()) / "pvmedic-tests-filesystems.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def ext4(tmp_path: Path) -> Path:
    """Return an image with ext4 on it."""
    return loop_disk.make(tmp_path / "ext4.img", 16, ["mkfs.ext4", "-q"])


@pytest.fixture
def xfs(tmp_path: Path) -> Path:
    """Return an image with XFS on it; mkfs.xfs is fetched where it is not installed."""
    found = tools.ensure_xfs(print)
    # The smallest that it makes.
    return loop_disk.make(tmp_path / "xfs.img", 320, [str(found.mkfs), "-q"], found.environ)
