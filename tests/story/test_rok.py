"""snapshot_space_exhausted from the alert to the end, over plain objects: seed 000."""

import asyncio

from exporter.observe.model import Budget
from remediator.record import Phase, StepState
from remediator.steps.nodes import EXTENDED
from tests.pipeline.people import until
from tests.story.fake_cluster import carry_on
from tests.story.rok_cluster import (
    RokCluster,
    pod,
)
from tests.story.rok_played import (
    DONE,
    approved,
    at_step,
    elsewhere,
    some,
)


def test_the_node_is_extended_drained_and_removed() -> None:
    """Every step in order; nothing is owed in the end, and the disk went with the machine."""
    cluster = RokCluster()
    until(cluster, approved(cluster), Phase.SETTLED)
    assert cluster.rok.calls == DONE
    assert cluster.there() is None
    assert cluster.rok.disks == {}
    assert not cluster.record().owes
    plan = cluster.record().status.plan
    assert plan is not None
    assert {one.state for one in plan.steps} == {StepState.DONE}


def test_nothing_begins_without_a_person_although_the_mode_is_auto() -> None:
    """It costs money and takes a node."""
    cluster = RokCluster()
    engine = cluster.engine()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    some(cluster, engine, 20)
    assert cluster.writes == []
    assert cluster.rok.calls == []


def test_a_volumesnapshot_that_nobody_tries_again_is_left_to_the_drain() -> None:
    """Half an hour after the extension: the drain's own snapshot is the new attempt."""
    cluster = RokCluster()
    cluster.succeeds = cluster.retries = False
    engine = approved(cluster)
    at_step(cluster, engine, "AwaitSnapshots")
    clock = cluster.clock
    at_step(cluster, engine, "DrainNode")
    assert 1700.0 < cluster.clock - clock < 1900.0


def test_a_budget_that_allows_none_is_waited_for_without_the_slot() -> None:
    """Progress is said; it goes on by itself."""
    cluster = RokCluster()
    cluster.pods["shop-1"] = pod("shop-1", budgets=("shop",))
    cluster.budgets = (*cluster.budgets, Budget("web", "shop", 0, 2, 2))
    engine = approved(cluster)
    at_step(cluster, engine, "DrainNode")
    some(cluster, engine, 30)
    message = cluster.record().status.message
    assert "PodDisruptionBudget shop allows no disruption now" in message
    assert not cluster.record().acting
    assert "evict guard-0" not in cluster.rok.calls
    cluster.budgets = (cluster.budgets[0], Budget("web", "shop", 1, 3, 2))
    until(cluster, engine, Phase.SETTLED)
    assert cluster.rok.calls == [*DONE[:9], "evict shop-1", "evict guard-0", "TerminateMachine"]


def test_rok_s_guard_is_not_evicted_while_a_volume_is_on_the_node() -> None:
    """Even where its budget would allow it; after the time it is a person's."""
    cluster = RokCluster()
    cluster.unpins = False
    cluster.budgets = (Budget("rok", "guard", 1, 1, 0),)
    engine = approved(cluster)
    until(cluster, engine, Phase.FAILED)
    assert "guard-0 keeps the node until its volumes have left" in cluster.record().status.message
    assert [one for one in cluster.rok.calls if one.startswith("evict")] == DONE[8:10]
    assert "TerminateMachine" not in cluster.rok.calls


def test_the_kill_switch_stops_a_drain_in_the_middle_and_lets_it_go_on() -> None:
    """For longer than anything else may wait: half a drain is no end."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "DrainNode")
    cluster.pause = True
    clock = cluster.clock
    asyncio.run(carry_on(cluster, engine, lambda: cluster.clock > clock + 1800.0))
    assert "kill_switch" in cluster.record().status.message
    assert not any(one.startswith("evict") for one in cluster.rok.calls)
    cluster.pause = False
    until(cluster, engine, Phase.SETTLED)


def test_a_drain_is_written_down_once_and_not_with_each_pod() -> None:
    """A hundred pods, and some saves."""
    cluster = RokCluster()
    cluster.pods |= {f"p-{number}": pod(f"p-{number}") for number in range(100)}
    engine = approved(cluster)
    at_step(cluster, engine, "DrainNode")
    cluster.calls.clear()
    at_step(cluster, engine, "AwaitUnpinned")
    assert cluster.calls.count("apply DrainNode") == 103
    assert sum(one.startswith("save") for one in cluster.calls) < 10


def test_a_group_that_does_not_let_the_machine_go_leaves_its_end_to_a_person() -> None:
    """The rules of the group are shown, and not overridden."""
    cluster = RokCluster()
    cluster.regroup(smallest=5)
    engine = approved(cluster)
    at_step(cluster, engine, "RemoveMachineByHand")
    some(cluster, engine, 5)
    assert "wants 5 machines, and at least 5: it cannot shrink" in cluster.record().status.message
    assert "TerminateMachine" not in cluster.rok.calls
    cluster.rok.state, cluster.rok.ended = "shutting-down", cluster.clock
    until(cluster, engine, Phase.SETTLED)
    assert cluster.rok.disks == {}


def test_without_a_known_cloud_a_person_attaches_the_disk_and_removes_the_machine() -> None:
    """The same steps between; what the person did is looked at."""
    cluster = elsewhere()
    engine = approved(cluster)
    at_step(cluster, engine, "AttachDiskByHand")
    some(cluster, engine, 3)
    assert "there is no new blank disk of 1118 GiB or more" in cluster.record().status.message
    cluster.rok.by_hand["/dev/sdb"] = 500
    some(cluster, engine, 3)
    assert cluster.rok.calls == []
    cluster.rok.by_hand["/dev/sdc"] = 1200
    at_step(cluster, engine, "RemoveMachineByHand")
    assert cluster.rok.calls == DONE[4:11]
    assert list(cluster.rok.labels) == ["/dev/sdc"]
    assert cluster.marks()[EXTENDED].split()[1] == "by-hand"
    cluster.forget(cluster.node)
    until(cluster, engine, Phase.SETTLED)
    assert not cluster.record().owes


def test_without_a_known_cloud_two_new_disks_are_one_too_many() -> None:
    """Nobody guesses which."""
    cluster = elsewhere()
    engine = approved(cluster)
    at_step(cluster, engine, "AttachDiskByHand")
    cluster.rok.by_hand = {"/dev/sdb": 1200, "/dev/sdc": 1200}
    some(cluster, engine, 5)
    assert "2 blank disks fit, and only one may" in cluster.record().status.message
    assert cluster.rok.calls == []


def test_the_cloud_is_not_asked_while_it_waits_for_rok() -> None:
    """Hours of waiting, and no command on the node; looks get rarer."""
    cluster = RokCluster()
    cluster.succeeds = False
    engine = approved(cluster)
    at_step(cluster, engine, "AwaitSnapshots")
    asked: list[str] = []
    looks: list[float] = []

    def count(kind: str) -> None:
        asked.append(kind)

    cluster.asked, cluster.after_look = count, lambda: looks.append(cluster.clock)
    clock = cluster.clock
    asyncio.run(carry_on(cluster, engine, lambda: cluster.clock > clock + 7200.0))
    assert not {"machines", "repairdisks", "nodedisks", "drain"} & set(asked)
    assert len(looks) < 7200 / 15 * 1.1
