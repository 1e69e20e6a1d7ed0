"""The extension of a node killed before and after every write: one disk, and the same end."""

import asyncio
import random
from collections.abc import Callable

import pytest

from exporter.observe.errors import Unreachable
from remediator.record import Phase
from tests.pipeline.people import until
from tests.story.rok_cluster import (
    RokCluster,
)
from tests.story.rok_played import (
    DONE,
    answer,
    approved,
    at_step,
    by_hand,
    elsewhere,
    end_of,
    grows,
    survive,
)


@pytest.mark.parametrize(
    "outage", [1.0, pytest.param(16.0, marks=pytest.mark.soak)], ids=["restarted", "taken over"]
)
def test_killed_anywhere_it_comes_to_the_same_end(outage: float) -> None:
    """Before and after every write: one volume, one attachment, one extension, one removal."""
    whole = RokCluster()
    survive(whole, Phase.SETTLED, outage)
    assert whole.rok.calls == DONE
    for point in range(1, whole.points + 1):
        cluster = RokCluster()
        cluster.deaths = {point}
        survive(cluster, Phase.SETTLED, outage)
        assert end_of(cluster) == end_of(whole), point


@pytest.mark.soak
def test_killed_anywhere_with_a_person_s_disk_it_comes_to_the_same_end() -> None:
    """One label, one extension."""
    whole = elsewhere()
    survive(whole, Phase.SETTLED, 16.0, by_hand)
    assert whole.rok.calls == DONE[4:11]
    for point in range(1, whole.points + 1):
        cluster = elsewhere()
        cluster.deaths = {point}
        survive(cluster, Phase.SETTLED, 16.0, by_hand)
        assert end_of(cluster) == end_of(whole), point


def write_more(cluster: RokCluster) -> None:
    """Write more than the planned disk holds, before it is labelled."""
    if "DeleteWithMachine" in cluster.rok.calls:
        grows(cluster)


def test_killed_anywhere_while_it_is_taken_back_it_comes_to_the_same_end() -> None:
    """Nothing is detached or deleted twice, and nothing stays."""
    whole = RokCluster()
    survive(whole, Phase.FAILED, 16.0, write_more)
    assert whole.rok.calls[4:] == ["DetachDisk", "DeleteDisk", "ProtectMachine"]
    for point in range(1, whole.points + 1):
        cluster = RokCluster()
        cluster.deaths = {point}
        survive(cluster, Phase.FAILED, 16.0, write_more)
        assert end_of(cluster) == end_of(whole), point


def test_two_programs_that_both_believe_to_lead_do_nothing_twice() -> None:
    """What each of them does stands on a record that only one of them can write."""
    cluster = RokCluster()
    engines = [cluster.engine(), cluster.engine()]
    for number in range(400):
        answer(cluster)
        cluster.clock += max(0.25, asyncio.run(engines[number % 2].tick(cluster.name)))
    assert (cluster.phase(), cluster.rok.calls) == (Phase.SETTLED, DONE)


def test_a_call_that_got_no_answer_makes_no_second_disk() -> None:
    """It landed all the same: looks tell."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "MakeDisk")
    cluster.refusals = [(Unreachable("no answer"), True)]
    until(cluster, engine, Phase.SETTLED)
    assert cluster.rok.calls == DONE


SCENES: dict[str, tuple[Callable[[], RokCluster], Phase, Callable[[RokCluster], None]]] = {
    "extended": (RokCluster, Phase.SETTLED, lambda _: None),
    "by hand": (elsewhere, Phase.SETTLED, by_hand),
    "taken back": (RokCluster, Phase.FAILED, write_more),
}


def killed_at_random(seed: int) -> None:
    """Kill some scene some times, with a pause after each."""
    chosen = random.Random(seed)  # noqa: S311 -- repeatable is what it has to be
    name = chosen.choice(sorted(SCENES))
    make, phase, meanwhile = SCENES[name]
    whole, cluster = make(), make()
    outage = chosen.choice([1.0, 16.0, 90.0])
    survive(whole, phase, outage, meanwhile)
    cluster.deaths = set(chosen.sample(range(1, 2 * whole.points), chosen.randint(2, 6)))
    survive(cluster, phase, outage, meanwhile)
    assert end_of(cluster) == end_of(whole), f"seed {seed}: {name}"


def test_kills_at_random_change_nothing_about_the_end() -> None:
    """Several in one episode; a few here, `make soak` has more."""
    for seed in range(15):
        killed_at_random(seed)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(1000, 1400, 100))
def test_hundreds_of_kills_at_random_change_nothing_about_the_end(first: int) -> None:
    """Each seed is a scene, up to six kills, and a pause after each."""
    for seed in range(first, first + 100):
        killed_at_random(seed)
