"""Steps that take hours or many calls: blind moments, refusals, and what is written down."""

import asyncio

import msgspec
import pytest

from exporter.observe.errors import Forbidden, ObserveError, Throttled, Unreachable
from exporter.observe.model import Kind
from remediator import steps
from remediator.pipeline import PATIENT, Pipeline
from remediator.record import Phase, StepState
from remediator.steps.nodes import MarkExtended
from tests.pipeline.people import until
from tests.story.fake_cluster import carry_on
from tests.story.rok_cluster import NODE, OWNER, RokCluster, job
from tests.story.rok_played import approved, at_step, some

HOUR = 3600.0


def waiting() -> tuple[RokCluster, Pipeline]:
    """Return a cluster that has waited for an hour for what Rok does, in the middle of a plan."""
    cluster = RokCluster()
    cluster.succeeds = False
    engine = approved(cluster)
    at_step(cluster, engine, "AwaitSnapshots")
    clock = cluster.clock
    asyncio.run(carry_on(cluster, engine, lambda: cluster.clock > clock + HOUR))
    return cluster, engine


def test_a_blind_moment_after_an_hour_of_waiting_ends_nothing() -> None:
    """How long nothing could be seen counts, and not how long the step has waited."""
    cluster, engine = waiting()
    cluster.unseen = {Kind.VOLUME: "503"}
    some(cluster, engine, 3)
    assert (cluster.phase(), cluster.record().status.message) == (
        Phase.RUNNING,
        "cannot see persistentvolumes: 503",
    )
    assert cluster.record().status.stuck_since is not None
    cluster.unseen = {}
    some(cluster, engine, 2)
    assert cluster.record().status.stuck_since is None
    cluster.succeeds = True
    until(cluster, engine, Phase.SETTLED)


def test_what_cannot_be_seen_for_too_long_is_a_persons() -> None:
    """Ten minutes, from when it began."""
    cluster, engine = waiting()
    clock = cluster.clock
    cluster.unseen = {Kind.VOLUME: "503"}
    until(cluster, engine, Phase.FAILED)
    assert cluster.policy.settle_within < cluster.clock - clock < cluster.policy.settle_within + 60


def test_a_step_goes_on_without_what_it_can_do_without() -> None:
    """The node's own exporter may be gone while its pods leave."""
    cluster, engine = waiting()
    cluster.unseen = {Kind.ROK_SPACE: "no pod there"}
    some(cluster, engine, 100)
    assert cluster.phase() is Phase.RUNNING
    cluster.succeeds = True
    until(cluster, engine, Phase.VERIFYING)


def test_looks_get_rarer_the_longer_a_step_waits() -> None:
    """A twentieth of it, and at most the usual pause."""
    cluster = RokCluster()
    cluster.succeeds = False
    engine = approved(cluster)
    at_step(cluster, engine, "AwaitSnapshots")
    some(cluster, engine, 1)
    assert asyncio.run(engine.tick(cluster.name)) == PATIENT
    cluster.clock += 200.0
    assert asyncio.run(engine.tick(cluster.name)) == pytest.approx(10.0, abs=1.0)
    cluster.clock += HOUR
    assert asyncio.run(engine.tick(cluster.name)) == 15.0


@pytest.mark.parametrize("error", [Throttled("429"), Unreachable("no answer")], ids=str)
def test_a_part_that_is_refused_or_lost_is_tried_again(error: ObserveError) -> None:
    """A budget that closed a moment ago, or a call without an answer: the pod is still there."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "DrainNode")
    cluster.refusals = [(error, False)]
    some(cluster, engine, 1)
    assert f"could not evict pod web/db-0 yet: {error}" in cluster.record().status.message
    until(cluster, engine, Phase.SETTLED)
    assert cluster.rok.calls.count("evict db-0") == 1


def test_a_part_that_is_not_allowed_ends_the_plan() -> None:
    """A right is missing: a person is told, and nothing is forgotten."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "DrainNode")
    cluster.refusals = [(Forbidden("create pods/eviction: 403"), False)]
    until(cluster, engine, Phase.FAILED)
    assert "could not evict pod web/db-0: create pods/eviction: 403" in str(
        cluster.record().status.history
    )
    assert cluster.record().owes[-1].kind == "MarkExtended"


def test_each_part_is_reported_and_the_record_says_once_that_it_began() -> None:
    """The log and the Events have every pod."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "AwaitUnpinned")
    wrote = [one.wrote for one in cluster.reports if one.wrote.startswith("evict")]
    assert wrote == ["evict pod web/db-0", "evict pod web/shop-1", "evict pod rok/guard-0"]
    told = [entry.sentence for entry in cluster.record().status.history]
    assert sum(one.startswith("about to drain node") for one in told) == 1


def test_what_is_refused_before_anything_was_written_only_waits() -> None:
    """It is planned anew."""
    cluster = RokCluster()
    engine = approved(cluster)
    some(cluster, engine, 1)
    step = MarkExtended(NODE, f"uid-{NODE}", OWNER, 1)
    for one in job():
        cluster.put(one)
    kept = cluster.record()
    assert kept.status.plan is not None
    alone = msgspec.structs.replace(kept.status.plan, steps=(steps.to_record(step),))
    status = msgspec.structs.replace(kept.status, phase=Phase.RUNNING, plan=alone, ledger=())
    cluster.open(msgspec.structs.replace(kept, status=status))
    asyncio.run(engine.tick(cluster.name))
    assert cluster.phase() is Phase.DEFERRED
    assert "must not write on node node-a" in cluster.record().status.message


def test_a_step_that_guards_hold_up_holds_no_slot_meanwhile() -> None:
    """Two records that wait for each other's slot would both wait in vain."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "MakeDisk")
    cluster.pause = True
    some(cluster, engine, 2)
    plan = cluster.record().status.plan
    assert plan is not None
    assert plan.steps[3].state is StepState.WAITING
    assert not cluster.record().acting
    cluster.pause = False
    some(cluster, engine, 2)
    assert "CreateDisk" in cluster.rok.calls


def test_behind_the_point_of_no_return_a_pause_of_hours_ends_nothing() -> None:
    """Nothing could be taken back: it waits for as long as the switch is on, and goes on."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "ExtendGroup")
    cluster.pause, clock = True, cluster.clock
    asyncio.run(carry_on(cluster, engine, lambda: cluster.clock > clock + 3 * HOUR))
    assert cluster.phase() is Phase.RUNNING
    assert "kill_switch" in cluster.record().status.message
    assert "vgextend" not in cluster.rok.calls
    cluster.pause = False
    until(cluster, engine, Phase.SETTLED)


def test_before_it_a_pause_that_is_too_long_takes_all_back() -> None:
    """Once the switch is off again: the switch stops that as well."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "AttachDisk")
    cluster.pause = True
    until(cluster, engine, Phase.FAILED)
    assert "machine i-0a in time: kill_switch" in cluster.record().status.message
    some(cluster, engine, 5)
    assert "DeleteDisk" not in cluster.rok.calls
    cluster.pause = False
    asyncio.run(carry_on(cluster, engine, lambda: not cluster.record().owes))
    assert sorted(cluster.rok.disks) == ["vol-0rok", "vol-0root"]


def test_debts_that_end_together_are_closed_one_after_the_other_at_once() -> None:
    """The node is gone: nobody has to wait a pause for each."""
    cluster = RokCluster()
    engine = approved(cluster)
    until(cluster, engine, Phase.HOLDING)
    clock, owed = cluster.clock, len(cluster.record().owes)
    until(cluster, engine, Phase.SETTLED)
    assert owed == 6
    assert cluster.clock - clock < 30.0
