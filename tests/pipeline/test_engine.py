"""The engine's loop: whom it looks at, when, and what it survives."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from exporter.observe.errors import Conflict, ServerFailed
from exporter.observe.model import Subject
from remediator.record import Phase, Seen, Spec
from tests.story import objects as made
from tests.story.fake_cluster import FakeCluster, ticks
from tests.story.objects import NAME, NOW, SIGNAL, record

DEADLINE = 10.0


async def eventually(so: Callable[[], bool]) -> None:
    """Wait until something is so, or fail at the deadline."""
    async with asyncio.timeout(DEADLINE):
        while not so():  # noqa: ASYNC110 -- what is waited for is plain values
            await asyncio.sleep(0.001)


async def running(cluster: FakeCluster, so: Callable[[], bool]) -> None:
    """Run the engine until something is so."""
    task = asyncio.create_task(cluster.engine().run())
    try:
        await eventually(so)
    finally:
        task.cancel()


def test_a_start_looks_at_every_open_record_at_once() -> None:
    """What was under way goes on without any alert."""
    cluster = FakeCluster()
    cluster.open(record())
    cluster.open(record(subject=Subject((("node", made.LIVE),))))
    cluster.open(record(2, phase=Phase.SETTLED, over_at=NOW))
    asyncio.run(running(cluster, lambda: len(cluster.calls) == 2))
    assert sorted(cluster.calls) == ["save Cleared", "save Deferred"]


def test_a_heard_alert_wakes_the_engine() -> None:
    """A new record is not left until the next round."""
    cluster = FakeCluster()
    engine = cluster.engine()

    async def scene() -> None:
        task = asyncio.create_task(engine.run())
        try:
            await asyncio.sleep(0)
            cluster.open(record())
            engine.heard(NAME, NOW)
            await eventually(lambda: cluster.calls == ["save Deferred"])
        finally:
            task.cancel()

    asyncio.run(scene())


def test_what_was_heard_last_counts_for_freshness() -> None:
    """A repeated alert keeps a waiting record alive; an older word does not take that back."""
    cluster = FakeCluster()
    cluster.open(record())
    cluster.machine.state = "running"
    engine = cluster.engine()
    asyncio.run(ticks(cluster, engine, 1))
    cluster.clock = NOW + 5 * 3600.0 + 10.0
    engine.heard(NAME, cluster.clock - 5.0)
    engine.heard(NAME, NOW - 50.0)
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.DEFERRED
    assert cluster.record().status.seen is Seen.PRESENT


def test_a_restart_does_not_forget_when_an_alert_was_last_repeated() -> None:
    """Alertmanager repeats every four hours, which a waiting record must outlive."""
    cluster = FakeCluster()
    cluster.open(record())
    cluster.machine.state = "running"
    engine = cluster.engine()
    asyncio.run(ticks(cluster, engine, 1))
    cluster.clock = NOW + 4 * 3600.0
    engine.heard(NAME, cluster.clock)
    asyncio.run(ticks(cluster, engine, 1))
    cluster.clock = NOW + 5 * 3600.0 + 60.0
    asyncio.run(ticks(cluster, cluster.engine(), 1))
    assert cluster.phase() is Phase.DEFERRED
    assert cluster.calls == ["save Deferred", "save Deferred"]


def test_an_alert_that_nobody_repeats_blocks_in_the_end() -> None:
    """Alertmanager has lost it, or was told to be silent."""
    cluster = FakeCluster()
    cluster.open(record())
    cluster.machine.state = "running"
    engine = cluster.engine()
    asyncio.run(ticks(cluster, engine, 1))
    cluster.clock = NOW + 5 * 3600.0
    asyncio.run(ticks(cluster, engine, 1))
    assert cluster.phase() is Phase.BLOCKED
    assert "alert_freshness" in cluster.record().status.message


def test_a_tick_that_cannot_save_changes_nothing_and_comes_again() -> None:
    """The API server is down: nothing is done, and soon it is tried again."""
    cluster = FakeCluster()
    cluster.open(record())
    cluster.save_fails = ServerFailed("503")
    engine = cluster.engine()
    assert asyncio.run(engine.tick(NAME)) == 5.0
    assert cluster.record() == record()
    cluster.save_fails = None
    asyncio.run(engine.tick(NAME))
    assert cluster.phase() is Phase.DEFERRED


def test_a_record_that_somebody_else_changed_is_looked_at_again_soon() -> None:
    """A conflict is no failure."""
    cluster = FakeCluster()
    cluster.open(record())
    cluster.save_fails = Conflict("409")
    assert asyncio.run(cluster.engine().tick(NAME)) == 1.0


def test_a_record_without_a_handler_is_left_alone() -> None:
    """It may be of a newer version."""
    cluster = FakeCluster()
    other = record(signal="multi_attach")
    cluster.open(other)
    asyncio.run(cluster.engine().tick(other.name))
    assert cluster.calls == []


def test_a_record_that_makes_no_sense_does_not_stop_the_others() -> None:
    """Whoever may create Remediations can write one without the subject's labels."""
    cluster = FakeCluster()
    senseless = msgspec.structs.replace(
        record(), name="by-hand", spec=Spec(SIGNAL, {"pod": "x"}, "pod=x", 1)
    )
    cluster.open(senseless)
    cluster.open(record())
    asyncio.run(running(cluster, lambda: cluster.phase() is Phase.DEFERRED))
    assert cluster.phase("by-hand") is Phase.OBSERVED


def test_reports_say_each_sentence_once_with_the_phase_before() -> None:
    """Metrics, log and Events are made from them."""
    cluster = FakeCluster()
    cluster.open(record())
    asyncio.run(ticks(cluster, cluster.engine(), 4))
    told = [(report.before, report.entry.phase) for report in cluster.reports if not report.wrote]
    assert told[:2] == [("Observed", "Deferred"), ("Deferred", "Running")]
    sentences = [report.entry.sentence for report in cluster.reports if not report.wrote]
    assert len(sentences) == len(set(sentences))


@pytest.mark.parametrize(("ahead", "kept"), [(0.0, True), (86400.0, True), (-86400.0, False)])
def test_what_another_replica_heard_counts_as_if_it_had_been_heard_here(
    ahead: float,
    kept: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """It stands on the record; a clock that is ahead of ours makes nothing fresher than now."""
    cluster = FakeCluster()
    cluster.open(record())
    cluster.machine.state = "running"
    engine = cluster.engine()
    asyncio.run(ticks(cluster, engine, 1))
    now = cluster.clock = NOW + 5 * 3600.0 + 10.0
    heard = now + ahead
    cluster.kept[NAME] = msgspec.structs.replace(cluster.record(), heard=heard)
    asyncio.run(ticks(cluster, engine, 1))
    assert (cluster.phase() is Phase.DEFERRED) == kept
    if kept:
        assert cluster.record().status.last_alert_at == min(heard, now)
