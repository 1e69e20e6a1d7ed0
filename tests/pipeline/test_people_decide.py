"""A person's word through the whole engine: yes, no, stop, let go, take back; and deletion."""

import asyncio

import msgspec

from exporter.observe.model import Ready
from remediator.orders import Decision
from remediator.record import FINALIZER, Phase
from tests.pipeline.people import ASKS, say, started, until
from tests.story.fake_cluster import carry_on, ticks
from tests.story.objects import AUTO, NAME


def test_a_plan_waits_for_a_yes_and_then_runs() -> None:
    """Nothing is written before, whatever the other guards say."""
    cluster, engine = started()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    asyncio.run(ticks(cluster, engine, 20))
    assert cluster.writes == []
    say(cluster, Decision.APPROVE)
    until(cluster, engine, Phase.HOLDING)
    assert len(cluster.writes) == 1
    (decision,) = cluster.record().status.decisions
    assert (decision.by, decision.void) == ("ann", "")


def test_a_yes_to_another_plan_runs_nothing() -> None:
    """And the record says whose yes was for what."""
    cluster, engine = started()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    say(cluster, Decision.APPROVE, "another")
    asyncio.run(ticks(cluster, engine, 20))
    assert cluster.writes == []
    assert cluster.phase() is Phase.AWAITING_APPROVAL
    assert "it is for plan another" in cluster.record().status.decisions[0].void


def test_nobody_says_yes_in_time() -> None:
    """A plan of yesterday is not for today's cluster."""
    cluster, engine = started()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    cluster.clock += ASKS.approve_within + 1.0
    engine.heard(NAME, cluster.clock)
    until(cluster, engine, Phase.EXPIRED)
    assert cluster.writes == []


def test_a_no_is_final_until_it_is_released() -> None:
    """A repeated alert does not ask again."""
    cluster, engine = started()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    say(cluster, Decision.REJECT)
    until(cluster, engine, Phase.REJECTED)
    engine.heard(NAME, cluster.clock)
    asyncio.run(ticks(cluster, engine, 20))
    assert (cluster.phase(), cluster.writes) == (Phase.REJECTED, [])
    say(cluster, Decision.RELEASE)
    asyncio.run(carry_on(cluster, engine, lambda: cluster.record().over))


def test_a_cancelled_plan_writes_nothing_more() -> None:
    """Before its first write it is simply over."""
    cluster, engine = started()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    say(cluster, Decision.CANCEL)
    until(cluster, engine, Phase.CANCELLED)
    asyncio.run(ticks(cluster, engine, 20))
    assert cluster.writes == []


def test_an_undo_that_a_person_demands_is_done_although_the_node_is_not_back() -> None:
    """They may know what we cannot see; the story has their name."""
    cluster, engine = started(AUTO)
    until(cluster, engine, Phase.HOLDING)
    asyncio.run(ticks(cluster, engine, 5))
    assert cluster.node.ready is not Ready.TRUE
    assert len(cluster.writes) == 1
    say(cluster, Decision.UNDO)
    until(cluster, engine, Phase.CANCELLED)
    assert len(cluster.writes) == 2
    cluster.clock += AUTO.cooldown
    engine.heard(NAME, cluster.clock)
    asyncio.run(ticks(cluster, engine, 20))
    assert len(cluster.writes) == 2, "what a person had taken back is not done again"
    sentences = " ".join(entry.sentence for entry in cluster.record().status.history)
    assert "ann asked for it, although" in sentences


def test_a_record_is_kept_by_a_finalizer_as_long_as_something_is_owed() -> None:
    """From before the first write until after the last undo."""
    cluster, engine = started(AUTO)
    asyncio.run(carry_on(cluster, engine, lambda: bool(cluster.writes)))
    assert cluster.record().finalizers == (FINALIZER,)
    until(cluster, engine, Phase.HOLDING)
    assert cluster.record().finalizers == (FINALIZER,)
    say(cluster, Decision.UNDO)
    until(cluster, engine, Phase.CANCELLED)
    asyncio.run(ticks(cluster, engine, 2))
    assert cluster.record().finalizers == ()


def test_a_record_that_somebody_deletes_is_gone_only_when_nothing_is_owed() -> None:
    """An uninstall with an open ledger loses nothing."""
    cluster, engine = started(AUTO)
    until(cluster, engine, Phase.HOLDING)
    deleted = msgspec.structs.replace(cluster.record(), deletion=cluster.clock)
    cluster.open(deleted)
    asyncio.run(ticks(cluster, engine, 20))
    assert NAME in cluster.kept
    say(cluster, Decision.UNDO)
    asyncio.run(carry_on(cluster, engine, lambda: NAME not in cluster.kept))
    assert len(cluster.writes) == 2
