"""snapshot_space_exhausted from the alert to the end, over plain objects: seed 000 and its troubles."""

import asyncio

import msgspec
import pytest

from exporter.observe.errors import Unreachable
from exporter.observe.model import Budget
from exporter.observe.view import View
from remediator.orders import Decision
from remediator.pipeline import Pipeline
from remediator.record import Phase, StepState
from remediator.rok_extension import GIB
from remediator.steps.nodes import CORDON_NOTE, EXTENDED, SCALE_DOWN
from tests.pipeline.people import say, until
from tests.story import objects as made
from tests.story.fake_cluster import Killed, carry_on, ticks
from tests.story.objects import LIVE
from tests.story.rok_cluster import (
    GUARD,
    NODE,
    OWNER,
    ROK,
    TOTAL,
    UID,
    RokCluster,
    job,
    pod,
    scene,
)
from tests.story.rok_node import SPACE_EXTENTS, label_of

DONE = [
    "ProtectMachine",
    "CreateDisk",
    "AttachDisk",
    "DeleteWithMachine",
    "pvcreate",
    "vgextend",
    "lvextend",
    "resize2fs",
    "evict db-0",
    "evict shop-1",
    "evict guard-0",
    "TerminateMachine",
]
"""What changes something beside the API server, in order."""
BEFORE = ["CreateDisk", "AttachDisk", "DeleteWithMachine"]


def approved(cluster: RokCluster) -> Pipeline:
    """Return an engine over a cluster whose plan somebody has said yes to."""
    engine = cluster.engine()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    say(cluster, Decision.APPROVE)
    return engine


def at_step(cluster: RokCluster, engine: Pipeline, kind: str) -> None:
    """Carry on until a step is the next one."""

    def there() -> bool:
        plan = cluster.record().status.plan
        index = plan.next_step if plan is not None else None
        return plan is not None and index is not None and plan.steps[index].kind == kind

    asyncio.run(carry_on(cluster, engine, there))


def some(cluster: RokCluster, engine: Pipeline, number: int) -> None:
    """Tick a number of times."""
    asyncio.run(ticks(cluster, engine, number))


def test_the_node_is_extended_drained_and_removed() -> None:
    """Every step in order; nothing is owed in the end, and the disk went with the machine."""
    cluster = RokCluster()
    until(cluster, approved(cluster), Phase.SETTLED)
    assert cluster.rok.calls == DONE
    assert cluster.there() is None
    assert cluster.rok.disks == {}
    assert not cluster.record().owes
    assert {one.state for one in cluster.record().status.plan.steps} == {StepState.DONE}


def test_nothing_begins_without_a_person_although_the_mode_is_auto() -> None:
    """It costs money and takes a node."""
    cluster = RokCluster()
    engine = cluster.engine()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    some(cluster, engine, 20)
    assert cluster.writes == []
    assert cluster.rok.calls == []
