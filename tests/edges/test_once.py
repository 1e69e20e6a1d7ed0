"""`pvmedic-exporter once` as a program, against a scripted API server."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.observe.kube.access import kubeconfig
from tests.edges.fake_api_server import FakeApiServer, said
from tests.edges.test_exporter_program import CORE, items

STORAGE = "/apis/storage.k8s.io/v1"
ALL = (
    *(f"{CORE}/{name}" for name in ("nodes", "pods", "persistentvolumeclaims", "events")),
    f"{CORE}/persistentvolumes",
    *(f"{STORAGE}/{name}" for name in ("volumeattachments", "storageclasses", "csinodes")),
    f"{STORAGE}/csidrivers",
)
"""Snapshots are not installed."""
LOST = {
    "metadata": {"name": "csi-1", "resourceVersion": "1"},
    "spec": {"attacher": "d", "nodeName": "gone", "source": {"persistentVolumeName": "pv"}},
    "status": {"attached": True},
}


def once(server: FakeApiServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it against the server until it ends."""

    async def run() -> subprocess.CompletedProcess[str]:
        async with server.api():
            return await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-m", "exporter", "once", *arguments],
                env={
                    **{key: value for key, value in os.environ.items() if "KUBERNETES" not in key},
                    "PVMEDIC_KUBERNETES_SERVER": server.url,
                    "PVMEDIC_KUBERNETES_SERVICE_ACCOUNT_DIRECTORY": str(server.directory),
                },
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
            )

    return asyncio.run(run())


@pytest.fixture
def healthy(server: FakeApiServer) -> FakeApiServer:
    """Return a server of a cluster in which nothing is, and nothing is wrong."""
    for path in ALL:
        server.json(path, items())
    server.json("/version", {"gitVersion": "v1.36.1"})
    return server


def test_a_healthy_cluster_ends_with_0(healthy: FakeApiServer) -> None:
    """One sentence; what is not installed is no failure."""
    done = once(healthy)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    assert done.stdout.startswith("Nothing is wrong")
    assert {request.method for request in healthy.requests} == {"GET"}


def test_what_nodes_would_add_is_no_failure_of_this_run(healthy: FakeApiServer) -> None:
    """Every failure that this command looks for can be decided without them, in part at least."""
    done = once(healthy, "-o", "json")
    assert (done.returncode, json.loads(done.stdout)["blind"]) == (0, {})


def test_what_is_wrong_is_listed_and_ends_with_1(healthy: FakeApiServer) -> None:
    """As a table and as JSON."""
    healthy.json(f"{STORAGE}/volumeattachments", items(LOST))
    table = once(healthy)
    assert table.returncode == 1
    assert "node_lost_with_volumes  NodeGone" in table.stdout
    assert "node=gone" in table.stdout
    script = once(healthy, "-o", "json")
    assert script.returncode == 1
    found = json.loads(script.stdout)
    assert [one["signal"] for one in found["findings"]] == ["node_lost_with_volumes"]


def test_what_may_not_be_seen_is_said_and_ends_with_3(healthy: FakeApiServer) -> None:
    """It names the right that is missing and what nothing is known of."""
    forbidden = said({"message": "volumeattachments is forbidden"}, 403)
    healthy.answer(f"{STORAGE}/volumeattachments", forbidden)
    done = once(healthy)
    assert done.returncode == 3
    assert "UNSEEN  volumeattachments: list volumeattachments at cluster scope" in done.stdout
    assert "nothing is known of" in done.stdout
    assert "node_lost_with_volumes" in done.stdout
    assert "Nothing is wrong" not in done.stdout


def test_what_cannot_be_read_is_said_and_ends_with_3(healthy: FakeApiServer) -> None:
    """One object is named; the rest of its kind is judged. A proxy's 404 is not an empty kind."""
    broken = {"metadata": {"name": "csi-2", "resourceVersion": "1"}, "spec": 5}
    healthy.json(f"{STORAGE}/volumeattachments", items(broken))
    done = once(healthy)
    assert done.returncode == 3
    assert "UNSEEN  volumeattachments csi-2: " in done.stdout
    assert "nothing is known of" not in done.stdout
    healthy.json(f"{STORAGE}/volumeattachments", items(broken, LOST))
    assert once(healthy).returncode == 1
    healthy.answer(f"{STORAGE}/volumeattachments", said("404 page not found", 404))
    done = once(healthy)
    assert done.returncode == 3
    assert "nothing is known of" in done.stdout


def test_without_an_api_server_it_ends_with_2(healthy: FakeApiServer) -> None:
    """And says what was asked and what came."""
    healthy.answer("/version", said("boom", 500))
    done = once(healthy)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pvmedic-exporter once: get /version" in done.stderr
    assert "the server failed (500)" in done.stderr


def test_the_kubeconfig_is_the_one_that_kubectl_takes(tmp_path: Path) -> None:
    """The first file of KUBECONFIG that is there, else the one in the home directory."""
    named, usual = tmp_path / "named", tmp_path / ".kube" / "config"
    home = {"HOME": str(tmp_path)}
    assert kubeconfig(home) is None
    usual.parent.mkdir()
    usual.touch()
    assert kubeconfig(home) == usual
    named.touch()
    both = {**home, "KUBECONFIG": f"{tmp_path / 'not there'}{os.pathsep}{named}"}
    assert kubeconfig(both) == named
