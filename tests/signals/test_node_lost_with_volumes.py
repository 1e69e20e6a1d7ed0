"""node_lost_with_volumes as values: objects in, signal or nothing out."""

from collections.abc import Iterable

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Ready, SinceSource
from exporter.observe.objects import Objects
from exporter.observe.signals.node_lost_with_volumes import (
    NodeLostWithVolumes,
    claims_on,
    subject_of,
)
from exporter.observe.view import View, Want

A = subject_of("a")
DETECTOR = NodeLostWithVolumes()


def node(name: str = "a", ready: Ready = Ready.UNKNOWN, since: float | None = 100.0) -> model.Node:
    """Return a Node."""
    return model.Node(name, f"uid-{name}", "1", ready, since, "", "", {}, {}, ())


def pod(name: str = "db-0", **fields: object) -> model.Pod:
    """Return a Pod that uses the claim."""
    made = model.Pod("web", name, f"uid-{name}", "1", "a", "Running", ("data",), 1.0, 2.0, None)
    return msgspec.structs.replace(made, **fields)


def claim(name: str = "data", volume: str = "pv") -> model.Claim:
    """Return a claim."""
    return model.Claim("web", name, f"uid-{name}", "1", volume, "Bound", ("ReadWriteOnce",), {})


def volume(name: str = "pv", modes: tuple[str, ...] = ("ReadWriteOnce",)) -> model.Volume:
    """Return a volume."""
    driver, handle = "ebs.csi.aws.com", "vol-1"
    return model.Volume(
        name, "uid", "1", driver, handle, "Bound", modes, "web", "data", on_node=False, affinity=()
    )


def attachment(**fields: object) -> model.Attachment:
    """Return a VolumeAttachment."""
    made = model.Attachment("csi-1", "u", "1", "ebs.csi.aws.com", "a", "pv", True, 1.0, None)  # noqa: FBT003
    return msgspec.structs.replace(made, **fields)


def view(objects: Iterable[Object]) -> View:
    """Return a View over these objects."""
    return View(Objects(objects), 1000.0)


def test_a_silent_node_with_an_attached_volume_is_a_signal() -> None:
    """The plain case: since when, why, and sentences that name claim and pod."""
    found = DETECTOR.decide(A, view([node(), claim(), volume(), attachment(), pod()]))
    assert found is not None
    assert (found.name, found.subject, found.since) == ("node_lost_with_volumes", A, 100.0)
    assert (found.since_source, found.reason) == (SinceSource.OBJECT, "Unreachable")
    assert found.evidence == (
        "volume pv of claim web/data is attached there by ebs.csi.aws.com",
        "pod web/db-0 with a ReadWriteOnce claim is Running there",
    )


@pytest.mark.parametrize(
    ("ready", "reason"),
    [(Ready.FALSE, "NotReady"), (Ready.UNKNOWN, "Unreachable"), (Ready.MISSING, "Other")],
)
def test_the_ready_condition_gives_the_reason(ready: Ready, reason: str) -> None:
    """Every state that is not Ready has its word."""
    found = DETECTOR.decide(A, view([node(ready=ready), volume(), attachment()]))
    assert found is not None
    assert found.reason == reason
    assert found.reason in DETECTOR.reasons


def test_a_ready_node_is_no_signal() -> None:
    """Attachments on a node that lives are what attachments are for."""
    assert DETECTOR.decide(A, view([node(ready=Ready.TRUE), volume(), attachment(), pod()])) is None


def test_a_lost_node_without_volumes_is_no_signal() -> None:
    """Nobody waits for it."""
    assert DETECTOR.decide(A, view([node()])) is None
    assert DETECTOR.decide(A, view([])) is None


def test_a_lost_node_with_shared_volumes_only_is_no_signal() -> None:
    """A ReadWriteMany volume keeps nobody out."""
    shared = volume(modes=("ReadWriteMany",))
    objects: list[Object] = [node(), claim(), shared, attachment(), pod()]
    assert DETECTOR.decide(A, view(objects)) is None


def test_a_node_object_that_is_gone_is_a_signal_since_the_oldest_deletion() -> None:
    """With the Node object goes its time; a deletion that waits is the next best."""
    objects: list[Object] = [
        claim(),
        volume(),
        attachment(deletion=300.0),
        pod(deletion=200.0),
    ]
    found = DETECTOR.decide(A, view(objects))
    assert found is not None
    assert (found.reason, found.since) == ("NodeGone", 200.0)


def test_without_any_time_it_is_first_seen() -> None:
    """No object carries a time: whoever keeps time fills it in."""
    found = DETECTOR.decide(A, view([volume(), attachment()]))
    assert found is not None
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)


def test_a_pod_bound_to_the_lost_node_is_enough() -> None:
    """In-tree volumes have no VolumeAttachment."""
    found = DETECTOR.decide(A, view([node(), claim(), volume(), pod(deletion=5.0)]))
    assert found is not None
    assert found.evidence == ("pod web/db-0 with a ReadWriteOnce claim is being deleted there",)


@pytest.mark.parametrize(
    "held",
    [
        [claim(), volume(), pod(phase="Succeeded")],
        [claim(volume=""), pod()],
        [volume(), pod()],
    ],
    ids=["the pod has ended", "the claim is not bound", "the claim is gone"],
)
def test_a_pod_that_holds_nothing_is_no_signal(held: list[Object]) -> None:
    """Only a running pod with a bound claim holds a volume."""
    assert DETECTOR.decide(A, view([node(), *held])) is None


def test_what_cannot_be_read_counts_as_exclusive() -> None:
    """An inline volume, or one whose object is gone, may well keep others out."""
    for one in (attachment(volume=""), attachment(volume="unknown")):
        found = DETECTOR.decide(A, view([node(), one]))
        assert found is not None
        assert found.evidence[0].startswith(f"volume {one.volume or '(inline)'} is attached")


def test_a_volume_without_a_claim_is_named_without_one() -> None:
    """A volume may be attached while nobody has claimed it."""
    unclaimed = msgspec.structs.replace(volume(), claim_name="")
    found = DETECTOR.decide(A, view([node(), unclaimed, attachment()]))
    assert found is not None
    assert found.evidence == ("volume pv is attached there by ebs.csi.aws.com",)


@pytest.mark.parametrize(
    ("obj", "subjects"),
    [
        (node(), {A}),
        (attachment(), {A}),
        (pod(), {A}),
        (pod(node=""), set()),
        (volume(), {A}),
        (claim(), {A}),
        (model.Lease("kube-node-lease", "a", "1", 1.0), set()),
    ],
    ids=["node", "attachment", "pod", "pod without a node", "volume", "claim", "lease"],
)
def test_a_change_touches_the_nodes_it_stands_on(obj: Object, subjects: set[object]) -> None:
    """Arrival and removal touch alike."""
    seen = view([attachment(), pod()])
    assert set(DETECTOR.touched(Change(None, obj), seen)) == subjects
    assert set(DETECTOR.touched(Change(obj, None), seen)) == subjects


def test_a_pod_that_moves_touches_both_nodes() -> None:
    """The old version and the new one are both spoken of."""
    change = Change(pod(), pod(node="b"))
    assert set(DETECTOR.touched(change, view([]))) == {A, subject_of("b")}


def test_reads_grow_with_what_was_read_until_nothing_new() -> None:
    """Node, attachments, pods first; then volumes and claims; then who else wants those."""
    first = set(DETECTOR.reads(A, view([])))
    assert first == {
        Want(Kind.NODE, name="a"),
        Want(Kind.ATTACHMENT),
        Want(Kind.POD, field_selector="spec.nodeName=a"),
    }
    bare = attachment(name="csi-2", volume="")
    second = set(DETECTOR.reads(A, view([attachment(), bare, pod()]))) - first
    wanted = {Want(Kind.CLAIM, "web", "data"), Want(Kind.POD, "web"), Want(Kind.VOLUME, name="pv")}
    assert second == wanted
    third = view([attachment(), pod(), volume(), claim(), claim("other", "")])
    assert set(DETECTOR.reads(A, third)) == first | second


def test_claims_on_a_node_come_from_pods_and_from_attachments() -> None:
    """Each names what the other may not."""
    other = msgspec.structs.replace(volume("pv2"), claim_name="logs")
    seen = view([pod(), attachment(), attachment(name="csi-2", volume="pv2"), volume(), other])
    assert claims_on("a", seen) == [("web", "data"), ("web", "logs")]


EBS = "kubernetes.io/aws-ebs"
LISTS_IT = (f"{EBS}/aws://zone/vol-1",)
IN_TREE = msgspec.structs.replace(volume(), driver=EBS)


def listing(ready: Ready = Ready.UNKNOWN, *unique: str) -> model.Node:
    """Return a Node that lists these names in status.volumesAttached."""
    return msgspec.structs.replace(node(ready=ready), attached=unique or LISTS_IT)


def test_an_in_tree_volume_that_a_lost_node_lists_is_enough() -> None:
    """There is no VolumeAttachment, and the pod may be gone already."""
    found = DETECTOR.decide(A, view([listing(), claim(), IN_TREE]))
    assert found is not None
    assert found.evidence == (f"volume pv of claim web/data is attached there by {EBS}",)
    assert DETECTOR.decide(A, view([listing(Ready.TRUE), claim(), IN_TREE])) is None


def test_an_in_tree_volume_that_many_may_read_holds_nobody_up() -> None:
    """Its PersistentVolume says so."""
    shared = msgspec.structs.replace(IN_TREE, access_modes=("ReadOnlyMany",))
    assert DETECTOR.decide(A, view([listing(), shared])) is None


def test_a_listed_volume_without_a_persistent_volume_counts_as_exclusive() -> None:
    """It was written into a pod, or its PersistentVolume is gone; what is no name is nothing."""
    found = DETECTOR.decide(A, view([listing()]))
    assert found is not None
    assert found.evidence == (f"volume (inline) is attached there by {EBS}",)
    csi = listing(Ready.UNKNOWN, "kubernetes.io/csi/ebs.csi.aws.com^vol-1", "junk")
    assert DETECTOR.decide(A, view([csi])) is None


def test_a_volume_that_moved_to_csi_is_named_once() -> None:
    """The node lists it and there is a VolumeAttachment."""
    found = DETECTOR.decide(A, view([listing(), claim(), IN_TREE, attachment()]))
    assert found is not None
    assert found.evidence == ("volume pv of claim web/data is attached there by ebs.csi.aws.com",)


def test_an_in_tree_volume_touches_the_nodes_that_list_it() -> None:
    """Whether it comes, changes or goes."""
    shared = msgspec.structs.replace(IN_TREE, access_modes=("ReadWriteMany",))
    for change in (Change(None, IN_TREE), Change(IN_TREE, shared), Change(IN_TREE, None)):
        kept = [change.new] if change.new is not None else []
        assert set(DETECTOR.touched(change, view([listing(), *kept]))) == {A}


def test_a_volume_touches_the_nodes_of_its_claims_pods() -> None:
    """Nobody attaches it, but a pod there uses it: its modes decide."""
    assert set(DETECTOR.touched(Change(None, volume()), view([claim(), pod(), volume()]))) == {A}


def test_all_volumes_are_read_only_for_a_node_that_lists_in_tree_ones() -> None:
    """From a name in its status nobody can tell which PersistentVolume it is."""
    assert Want(Kind.VOLUME) in set(DETECTOR.reads(A, view([listing()])))
    csi = listing(Ready.UNKNOWN, "kubernetes.io/csi/ebs.csi.aws.com^vol-1")
    assert Want(Kind.VOLUME) not in set(DETECTOR.reads(A, view([csi, attachment()])))
