"""What one episode costs etcd: objects, writes and bytes, and that all of them are bounded.

Measured on plain objects, where every write is one of the engine's own. On a real API server each
is one put, see tests/bench/bench_repair.py.
"""

import asyncio
from collections import Counter

import msgspec
import pytest

from remediator.record import HISTORY, Phase, Record, moved
from tests.story.fake_cluster import FakeCluster, ticks
from tests.story.hours import WAYS, Waiting, spent
from tests.story.objects import NOW, record
from tests.story.rwx_cluster import RwxCluster, scene, shop
from tests.story.test_episode import episode

FINALIZER_WRITES = 2
"""One puts it on before the first write to the cluster, one takes it off at the end."""


def writes(cluster: FakeCluster) -> Counter[str]:
    """Return how often the record was saved, and how often something else was written."""
    return Counter(call.partition(" ")[0] for call in cluster.calls)


def size(kept: Record) -> int:
    """Return the bytes of spec and status as JSON."""
    return len(msgspec.json.encode(kept.spec)) + len(msgspec.json.encode(kept.status))


def test_a_whole_episode_is_one_object_few_writes_and_few_events() -> None:
    """From the first look to over: the taint's way, undisturbed."""
    cluster = episode()
    done = writes(cluster)
    assert len(cluster.kept) == 1
    assert done["apply"] == 2
    assert done["save"] + FINALIZER_WRITES <= 14, done
    # Each report makes an Event for the node and one for each of two claims.
    assert len(cluster.reports) <= 16
    assert size(cluster.record()) < 6_000


def test_what_a_plan_of_many_steps_writes_grows_with_its_steps_alone() -> None:
    """Four writes a step that acts, few for one that waits, whatever the time it takes."""
    saved = []
    for pause in (1, 100):
        cluster = RwxCluster(scene(shop()))
        cluster.ends = False
        engine = cluster.engine()
        asyncio.run(ticks(cluster, engine, 10 + pause))
        cluster.end_pods()
        asyncio.run(ticks(cluster, engine, 30))
        assert cluster.phase() is Phase.SETTLED
        saved.append(writes(cluster)["save"])
    few, many = saved
    assert few == many <= 20


def test_waiting_for_hours_writes_nothing() -> None:
    """A look that sees what the one before saw is no write."""
    cluster = FakeCluster()
    cluster.machine.state = "running"
    cluster.open(record())
    engine = cluster.engine()
    asyncio.run(ticks(cluster, engine, 5))
    before = writes(cluster)
    asyncio.run(ticks(cluster, engine, 500))
    assert writes(cluster) == before


def test_a_record_has_an_upper_bound_however_long_its_story() -> None:
    """The newest sentences and the very first one are kept; etcd takes 1.5 MiB an object."""
    kept = record()
    for number in range(3 * HISTORY):
        kept = moved(kept, Phase.DEFERRED, f"{number} " + "x" * 1000, NOW + number)
    assert len(kept.status.history) == HISTORY
    assert kept.status.history[0].sentence.startswith("0 ")
    assert size(kept) < 80_000


LOOKS_AN_HOUR = 720
"""A step that waits is looked at every 5 s at first, all else every 15 s."""
READS_A_LOOK = 20
"""The most: who uses a ReadWriteMany claim, one list for each kind that may."""


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.handler} {way.what}")
def test_waiting_asks_for_so_much_and_no_more(way: Waiting) -> None:
    """Every handler, every way to wait; how many use a claim makes no difference."""
    one = spent(way._replace(seconds=300.0))
    assert 0 < one.looks <= LOOKS_AN_HOUR
    assert one.reads <= READS_A_LOOK * one.looks
    assert one.cloud <= 2 * one.looks
    assert one.commands <= one.looks
    assert one.writes == 0
