"""Namespaces of a run: what is started in them, and that nothing is left when its owner is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local import namespaces
from local.errors import LocalClusterError
from local.processes import Processes
from local.run_directory import RunDirectory
from tests.local.test_run_directory import DEPLOY, eventually, lives

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_root = pytest.mark.skipif(bool(namespaces.why_not()), reason=namespaces.why_not() or "-")
OWNER = """
import sys, time
sys.path.insert(0, {deploy!r})
from local.namespaces import open_space
from local.processes import Processes
from local.run_directory import RunDirectory
directory = RunDirectory.create()
space = open_space(Processes(directory), directory.path, "cage", "sleep 1000 & mkdir $1", "{new}")
print(space.pid, flush=True)
time.sleep(1000)
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunDirectory]:
    """Make a run's directory among the test's own files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = RunDirectory.create()
    yield made
    made.close()


@needs_root
def test_what_is_mounted_and_wired_inside_is_not_seen_outside(directory: RunDirectory) -> None:
    """The mount and the bridge are there inside, and nowhere else."""
    script = 'mount -t tmpfs cage "$1"; touch "$1/inside"; ip link add cage0 type bridge'
    place = directory.path / "place"
    place.mkdir()
    processes = Processes(directory)
    space = namespaces.open_space(processes, directory.path, "cage", script, str(place))
    assert space.run(["ls", place]) == "inside\n"
    assert "cage0" in space.run(["ip", "link"])
    assert list(place.iterdir()) == []
    assert "cage0" not in Path("/proc/net/dev").read_text()
    processes.end_all()
    assert eventually(lambda: not lives(space.pid))


@needs_root
def test_with_its_owner_killed_everything_inside_ends(tmp_path: Path) -> None:
    """The first process of the namespace dies with the owner, and all others with that one."""
    new = tmp_path / "new"
    with subprocess.Popen(
        [sys.executable, "-c", OWNER.format(deploy=str(DEPLOY), new=new)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as owner:
        assert owner.stdout is not None
        first = int(owner.stdout.readline())
        inside = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        assert inside
        owner.kill()
    assert eventually(lambda: not any(map(lives, (first, *map(int, inside)))))


@needs_root
def test_a_script_that_fails_is_an_error_with_its_words(directory: RunDirectory) -> None:
    """Whoever starts a pool reads what was missing."""
    processes = Processes(directory)
    with pytest.raises(LocalClusterError, match=r"(?s)cage ended with \d+.*no such thing"):
        namespaces.open_space(processes, directory.path, "cage", "echo no such thing; false")
    processes.end_all()


@needs_root
def test_a_command_that_does_not_end_is_an_error(directory: RunDirectory) -> None:
    """A hung glusterd hangs its command line, and must not hang a test."""
    processes = Processes(directory)
    space = namespaces.open_space(processes, directory.path, "cage", ":")
    with pytest.raises(LocalClusterError, match="no end after 0 s"):
        space.run(["sleep", "100"], seconds=0.2)
    processes.end_all()


def test_without_root_the_reason_is_a_sentence() -> None:
    """The skipped tests and the demo say it."""
    assert namespaces.lacking(1000, os.defpath) == "mount and network namespaces need root"


def test_missing_programs_are_named() -> None:
    """With the packages that have them."""
    said = namespaces.lacking(0, "/nowhere")
    assert said.startswith("unshare, nsenter, ip, mount missing; the packages are")
