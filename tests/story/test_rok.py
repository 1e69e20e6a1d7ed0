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


def survive(cluster: RokCluster, phase: Phase, outage: float) -> None:
    """Carry on to a phase where nothing is owed, with a new start after each death."""

    def over() -> bool:
        answer(cluster)
        return cluster.phase() is phase and not cluster.record().owes

    for _ in range(4):
        try:
            asyncio.run(carry_on(cluster, cluster.engine(), over))
        except Killed:
            cluster.clock += outage
            continue
        return
    raise AssertionError("it died again and again")


def answer(cluster: RokCluster) -> None:
    """Say yes once, whenever the plan waits for it."""
    if cluster.phase() is Phase.AWAITING_APPROVAL and not cluster.orders:
        say(cluster, Decision.APPROVE)


@pytest.mark.parametrize("outage", [1.0, 16.0, 90.0], ids=["restarted", "taken over", "away"])
def test_killed_anywhere_it_comes_to_the_same_end(outage: float) -> None:
    """Before and after every write: one volume, one attachment, one extension, one removal."""
    whole = RokCluster()
    survive(whole, Phase.SETTLED, outage)
    assert whole.rok.calls == DONE
    for point in range(1, whole.points + 1):
        cluster = RokCluster()
        cluster.deaths = {point}
        survive(cluster, Phase.SETTLED, outage)
        assert end_of(cluster) == end_of(whole), point


def grows(cluster: RokCluster) -> None:
    """Let pods write more than the planned disk holds, until the cordon stops them."""
    for one in job(blocks=1200 * GIB // 4096, at=cluster.clock):
        cluster.put(one)


def test_what_is_written_until_the_cordon_stops_it_before_the_first_write_to_lvm() -> None:
    """The disk is too small by then: all is taken back, the last first."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "AwaitDisk")
    grows(cluster)
    until(cluster, engine, Phase.FAILED)
    assert "have changed on it by now, and the disk has 1118 GiB" in cluster.record().status.message
    asyncio.run(carry_on(cluster, engine, lambda: not cluster.record().owes))
    assert cluster.rok.calls == [
        "ProtectMachine",
        *BEFORE,
        "DetachDisk",
        "DeleteDisk",
        "ProtectMachine",
    ]
    assert cluster.marks() == {}
    assert not cluster.node.unschedulable
    assert cluster.rok.group is not None
    assert not cluster.rok.group.protected


def test_killed_anywhere_while_it_is_taken_back_it_comes_to_the_same_end() -> None:
    """Nothing is detached or deleted twice, and nothing stays."""

    def played(*deaths: int) -> RokCluster:
        cluster = RokCluster()
        cluster.deaths = set(deaths)
        looked = cluster.after_look

        def write_more() -> None:
            if cluster.rok.calls.count("DeleteWithMachine") and not cluster.rok.labels:
                grows(cluster)

        cluster.after_look = write_more
        survive(cluster, Phase.FAILED, 16.0)
        assert looked is None
        return cluster

    whole = played()
    for point in range(1, whole.points + 1):
        assert end_of(played(point)) == end_of(whole), point


@pytest.mark.parametrize(
    "step", ["ProtectMachine", "Cordon", "MakeDisk", "AttachDisk", "AwaitDisk", "MarkExtended"]
)
def test_a_person_may_cancel_until_the_disk_is_labelled(step: str) -> None:
    """What was done is taken back, and nothing of ours is left."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, step)
    say(cluster, Decision.CANCEL, name="stop", uid="uid-stop")
    until(cluster, engine, Phase.CANCELLED)
    assert Phase.HOLDING in cluster.phases()
    assert cluster.marks() == {}
    assert not cluster.node.unschedulable
    assert sorted(cluster.rok.disks) == ["vol-0rok", "vol-0root"]
    assert "pvcreate" not in cluster.rok.calls


def test_once_the_disk_is_labelled_nobody_can_cancel() -> None:
    """It goes on to its end."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "ExtendGroup")
    say(cluster, Decision.CANCEL, name="stop", uid="uid-stop")
    until(cluster, engine, Phase.SETTLED)
    assert cluster.rok.calls == DONE
    assert "there is no way back any more" in str(cluster.record().status.decisions)


def test_a_disk_that_lvm_knows_is_never_detached() -> None:
    """Whoever labelled it: it may be in the group."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "MarkExtended")
    grows(cluster)
    cluster.rok.labels["/dev/nvme2n1"] = label_of(UID)
    until(cluster, engine, Phase.FAILED)
    some(cluster, engine, 20)
    assert "DetachDisk" not in cluster.rok.calls
    assert "it carries LVM's label" in cluster.record().status.message


def test_somebody_uncordons_before_the_label_and_all_is_taken_back() -> None:
    """Nothing is built on a node that takes new pods."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "MakeDisk")
    cluster.change(cluster.node, unschedulable=False)
    some(cluster, engine, 3)
    assert "somebody else took it back: cordon node" in cluster.record().status.message
    until(cluster, engine, Phase.FAILED)
    asyncio.run(carry_on(cluster, engine, lambda: not cluster.record().owes))
    assert "CreateDisk" not in cluster.rok.calls
    assert cluster.marks() == {}


def test_somebody_uncordons_an_extended_node_and_it_goes_on_once_that_is_mended() -> None:
    """For ten minutes; it never forgets the node."""
    cluster = RokCluster()
    cluster.succeeds = False
    engine = approved(cluster)
    at_step(cluster, engine, "AwaitSnapshots")
    cluster.clock += 3600.0
    cluster.change(cluster.node, unschedulable=False)
    some(cluster, engine, 3)
    assert "somebody else took it back: cordon node" in cluster.record().status.message
    assert cluster.phase() is Phase.RUNNING
    cluster.change(cluster.node, unschedulable=True)
    cluster.succeeds = True
    until(cluster, engine, Phase.SETTLED)


def test_an_extended_node_that_is_not_removed_is_never_forgotten() -> None:
    """The snapshots do not succeed: a person is asked, and the note outlives every record."""
    cluster = RokCluster()
    cluster.succeeds = False
    engine = approved(cluster)
    until(cluster, engine, Phase.FAILED)
    assert "VolumeSnapshot web/snap has not succeeded yet" in cluster.record().status.message
    some(cluster, engine, 20)
    assert cluster.record().owes[-1].kind == "MarkExtended"
    assert "drain it" in cluster.record().status.message
    owner, disk, _ = cluster.marks()[EXTENDED].split()
    assert (owner, disk) == (OWNER, "vol-0new")
    assert cluster.node.unschedulable
    # A person drains it, and ends its machine.
    cluster.rok.state, cluster.rok.ended = "shutting-down", cluster.clock
    asyncio.run(carry_on(cluster, engine, lambda: not cluster.record().owes))
    assert cluster.rok.disks == {}


def test_a_volumesnapshot_that_nobody_tries_again_is_left_to_the_drain() -> None:
    """Half an hour after the extension: the drain's own snapshot is the new attempt."""
    cluster = RokCluster()
    cluster.succeeds = cluster.retries = False
    engine = approved(cluster)
    at_step(cluster, engine, "AwaitSnapshots")
    clock = cluster.clock
    at_step(cluster, engine, "DrainNode")
    assert 1700.0 < cluster.clock - clock < 1900.0


def test_the_node_vanishes_before_its_disk_is_labelled() -> None:
    """The disk is deleted once its machine has gone; a person hears that volumes went with it."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "AwaitDisk")
    cluster.rok.disks["vol-0new"].with_machine = False
    cluster.rok.state, cluster.rok.ended = "shutting-down", cluster.clock - 60.0
    until(cluster, engine, Phase.FAILED)
    assert "the node is gone, and these volumes with it: pv-data" in cluster.record().status.message
    asyncio.run(carry_on(cluster, engine, lambda: not cluster.record().owes))
    assert cluster.rok.disks == {}
    assert cluster.rok.labels == {}


def test_the_node_vanishes_after_it_was_extended() -> None:
    """Its debts go with it, and what was pinned there is said."""
    cluster = RokCluster()
    cluster.succeeds = False
    engine = approved(cluster)
    at_step(cluster, engine, "AwaitSnapshots")
    cluster.rok.state, cluster.rok.ended = "shutting-down", cluster.clock
    until(cluster, engine, Phase.FAILED)
    assert "the node is gone, and these volumes with it" in cluster.record().status.message
    asyncio.run(carry_on(cluster, engine, lambda: not cluster.record().owes))


def test_a_node_object_that_is_made_anew_for_the_same_machine_is_no_end() -> None:
    """Somebody deletes the Node object, and the kubelet registers again: it still is extended."""
    cluster = RokCluster()
    cluster.succeeds = False
    engine = approved(cluster)
    until(cluster, engine, Phase.FAILED)
    cluster.change(cluster.node, uid="uid-anew", annotations={})
    some(cluster, engine, 10)
    assert cluster.record().owes[-1].kind == "MarkExtended"
    assert "its machine i-0a runs on" in cluster.record().status.message


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


def without_cloud() -> RokCluster:
    """Return a cluster whose node is in no cloud that we know."""
    cluster = RokCluster()
    cluster.change(cluster.node, provider_id="openstack:///4f3c")
    return cluster


def test_without_a_known_cloud_a_person_attaches_the_disk_and_removes_the_machine() -> None:
    """The same steps between; what the person did is looked at."""
    cluster = without_cloud()
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
    cluster = without_cloud()
    engine = approved(cluster)
    at_step(cluster, engine, "AttachDiskByHand")
    cluster.rok.by_hand = {"/dev/sdb": 1200, "/dev/sdc": 1200}
    some(cluster, engine, 5)
    assert "2 blank disks fit, and only one may" in cluster.record().status.message
    assert cluster.rok.calls == []


def test_a_call_that_got_no_answer_makes_no_second_disk() -> None:
    """It landed all the same: looks tell."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "MakeDisk")
    cluster.refusals = [(Unreachable("no answer"), True)]
    until(cluster, engine, Phase.SETTLED)
    assert cluster.rok.calls == DONE


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


def test_what_others_had_done_is_left_as_it_was() -> None:
    """Cordoned, protected and kept from the autoscaler before: nothing of that is taken back."""
    cluster = RokCluster()
    cluster.change(cluster.node, unschedulable=True, annotations={SCALE_DOWN: "true"})
    engine = approved(cluster)
    at_step(cluster, engine, "AwaitDisk")
    assert CORDON_NOTE not in cluster.marks()
    grows(cluster)
    until(cluster, engine, Phase.FAILED)
    asyncio.run(carry_on(cluster, engine, lambda: not cluster.record().owes))
    assert cluster.node.unschedulable
    assert cluster.marks() == {SCALE_DOWN: "true"}
