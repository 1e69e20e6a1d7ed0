"""Both handlers of claims' requests killed before and after every write: the same end."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest

from remediator.growth.policy import GIB
from remediator.orders import Decision
from remediator.record import Phase
from tests.pipeline.people import say
from tests.story.growth_cluster import FAILED, FILLING, End, GrowthCluster, lived
from tests.story.objects import AUTO

ASKS = msgspec.structs.replace(AUTO, mode="approve")
RESTART, TAKEN_OVER, HOURS = 1.0, 16.0, 3600.0
"""Seconds without a program: a restart, until another replica has the Lease, and very long."""


class Scene(NamedTuple):
    """What people do between ticks, from what is on record alone, and how it ends."""

    name: str
    opened: Callable[[], GrowthCluster]
    meanwhile: Callable[[GrowthCluster], None]
    phase: Phase
    asked: int
    writes: int = 1


def nobody(cluster: GrowthCluster) -> None:
    """Nobody says anything."""
    del cluster


def once(cluster: GrowthCluster, decision: Decision, plan_hash: str | None = None) -> None:
    """Let ann say something while a plan waits, and not say it again."""
    name = f"{decision}-{plan_hash}"
    waits = cluster.phase() is Phase.AWAITING_APPROVAL
    if waits and not any(order.name == name for order in cluster.orders):
        say(cluster, decision, plan_hash, name=name, uid=f"uid-{name}")


def yes(cluster: GrowthCluster) -> None:
    """A person says yes."""
    once(cluster, Decision.APPROVE)


def void_first(cluster: GrowthCluster) -> None:
    """A yes to another plan, and then one to this."""
    once(cluster, Decision.APPROVE, "0123456789abcdef")
    if cluster.record().status.decisions:
        once(cluster, Decision.APPROVE)


def no(cluster: GrowthCluster) -> None:
    """A person stops it."""
    once(cluster, Decision.CANCEL)


def refused() -> GrowthCluster:
    """Return a cluster whose driver gives nothing more at all."""
    cluster = GrowthCluster(FAILED)
    cluster.most = 10 * GIB
    return cluster


SCENES = (
    Scene("filling", GrowthCluster, nobody, Phase.SETTLED, 12 * GIB),
    Scene(
        "filling, with a yes",
        lambda: GrowthCluster(FILLING, ASKS),
        yes,
        Phase.SETTLED,
        12 * GIB,
    ),
    Scene("failed", lambda: GrowthCluster(FAILED), yes, Phase.SETTLED, 11 * GIB),
    Scene(
        "failed, a void yes first",
        lambda: GrowthCluster(FAILED),
        void_first,
        Phase.SETTLED,
        11 * GIB,
    ),
    Scene(
        "failed, cancelled", lambda: GrowthCluster(FAILED), no, Phase.CANCELLED, 100 * GIB, writes=0
    ),
    Scene("failed, refused again", refused, yes, Phase.UNSETTLED, 11 * GIB),
)
of_each = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)


def played(
    scene: Scene, *deaths: int, outage: float = RESTART, replicas: int = 1
) -> tuple[End, int]:
    """Live through a scene; return its end, and how many points it had."""
    cluster = scene.opened()
    end = lived(cluster, scene.meanwhile, *deaths, outage=outage, replicas=replicas)
    return end, cluster.points


@of_each
def test_a_scene_that_nobody_disturbs_ends_as_it_should(scene: Scene) -> None:
    """Otherwise the tests below would prove nothing."""
    end, points = played(scene)
    wanted = (scene.phase, scene.asked, scene.writes, 0)
    assert (end.phase, end.asked, len(end.writes), end.owed) == wanted
    assert points >= 4


@pytest.mark.parametrize(
    "outage",
    [RESTART, TAKEN_OVER, pytest.param(HOURS, marks=pytest.mark.soak)],
    ids=["restarted", "late", "hours"],
)
@of_each
def test_a_kill_at_any_point_changes_nothing_about_the_end(scene: Scene, outage: float) -> None:
    """By the program itself, by another replica, or after a night."""
    wanted, points = played(scene)
    for point in range(1, points + 1):
        assert played(scene, point, outage=outage)[0] == wanted, point


@of_each
def test_two_kills_change_nothing_either(scene: Scene) -> None:
    """The second one right after, where it goes on."""
    wanted, points = played(scene)
    for point in range(1, points + 1):
        for gap in (1, 2):
            assert played(scene, point, point + gap)[0] == wanted, (point, gap)


@of_each
def test_two_programs_that_both_believe_to_lead_do_nothing_twice(scene: Scene) -> None:
    """What each of them writes is bound to what it has read."""
    wanted, _ = played(scene)
    end, points = played(scene, replicas=2)
    assert end == wanted
    for point in range(1, points + 1):
        assert played(scene, point, replicas=2)[0] == wanted, point
