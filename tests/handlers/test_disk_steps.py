"""A new disk for a node: made once, attached once, seen by its serial, and taken away again."""

from collections.abc import Callable

import msgspec
import pytest

from exporter.observe.model import Kind, Object, RepairDisks
from exporter.observe.model.machines import DiskAttachment
from exporter.observe.view import View
from remediator import cloud
from remediator.steps.base import Step
from remediator.steps.disks import (
    AttachDisk,
    AttachDiskByHand,
    AwaitDisk,
    DeleteDisk,
    DeleteDiskWithMachine,
    DetachDisk,
    MakeDisk,
)
from tests.handlers.rok_views import (
    NEW,
    ON_MACHINE,
    ON_NODE,
    TAGS,
    Row,
    another,
    each_seen,
    labelled,
    seen,
    view_of,
    with_disk,
)
from tests.story.objects import NOW
from tests.story.rok_cluster import NODE, UID
from tests.story.rok_node import INSTANCE, REGION, ZONE, RokNode

MAKE = MakeDisk(*ON_NODE, 1118, REGION, ZONE, "gp3", True, "", 0, 250, "prod")  # noqa: FBT003
DELETE = DeleteDisk(*ON_NODE, REGION, "prod")
ATTACH = AttachDisk(*ON_MACHINE, "/dev/xvdcz", "prod")
DETACH = DetachDisk(*ON_MACHINE, "prod")
WITH_MACHINE = DeleteDiskWithMachine(*ON_MACHINE)
AWAIT = AwaitDisk(*ON_NODE, 1118, by_hand=False, before="")
BY_HAND = AttachDiskByHand(*ON_NODE, 1118, by_hand=True, before="/dev/sdz")
IDLE = {"attached": None, "device": ""}
DETACHING = {"detached": NOW}


def ended() -> RokNode:
    """Return a node whose machine is terminated and took our disk with it."""
    there = with_disk(with_machine=True)
    there.state, there.ended = "shutting-down", 0.0
    return there


def two() -> Object:
    """Return two disks with our tags."""
    (one,) = with_disk(**IDLE).repair(NOW, UID).disks
    return RepairDisks(UID, (one, msgspec.structs.replace(one, volume_id="vol-1")))


def elsewhere() -> Object:
    """Return our disk on another machine."""
    (one,) = with_disk().repair(NOW, UID).disks
    on = DiskAttachment("i-0b", "/dev/xvddz", "attached")
    return RepairDisks(UID, (msgspec.structs.replace(one, attachments=(on,)),))


def handed(*gib: int) -> RokNode:
    """Return a node to which a person has attached disks."""
    there = RokNode()
    there.by_hand = {f"/dev/sd{letter}": size for letter, size in zip("bcd", gib, strict=False)}
    return there


SEEN: list[Row] = [
    (MAKE, view_of, "NotDone", "there is no disk of ours"),
    (MAKE, lambda: view_of(with_disk(**IDLE)), "Done", ""),
    (MAKE, lambda: view_of(with_disk()), "Done", ""),
    (MAKE, lambda: view_of(with_disk(**IDLE, made=NOW)), "NotDone", "vol-0new is creating"),
    (MAKE, lambda: view_of(with_disk(gib=1000)), "Refused", "has 1000 GiB in eu-central-1a"),
    (MAKE, lambda: view_of(None, two()), "Refused", "2 disks carry the tags of this Remediation"),
    (MAKE, lambda: view_of(ended()), "Gone", "its object is gone"),
    (MAKE, lambda: view_of(None, another()), "Gone", "its object is gone"),
    (MAKE, lambda: view_of(with_disk(), another()), "Done", ""),
    (DELETE, view_of, "Done", ""),
    (DELETE, lambda: view_of(with_disk(**IDLE)), "NotDone", ""),
    (DELETE, lambda: view_of(with_disk()), "Unknown", "vol-0new is in-use"),
    (DELETE, lambda: view_of(None, two()), "Refused", "2 disks carry the tags"),
    (ATTACH, view_of, "NotDone", "there is no disk of ours"),
    (ATTACH, lambda: view_of(with_disk(**IDLE)), "NotDone", "vol-0new is attached to nothing"),
    (ATTACH, lambda: view_of(with_disk(attached=NOW)), "NotDone", "vol-0new is attaching"),
    (ATTACH, lambda: view_of(with_disk()), "Done", ""),
    (ATTACH, lambda: view_of(with_disk(**DETACHING)), "NotDone", "vol-0new is detaching"),
    (ATTACH, lambda: view_of(None, elsewhere()), "Refused", "vol-0new is on machine i-0b"),
    (ATTACH, lambda: view_of(ended()), "Gone", "its object is gone"),
    (DETACH, view_of, "Done", ""),
    (DETACH, lambda: view_of(with_disk(**IDLE)), "Done", ""),
    (DETACH, lambda: view_of(with_disk()), "NotDone", ""),
    (DETACH, lambda: view_of(labelled()), "Refused", "it carries LVM's label"),
    (WITH_MACHINE, lambda: view_of(with_disk()), "NotDone", "it would be left over"),
    (WITH_MACHINE, lambda: view_of(with_disk(with_machine=True)), "Done", ""),
    (WITH_MACHINE, lambda: view_of(with_disk(**IDLE)), "Unknown", "is not attached to machine"),
    (WITH_MACHINE, lambda: view_of(ended()), "Gone", "its object is gone"),
    (AWAIT, lambda: view_of(with_disk()), "Done", ""),
    (AWAIT, lambda: view_of(with_disk(**IDLE)), "NotDone", "no disk has serial vol0new"),
    (AWAIT, lambda: view_of(with_disk(gib=1000)), "NotDone", "should have 1118 GiB"),
    (AWAIT, lambda: view_of(None, another()), "Gone", "its object is gone"),
    (AWAIT, lambda: view_of(labelled()), "Done", ""),
    (BY_HAND, lambda: view_of(handed()), "NotDone", "there is no new blank disk of 1118 GiB"),
    (BY_HAND, lambda: view_of(handed(1117)), "NotDone", "there is no new blank disk"),
    (BY_HAND, lambda: view_of(handed(1117, 1200)), "Done", ""),
    (BY_HAND, lambda: view_of(handed(1118, 1200)), "NotDone", "2 blank disks fit, and only one"),
]


@each_seen(SEEN)
def test_how_far_it_is(step: Step, make: Callable[[], View], progress: str, words: str) -> None:
    """By what the cloud and the node show."""
    found, sentence = seen(step, make())
    assert found == progress, sentence
    assert words in sentence


@pytest.mark.parametrize(
    "step",
    [MAKE, DELETE, ATTACH, DETACH, WITH_MACHINE, AWAIT, BY_HAND],
    ids=lambda s: type(s).__name__,
)
def test_what_nobody_asked_or_could_see_is_unknown(step: Step) -> None:
    """A look that did not ask proves nothing."""
    assert seen(step, view_of(asked=False))[0] == "Unknown"
    assert step.act(view_of(asked=False)) is None
    kind = Kind.NODE_DISKS if step in (AWAIT, BY_HAND) else Kind.REPAIR_DISKS
    assert seen(step, view_of(with_disk(), unseen={kind: "503"}))[0] == "Unknown"


def test_the_disk_is_made_with_our_token_and_tags() -> None:
    """Whoever comes after a crash asks for the same one; where it is, nothing is made."""
    act = MAKE.act(view_of())
    disk = cloud.NewDisk(cloud.token(UID), ZONE, 1118, "gp3", True, TAGS, "", None, 250)  # noqa: FBT003
    assert act == cloud.CreateDisk(disk, REGION)
    assert MAKE.act(view_of(with_disk())) is None
    assert MAKE.act(view_of(None, another())) is None
    assert MAKE.noted(view_of(with_disk()))
    assert not MAKE.noted(view_of())


def test_the_device_name_is_one_that_is_free_when_it_is_attached() -> None:
    """Others have taken the planned one since."""
    view = view_of(with_disk(**IDLE))
    assert ATTACH.act(view) == cloud.AttachDisk("vol-0new", INSTANCE, "/dev/xvddz", REGION)
    taken = with_disk(**IDLE)
    taken.disks["vol-0root"].device = "/dev/sddz"
    act = ATTACH.act(view_of(taken))
    assert act == cloud.AttachDisk("vol-0new", INSTANCE, "/dev/xvddy", REGION)
    assert ATTACH.act(view_of(with_disk(attached=NOW))) is None
    assert ATTACH.act(view_of(ended())) is None


def test_it_is_deleted_with_the_machine_under_the_name_that_it_has() -> None:
    """Not the one that was planned."""
    act = WITH_MACHINE.act(view_of(with_disk(device="/dev/xvdcc")))
    assert act == cloud.DeleteWithMachine(
        "vol-0new", INSTANCE, "/dev/xvdcc", on=True, region=REGION
    )


def test_only_a_disk_that_lvm_does_not_know_is_detached_and_only_ours() -> None:
    """The call carries our tags, and whoever makes it looks at them."""
    assert DETACH.act(view_of(with_disk())) == cloud.DetachDisk("vol-0new", INSTANCE, TAGS, REGION)
    assert DETACH.act(view_of(labelled())) is None
    there = with_disk()
    view = view_of(there, without=[NODE])
    assert seen(DETACH, view)[0] == "NotDone"


def test_only_a_disk_that_nothing_has_is_deleted() -> None:
    """And only ours."""
    assert DELETE.act(view_of(with_disk(**IDLE))) == cloud.DeleteDisk("vol-0new", TAGS, REGION)
    assert DELETE.act(view_of(with_disk())) is None
    assert DELETE.act(view_of(None, two())) is None


def test_a_disk_that_was_there_before_is_not_a_persons_answer() -> None:
    """It may be meant for something else."""
    there = handed(1200)
    before = msgspec.structs.replace(BY_HAND, before="/dev/sdb")
    assert seen(before, view_of(there))[0] == "NotDone"


def test_a_disk_that_is_not_blank_is_waited_for_in_vain() -> None:
    """What is on it may be somebody's."""
    there = with_disk()
    disks = there.node_disks(NOW, NODE)
    used = msgspec.structs.replace(disks, signatures={**disks.signatures, NEW: ("ext4",)})
    assert "is not blank: ext4" in seen(AWAIT, view_of(there, used))[1]
    unread = msgspec.structs.replace(disks, signatures={})
    assert "could not be read" in seen(AWAIT, view_of(there, unread))[1]


@pytest.mark.parametrize("step", [AWAIT, BY_HAND], ids=["by serial", "by hand"])
def test_it_waits_with_an_end(step: Step) -> None:
    """Then it is a person's."""
    assert step.waits_for > 0
    assert step.act(view_of(with_disk())) is None
