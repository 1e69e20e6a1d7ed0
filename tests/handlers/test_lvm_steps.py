"""The new disk under Rok's snapshot space: each command, and what LVM shows of it."""

from collections.abc import Callable

import msgspec
import pytest

from exporter.observe.model import Kind
from exporter.observe.view import View
from remediator.rok_extension import GIB
from remediator.steps.base import NodeCommand, Step
from remediator.steps.lvm import ExtendGroup, ExtendVolume, GrowSnapshotSpace, LabelDisk
from tests.handlers.rok_views import (
    NEW,
    ON_NODE,
    Row,
    another,
    each_seen,
    labelled,
    seen,
    view_of,
    with_disk,
)
from tests.story.objects import NOW
from tests.story.rok_cluster import NODE, UID, job
from tests.story.rok_node import SPACE_EXTENTS, RokNode, label_of

EXTENTS = 329_103
LABEL = LabelDisk(*ON_NODE, 1118, by_hand=False, before="", lvm="lvm")
GROUP = ExtendGroup(*ON_NODE, "lvm", "rokvg")
VOLUME = ExtendVolume(*ON_NODE, "lvm", "rokvg", "rok-fisks", EXTENTS)
GROW = GrowSnapshotSpace(*ON_NODE, "lvm", "rokvg", "rok-fisks", "/mnt/data")
STEPS = [LABEL, GROUP, VOLUME, GROW]
BOUNDED = ("timeout", "--kill-after=3", "5", "lvm")


def elsewhere() -> RokNode:
    """Return a node on which our disk is in another group."""
    return labelled()


def in_another_group() -> View:
    """Return a View in which somebody put our disk into another group."""
    there = labelled()
    disks = there.node_disks(NOW, NODE)
    moved = [msgspec.structs.replace(one, group="other") for one in disks.labelled[1:]]
    return view_of(there, msgspec.structs.replace(disks, labelled=(disks.labelled[0], *moved)))


SEEN: list[Row] = [
    (LABEL, lambda: view_of(with_disk()), "NotDone", "it carries no label"),
    (LABEL, lambda: view_of(labelled()), "Done", ""),
    (LABEL, lambda: view_of(labelled(member=True)), "Done", ""),
    (LABEL, lambda: view_of(with_disk(attached=None)), "Unknown", "no disk has serial vol0new"),
    (
        LABEL,
        lambda: view_of(with_disk(), *job(blocks=1200 * GIB // 4096)),
        "Refused",
        "and it has 1118 GiB",
    ),
    (GROUP, lambda: view_of(with_disk()), "Unknown", "LVM does not show the disk that we labelled"),
    (GROUP, lambda: view_of(labelled()), "NotDone", "it is in no group"),
    (GROUP, lambda: view_of(labelled(member=True)), "Done", ""),
    (GROUP, in_another_group, "Refused", "is in volume group other"),
    (VOLUME, lambda: view_of(labelled(member=True)), "NotDone", "it has 42896 extents"),
    (VOLUME, lambda: view_of(labelled(member=True, extents=EXTENTS)), "Done", ""),
    (VOLUME, lambda: view_of(labelled(member=True, extents=EXTENTS + 1)), "Done", ""),
    (
        GROW,
        lambda: view_of(labelled(member=True, extents=EXTENTS)),
        "NotDone",
        "its logical volume",
    ),
    (GROW, lambda: view_of(labelled(member=True, extents=EXTENTS, grown=True)), "Done", ""),
]


@each_seen(SEEN)
def test_how_far_it_is(step: Step, make: Callable[[], View], progress: str, words: str) -> None:
    """By LVM's own reports and the size of the file system, not by how a command ended."""
    found, sentence = seen(step, make())
    assert found == progress, sentence
    assert words in sentence


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_what_nobody_asked_or_could_see_is_unknown(step: Step) -> None:
    """And with the node it is gone."""
    assert seen(step, view_of(asked=False))[0] == "Unknown"
    assert seen(step, view_of(with_disk(), unseen={Kind.NODE_DISKS: "no pod"}))[0] == "Unknown"
    assert seen(step, view_of(with_disk(), another()))[0] == "Gone"
    assert step.act(view_of(asked=False)) is None


def test_the_commands_are_absolute_and_bounded() -> None:
    """Asked twice they do it once; LVM's end before the Lease does."""
    disk = labelled(member=True)
    made = ("pvcreate", "--uuid", label_of(UID), "--norestorefile", NEW)
    assert LABEL.act(view_of(with_disk())) == NodeCommand(NODE, (*BOUNDED, *made), 9.0)
    put = (*BOUNDED, "vgextend", "rokvg", NEW)
    assert GROUP.act(view_of(labelled())) == NodeCommand(NODE, put, 9.0)
    grown = (*BOUNDED, "lvextend", "--extents", str(EXTENTS), "rokvg/rok-fisks", NEW)
    assert VOLUME.act(view_of(disk)) == NodeCommand(NODE, grown, 9.0)
    assert GROW.act(view_of(disk)) == NodeCommand(
        NODE, ("resize2fs", "/dev/rokvg/rok-fisks"), 300.0
    )


def test_the_file_system_s_own_tool_is_taken() -> None:
    """And none for another file system."""
    there = labelled(member=True)
    there.file_system = "xfs"
    act = GROW.act(view_of(there))
    assert isinstance(act, NodeCommand)
    assert act.argv == ("xfs_growfs", "/mnt/data")
    there.file_system = "btrfs"
    assert GROW.act(view_of(there)) is None


def test_nothing_is_done_to_a_disk_that_is_not_where_it_should_be() -> None:
    """Not in our group, in another, or without our label."""
    assert GROUP.act(view_of(with_disk())) is None
    assert GROUP.act(in_another_group()) is None
    assert VOLUME.act(view_of(labelled())) is None
    assert LABEL.act(view_of(with_disk(attached=None))) is None


def test_a_persons_disk_is_labelled_where_it_is_the_only_one() -> None:
    """By what it is, for it has no tags."""
    there = RokNode()
    there.by_hand = {"/dev/sdc": 1200}
    step = LabelDisk(*ON_NODE, 1118, by_hand=True, before="", lvm="")
    act = step.act(view_of(there))
    assert isinstance(act, NodeCommand)
    assert act.argv[3] == "pvcreate"
    assert act.argv[-1] == "/dev/sdc"
    there.by_hand["/dev/sdd"] = 1200
    assert step.act(view_of(there)) is None


def test_only_the_label_is_behind_the_point_of_no_return() -> None:
    """One line in the plan."""
    assert [step.final for step in STEPS] == [True, False, False, False]


def test_a_size_that_nobody_knows_is_unknown() -> None:
    """Neither grown nor not."""
    there = labelled(member=True)
    disks = msgspec.structs.replace(there.node_disks(NOW, NODE), volumes=())
    for step in (VOLUME, GROW):
        assert seen(step, view_of(there, disks))[0] == "Unknown"
    assert SPACE_EXTENTS < EXTENTS
