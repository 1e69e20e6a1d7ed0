"""Images with real file systems. One worker runs all tests here: there is one table of mounts."""

from pathlib import Path

import pytest

from local import loop_disk, tools


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
