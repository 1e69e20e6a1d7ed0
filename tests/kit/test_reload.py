"""Settings that change while a program runs: at once, after a restart, or not at all."""

import asyncio
import logging
import os
import signal
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from exporter.kit.described import setting
from exporter.kit.reload import Changes, Reload, Source, applied, changes, follow
from exporter.kit.settings import read
from tests.kit.served import put


class Door(msgspec.Struct, frozen=True):
    """A section."""

    name: str = "front"
    open: Annotated[bool, setting("Whether it is open.", live=True)] = False


class House(msgspec.Struct, frozen=True):
    """A setting of each sort, here and in a section."""

    storeys: int = 1
    lit: Annotated[bool, setting("Whether there is light.", live=True)] = False
    door: Door = Door()


class Home:
    """A program that follows a file of settings."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.now = 1.0
        self.applied: list[House] = []
        self.registry = CollectorRegistry()
        source = Source(file, lambda: read(file, House))
        self.reload = Reload(
            source, source.read(), self.applied.append, self.registry, lambda: self.now
        )

    def metric(self, name: str, **labels: str) -> float | None:
        """Return one of the metrics."""
        return self.registry.get_sample_value(f"pvmedic_config_{name}", labels)

    def look(self, *, asked: bool = False) -> None:
        """Look once."""
        asyncio.run(self.reload.look(asked=asked))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a program that has read an empty file."""
    file = tmp_path / "house.yaml"
    file.write_text("")
    return Home(file)


def test_the_difference_of_two_settings_says_what_needs_a_restart() -> None:
    """By path, in sections too."""
    after = House(storeys=2, lit=True, door=Door("back", open=True))
    assert changes(House(), House()) == Changes((), ())
    assert changes(House(), after) == Changes(("lit", "door.open"), ("storeys", "door.name"))
    assert applied(House(), after) == House(lit=True, door=Door(open=True))


def test_what_can_be_applied_is_and_the_rest_is_named(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """In a log line and in a metric, which is gone when the file says again what is in force."""
    home.file.write_text("storeys: 2\nlit: true\n")
    home.now = 2.0
    home.look()
    assert home.applied == [House(lit=True)]
    assert home.metric("restart_needed", setting="storeys") == 1
    assert home.metric("last_reload_successful") == 1
    assert home.metric("last_reload_success_timestamp_seconds") == 2.0
    assert "not in force before a restart: storeys" in caplog.text
    home.file.write_text("storeys: 1\nlit: true\n")
    home.look()
    assert home.metric("restart_needed", setting="storeys") is None
    assert home.applied == [House(lit=True)]


def test_a_bad_file_keeps_the_old_settings(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """Every mistake in one log line, once; gone, and good again."""
    home.now = 5.0
    for bad in ("storeys: x\nlit: 3\n", "[", b"\xff"):
        caplog.clear()
        put(home.file, bad)
        home.look()
        home.look()
        (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
        assert line.startswith("the settings are as before: ")
        assert home.metric("last_reload_successful") == 0
        assert home.metric("last_reload_success_timestamp_seconds") == 1.0
    home.file.unlink()
    home.look()
    assert home.metric("last_reload_successful") == 0
    assert home.applied == []
    home.file.write_text("lit: true")
    home.look()
    assert home.metric("last_reload_successful") == 1
    assert home.metric("last_reload_success_timestamp_seconds") == 5.0
    assert home.applied == [House(lit=True)]


def test_the_swap_of_links_that_kubernetes_makes_is_seen(tmp_path: Path) -> None:
    """The file's own path is a link that never changes."""
    for version, text in (("v1", "lit: false"), ("v2", "lit: true")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "house.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "house.yaml").symlink_to("..data/house.yaml")
    home = Home(tmp_path / "house.yaml")
    home.look()
    (tmp_path / "..new").symlink_to("v2")
    (tmp_path / "..new").replace(tmp_path / "..data")
    home.look()
    assert home.applied == [House(lit=True)]


def test_without_a_file_there_is_nothing_to_follow() -> None:
    """Environment variables do not change."""
    source: Source[House] = Source(None, House)
    reload = Reload(source, House(), lambda _: None, CollectorRegistry(), lambda: 0.0)
    asyncio.run(reload.look(asked=True))


def test_files_are_looked_at_now_and_then_and_when_somebody_sends_sighup(home: Home) -> None:
    """SIGHUP at once, even when nothing changed."""

    async def wait(wanted: float) -> None:
        async with asyncio.timeout(10):
            while home.metric("last_reload_success_timestamp_seconds") != wanted:  # noqa: ASYNC110 -- a file
                await asyncio.sleep(0.01)

    async def life(every: float) -> None:
        task = asyncio.ensure_future(follow([home.reload], every))
        await asyncio.sleep(0)
        home.now += 1.0
        if every < 1:
            put(home.file, f"storeys: {home.now:g}".replace(".0", ""))
        else:
            os.kill(os.getpid(), signal.SIGHUP)
        await wait(home.now)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(life(0.05))
    asyncio.run(life(3600.0))
