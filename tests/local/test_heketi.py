"""The real Heketi: our source reads it, an import fills it, it goes and comes back."""

from __future__ import annotations

import asyncio
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from exporter.kit.values import Duration
from exporter.observe import model
from exporter.observe.heketi import Heketis, HeketiSettings
from exporter.observe.objects import Objects
from exporter.observe.view import View
from local import go_build, heketi, tools
from local.heketi import Heketi
from local.processes import Processes
from local.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NODES = ("node-a", "node-b", "node-c")


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Heketi]:
    """Return a Heketi with three volumes, which runs."""
    program = tools.ensure_heketi(print)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    directory = RunDirectory.create()
    processes = Processes(directory)
    try:
        started = Heketi(processes, directory.path, program)
        started.load(heketi.dump(NODES, ("a", "b", "c")))
        started.start()
        yield started
    finally:
        processes.end_all()
        directory.close()


def source(real: Heketi) -> Heketis:
    """Return our source for it."""
    settings = HeketiSettings(
        endpoints=(real.url,),
        admin_key_file=real.key_file,
        dump_every=Duration(0),
        timeout=Duration(5),
    )
    return Heketis(settings, lambda: View(Objects(), 0.0), time.time)


def names(found: Sequence[model.Object]) -> set[str]:
    """Return the names of the volumes that were seen."""
    return {one.name for one in found if isinstance(one, model.HeketiVolume)}


def test_a_real_heketi_is_seen_with_its_database_and_when_it_is_gone(real: Heketi) -> None:
    """With volumes that were imported, and one that it made itself; then dead, then back."""
    asking = source(real)
    imported = {f"vol_{heketi.identity(name)}" for name in "abc"}
    found = asyncio.run(asking.look())
    (seen,) = (one for one in found if isinstance(one, model.Heketi))
    assert (seen.up, seen.listed, seen.volumes) == (True, True, 3)
    assert seen.clusters == (model.HeketiCluster(heketi.identity("pool"), NODES),)
    assert names(found) == imported
    made = real.create(2)
    found = asyncio.run(asking.look())
    assert names(found) == {*imported, made["name"]}
    assert {one.size for one in found if isinstance(one, model.HeketiVolume)} == {2**30, 2**31}
    real.kill()
    (gone,) = asyncio.run(asking.look())
    assert gone == model.Heketi(real.url, up=False, reason="Refused")
    real.start()
    real.delete(made["id"])
    settling = {
        one.name
        for one in asyncio.run(asking.look())
        if isinstance(one, model.HeketiVolume) and one.settling
    }
    assert settling == {made["name"]}


def test_a_real_heketi_refuses_a_wrong_key(real: Heketi) -> None:
    """It is up all the same."""
    real.key_file.write_text("wrong")
    (seen,) = asyncio.run(source(real).look())
    assert isinstance(seen, model.Heketi)
    assert (seen.up, seen.listed, seen.blind) == (True, False, "Unauthorized")


def test_a_change_of_the_stubs_builds_anew(tmp_path: Path) -> None:
    """They are part of the program."""
    copy = tmp_path / "heketi"
    shutil.copytree(go_build.HEKETI.path, copy)
    ours = go_build.stamp(go_build.HEKETI.path)
    assert go_build.stamp(copy) == ours
    with next(copy.rglob("rest.go")).open("a") as file:
        file.write("// changed\n")
    assert go_build.stamp(copy) != ours
