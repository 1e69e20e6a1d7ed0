"""The state file: what was written counts again, nonsense is put aside, nothing stops the eyes."""

import asyncio
import logging
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import state
from exporter.observe.memory import FirstSeen, Memory
from exporter.observe.model import Subject
from exporter.observe.model.facts import RwxRecovering
from exporter.state import EVENTS_SECONDS, FIRST_SEEN_SECONDS, Written
from tests.signals import made

SUBJECT = Subject((("node", "a"),))
LEFT = Memory(
    (FirstSeen("claim_lost", SUBJECT, 10.0),),
    (made.event(made.claim(), RwxRecovering("pv-backing", "pv-data")),),
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Every field, Events with their facts too."""
    path = tmp_path / "state.json"
    state.write(path, Written(100.0, LEFT))
    assert state.read(path, 101.0) == LEFT
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def test_no_file_is_an_empty_memory(tmp_path: Path) -> None:
    """The first start."""
    assert state.read(tmp_path / "state.json", 1.0) == Memory()


@pytest.mark.parametrize(
    ("absent", "first_seen", "events"),
    [
        (0.0, True, True),
        (FIRST_SEEN_SECONDS, True, True),
        (FIRST_SEEN_SECONDS + 1, False, True),
        (EVENTS_SECONDS + 1, False, False),
        (-FIRST_SEEN_SECONDS - 1, False, False),
    ],
)
def test_the_longer_we_were_away_the_less_counts(
    absent: float, *, first_seen: bool, events: bool
) -> None:
    """A clock that went back makes a file from the future, which is none."""
    found = state.recent(Written(10_000.0, LEFT), 10_000.0 + absent)
    assert bool(found.first_seen) is first_seen
    assert bool(found.events) is events


def test_a_time_from_the_future_does_not_count() -> None:
    """An age would be negative."""
    later = Memory((FirstSeen("claim_lost", SUBJECT, 50.0),))
    assert state.recent(Written(20.0, later), 20.0) == Memory()


@given(st.binary(max_size=200))
def test_whatever_the_file_holds_is_read_or_put_aside(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Half a file, another version's, or none of ours."""
    path = tmp_path_factory.mktemp("state") / "state.json"
    path.write_bytes(content)
    assert state.read(path, 1.0) == Memory()
    assert path.with_name("state.json.unreadable").read_bytes() == content


def test_changes_are_written_and_a_broken_disk_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The directory appears later; until then there is one line in the log."""
    path = tmp_path / "later" / "state.json"

    async def run() -> None:
        task = asyncio.create_task(state.keep(path, lambda: LEFT))
        async with asyncio.timeout(20):
            while "cannot be written" not in caplog.text:  # noqa: ASYNC110 -- a log has no event
                await asyncio.sleep(0.01)
            path.parent.mkdir()
            while not path.exists():  # noqa: ASYNC110 -- a file has no event
                await asyncio.sleep(0.01)
        task.cancel()

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert caplog.text.count("cannot be written") == 1
    assert msgspec.json.decode(path.read_bytes(), type=Written).memory == LEFT
