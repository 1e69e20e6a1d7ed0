"""Every scene killed before and after every write: nothing lost, nothing twice, the same end."""

import asyncio
import random

import pytest

from remediator.record import Phase
from tests.story.scenes import SCENES, End, Scene, live, opened

RESTART, TAKEN_OVER, HOURS = 1.0, 16.0, 3600.0
"""Seconds without a program: a restart, until another replica has the Lease, and very long."""


def played(
    scene: Scene, *deaths: int, outage: float = RESTART, replicas: int = 1
) -> tuple[End, int]:
    """Live through a scene, killed at these points; return its end and how many points it had."""
    cluster = opened(scene)
    cluster.deaths = set(deaths)
    end = asyncio.run(live(scene, cluster, lambda: outage, replicas))
    return end, cluster.points


ENDS = {
    "a lost node": (Phase.SETTLED, 2),
    "with a person's yes": (Phase.SETTLED, 2),
    "a yes that is void first": (Phase.SETTLED, 2),
    "cancelled": (Phase.CANCELLED, 0),
    "undone on demand": (Phase.CANCELLED, 2),
    "deleted while it holds": ("gone", 2),
}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_scene_that_nobody_disturbs_ends_well(scene: Scene) -> None:
    """Otherwise the tests below would prove nothing."""
    end, points = played(scene)
    phase, writes = ENDS[scene.name]
    assert (end.phase, len(end.writes)) == (phase, writes)
    assert not end.tainted
    assert not end.noted
    assert points >= 8


@pytest.mark.parametrize("outage", [RESTART, TAKEN_OVER], ids=["restarted", "taken over"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_kill_at_any_point_changes_nothing_about_the_end(scene: Scene, outage: float) -> None:
    """By the program itself, or by another replica once it has the Lease."""
    wanted, points = played(scene)
    for point in range(1, points + 1):
        end, _ = played(scene, point, outage=outage)
        assert end == wanted, point


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_two_programs_that_both_believe_to_lead_do_nothing_twice(scene: Scene) -> None:
    """What each of them writes is bound to what it has read."""
    wanted, _ = played(scene)
    end, points = played(scene, replicas=2)
    assert end == wanted
    for point in range(1, points + 1, 3):
        assert played(scene, point, replicas=2)[0] == wanted, point


def killed_at_random(seed: int) -> None:
    """Kill some scene some times, with pauses of all lengths."""
    chosen = random.Random(seed)  # noqa: S311 -- repeatable is what it has to be
    scene = chosen.choice(SCENES)
    wanted, points = played(scene)
    cluster = opened(scene)
    cluster.deaths = set(chosen.sample(range(1, 2 * points), chosen.randint(1, 6)))
    outage = chosen.choice([RESTART, TAKEN_OVER, 90.0])
    end = asyncio.run(live(scene, cluster, lambda: outage, chosen.choice([1, 2])))
    assert end == wanted, f"seed {seed}: {scene.name}"


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_kills_at_random_change_nothing_about_the_end(first: int) -> None:
    """A few here; `make soak` has thousands."""
    for seed in range(first, first + 25):
        killed_at_random(seed)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(1000, 3000, 250))
def test_two_thousand_kills_at_random_change_nothing_about_the_end(first: int) -> None:
    """Each seed is a scene, up to six kills, and a pause after each."""
    for seed in range(first, first + 250):
        killed_at_random(seed)
