"""A node that is not extended after all, or is and does not go: what is taken back, what stays."""

import asyncio

import pytest

from remediator.orders import Decision
from remediator.record import Phase
from remediator.steps.nodes import CORDON_NOTE, EXTENDED, SCALE_DOWN
from tests.pipeline.people import say, until
from tests.story.fake_cluster import carry_on
from tests.story.rok_cluster import (
    OWNER,
    UID,
    RokCluster,
)
from tests.story.rok_node import label_of
from tests.story.rok_played import (
    BEFORE,
    DONE,
    approved,
    at_step,
    grows,
    some,
)


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
