"""volume_attached_twice as values: objects in, signal or nothing out."""

import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Change, Failure, Kind, Object, Ready, SinceSource
from exporter.observe.signals.volume_attached_twice import VolumeAttachedTwice, subject_of
from exporter.observe.view import Want
from tests.signals.made import attachment, claim, node, pod, view, volume
from tests.signals.recorded import look

DATA = subject_of("pv-data")
DETECTOR = VolumeAttachedTwice()
EBS = "kubernetes.io/aws-ebs"
FIRST = attachment("a", created=100.0)
SECOND = attachment("b", created=200.0)
NODES = (node("a"), node("b"), node("c"))
TWICE: list[Object] = [*NODES, volume(), FIRST, SECOND]
IN_TREE = volume(driver=EBS, handle="aws://z/vol-1")
LISTS_IT = (f"{EBS}/aws://z/vol-1",)
FAILED = Failure(Cause.OTHER, "rpc error: code = Internal desc = no")


def users(*nodes: str) -> list[model.Pod]:
    """Return a pod that uses the claim on each of these nodes."""
    return [pod(f"user-{name}", name, phase="Running") for name in nodes]


def test_a_volume_that_two_nodes_have_is_a_signal_since_the_second_came() -> None:
    """It names the claim and both nodes, the older attachment first."""
    found = DETECTOR.decide(DATA, view(TWICE))
    assert found is not None
    assert (found.since, found.since_source) == (200.0, SinceSource.OBJECT)
    assert found.named == (
        ("namespace", "web"),
        ("persistentvolumeclaim", "data"),
        ("driver", "ebs.csi.aws.com"),
        ("node", "a"),
        ("other_node", "b"),
    )
    assert found.reason == "Other"
    assert found.evidence == ("attached to node a", "attached to node b")


def test_a_third_node_makes_it_neither_younger_nor_another_series() -> None:
    """The labels name the first two; the evidence names all."""
    found = DETECTOR.decide(DATA, view([*TWICE, attachment("c", created=300.0)]))
    two = DETECTOR.decide(DATA, view(TWICE))
    assert found is not None
    assert two is not None
    assert (found.since, found.named) == (two.since, two.named)
    assert found.evidence[2] == "attached to node c"


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([*TWICE, *users("a", "b")], "BothWanted"),
        ([*TWICE, *users("b", "b")], "Other"),
        ([*TWICE, *users("b"), pod("ended", "a", phase="Failed")], "Other"),
        ([*NODES, volume(), attachment("a", deletion=150.0), SECOND, *users("b")], "DetachFailed"),
        ([*NODES, volume(), attachment("a", detach_error=FAILED), SECOND], "DetachFailed"),
        ([node("b"), volume(), attachment("a", deletion=150.0), SECOND], "NodeLost"),
        ([node("a", ready=Ready.UNKNOWN), *TWICE[1:], *users("a", "b")], "NodeLost"),
    ],
    ids=[
        "pods on both",
        "pods on one",
        "the other pod has ended",
        "one is being deleted",
        "one could not be detached",
        "a node is gone",
        "a node is silent",
    ],
)
def test_the_reason_says_how_it_came_to_it(objects: list[Object], reason: str) -> None:
    """A lost node first: there nobody knows whether somebody still writes."""
    found = DETECTOR.decide(DATA, view(objects))
    assert found is not None
    assert found.reason == reason


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [FIRST, SECOND],
        [volume(), FIRST],
        [volume(), FIRST, attachment("b", attached=False)],
        [volume(), FIRST, attachment("a", name="csi-again")],
        [volume(), FIRST, attachment("b", volume="")],
        [volume(), FIRST, attachment("b", volume="pv-other")],
        [volume(access_modes=("ReadWriteMany",)), FIRST, SECOND],
        [volume(access_modes=("ReadWriteOnce", "ReadOnlyMany")), FIRST, SECOND],
    ],
    ids=[
        "nothing",
        "a volume of unknown mode",
        "one attachment",
        "the second is only asked for",
        "twice to one node",
        "an inline volume",
        "another volume",
        "a shared volume",
        "a volume that many may read",
    ],
)
def test_other_attachments_are_no_signal(objects: list[Object]) -> None:
    """Each part of the definition is needed."""
    assert DETECTOR.decide(DATA, view([*NODES, *objects])) is None


def test_a_volume_of_one_pod_counts_as_well() -> None:
    """ReadWriteOncePod is attached to one node, too."""
    of_one_pod = volume(access_modes=("ReadWriteOncePod",))
    assert DETECTOR.decide(DATA, view([*NODES, of_one_pod, FIRST, SECOND])) is not None


def test_an_in_tree_volume_that_two_nodes_list_is_a_signal() -> None:
    """There is no VolumeAttachment, so nobody wrote down when."""
    objects: list[Object] = [node("a", attached=LISTS_IT), node("b", attached=LISTS_IT), IN_TREE]
    found = DETECTOR.decide(DATA, view(objects))
    assert found is not None
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)
    assert dict(found.named)["driver"] == EBS
    suspects = {one for obj in objects for one in DETECTOR.suspects(obj, view(objects))}
    assert suspects == {DATA}


def test_two_disks_whose_names_end_alike_are_two_disks() -> None:
    """A file name may be used in two data stores."""
    stored = "kubernetes.io/vsphere-volume/[{}] kubevols/disk.vmdk"
    objects: list[Object] = [
        node("a", attached=(stored.format("fast"),)),
        node("b", attached=(stored.format("slow"),)),
        volume(driver="kubernetes.io/vsphere-volume", handle="[fast] kubevols/disk.vmdk"),
    ]
    assert DETECTOR.decide(DATA, view(objects)) is None


def test_a_volume_that_moved_to_csi_counts_where_either_way_shows_it() -> None:
    """A node that is not migrated yet lists it, the other one has a VolumeAttachment."""
    migrated = attachment("a", created=100.0)
    both: list[Object] = [
        node("a", attached=LISTS_IT),
        node("b", attached=LISTS_IT),
        IN_TREE,
        migrated,
    ]
    found = DETECTOR.decide(DATA, view(both))
    assert found is not None
    assert (found.since, dict(found.named)["node"]) == (None, "a")
    one_node: list[Object] = [node("a", attached=LISTS_IT), node("b"), IN_TREE, migrated]
    assert DETECTOR.decide(DATA, view(one_node)) is None


@pytest.mark.parametrize(
    ("change", "touches"),
    [
        (Change(FIRST, None), True),
        (Change(None, attachment("a", volume="")), False),
        (Change(None, volume()), True),
        (Change(node("a"), node("a", ready=Ready.UNKNOWN)), True),
        (Change(node("a"), node("a", version="2")), False),
        (Change(None, pod("user", "a")), True),
        (Change(None, pod("user", "a", claims=("logs",))), False),
        (Change(None, claim()), False),
    ],
    ids=[
        "attachment",
        "inline attachment",
        "volume",
        "node's state",
        "node's heartbeat",
        "pod",
        "pod of another claim",
        "claim",
    ],
)
def test_a_change_touches_the_volumes_it_speaks_of(change: Change, *, touches: bool) -> None:
    """Nothing else is decided anew."""
    assert set(DETECTOR.touched(change, view(TWICE))) == ({DATA} if touches else set())


def test_a_node_that_lists_less_or_more_touches_what_it_listed_and_what_it_lists() -> None:
    """In-tree volumes come and go with their nodes' status alone."""
    listed, bare = node("a", attached=LISTS_IT), node("a")
    assert set(DETECTOR.touched(Change(listed, bare), view([bare, IN_TREE]))) == {DATA}
    assert set(DETECTOR.touched(Change(bare, listed), view([listed, IN_TREE]))) == {DATA}


def test_reads_ask_for_all_nodes_only_for_an_in_tree_volume() -> None:
    """A VolumeAttachment names its node; nothing names the nodes of an in-tree volume."""
    first = {Want(Kind.VOLUME, name="pv-data"), Want(Kind.ATTACHMENT)}
    assert set(DETECTOR.reads(DATA, view([]))) == first
    csi = set(DETECTOR.reads(DATA, view([volume(), FIRST])))
    assert csi - first == {Want(Kind.NODE, name="a"), Want(Kind.POD, "web")}
    in_tree = set(DETECTOR.reads(DATA, view([IN_TREE])))
    assert in_tree - first == {Want(Kind.NODE), Want(Kind.POD, "web")}


@pytest.mark.parametrize("number", [0, -1], ids=["at first", "half a minute later"])
def test_it_is_seen_in_what_a_real_control_plane_wrote(number: int) -> None:
    """After a failed detach; between the looks only the error's time moves, not ours."""
    seen = view(look("attached_twice", number))
    found = DETECTOR.decide(subject_of("pv-attached-twice-data"), seen)
    assert found is not None
    second = max(a.created or 0.0 for a in seen.attachments())
    assert (found.reason, found.since) == ("DetachFailed", second)
    named = dict(found.named)
    assert (named["node"], named["other_node"]) == ("node-a", "node-b")
    assert "pool is 97% full" in found.evidence[0]


@pytest.mark.parametrize("scene", ["attach_refused_while_elsewhere", "detach_failed"])
def test_a_driver_that_refuses_keeps_it_from_happening(scene: str) -> None:
    """An attachment that is asked for is not one that is there."""
    seen = view(look(scene))
    for attached in seen.attachments():
        assert DETECTOR.decide(subject_of(attached.volume), seen) is None
