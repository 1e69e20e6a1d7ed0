"""multi_attach as values: objects in, signal or nothing out."""

from collections.abc import Iterable

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Change, Failure, Kind, Object, Ready, SinceSource
from exporter.observe.model.facts import AttachFailed, MultiAttachBlocked
from exporter.observe.objects import Objects
from exporter.observe.signals.multi_attach import MultiAttach, subject_of
from exporter.observe.view import View, Want
from tests.signals import made
from tests.signals.recorded import look

DATA = subject_of("web", "data")
DETECTOR = MultiAttach()


def node(name: str, ready: Ready = Ready.TRUE) -> model.Node:
    """Return a Node."""
    return model.Node(name, f"uid-{name}", "1", ready, 100.0, "", "", {}, {}, ())


def pod(name: str, at: str, **fields: object) -> model.Pod:
    """Return a Pod that uses the claim."""
    made = model.Pod("web", name, f"uid-{name}", "1", at, "Pending", ("data",), 10.0, 20.0, None)
    return msgspec.structs.replace(made, **fields)


def claim() -> model.Claim:
    """Return a claim."""
    return model.Claim("web", "data", "uid", "1", "pv", "Bound", ("ReadWriteOnce",), {})


def volume(modes: tuple[str, ...] = ("ReadWriteOnce",)) -> model.Volume:
    """Return a volume."""
    driver, handle = "ebs.csi.aws.com", "vol-1"
    return model.Volume(
        "pv", "uid", "1", driver, handle, "Bound", modes, "web", "data", on_node=False, affinity=()
    )


def attachment(at: str = "a", **fields: object) -> model.Attachment:
    """Return a VolumeAttachment."""
    made = model.Attachment(
        f"csi-{at}",
        "uid",
        "1",
        "ebs.csi.aws.com",
        at,
        "pv",
        attached=True,
        created=1.0,
        deletion=None,
    )
    return msgspec.structs.replace(made, **fields)


HOLDER = pod("old", "a", phase="Running")
WAITER = pod("new", "b")
STUCK: list[Object] = [node("a"), node("b"), claim(), volume(), attachment(), HOLDER, WAITER]


def view(objects: Iterable[Object]) -> View:
    """Return a View over these objects."""
    return View(Objects(objects), 1000.0)


def test_a_pod_that_waits_for_a_volume_on_another_node_is_a_signal() -> None:
    """It names who waits where, and who blocks where."""
    found = DETECTOR.decide(DATA, view(STUCK))
    assert found is not None
    assert (found.subject, found.since, found.since_source) == (DATA, 20.0, SinceSource.OBJECT)
    assert found.reason == "HeldByPod"
    assert dict(found.named) == {
        "persistentvolume": "pv",
        "driver": "ebs.csi.aws.com",
        "pod": "new",
        "node": "b",
        "blocking_pod": "old",
        "blocking_node": "a",
    }
    assert tuple(label for label, _ in found.named) == DETECTOR.named_labels
    assert found.evidence[1] == "the volume is attached to node a, where pod old uses it"


def test_the_oldest_pod_blocks_whatever_comes_and_goes_beside_it() -> None:
    """A CronJob's pods on the holder's node have other names each time; the alert has not."""
    for job in ("a-job-1", "a-job-2", "z-job"):
        young = msgspec.structs.replace(pod(job, "a", phase="Running"), created=900.0)
        found = DETECTOR.decide(DATA, view([*STUCK, young]))
        assert found is not None
        assert dict(found.named)["blocking_pod"] == "old"


def test_a_holder_that_nobody_uses_is_a_pending_detach() -> None:
    """The node lives, no pod there wants it: the controller should let go."""
    found = DETECTOR.decide(DATA, view(obj for obj in STUCK if obj is not HOLDER))
    assert found is not None
    assert (found.reason, dict(found.named)["blocking_pod"]) == ("DetachPending", "")


@pytest.mark.parametrize("holder", [node("a", Ready.UNKNOWN), None], ids=["silent", "gone"])
def test_a_lost_holder_is_said_to_be_lost(holder: model.Node | None) -> None:
    """NodeLost points at the signal that repairs."""
    objects = [obj for obj in STUCK if not (isinstance(obj, model.Node) and obj.name == "a")]
    found = DETECTOR.decide(DATA, view([*objects, *([holder] if holder else [])]))
    assert found is not None
    assert found.reason == "NodeLost"
    assert {"NodeLost", "HeldByPod", "DetachPending"} <= DETECTOR.reasons


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [claim(), attachment(), WAITER],
        [claim(), volume(("ReadWriteMany",)), attachment(), WAITER],
        [claim(), volume(), attachment("b"), WAITER],
        [claim(), volume(), WAITER],
        [claim(), volume(), attachment(), pod("new", "b", phase="Running")],
        [claim(), volume(), attachment(), pod("new", "b", deletion=30.0)],
        [claim(), volume(), attachment(), pod("new", "")],
        [claim(), volume(), attachment(), pod("new", "a")],
    ],
    ids=[
        "no claim",
        "no volume",
        "a shared volume",
        "attached where the pod waits",
        "attached nowhere",
        "the pod runs",
        "the pod is on its way out",
        "the pod is not placed",
        "the pod waits where the volume is",
    ],
)
def test_other_waits_are_no_signal(objects: list[Object]) -> None:
    """Each part of the definition is needed."""
    assert DETECTOR.decide(DATA, view(objects)) is None


def test_the_longest_waiting_pod_is_the_one_named() -> None:
    """Several may wait; the first one gives the age."""
    later = pod("zz-later", "c", scheduled=50.0)
    unplaced_time = pod("aa-no-time", "c", scheduled=None, created=None)
    found = DETECTOR.decide(DATA, view([*STUCK, later, unplaced_time]))
    assert found is not None
    assert dict(found.named)["pod"] == "new"


def test_a_pod_without_a_scheduling_time_counts_from_its_creation() -> None:
    """The next best time is the pod's own."""
    waiting = pod("new", "b", scheduled=None)
    found = DETECTOR.decide(DATA, view([claim(), volume(), attachment(), waiting]))
    assert found is not None
    assert found.since == 10.0


def test_a_pod_without_any_time_is_first_seen() -> None:
    """Nothing to go by: whoever keeps time fills it in."""
    waiting = pod("new", "b", scheduled=None, created=None)
    found = DETECTOR.decide(DATA, view([claim(), volume(), attachment(), waiting]))
    assert found is not None
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)


@pytest.mark.parametrize(
    ("obj", "touches"),
    [
        (claim(), True),
        (WAITER, True),
        (volume(), True),
        (msgspec.structs.replace(volume(), claim_name=""), True),
        (msgspec.structs.replace(volume(), name="pv-other"), False),
        (attachment(), True),
        (attachment(volume=""), False),
        (node("a"), True),
        (node("c"), False),
        (model.Namespace("web", "1", {}), False),
    ],
    ids=[
        "claim",
        "pod",
        "volume",
        "volume that does not know its claim",
        "other volume",
        "attachment",
        "attachment of an inline volume",
        "node with an attachment",
        "node without one",
        "namespace",
    ],
)
def test_a_change_touches_the_claims_it_speaks_of(obj: Object, *, touches: bool) -> None:
    """Arrival and removal touch alike."""
    seen = view([claim(), volume(), attachment(), attachment("a", name="csi-inline", volume="")])
    expected = {DATA} if touches else set()
    assert set(DETECTOR.touched(Change(None, obj), seen)) == expected
    assert set(DETECTOR.touched(Change(obj, None), seen)) == expected


def test_reads_grow_with_what_was_read_until_nothing_new() -> None:
    """The claim, pods and attachments; then the volume; then the nodes that hold it."""
    first = set(DETECTOR.reads(DATA, view([])))
    assert first == {Want(Kind.CLAIM, "web", "data"), Want(Kind.POD, "web"), Want(Kind.ATTACHMENT)}
    second = set(DETECTOR.reads(DATA, view([claim(), attachment()]))) - first
    assert second == {Want(Kind.VOLUME, name="pv"), Want(Kind.NODE, name="a")}
    unbound = msgspec.structs.replace(claim(), volume="")
    assert set(DETECTOR.reads(DATA, view([unbound]))) == first


EBS = "kubernetes.io/aws-ebs"
LISTS_IT = (f"{EBS}/aws://zone/vol-1",)
IN_TREE = msgspec.structs.replace(volume(), driver=EBS)


def listing(name: str, *unique: str) -> model.Node:
    """Return a Node that lists these names in status.volumesAttached."""
    return msgspec.structs.replace(node(name), attached=unique)


def test_a_node_that_lists_an_in_tree_volume_holds_it() -> None:
    """There is no VolumeAttachment on clusters as old as that."""
    objects: list[Object] = [listing("a", *LISTS_IT), node("b"), claim(), IN_TREE, WAITER]
    found = DETECTOR.decide(DATA, view(objects))
    assert found is not None
    assert (found.reason, dict(found.named)["blocking_node"]) == ("DetachPending", "a")
    assert dict(found.named)["driver"] == EBS
    elsewhere: list[Object] = [listing("b", *LISTS_IT), node("a"), claim(), IN_TREE, WAITER]
    assert DETECTOR.decide(DATA, view(elsewhere)) is None


def test_a_volume_that_moved_to_csi_is_held_once() -> None:
    """The node lists it and there is a VolumeAttachment: one holder, one sentence."""
    both: list[Object] = [
        listing("a", *LISTS_IT),
        node("b"),
        claim(),
        IN_TREE,
        attachment(),
        HOLDER,
        WAITER,
    ]
    found = DETECTOR.decide(DATA, view(both))
    assert found is not None
    assert found.reason == "HeldByPod"
    assert len(found.evidence) == 2


def test_an_inline_volume_of_another_pod_blocks_no_claim() -> None:
    """It has no PersistentVolume that a claim could be bound to."""
    inline = attachment("a", volume="")
    objects: list[Object] = [
        listing("a", f"{EBS}/vol-inline"),
        node("b"),
        claim(),
        IN_TREE,
        inline,
        WAITER,
    ]
    assert DETECTOR.decide(DATA, view(objects)) is None


def test_a_node_that_lists_less_or_more_touches_the_claims_of_both_lists() -> None:
    """In-tree volumes come and go with the status of their node alone."""
    listed, bare = listing("a", *LISTS_IT), listing("a")
    for change in (Change(listed, bare), Change(bare, listed), Change(listed, None)):
        kept = [change.new] if change.new is not None else []
        assert set(DETECTOR.touched(change, view([claim(), IN_TREE, *kept]))) == {DATA}


def test_an_in_tree_volume_that_arrives_after_its_node_touches_its_claim() -> None:
    """Kinds are listed in any order."""
    seen = view([listing("a", *LISTS_IT), claim(), IN_TREE])
    assert set(DETECTOR.touched(Change(None, IN_TREE), seen)) == {DATA}


def test_a_heartbeat_touches_nothing() -> None:
    """A node's status is written every few minutes, with all that is attached to it."""
    seen = view([*STUCK, node("a")])
    again = msgspec.structs.replace(node("a"), version="2", ready_since=500.0)
    assert set(DETECTOR.touched(Change(node("a"), again), seen)) == set()
    lost = node("a", Ready.UNKNOWN)
    assert set(DETECTOR.touched(Change(node("a"), lost), seen)) == {DATA}


def test_all_nodes_are_read_only_for_an_in_tree_volume() -> None:
    """Nothing but the nodes themselves says where it is."""
    assert Want(Kind.NODE) in set(DETECTOR.reads(DATA, view([claim(), IN_TREE])))
    assert Want(Kind.NODE) not in set(DETECTOR.reads(DATA, view([claim(), volume(), attachment()])))


def test_a_pod_that_has_started_has_its_volumes() -> None:
    """Pending also means that an init container runs; it could not without its volumes."""
    started = pod("new", "b", starting=False)
    assert DETECTOR.decide(DATA, view([claim(), volume(), attachment(), started])) is None
    assert DETECTOR.suspects(started, view([])) == ()
    assert set(DETECTOR.suspects(WAITER, view([]))) == {DATA}


def test_evidence_says_why_the_holder_does_not_let_go() -> None:
    """The kubelet has it mounted, or the detach is asked for and fails."""
    unique = "kubernetes.io/csi/ebs.csi.aws.com^vol-1"
    error = Failure(Cause.OTHER, "rpc error: code = Internal desc = no")
    mounted = msgspec.structs.replace(node("a"), in_use=(unique,))
    held = attachment(deletion=50.0, detach_error=error)
    found = DETECTOR.decide(DATA, view([mounted, claim(), volume(), held, WAITER]))
    assert found is not None
    assert found.evidence[2:] == (
        "the kubelet of node a says that it still has the volume in use",
        "its detachment from node a has been asked for: rpc error: code = Internal desc = no",
    )


def test_an_event_adds_a_sentence_and_nothing_else() -> None:
    """About this volume and this pod; an Event of a pod of the same name before it is not its."""
    text = 'Multi-Attach error for volume "pv" Volume is already used by pod(s) old'
    said = made.event(WAITER, MultiAttachBlocked("pv", ("old",)), name="1", message=text)
    others = [
        made.event(WAITER, MultiAttachBlocked("pv-2"), name="2", message="other"),
        made.event(WAITER, AttachFailed("pv", Cause.TIMEOUT), name="3", message="other"),
        made.event(WAITER, MultiAttachBlocked("pv"), name="4", message="earlier", last=5.0),
    ]
    without = DETECTOR.decide(DATA, view(STUCK))
    found = DETECTOR.decide(DATA, view([*STUCK, said, *others]))
    assert found is not None
    assert without is not None
    assert found.evidence == (*without.evidence, f"Kubernetes: {text}")
    assert msgspec.structs.replace(found, evidence=without.evidence) == without
    assert set(DETECTOR.touched(Change(None, said), view(STUCK))) == {DATA}
    assert set(DETECTOR.touched(Change(None, said), view([]))) == set()


def test_it_is_seen_in_what_a_real_control_plane_wrote() -> None:
    """A driver refused the second attach, so the pod waits; there was no Multi-Attach Event."""
    namespace = "attach-refused-while-elsewhere"
    found = DETECTOR.decide(
        subject_of(namespace, "data"), view(look("attach_refused_while_elsewhere"))
    )
    assert found is not None
    named = dict(found.named)
    assert (found.reason, named["node"], named["blocking_node"]) == (
        "DetachPending",
        "node-b",
        "node-a",
    )
