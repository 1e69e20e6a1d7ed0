"""The exporter as a program: its command line, and a whole life against a scripted API server."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from exporter.__main__ import main
from exporter.app import judged
from exporter.observe.node_pods import FactsSettings
from exporter.observe.signals import DETECTORS, NODE
from tests.edges.fake_api_server import FakeApiServer, said, streamed

CORE = "/api/v1"
COLLECTIONS = (
    f"{CORE}/nodes",
    f"{CORE}/pods",
    f"{CORE}/persistentvolumeclaims",
    f"{CORE}/persistentvolumes",
    f"{CORE}/events",
    "/apis/storage.k8s.io/v1/storageclasses",
    "/apis/storage.k8s.io/v1/volumeattachments",
)


def items(*objects: object) -> dict[str, object]:
    """Return a list on the wire."""
    return {"metadata": {"resourceVersion": "9"}, "items": list(objects)}


def test_good_settings_are_good(tmp_path: Path) -> None:
    """`--check-config` starts nothing."""
    file = tmp_path / "config.yaml"
    file.write_text("listen: 127.0.0.1:0\nlog_level: debug\nkubernetes: {server: https://a:1}\n")
    assert main(["--config", str(file), "--check-config"]) == 0
    assert main(["--check-config"]) == 0


def test_bad_settings_end_with_2_and_every_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """File, path and sentence, with and without `--check-config`."""
    file = tmp_path / "config.yaml"
    file.write_text("listen: 9821\nlog_level: loud\nkubernetes: {token: x}\n")
    for arguments in (["--check-config"], []):
        assert main(["--config", str(file), *arguments]) == 2
        told = capsys.readouterr().err
        assert f"{file}: listen: 9821 is not an address: write HOST:PORT" in told
        assert f"{file}: log_level: must be one of debug, info, warning, error" in told
        assert f"{file}: kubernetes.token: is not a setting" in told


def test_without_an_api_server_it_says_which_settings_name_one(tmp_path: Path) -> None:
    """Exit status 2, as for any setting that is missing."""
    file = tmp_path / "config.yaml"
    file.write_text("listen: 127.0.0.1:0\n")
    clean = {key: value for key, value in os.environ.items() if "KUBERNETES" not in key}
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "--config", str(file)],
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "kubernetes.server" in done.stderr


class Program:
    """A running exporter."""

    def __init__(self, process: asyncio.subprocess.Process, session: aiohttp.ClientSession) -> None:
        self.process = process
        self.session = session
        self.url = ""

    async def get(self, path: str, accept: str = "text/plain") -> tuple[int, str]:
        """Return status and text of a page."""
        async with self.session.get(f"{self.url}{path}", headers={"Accept": accept}) as answer:
            return answer.status, await answer.text()

    async def samples(self) -> dict[tuple[str, ...], float]:
        """Return all series, by name and label values."""
        _, text = await self.get("/metrics")
        families = text_string_to_metric_families(text)
        return {(s.name, *s.labels.values()): s.value for f in families for s in f.samples}

    async def until(self, series: tuple[str, ...], value: float | None) -> None:
        """Wait until a series has a value, or is gone; at most fifteen seconds."""
        async with asyncio.timeout(15):
            while (await self.samples()).get(series) != value:  # noqa: ASYNC110 -- over HTTP
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running(server: FakeApiServer, more: str = "") -> AsyncIterator[Program]:
    """Run the exporter against the server; it is ended with SIGTERM if it still runs."""
    file = server.directory / "config.yaml"
    file.write_text(
        "listen: 127.0.0.1:0\n"
        f"kubernetes: {{server: '{server.url}', service_account_directory: {server.directory}}}\n"
        f"{more}"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "exporter", "--config", str(file)), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async with aiohttp.ClientSession() as session:
        program = Program(process, session)
        try:
            async with asyncio.timeout(15):
                first = (await process.stderr.readline()).decode()
            program.url = "http://" + first.partition('"address": "')[2].partition('"')[0]
            yield program
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.communicate()


def test_a_whole_life(server: FakeApiServer) -> None:
    """Ready after the first sync, a signal when it comes, gone when it goes, ended by SIGTERM."""
    spec = {"attacher": "d", "nodeName": "gone", "source": {"persistentVolumeName": "pv"}}
    held = {
        "metadata": {
            "name": "csi-1",
            "resourceVersion": "10",
            "deletionTimestamp": "2023-11-14T22:13:20Z",
        },
        "spec": spec,
    }
    for path in COLLECTIONS:
        server.json(path, items())
        server.answer(path, streamed(hold=True), watch=True)
    server.answer(f"{CORE}/nodes", said({"message": "nodes is forbidden"}, 403))
    attached = streamed({"type": "ADDED", "object": held}, hold=True)
    since = (
        "pvmedic_node_lost_with_volumes_since_timestamp_seconds",
        "gone",
        "NodeGone",
        "object",
    )
    success = ("pvmedic_collector_success", "node_lost_with_volumes")
    count = ("pvmedic_signals", "node_lost_with_volumes")

    async def run() -> None:
        async with server.api(), running(server) as program:
            await program.until(("pvmedic_watch_objects", "volumeattachments"), 0.0)
            assert (await program.get("/healthz"))[0] == 200
            await program.until(success, 0.0)
            assert count not in await program.samples()
            assert "pvmedic exporter" in (await program.get("/"))[1]
            # What is refused is known to be unseen: nobody gains by waiting for it.
            await ready(program)

            server.json(f"{CORE}/nodes", items())
            await program.until(count, 0.0)
            await program.until(success, 1.0)
            # Watches of the scripted server are held open, so this one is found by its renewal.
            server.answer(COLLECTIONS[-1], attached, watch=True)
            server.drop(COLLECTIONS[-1])
            await program.until(since, 1_700_000_000.0)
            await program.until(count, 1.0)

            gone = streamed({"type": "DELETED", "object": held}, hold=True)
            server.answer(COLLECTIONS[-1], gone, watch=True)
            server.drop(COLLECTIONS[-1])
            await program.until(since, None)
            await program.until(count, 0.0)

            _, text = await program.get("/metrics", "application/openmetrics-text")
            names = {family.name for family in openmetrics(text)}  # type: ignore[no-untyped-call]
            assert {"pvmedic_signals", "pvmedic_multi_attach_events", "pvmedic_build_info"} <= names
            program.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                assert await program.process.wait() == 0

    asyncio.run(run())


async def ready(program: Program) -> None:
    """Wait until the program says that it is ready, at most ten seconds."""
    async with asyncio.timeout(10):
        while (await program.get("/readyz"))[0] != 200:  # noqa: ASYNC110 -- over HTTP
            await asyncio.sleep(0.02)


def test_what_only_nodes_show_is_judged_where_they_are_asked() -> None:
    """Elsewhere there is no success of it that could be 0 for ever."""
    asked = FactsSettings("pvmedic-node", "pvmedic-node", Path("ca.crt"))
    assert judged(DETECTORS, asked) == list(DETECTORS)
    left_out = {one.name for one in DETECTORS} - {
        one.name for one in judged(DETECTORS, FactsSettings())
    }
    assert left_out == {one.name for one in NODE}
