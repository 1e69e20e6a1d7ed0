"""What waited while the circuit breaker was open, once a person has closed it."""

import asyncio

import msgspec
import pytest

from remediator.pipeline import Pipeline
from remediator.record import Phase, name_of, with_status
from tests.story.fake_cluster import FakeCluster, carry_on, ticks
from tests.story.objects import AUTO, NAME, NOW, SUBJECT, record

WENT_WRONG = [name_of("multi_attach", SUBJECT, number) for number in (2, 3, 4)]


def behind(waited: float) -> tuple[FakeCluster, Pipeline]:
    """Return a record that waited for so many seconds behind a breaker that was just closed."""
    cluster = FakeCluster(policy=AUTO)
    cluster.open(record())
    for number in (2, 3, 4):
        wrong = record(number, signal="multi_attach", phase=Phase.FAILED, phase_since=NOW)
        cluster.open(wrong)
    cluster.clock += 10.0
    engine = cluster.engine()
    asyncio.run(ticks(cluster, engine, 3))
    assert "the circuit breaker is open" in cluster.record().status.message
    cluster.clock += waited
    cluster.open(with_status(cluster.record(WENT_WRONG[0]), released_at=cluster.clock))
    return cluster, engine


def test_it_does_not_begin_at_the_moment_of_the_release() -> None:
    """The person has looked at what went wrong, and not at all that waits."""
    cluster, engine = behind(3600.0)
    asyncio.run(ticks(cluster, engine, 20))
    assert (cluster.phase(), cluster.writes) == (Phase.DEFERRED, [])
    assert "was not heard again since" in cluster.record().status.message


def test_it_goes_on_once_its_alert_is_heard_again() -> None:
    """Alertmanager repeats what still fires, and is asked for it."""
    cluster, engine = behind(3600.0)
    asyncio.run(ticks(cluster, engine, 5))
    engine.heard(NAME, cluster.clock)
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.HOLDING))
    assert cluster.tainted


@pytest.mark.parametrize(
    ("waited", "alert_max_age", "why"),
    [
        (4 * 3600.0, AUTO.alert_max_age, "the last firing notification is too old"),
        (60.0, 10 * 3600.0, "given up waiting"),
    ],
    ids=["its alert is old", "it waits for long"],
)
def test_what_is_not_heard_again_is_dropped_by_age(
    waited: float, alert_max_age: float, why: str
) -> None:
    """Then it is a person's: what it was about may have been put right by hand long ago."""
    cluster, _ = behind(waited)
    cluster.policy = msgspec.structs.replace(AUTO, alert_max_age=alert_max_age)
    engine = cluster.engine()
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.BLOCKED))
    assert why in cluster.record().status.message
    engine.heard(NAME, cluster.clock)
    asyncio.run(ticks(cluster, engine, 20))
    assert (cluster.phase(), cluster.writes) == (Phase.BLOCKED, [])


def test_what_is_not_there_any_more_is_cleared_and_not_replayed() -> None:
    """The first look after the release sees that it is gone."""
    cluster, engine = behind(3600.0)
    cluster.come_back()
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.CLEARED))
    assert cluster.writes == []
