"""Both programs as processes: TLS and passwords from a file, settings that change or are bad."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import bcrypt
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.authority import Authority
from tests.kit.served import client, put

ROOT = Path(__file__).parents[2]
HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
LOGIN = {"Authorization": aiohttp.encode_basic_auth("prometheus", "secret")}
DEADLINE = 20


class Program:
    """A running program and how to ask it."""

    def __init__(self, directory: Path, process: asyncio.subprocess.Process) -> None:
        self.settings = directory / "settings.yaml"
        self.process = process
        self.url = ""
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=client(directory / "authority.crt"))
        )

    async def value(self, name: str) -> float | None:
        """Return the value of a series whose line begins so."""
        async with self.session.get(f"{self.url}/metrics", headers=LOGIN) as answer:
            assert answer.status == 200
            text = await answer.text()
        list(text_string_to_metric_families(text))
        for line in text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return None

    async def until(self, name: str, value: float | None) -> None:
        """Wait until a series has a value."""
        async with asyncio.timeout(DEADLINE):
            while await self.value(name) != value:  # noqa: ASYNC110 -- over HTTP
                await asyncio.sleep(0.02)


@asynccontextmanager
async def started(name: str, directory: Path) -> AsyncIterator[Program]:
    """Start a program that has no API server to talk to, and be sure that it ends."""
    command = (sys.executable, "-m", name, "--config", str(directory / "settings.yaml"))
    more = ("--web.config.file", str(directory / "web.yml"))
    process = await asyncio.create_subprocess_exec(
        *command, *more, cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    program = Program(directory, process)
    assert process.stderr is not None
    reading = None
    try:
        async with asyncio.timeout(DEADLINE):
            while '"address"' not in (line := (await process.stderr.readline()).decode()):
                assert line, "it ended"
        reading = asyncio.ensure_future(process.stderr.read())
        program.url = "https://" + line.partition('"address": "')[2].partition('"')[0]
        yield program
    finally:
        await program.session.close()
        if process.returncode is None:
            process.kill()
        if reading is not None:
            await reading
        await process.wait()


@pytest.fixture
def directory(tmp_path: Path, authority: Authority) -> Path:
    """Return a directory with all that the programs need but an API server."""
    authority.issue("a")
    for name in ("token", "ca.crt"):
        put(tmp_path / name, "x")
    put(
        tmp_path / "web.yml",
        "tls_server_config: {cert_file: a.crt, key_file: a.key}\n"
        f"basic_auth_users: {{prometheus: {HASH}}}\n",
    )
    return tmp_path


def settings(name: str, directory: Path, more: str = "") -> str:
    """Return the least that a program can begin with."""
    webhook = f"webhook: {{token_file: {directory}/token}}\n" if name == "remediator" else ""
    where = f"{{server: 'http://127.0.0.1:9', service_account_directory: {directory}}}"
    return f"listen: 127.0.0.1:0\nkubernetes: {where}\n{webhook}{more}"


@pytest.mark.parametrize("name", ["exporter", "remediator"])
def test_a_program_behind_tls_and_a_password_follows_its_settings(
    name: str, directory: Path
) -> None:
    """On SIGHUP: what can be applied is, what needs a restart is named, what is bad is kept out."""
    put(directory / "settings.yaml", settings(name, directory))

    async def life() -> None:
        async with started(name, directory) as program:
            async with program.session.get(f"{program.url}/healthz") as answer:
                assert answer.status == 200
            async with program.session.get(f"{program.url}/metrics") as answer:
                assert answer.status == 401
            assert await program.value("pvmedic_config_last_reload_successful") == 1
            assert await program.value("pvmedic_web_config_last_reload_successful") == 1

            more = "log_level: debug\n"
            put(program.settings, settings(name, directory, more).replace(":0\n", ":1\n"))
            program.process.send_signal(signal.SIGHUP)
            await program.until('pvmedic_config_restart_needed{setting="listen"}', 1)

            put(program.settings, "log_level: loud\n")
            program.process.send_signal(signal.SIGHUP)
            await program.until("pvmedic_config_last_reload_successful", 0)

            put(program.settings, settings(name, directory))
            await program.until("pvmedic_config_last_reload_successful", 1)  # by itself
            await program.until('pvmedic_config_restart_needed{setting="listen"}', None)
            assert program.process.returncode is None
            program.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(DEADLINE):
                assert await program.process.wait() == 0

    asyncio.run(life())


def test_the_webhook_takes_its_own_token_instead_of_a_password(directory: Path) -> None:
    """A request has one Authorization header."""
    put(directory / "settings.yaml", settings("remediator", directory))

    async def life() -> None:
        async with started("remediator", directory) as program:
            for header, status in (({}, 401), (LOGIN, 401), ({"Authorization": "Bearer x"}, 400)):
                url = f"{program.url}/webhook"
                async with program.session.post(url, data=b"[", headers=header) as answer:
                    assert answer.status == status

    asyncio.run(life())


def test_a_bad_web_configuration_ends_with_2_and_every_reason(directory: Path) -> None:
    """With `--check-config` and without, before anything is served."""
    put(directory / "settings.yaml", settings("exporter", directory))
    put(directory / "web.yml", "tls_server_config: {cert_file: a.crt}\nusers: {}\n")

    async def life() -> None:
        for more in ((), ("--check-config",)):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "exporter", "--config", str(directory / "settings.yaml")),
                *("--web.config.file", str(directory / "web.yml"), *more),
                cwd=ROOT,
                stderr=asyncio.subprocess.PIPE,
            )
            _, told = await process.communicate()
            assert process.returncode == 2
            assert "web.yml: users: is not known; known here: basic_auth_users" in told.decode()
            assert "web.yml: tls_server_config.key_file: is missing" in told.decode()

    asyncio.run(life())
