"""rwx_recovery_blocked from the alert to the end, over plain objects: seed 001 and its troubles."""

import asyncio

import msgspec

from exporter.observe import model
from exporter.observe.model import Ready
from remediator.orders import Decision
from remediator.pipeline import Pipeline
from remediator.record import Phase, StepState
from remediator.steps.users import CLEAR_WITHIN, PODS_WITHIN
from remediator.steps.workloads import StartWorkload, StopWorkload
from tests.pipeline.people import say, until
from tests.story import objects as made
from tests.story.fake_cluster import Killed, ticks
from tests.story.objects import AUTO, DEAD
from tests.story.rwx_cluster import (
    OWNER,
    RwxCluster,
    bare,
    clear,
    pod_of,
    scene,
    shop,
    workload,
)

SHOP = shop()
DB = workload(model.StatefulSet, "db", replicas=1, current=1, ready=1)


def begun(*workloads: model.Workload) -> tuple[RwxCluster, Pipeline]:
    """Return a cluster with these users, and an engine over it."""
    cluster = RwxCluster(scene(*workloads))
    return cluster, cluster.engine()


def some(cluster: RwxCluster, engine: Pipeline, number: int) -> None:
    """Tick a number of times."""
    asyncio.run(ticks(cluster, engine, number))


def did(cluster: RwxCluster) -> list[tuple[str, str]]:
    """Return what was done to what, in order."""
    return [(type(step).__name__, step.target) for step in cluster.writes]


def test_all_users_are_stopped_and_started_again_in_reverse_order() -> None:
    """Stop, no pod, Rok's word, start; nothing is owed in the end, and nothing of ours is left."""
    cluster, engine = begun(SHOP, DB)
    until(cluster, engine, Phase.SETTLED)
    assert did(cluster) == [
        ("StopWorkload", "web/shop"),
        ("StopWorkload", "web/db"),
        ("StartWorkload", "web/db"),
        ("StartWorkload", "web/shop"),
    ]
    assert (cluster.there(SHOP).replicas, cluster.there(DB).replicas) == (2, 1)
    assert (cluster.there(SHOP).annotations, cluster.there(DB).annotations) == ({}, {})
    kept = cluster.record()
    assert not kept.owes
    assert {entry.note for entry in kept.status.ledger} == {"taken back"}


def test_while_it_waits_it_holds_neither_slot_nor_claim() -> None:
    """Its pods may need the repair of a node first."""
    cluster, engine = begun(SHOP)
    cluster.ends = False
    until(cluster, engine, Phase.RUNNING)
    some(cluster, engine, 10)
    kept = cluster.record()
    assert kept.status.phase is Phase.RUNNING
    assert not kept.acting
    assert "runs still" in kept.status.message


def test_a_pod_on_a_lost_node_is_named_and_waited_for() -> None:
    """Nothing is deleted by force here: its node has a handler of its own."""
    dead = made.node(DEAD, Ready.UNKNOWN)
    cluster = RwxCluster([*scene(), dead, pod_of(SHOP, 9, DEAD, deletion=made.NOW)])
    engine = cluster.engine()
    cluster.ends = False
    until(cluster, engine, Phase.RUNNING)
    some(cluster, engine, 10)
    message = cluster.record().status.message
    assert f"pod web/shop-9 on {DEAD} cannot end: the node is lost" in message
    cluster.end_pods()
    until(cluster, engine, Phase.SETTLED)


def test_without_rok_s_word_nothing_is_started_and_a_person_is_asked() -> None:
    """The Event may have been missed: nobody can tell, and old data must not come back to life."""
    cluster, engine = begun(SHOP)
    cluster.speaks = False
    until(cluster, engine, Phase.FAILED)
    assert did(cluster) == [("StopWorkload", "web/shop")]
    kept = cluster.record()
    assert f"waited {CLEAR_WITHIN / 60:g} min in vain" in kept.status.message
    assert [entry.prior for entry in kept.owes] == [{"was": "2"}]
    some(cluster, engine, 5)
    assert did(cluster) == [("StopWorkload", "web/shop")]
    assert "stays stopped" in cluster.record().status.message


def test_a_word_that_comes_late_lets_them_start_all_the_same() -> None:
    """What is owed is taken back once it is safe."""
    cluster, engine = begun(SHOP)
    cluster.speaks = False
    until(cluster, engine, Phase.FAILED)
    cluster.speak()
    some(cluster, engine, 5)
    assert did(cluster)[-1] == ("StartWorkload", "web/shop")
    assert cluster.there(SHOP).replicas == 2
    assert not cluster.record().owes


def test_a_word_older_than_our_stop_is_none() -> None:
    """It may be about pods of before."""
    cluster, engine = begun(SHOP)
    cluster.speaks = False
    until(cluster, engine, Phase.RUNNING)
    some(cluster, engine, 4)
    stopped_at = cluster.clock
    cluster.put(clear(stopped_at - 3600.0))
    some(cluster, engine, 5)
    assert did(cluster) == [("StopWorkload", "web/shop")]


def test_a_person_may_have_them_started_before_rok_s_word() -> None:
    """On a person's order, and it is said that it is against the advice."""
    cluster, engine = begun(SHOP)
    cluster.speaks = False
    until(cluster, engine, Phase.FAILED)
    say(cluster, Decision.UNDO)
    some(cluster, engine, 3)
    assert cluster.there(SHOP).replicas == 2
    assert "ann asked for it, although" in str(cluster.record().status.history)


def test_who_is_started_by_somebody_else_stops_the_plan_and_nobody_fights() -> None:
    """An operator, GitOps, a person: it is said which workload, and a person decides."""
    keeper = model.Keeper("Argo CD", "shop-app")
    cluster, engine = begun(shop(keepers=(keeper,)))
    cluster.speaks = False
    until(cluster, engine, Phase.RUNNING)
    some(cluster, engine, 3)
    cluster.alter(cluster.there(SHOP), replicas=2)
    some(cluster, engine, 2)
    message = cluster.record().status.message
    assert "somebody else took it back: stop Deployment web/shop" in message
    assert "Argo CD shop-app may put it back" in message
    until(cluster, engine, Phase.FAILED)
    assert did(cluster) == [("StopWorkload", "web/shop")]


def test_replicas_that_moved_before_the_stop_are_what_is_started_again() -> None:
    """An autoscaler works while a person thinks; the yes is not void for that."""
    cluster = RwxCluster(scene(), msgspec.structs.replace(AUTO, mode="approve"))
    engine = cluster.engine()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    say(cluster, Decision.APPROVE)
    cluster.alter(cluster.there(SHOP), replicas=3)
    until(cluster, engine, Phase.SETTLED)
    assert cluster.there(SHOP).replicas == 3


def test_what_was_stopped_already_is_neither_stopped_nor_started() -> None:
    """It is at zero for somebody else's reason."""
    idle = workload(model.StatefulSet, "idle", replicas=0, current=0, ready=0)
    objects = [one for one in scene(SHOP, idle) if getattr(one, "name", "") != "idle-0"]
    cluster = RwxCluster(objects)
    until(cluster, cluster.engine(), Phase.SETTLED)
    assert {target for _, target in did(cluster)} == {"web/shop"}


def test_a_workload_that_is_deleted_meanwhile_is_owed_no_more() -> None:
    """Its debt goes with it."""
    cluster, engine = begun(SHOP, DB)
    cluster.ends = False
    until(cluster, engine, Phase.RUNNING)
    some(cluster, engine, 10)
    cluster.delete(cluster.there(DB))
    cluster.end_pods()
    until(cluster, engine, Phase.SETTLED)
    assert did(cluster)[-1] == ("StartWorkload", "web/shop")
    assert not cluster.record().owes


def test_killed_anywhere_it_comes_to_the_same_end() -> None:
    """At each point where the program can die, another start goes on; nothing is done twice."""
    whole, engine = begun(SHOP, DB)
    until(whole, engine, Phase.SETTLED)
    for point in range(1, whole.points + 1):
        cluster, engine = begun(SHOP, DB)
        cluster.deaths = {point}
        survive(cluster)
        assert did(cluster) == did(whole), point
        assert (cluster.there(SHOP).replicas, cluster.there(DB).replicas) == (2, 1), point
        assert not cluster.record().owes


def survive(cluster: RwxCluster) -> None:
    """Carry on to the end, with a new start after each death."""
    for _ in range(3):
        try:
            until(cluster, cluster.engine(), Phase.SETTLED)
        except Killed:
            continue
        return
    raise AssertionError("it died again and again")


def test_a_pod_without_an_owner_waits_for_a_person_and_is_never_deleted() -> None:
    """Nobody would make it again. The plan asks, although the mode is auto."""
    cluster = RwxCluster([*scene(), bare()])
    engine = cluster.engine()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    say(cluster, Decision.APPROVE)
    until(cluster, engine, Phase.RUNNING)
    some(cluster, engine, 10)
    assert "a person deletes it" in cluster.record().status.message
    cluster.end_pods()
    until(cluster, engine, Phase.SETTLED)


def test_pods_that_never_end_leave_everything_stopped_and_said() -> None:
    """Time is up: FAILED, and what was stopped is owed."""
    cluster, engine = begun(SHOP)
    cluster.ends = False
    until(cluster, engine, Phase.FAILED)
    assert f"waited {PODS_WITHIN / 60:g} min in vain" in cluster.record().status.message
    assert cluster.record().owes


def test_a_namespace_that_did_not_opt_in_is_asked_for() -> None:
    """Disruptive: the mode auto counts only where the namespace wants it."""
    cluster = RwxCluster([*scene(), made.namespace()])
    until(cluster, cluster.engine(), Phase.AWAITING_APPROVAL)
    assert cluster.writes == []


def test_the_steps_stand_on_the_record_in_words_and_order() -> None:
    """A person reads the same as in the runbook."""
    cluster, engine = begun(SHOP)
    cluster.pause = True
    until(cluster, engine, Phase.DEFERRED)
    plan = cluster.record().status.plan
    assert plan is not None
    assert [step.says for step in plan.steps] == [
        "stop Deployment web/shop, which has 2 replicas",
        "wait until no pod uses claim web/data",
        "wait until Rok says that the volume of claim web/data can be used again",
        "start Deployment web/shop again, with 2 replicas",
    ]
    assert {step.state for step in plan.steps} == {StepState.PENDING}
    assert plan.findings[0].startswith("Rok rolled the volume back")


def test_a_stop_and_its_start_are_bound_to_the_object() -> None:
    """Another one of that name is left alone."""
    cluster = RwxCluster(scene())
    stop = StopWorkload("web/shop", "uid-shop", OWNER, "deployments", "data", "2")
    start = StartWorkload("web/shop", "uid-shop", OWNER, "deployments", "data", "2")
    assert stop.act(cluster.seen()) is not None
    cluster.alter(cluster.there(SHOP), uid="uid-new")
    assert [stop.act(cluster.seen()), start.act(cluster.seen())] == [None, None]
