"""What tests of the extension of a node do again and again. Decides nothing."""

import asyncio
from collections.abc import Callable

from remediator.orders import Decision
from remediator.pipeline import Pipeline
from remediator.record import Phase
from remediator.rok_extension import GIB
from tests.pipeline.people import say, until
from tests.story.fake_cluster import Killed, carry_on, ticks
from tests.story.rok_cluster import (
    RokCluster,
    job,
)

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
    asyncio.run(carry_on(cluster, engine, lambda: next_step(cluster) == kind))


def next_step(cluster: RokCluster) -> str:
    """Return the kind of the step that is next, empty for none."""
    plan = cluster.record().status.plan
    index = plan.next_step if plan is not None else None
    return plan.steps[index].kind if plan is not None and index is not None else ""


def elsewhere() -> RokCluster:
    """Return a cluster whose node is in no cloud that we know."""
    cluster = RokCluster()
    cluster.change(cluster.node, provider_id="openstack:///4f3c")
    return cluster


def by_hand(cluster: RokCluster) -> None:
    """Attach the disk and remove the machine, as the plan waits for a person to."""
    match next_step(cluster):
        case "AttachDiskByHand":
            cluster.rok.by_hand = {"/dev/sdc": 1200}
        case "RemoveMachineByHand" if cluster.there() is not None:
            cluster.forget(cluster.node)


def some(cluster: RokCluster, engine: Pipeline, number: int) -> None:
    """Tick a number of times."""
    asyncio.run(ticks(cluster, engine, number))


def answer(cluster: RokCluster) -> None:
    """Say yes once, whenever the plan waits for it."""
    if cluster.phase() is Phase.AWAITING_APPROVAL and not cluster.orders:
        say(cluster, Decision.APPROVE)


def survive(
    cluster: RokCluster,
    phase: Phase,
    outage: float,
    meanwhile: Callable[[RokCluster], None] = lambda _: None,
) -> None:
    """Carry on to a phase where nothing is owed, with a new start after each death.

    `meanwhile` is what people do, between ticks, by what is on record alone.
    """

    def over() -> bool:
        answer(cluster)
        meanwhile(cluster)
        return cluster.phase() is phase and not cluster.record().owes

    for _ in range(1 + len(cluster.deaths)):
        try:
            asyncio.run(carry_on(cluster, cluster.engine(), over))
        except Killed:
            cluster.clock += outage
            continue
        return
    raise AssertionError("it died again and again")


def end_of(cluster: RokCluster) -> tuple[object, ...]:
    """Return what is left of an episode, the same whatever happened on the way."""
    kept = cluster.record()
    plan = kept.status.plan
    assert plan is not None
    node = cluster.there()
    return (
        kept.status.phase,
        cluster.rok.calls,
        [type(step).__name__ for step in cluster.writes],
        [str(step.state) for step in plan.steps],
        [(entry.kind, entry.closed) for entry in kept.status.ledger],
        dict(node.annotations) if node is not None else None,
        sorted(cluster.rok.disks),
    )


def grows(cluster: RokCluster) -> None:
    """Let pods write more than the planned disk holds, until the cordon stops them."""
    for one in job(blocks=1200 * GIB // 4096, at=cluster.clock):
        cluster.put(one)
