"""The source over a real file: what it tells, what a restart keeps, what cannot be read."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter.kit.settings import read_text
from exporter.observe import errors
from exporter.observe.gluster_log import (
    OLD_NAME,
    STATE,
    GlusterLogSettings,
    GlusterLogSource,
)
from exporter.observe.model import Disconnects, GlusterLog, HeldLock, Kind
from tests.observe.gluster_lines import T0, UUID_B, V3_12, V10, Style, flood

DIRECTORY = Path("var/log/glusterfs")


class Node:
    """A host's root directory below another, and the exporter's state."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / DIRECTORY / "glusterd.log"
        self.log.parent.mkdir(parents=True)
        self.state = root / "state"
        self.state.mkdir()
        self.now = T0 + 1

    def source(self, settings: GlusterLogSettings | None = None) -> GlusterLogSource:
        """Return the source as it is after a start."""
        return GlusterLogSource(
            "a",
            settings or GlusterLogSettings(),
            self.state,
            root=self.root,
            clock=lambda: self.now,
        )

    def write(self, *lines: bytes) -> None:
        """Let glusterd write."""
        with self.log.open("ab") as file:
            file.write(b"".join(lines))


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Return a node without a log yet."""
    return Node(tmp_path)


def seen(source: GlusterLogSource) -> GlusterLog:
    """Return what one look tells."""
    (log,) = asyncio.run(source.look())
    assert isinstance(log, GlusterLog)
    return log


def test_a_node_without_gluster_shows_nothing(node: Node) -> None:
    """No directory, or one in which only clients write."""
    source = node.source()
    assert source.name == "glusterlog"
    assert source.kinds == frozenset({Kind.GLUSTER_LOG})
    for _ in range(2):
        assert asyncio.run(source.look()) == ()
        assert asyncio.run(node.source().look()) == ()
    node.log.parent.rmdir()
    assert asyncio.run(source.look()) == ()


def test_a_log_that_appears_while_we_restart_is_read_from_its_beginning(node: Node) -> None:
    """That there was none is kept too."""
    assert asyncio.run(node.source().look()) == ()
    node.write(V10.calm(T0))
    assert seen(node.source()).lines == 1


def test_what_is_written_is_told(node: Node) -> None:
    """A flood, and a lock that is held."""
    node.write(V10.calm(T0))
    source = node.source()
    assert seen(source) == GlusterLog("a")
    node.write(flood(V10, T0, 50), V10.held(T0, "v", UUID_B), b"[nothing\n", b"x" * 300_000, b"\n")
    log = seen(source)
    assert (log.lines, log.unparsed, log.too_long) == (103, 1, 1)
    assert log.held == (HeldLock("v", UUID_B, T0, T0, 1),)
    assert log.disconnects == (Disconnects(UUID_B, "node-b", 1, (T0,), "Peer in Cluster"),)
    assert (log.behind, log.gaps) == (0, 0)


def test_the_log_s_old_name(node: Node) -> None:
    """Before 3.8, and where it was kept."""
    source = node.source()
    assert asyncio.run(source.look()) == ()
    node.log = node.log.with_name(OLD_NAME)
    node.write(V3_12.quorum(T0, "v", lost=True))
    assert [one.volume for one in seen(source).quorum_lost] == ["v"]


def test_after_a_restart_nothing_is_missed_and_nothing_counts_twice(node: Node) -> None:
    """Counts, locks and peers go on, through a rotation too."""
    node.write(V10.calm(T0))
    first = node.source()
    seen(first)
    node.write(flood(V10, T0, 5), V10.held(T0, "v", UUID_B))
    before = seen(first)
    node.write(V10.held(T0 + 1, "v", UUID_B))
    node.log.rename(node.log.with_name("glusterd.log.1"))
    node.write(V10.disconnected(T0 + 2, "node-b", UUID_B))
    node.now = T0 + 3
    second = node.source()
    for _ in range(3):
        after = seen(second)
    assert after.lines == before.lines + 2
    assert after.held == (HeldLock("v", UUID_B, T0, T0 + 1, 2),)
    assert after.disconnects[0].count == 2
    assert seen(node.source()) == after


def test_looks_that_were_not_written_down_are_read_again_and_count_once(node: Node) -> None:
    """A crash between reading and writing: the file has the place and the counts of one moment."""
    node.write(V10.calm(T0))
    first = node.source()
    seen(first)
    kept = (node.state / STATE).read_bytes()
    node.write(flood(V10, T0, 5))
    before = seen(first)
    (node.state / STATE).write_bytes(kept)
    assert seen(node.source()) == before


@pytest.mark.parametrize("content", [b"", b"{", b'{"place": 5}', b"\xff"])
def test_a_state_file_that_is_none_begins_at_the_end(
    node: Node, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    """And says so."""
    (node.state / STATE).write_bytes(content)
    node.write(V10.calm(T0))
    assert seen(node.source()) == GlusterLog("a")
    assert "cannot be read" in caplog.text


def test_a_state_directory_that_cannot_be_written_stops_nothing(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told once."""
    node.state.rmdir()
    node.write(V10.calm(T0))
    source = node.source()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            node.write(V10.calm(T0))
            seen(source)
    assert caplog.text.count("cannot be written") == 1


def test_a_log_that_cannot_be_read_is_unseen_with_a_reason(node: Node) -> None:
    """Root may read everything, so a link to itself stands for it here."""
    node.log.symlink_to(node.log)
    source = node.source()
    with pytest.raises(errors.Unreachable, match=r"glusterd\.log: Too many levels"):
        asyncio.run(source.look())
    node.log.unlink()
    node.write(V10.calm(T0))
    assert seen(source).lines == 0
    node.write(V10.calm(T0))
    assert seen(source).lines == 1


def test_local_time_is_a_setting(node: Node) -> None:
    """As a person writes it into the file; summer and winter are known."""
    settings = read_text("time_zone: Europe/Berlin", "a file", GlusterLogSettings)
    node.write(V10.calm(T0))
    source = node.source(settings)
    seen(source)
    for at in (T0, T0 + 180 * 86400):
        node.now = at
        node.write(Style(local=ZoneInfo("Europe/Berlin")).held(at, "v", UUID_B))
        assert seen(source).held[0].since == at


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (GlusterLogSettings(path=Path("glusterd.log")), "path"),
        (GlusterLogSettings(time_zone="Mars/Olympus"), "time_zone"),
        (GlusterLogSettings(time_zone="../etc/passwd"), "time_zone"),
    ],
)
def test_settings_that_cannot_be(settings: GlusterLogSettings, field: str) -> None:
    """Each with its field."""
    assert [name for name, _ in settings.problems()] == [field]
    assert list(GlusterLogSettings().problems()) == []


def test_the_loop_goes_on_while_a_flood_is_read(node: Node) -> None:
    """Reading is in a thread; what it holds is given back every few milliseconds."""
    node.write(V10.calm(T0))
    source = node.source()
    seen(source)
    block = flood(V10, T0, 5500)
    for _ in range(4):
        node.write(block)

    async def turns() -> int:
        looking = asyncio.create_task(source.look())
        turned = 0
        while not looking.done():
            await asyncio.sleep(0)
            turned += 1
        await looking
        return turned

    assert asyncio.run(turns()) > 10


def test_a_log_directory_that_is_a_link_of_the_host_s_is_followed_below_its_root(
    node: Node,
) -> None:
    """Somebody moved the logs off the root: seen from our root the link leads nowhere."""
    elsewhere = node.root / "data" / "logs"
    elsewhere.parent.mkdir()
    node.log.parent.rename(elsewhere)
    node.log.parent.symlink_to("/data/logs")
    (elsewhere / "glusterd.log").touch()
    source = node.source()
    assert seen(source).lines == 0
    with (elsewhere / "glusterd.log").open("ab") as file:
        file.write(flood(V10, T0, 3))
    assert seen(source).disconnects
