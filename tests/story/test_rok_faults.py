"""The extension of a node while calls fail now and then, landing or not: still one extension."""

import asyncio
import random
from collections import Counter

import pytest

from exporter.observe.errors import Throttled, Unreachable
from remediator.record import Phase
from tests.story.fake_cluster import Trouble, carry_on
from tests.story.rok_cluster import RokCluster
from tests.story.rok_played import DONE, answer


def troubled(seed: int, share: float) -> RokCluster:
    """Live through it while this share of all calls fails; half of the writes that fail land."""
    chosen = random.Random(seed)  # noqa: S311 -- repeatable is what it has to be
    cluster = RokCluster()

    def trouble(_: str) -> Trouble:
        if chosen.random() >= share:
            return None, True
        error = chosen.choice([Unreachable("no answer"), Throttled("429")])
        return error, chosen.random() < 0.5

    def over() -> bool:
        answer(cluster)
        return cluster.phase() is Phase.SETTLED

    cluster.trouble = trouble
    asyncio.run(carry_on(cluster, cluster.engine(), over))
    return cluster


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_calls_that_fail_now_and_then_change_nothing_about_the_end(share: float) -> None:
    """What landed without an answer is not done again, what did not is."""
    for seed in range(8):
        cluster = troubled(seed, share)
        done = Counter(cluster.rok.calls)
        assert set(done) == set(DONE), seed
        once = ("vgextend", "lvextend", "TerminateMachine", "evict guard-0")
        assert {done[what] for what in once} == {1}, (seed, done)
        assert cluster.rok.disks == {}
        assert not cluster.record().owes
