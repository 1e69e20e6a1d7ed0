"""The role `node` as a program: it looks at its host, publishes it, and tells who may ask."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from exporter.observe import model
from exporter.observe.kube.reviews import ACCESS, TOKENS
from exporter.observe.model import Kind
from exporter.observe.parse import node_answer
from tests.edges.fake_api_server import FakeApiServer
from tests.edges.test_exporter_program import Program
from tests.edges.test_reviews import ALLOWED, KNOWN
from tests.observe.gluster_made import UUIDS


@asynccontextmanager
async def running(server: FakeApiServer, **settings: object) -> AsyncIterator[Program]:
    """Run the role on a node `a`; it is ended with SIGTERM."""
    file = server.directory / "node.json"
    where = {"server": server.url, "service_account_directory": str(server.directory)}
    common = {"listen": "127.0.0.1:0", "node": "a", "kubernetes": where}
    file.write_text(json.dumps(common | settings))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "exporter", "node", "--config", str(file)),
        stderr=asyncio.subprocess.PIPE,
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
            process.send_signal(signal.SIGTERM)
            await process.communicate()
    assert process.returncode == 0


def test_a_node_of_rok_publishes_its_sizes_and_tells_them(server: FakeApiServer) -> None:
    """The same to Prometheus and to who asks for facts; a node without Rok shows neither."""
    server.json(TOKENS, KNOWN, 201)
    server.json(ACCESS, ALLOWED, 201)
    told: dict[str, object] = {"facts": {"insecure": True}, "state": str(server.directory)}

    async def run() -> None:
        async with server.api():
            async with running(server, rok={"path": str(server.directory)}, **told) as program:
                sizes = await size(program)
                facts = await asked(program)
                assert isinstance(facts, model.RokSpace)
                assert (facts.name, facts.size) == ("a", sizes)
            async with running(server, rok={"path": "/nowhere/rok"}, **told) as program:
                assert await asked(program) is None
                assert not [name for name, *_ in await program.samples() if "snapshot" in name]

    asyncio.run(run())


def test_what_a_node_looks_at_is_no_watch_of_the_api_server(server: FakeApiServer) -> None:
    """Whoever is told that a watch is old looks at the API server: sources have their own age."""

    async def run() -> None:
        async with server.api(), running(server, rok={"path": str(server.directory)}) as program:
            await size(program)
            found = {name for name, *_ in await program.samples()}
            assert not [name for name in found if name.startswith("pvmedic_watch_")]
            assert "pvmedic_source_last_success_timestamp_seconds" in found

    asyncio.run(run())


def test_what_cannot_be_looked_at_is_counted_and_stops_nothing_else(
    server: FakeApiServer, tmp_path: Path
) -> None:
    """No table of mounts, no kernel log, no command of Gluster's: Rok's sizes are published."""
    (tmp_path / "var/lib/glusterd").mkdir(parents=True)
    (tmp_path / "var/lib/glusterd/glusterd.info").write_text(f"UUID={UUIDS[0]}\n")
    broken: dict[str, object] = {
        "host_root": str(tmp_path),
        "kernel_log": str(tmp_path / "kmsg"),
        "rok": {"path": str(server.directory)},
    }
    failures = "pvmedic_source_failures_total"

    async def run() -> None:
        async with server.api(), running(server, **broken) as program:
            await size(program)
            await program.until((failures, "NotFound", "mounts"), 1.0)
            await program.until((failures, "NotFound", "kernel_log"), 1.0)
            await program.until((failures, "Unreachable", "glustervolumes"), 1.0)
            await program.until(("pvmedic_collector_success", "filesystem_readonly"), 0.0)
            await program.until(("pvmedic_signals", "glusterd_unresponsive"), 1.0)
            assert (await program.get("/healthz"))[0] == 200

    asyncio.run(run())


async def size(program: Program) -> float:
    """Return the size that is published, once it is."""
    async with asyncio.timeout(15):
        while True:
            found = (await program.samples()).get(("pvmedic_snapshot_space_size_bytes", "a"))
            if found is not None:
                return found
            await asyncio.sleep(0.02)


async def asked(program: Program) -> model.Object | None:
    """Return what the node tells of its snapshot space, once it has looked."""
    url = f"{program.url}/facts?kind={Kind.ROK_SPACE}"
    async with asyncio.timeout(15):
        while True:
            async with program.session.get(url, headers={"Authorization": "Bearer t"}) as answer:
                found = node_answer.read(await answer.read(), "a", [Kind.ROK_SPACE])
            told = found.kinds[Kind.ROK_SPACE]
            if not told.unseen:
                return next(iter(told.objects), None)
            await asyncio.sleep(0.02)
