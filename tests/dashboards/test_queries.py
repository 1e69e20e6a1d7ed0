"""Every query of every dashboard on a real Prometheus, which scrapes both programs' metrics.

In the scene that is served every failure holds for one made-up subject, so a query that finds
nothing would find nothing in earnest either.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from local.processes import free_ports
from local.tools import Tools
from tests.dashboards.documents import ALL, TARGETS, Target
from tests.dashboards.scene import Exporter, Remediator

DEADLINE = 40.0
SCRAPE = "250ms"
Answers = dict[str, int | str]


def test_every_query_parses(found: Tools, tmp_path: Path) -> None:
    """target-promql-rule: Prometheus' own parser takes each one."""
    rules = [
        {"record": f"dashboard:query:{number}", "expr": target.filled(**ALL)}
        for number, target in enumerate(TARGETS)
    ]
    path = tmp_path / "queries.json"
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    done = subprocess.run(
        [found.promtool, "check", "rules", "--lint=none", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def answers(found: Tools, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Return how many series each query finds, or Prometheus' error."""
    return asyncio.run(_ask_all(found.prometheus, tmp_path_factory.mktemp("prometheus")))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_query_returns_samples_when_its_failure_is_there(
    target: Target, answers: Answers
) -> None:
    """With all variables at All."""
    found = answers[target.name]
    assert isinstance(found, int), found
    assert found > 0, target.filled(**ALL)


async def _ask_all(prometheus: Path, directory: Path) -> Answers:
    answers: Answers = {}
    async with _served() as targets, _prometheus(prometheus, directory, targets) as url:
        deadline = time.monotonic() + DEADLINE
        async with aiohttp.ClientSession() as session:
            missing = list(TARGETS)
            # A rate needs two scrapes, and Prometheus needs a moment to start.
            while missing and time.monotonic() < deadline:
                for target in missing:
                    answers[target.name] = await _ask(session, url, target.filled(**ALL))
                missing = [one for one in missing if answers[one.name] in (0, "not there")]
                await asyncio.sleep(0.2 if missing else 0.0)
    return answers


async def _ask(session: aiohttp.ClientSession, url: str, expr: str) -> int | str:
    try:
        async with session.post(f"{url}/api/v1/query", data={"query": expr}) as answer:
            body = await answer.json()
    except (aiohttp.ClientError, ValueError):
        return "not there"
    if body.get("status") != "success":
        return f"{body.get('error')}: {expr}"
    return len(body["data"]["result"])


@asynccontextmanager
async def _served() -> AsyncIterator[dict[str, str]]:
    """Serve both expositions, each under its own path."""
    now = time.time()
    scenes: dict[str, Exporter | Remediator] = {
        "exporter": Exporter(now),
        "remediator": Remediator(now),
    }

    async def scrape(request: web.Request) -> web.Response:
        body = scenes[request.match_info["program"]].parts()
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.router.add_get("/{program}", scrape)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        address = f"127.0.0.1:{runner.addresses[0][1]}"
        yield dict.fromkeys(scenes, address)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _prometheus(
    program: Path, directory: Path, targets: dict[str, str]
) -> AsyncIterator[str]:
    config = {
        "global": {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE},
        "scrape_configs": [
            {
                "job_name": name,
                "honor_labels": True,
                "metrics_path": f"/{name}",
                "static_configs": [{"targets": [address]}],
            }
            for name, address in targets.items()
        ],
    }
    (directory / "prometheus.yml").write_text(json.dumps(config))
    (port,) = free_ports(1)
    with (directory / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=log,
            stderr=log,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            await process.wait()
