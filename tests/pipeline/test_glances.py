"""What waits is glanced at by lists that others use, too; what comes of it is looked at alone."""

import asyncio

import pytest

from exporter.observe.errors import Unreachable
from exporter.observe.model import Kind, Ready, Subject
from exporter.observe.signals.base import Detector
from remediator.case import Policy
from remediator.orders import Decision, Order
from remediator.pipeline import Pipeline
from remediator.ports import Reads, Sight
from remediator.record import Phase
from tests.story.fake_cluster import FakeCluster, ticks
from tests.story.objects import AUTO, NAME, NOW, record

DUE = NOW - 1.0


class Counted(FakeCluster):
    """Counts looks of all sorts."""

    looks = 0

    async def look(self, detector: Detector, subject: Subject, extra: Reads) -> Sight:
        """Count it."""
        self.looks += 1
        return await super().look(detector, subject, extra)


def waits(policy: Policy = AUTO) -> tuple[Counted, Pipeline]:
    """Return a record that nothing can be done about: it is there, and a person is needed."""
    cluster = Counted(policy=policy)
    cluster.open(record(phase=Phase.BLOCKED))
    engine = cluster.engine()
    asyncio.run(ticks(cluster, engine, 3))
    cluster.calls.clear()
    cluster.looks = 0
    return cluster, engine


def glanced(cluster: Counted, engine: Pipeline, due: float | None = DUE) -> tuple[int, int]:
    """Tick once; return how many glances there were and how many looks alone."""
    asyncio.run(engine.tick(NAME, due))
    return len(cluster.glances), cluster.looks - len(cluster.glances)


def test_a_glance_at_what_waits_on_is_all() -> None:
    """Nothing is written, and it says since when it was due."""
    cluster, engine = waits()
    assert glanced(cluster, engine) == (1, 0)
    assert cluster.glances == [DUE]
    assert not [call for call in cluster.calls if call.startswith(("save", "apply"))]


def test_what_a_glance_sees_gone_is_looked_at_alone_before_it_is_written_down() -> None:
    """What the lists say may be what others wanted to know."""
    cluster, engine = waits()
    cluster.change(cluster.node, ready=Ready.TRUE)
    assert glanced(cluster, engine) == (1, 1)
    assert cluster.record().status.gone_since is not None


def test_what_a_glance_cannot_see_is_looked_at_alone() -> None:
    """It alone tries again for its own subject."""
    cluster, engine = waits()
    cluster.unseen[Kind.ATTACHMENT] = str(Unreachable("cut"))
    assert glanced(cluster, engine) == (1, 1)


def test_an_order_of_a_person_is_heeded_after_a_look_alone() -> None:
    """Whatever the glance says."""
    cluster, engine = waits()
    made = Order("o", "u", NAME, cluster.record().uid, Decision.RELEASE, "ann", NOW)
    cluster.orders.append(made)
    assert glanced(cluster, engine) == (1, 1)


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.VERIFYING, Phase.HOLDING, Phase.OBSERVED])
def test_what_acts_and_what_is_new_is_never_glanced_at(phase: Phase) -> None:
    """Even where it is said to be due."""
    cluster = Counted(policy=Policy())
    cluster.open(record(phase=phase))
    assert glanced(cluster, cluster.engine())[0] == 0


def test_a_plan_that_needs_a_proof_is_judged_once() -> None:
    """The cloud is asked by the look alone, not by the glance before it."""
    cluster = Counted()
    cluster.machine.state = "running"
    cluster.open(record(phase=Phase.DEFERRED))
    glanced(cluster, cluster.engine())
    assert cluster.calls.count("power") <= 1
    assert len(cluster.answers) == 1
