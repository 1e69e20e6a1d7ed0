"""People who say something about a record of a cluster of plain objects. Decides nothing."""

import asyncio

import msgspec

from remediator.case import Policy
from remediator.orders import Decision, Order
from remediator.pipeline import Pipeline
from remediator.record import Phase
from tests.story.fake_cluster import FakeCluster, carry_on
from tests.story.objects import AUTO, record

ASKS = msgspec.structs.replace(AUTO, mode="approve")


def started(policy: Policy = ASKS) -> tuple[FakeCluster, Pipeline]:
    """Return a cluster with a dead node's record, and the engine over it."""
    cluster = FakeCluster(policy=policy)
    cluster.open(record())
    return cluster, cluster.engine()


def say(
    cluster: FakeCluster, decision: Decision, plan_hash: str | None = None, **fields: object
) -> None:
    """Let ann say something about the record as it stands now."""
    kept = cluster.record()
    shown = kept.status.plan.hash if kept.status.plan is not None else ""
    said = Order(
        name=f"order-{len(cluster.orders)}",
        uid=f"uid-order-{len(cluster.orders)}",
        remediation=kept.name,
        remediation_uid=kept.uid,
        decision=decision,
        by="ann",
        created=cluster.clock,
        plan_hash=shown if plan_hash is None else plan_hash,
    )
    cluster.orders.append(msgspec.structs.replace(said, **fields))


def until(cluster: FakeCluster, engine: Pipeline, phase: Phase) -> None:
    """Carry on until the record is in a phase."""
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is phase))
