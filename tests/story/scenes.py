"""Whole episodes that are lived through again and again, with kills and faults on the way.

A scene says what people and the machine do meanwhile, from what is on record alone, so that it does
the same whenever the program comes to it. What may go wrong is told by the tests.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from remediator.case import Policy
from remediator.orders import Decision, Order
from remediator.record import FINALIZER, Phase, StepState
from remediator.steps.base import UNDO_ANNOTATION
from remediator.steps.taints import AddTaint
from tests.story.fake_cluster import FakeCluster, Killed
from tests.story.objects import AUTO, DEAD, NAME, record

if TYPE_CHECKING:
    from remediator.pipeline import Pipeline

ASKS = msgspec.structs.replace(AUTO, mode="approve")
BACK_AFTER = 300.0
"""Seconds after which a machine is back that starts again."""
LONGEST = 6000
"""Ticks of an episode that ends."""


class End(NamedTuple):
    """What is left of an episode; the same whatever happened on the way."""

    phase: str
    writes: tuple[str, ...]
    notes: tuple[str, ...]
    steps: tuple[str, ...]
    decisions: tuple[tuple[str, bool], ...]
    tainted: bool
    noted: bool
    kept: bool
    names: tuple[str, ...]


class Scene(NamedTuple):
    """`meanwhile` is done between ticks; `ended` says whether there is nothing more to see."""

    name: str
    policy: Policy
    meanwhile: Callable[[FakeCluster], None]


def end_of(cluster: FakeCluster) -> End:
    """Return what is left."""
    kept = cluster.kept.get(NAME)
    status = kept.status if kept is not None else None
    plan = status.plan if status is not None else None
    return End(
        phase=str(status.phase) if status is not None else "gone",
        writes=tuple(type(step).__name__ for step in cluster.writes),
        notes=tuple(entry.note for entry in status.ledger) if status is not None else (),
        steps=tuple(str(step.state) for step in plan.steps) if plan is not None else (),
        decisions=tuple((one.decision, bool(one.void)) for one in status.decisions)
        if status is not None
        else (),
        tainted=cluster.tainted,
        noted=UNDO_ANNOTATION in cluster.node.annotations,
        kept=kept is not None and FINALIZER in kept.finalizers,
        names=tuple(cluster.kept),
    )


def ended(cluster: FakeCluster) -> bool:
    """Whether the episode is over, or held by a person's word, or its record gone."""
    kept = cluster.kept.get(NAME)
    held = kept is not None and kept.status.phase is Phase.CANCELLED and not kept.owes
    return kept is None or ((kept.over or held) and not kept.kept)


def comes_back(cluster: FakeCluster) -> None:
    """Start the machine again once we hold its node."""
    if cluster.phase() is Phase.HOLDING and cluster.machine.state == "stopped":
        cluster.clock += BACK_AFTER
        cluster.come_back()


def say(cluster: FakeCluster, decision: Decision, plan_hash: str = "") -> None:
    """Let ann say something once; the same again is the same object."""
    name = f"{decision}-{plan_hash or 'plan'}"
    kept = cluster.record()
    if any(order.name == name for order in cluster.orders):
        return
    cluster.orders.append(
        Order(
            name=name,
            uid=f"uid-{name}",
            remediation=NAME,
            remediation_uid=kept.uid,
            decision=decision,
            by="ann",
            created=cluster.clock,
            plan_hash=plan_hash or (kept.status.plan.hash if kept.status.plan else ""),
        )
    )


def waits(cluster: FakeCluster) -> bool:
    """Whether the plan waits for a person."""
    return cluster.phase() is Phase.AWAITING_APPROVAL


def approved(cluster: FakeCluster) -> None:
    """A person says yes; the machine comes back."""
    if waits(cluster):
        say(cluster, Decision.APPROVE)
    comes_back(cluster)


def void_first(cluster: FakeCluster) -> None:
    """A person says yes to a plan of before, hears that it is void, and says yes to this one."""
    if waits(cluster):
        say(cluster, Decision.APPROVE, "0123456789abcdef")
    if waits(cluster) and cluster.record().status.decisions:
        say(cluster, Decision.APPROVE)
    comes_back(cluster)


def cancelled(cluster: FakeCluster) -> None:
    """A person stops it before anything was written."""
    if waits(cluster):
        say(cluster, Decision.CANCEL)


def undo_demanded(cluster: FakeCluster) -> None:
    """A person wants it taken back although the machine is off."""
    if cluster.phase() is Phase.HOLDING:
        say(cluster, Decision.UNDO)


def deleted(cluster: FakeCluster) -> None:
    """Somebody deletes the record while we hold; then the machine comes back."""
    kept = cluster.record()
    if kept.status.phase is Phase.HOLDING and kept.deletion is None:
        cluster.kept[NAME] = msgspec.structs.replace(kept, deletion=cluster.clock, version="del")
    comes_back(cluster)


SCENES = (
    Scene("a lost node", AUTO, comes_back),
    Scene("with a person's yes", ASKS, approved),
    Scene("a yes that is void first", ASKS, void_first),
    Scene("cancelled", ASKS, cancelled),
    Scene("undone on demand", AUTO, undo_demanded),
    Scene("deleted while it holds", AUTO, deleted),
)


def opened(scene: Scene) -> FakeCluster:
    """Return a scene's beginning."""
    cluster = FakeCluster(policy=scene.policy)
    cluster.open(record())
    cluster.before_write = lambda: assert_intended(cluster)
    return cluster


def assert_intended(cluster: FakeCluster) -> None:
    """Demand that what is about to be written stands on record, with the debt that it makes."""
    status = cluster.record().status
    assert status.plan is not None
    (debt,) = cluster.record().owes
    assert debt.target == DEAD
    if cluster.calls[-1] == f"apply {AddTaint.__name__}":
        assert status.plan.steps[0].state is StepState.INTENDED
    else:
        assert debt.note == "taking it back"


async def live(
    scene: Scene,
    cluster: FakeCluster,
    outage: Callable[[], float] = lambda: 1.0,
    replicas: int = 1,
) -> End:
    """Live through it; after a kill new programs go on, so many that each believe to be alone."""
    engines: list[Pipeline] = [cluster.engine() for _ in range(replicas)]
    for number in range(LONGEST):
        if ended(cluster):
            return end_of(cluster)
        try:
            rest = await engines[number % replicas].tick(NAME)
        except Killed:
            engines = [cluster.engine() for _ in range(replicas)]
            rest = outage()
        cluster.clock += max(rest, 0.25)
        if NAME in cluster.kept:
            scene.meanwhile(cluster)
    message = f"{scene.name}: not ended after {LONGEST} ticks: {cluster.record().status}"
    raise AssertionError(message)
