"""`pvmedic-exporter orphans` as a program: a scripted API server, a Heketi over HTTP, files."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.edges.fake_api_server import FakeApiServer
from tests.edges.heketi_face import KEY, RECORDED, Handler, greeting, said, served
from tests.edges.test_exporter_program import CORE, items
from tests.observe.gluster_made import state_file

CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
FIRST = "vol_aa6efd58d53e169433cceb5f7ad79349"
HOST, OWN = "vol_11f3a0e545e60c886fd041bc972e25a9", "heketidbstorage"
ORPHAN = "vol_0123456789abcdef0123456789abcdef"


def volume(name: str) -> dict[str, Any]:
    """Return a PersistentVolume of a Gluster volume."""
    return {
        "metadata": {"name": f"pv-{name}", "creationTimestamp": "2020-01-01T00:00:00Z"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "glusterfs": {"endpoints": "glusterfs", "path": name},
            "storageClassName": "shared",
            "claimRef": {"namespace": "shop", "name": "data"},
        },
        "status": {"phase": "Bound"},
    }


class Run:
    """One run of the program."""

    def __init__(self, server: FakeApiServer, directory: Path) -> None:
        self.server = server
        self.directory = directory
        self.volumes = [FIRST, "shop_data_1", HOST, OWN]
        self.claimed = [FIRST, "shop_data_1"]
        self.hello: Handler = greeting

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it until it ends."""
        return asyncio.run(self._run(*arguments))

    def names(self) -> str:
        """Return a file as `gluster volume list` writes it."""
        path = self.directory / "volumes"
        path.write_text("".join(f"{name}\n" for name in self.volumes))
        return str(path)

    async def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        key = self.directory / "key"
        key.write_text(KEY)
        async with served(self.hello, said(RECORDED.read_bytes())) as url:
            shared = {
                "metadata": {"name": "shared"},
                "provisioner": "kubernetes.io/glusterfs",
                "parameters": {"resturl": url},
            }
            self.server.json(CLASSES, items(shared))
            found = items(*(volume(name) for name in self.claimed))
            self.server.json(f"{CORE}/persistentvolumes", found)
            async with self.server.api():
                return await asyncio.to_thread(
                    subprocess.run,
                    [sys.executable, "-m", "exporter", "orphans", *arguments],
                    env={
                        **{name: one for name, one in os.environ.items() if "KUBE" not in name},
                        "PVMEDIC_KUBERNETES_SERVER": self.server.url,
                        "PVMEDIC_KUBERNETES_SERVICE_ACCOUNT_DIRECTORY": str(self.server.directory),
                        "PVMEDIC_HEKETI_ADMIN_KEY_FILE": str(key),
                    },
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=40,
                )


@pytest.fixture
def program(server: FakeApiServer, tmp_path: Path) -> Run:
    """Return a run in which all lists agree."""
    return Run(server, tmp_path)


def test_lists_that_agree_end_with_0(program: Run) -> None:
    """And it is said which were seen."""
    done = program.run("--volumes", program.names())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Each volume is in every list that was seen." in done.stdout
    assert "Gluster's list has 4 volumes (glusterd of volumes)" in done.stdout


def test_orphans_are_listed_with_what_proves_each_and_end_with_1(program: Run) -> None:
    """As a table and as JSON."""
    program.volumes = [FIRST, HOST, OWN, ORPHAN]
    program.claimed = ["shop_data_1", "vol_nowhere"]
    table = program.run("--volumes", program.names())
    assert table.returncode == 1
    rows = [line.split() for line in table.stdout.splitlines() if "_without_" in line]
    assert [row[:6] for row in rows] == [
        ["pv_without_gluster", "shop_data_1", "2.0Gi", "no", "yes", "yes"],
        ["pv_without_gluster", "vol_nowhere", "1.0Gi", "no", "no", "yes"],
        ["gluster_without_heketi", ORPHAN, "?", "yes", "no", "no"],
        ["heketi_without_pv", FIRST, "1.0Gi", "yes", "yes", "no"],
    ]
    assert "look again right before anything is deleted" in table.stdout
    script = program.run("--volumes", program.names(), "-o", "json")
    assert script.returncode == 1
    (pool,) = json.loads(script.stdout)["pools"]
    first = pool["orphans"][0]
    assert (first["volume"], first["claim"], first["in_gluster"]) == (
        "shop_data_1",
        "shop/data",
        False,
    )
    assert len(pool["judged"]) == 5


def test_without_gluster_s_list_it_says_what_is_not_known_and_ends_with_3(program: Run) -> None:
    """What both other lists have may be gone all the same."""
    done = program.run()
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Gluster's list was not seen as a whole" in done.stdout


def test_a_heketi_that_is_down_is_said_and_ends_with_3(program: Run) -> None:
    """Nothing is an orphan then."""
    program.hello = said("boom", 500)
    done = program.run()
    assert done.returncode == 3
    assert "does not answer: ServerFailed" in done.stdout
    assert "No pool was seen" in done.stdout


@pytest.mark.parametrize("option", ["--state", "--volumes"])
def test_a_file_that_cannot_be_read_ends_with_2(program: Run, option: str) -> None:
    """It is said which."""
    done = program.run(option, str(program.directory / "none"))
    assert done.returncode == 2
    assert "none cannot be read" in done.stderr


def test_a_state_file_is_a_list_and_half_of_one_is_refused(program: Run) -> None:
    """It would make orphans of what is behind the cut."""
    path = program.directory / "state"
    path.write_bytes(whole := state_file(program.volumes))
    done = program.run("--state", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Gluster's list has 4 volumes (glusterd of state)" in done.stdout
    path.write_bytes(whole[: len(whole) // 2])
    done = program.run("--state", str(path))
    assert done.returncode == 2
    assert "cut off" in done.stderr
