"""attachment_stuck as values: objects in, signal or nothing out."""

import pytest

from exporter.observe import model
from exporter.observe.model import Cause, Change, Failure, Kind, Object, Ready, SinceSource
from exporter.observe.parse import causes
from exporter.observe.signals.attachment_stuck import AttachmentStuck, subject_of
from exporter.observe.view import Want
from tests.signals.made import attachment, node, view, volume
from tests.signals.recorded import look

A = subject_of("csi-a")
DETECTOR = AttachmentStuck()
ATTACHING = attachment("a", attached=False, created=100.0)
DETACHING = attachment("a", created=100.0, deletion=300.0)


def decided(one: model.Attachment, *others: Object) -> model.Signal | None:
    """Decide the attachment among a live node, its volume and these objects."""
    return DETECTOR.decide(A, view([node("a"), volume(), one, *others]))


def test_an_attachment_that_is_not_attached_counts_from_its_creation() -> None:
    """With everything that an alert shows."""
    found = decided(ATTACHING)
    assert found is not None
    assert (found.since, found.since_source) == (100.0, SinceSource.OBJECT)
    assert dict(found.named) == {
        "persistentvolume": "pv-data",
        "namespace": "web",
        "persistentvolumeclaim": "data",
        "node": "a",
        "driver": "ebs.csi.aws.com",
        "operation": "attach",
    }
    assert tuple(label for label, _ in found.named) == DETECTOR.named_labels
    assert found.evidence == (
        "ebs.csi.aws.com was asked to attach volume pv-data to node a",
        "no error is written: nobody seems to have tried",
    )


@pytest.mark.parametrize("attached", [True, False])
def test_an_attachment_that_is_being_deleted_counts_from_its_deletion(*, attached: bool) -> None:
    """Whatever `attached` says: only its absence means detached."""
    found = decided(attachment("a", attached=attached, created=100.0, deletion=300.0))
    assert found is not None
    assert (found.since, dict(found.named)["operation"]) == (300.0, "detach")


def test_an_attachment_that_is_attached_is_healthy() -> None:
    """An error that is left over from an earlier try says nothing about now."""
    stale = Failure(Cause.TIMEOUT, "rpc error: code = DeadlineExceeded desc = x")
    assert decided(attachment("a", detach_error=stale, attach_error=stale)) is None
    assert DETECTOR.decide(A, view([])) is None


def test_an_error_of_the_other_operation_is_not_the_reason() -> None:
    """What failed while attaching is over once it is detached."""
    old = Failure(Cause.TIMEOUT, "rpc error: code = DeadlineExceeded desc = x")
    found = decided(attachment("a", deletion=300.0, attach_error=old))
    assert found is not None
    assert found.reason == "AttacherSilent"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "AttacherSilent"),
        ("", "AttacherSilent"),
        ("CSINode a does not contain driver ebs.csi.aws.com", "DriverNotRegistered"),
        ('persistentvolume "pv-data" not found', "NotFound"),
        (
            (
                "timed out waiting for external-attacher of ebs.csi.aws.com CSI driver to attach"
                " volume vol-1"
            ),
            "AttacherSilent",
        ),
        ("rpc error: code = DeadlineExceeded desc = context deadline exceeded", "Timeout"),
        (
            (
                "rpc error: code = DeadlineExceeded desc = stream terminated by RST_STREAM with"
                " error code: CANCEL"
            ),
            "Timeout",
        ),
        (
            "rpc error: code = FailedPrecondition desc = volume is published at another node",
            "FailedPrecondition",
        ),
        ("rpc error: code = ResourceExhausted desc = too many volumes", "NodeLimit"),
        (
            (
                "rpc error: code = Aborted desc = an operation with the given Volume ID vol-1"
                " already exists"
            ),
            "OperationPending",
        ),
        (
            (
                "rpc error: code = Unavailable desc = dial tcp 10.0.0.1:9898: connect: connection"
                " refused"
            ),
            "Unreachable",
        ),
        ('rpc error: code = Internal desc = array "a-1": pool is 97% full, 100%d used', "Other"),
        ("rpc error: code = Inter", "Other"),
        ("%!x(MISSING)", "Other"),
        ("wrong fs type, bad option", "Other"),
    ],
    ids=range(15),
)
def test_the_error_gives_the_reason(text: str | None, reason: str) -> None:
    """Every wording that attachers write; what only a mount can say is Other here."""
    error = causes.failure(text, attaching=True)
    found = decided(attachment("a", attached=False, attach_error=error))
    assert found is not None
    assert found.reason == reason
    assert found.reason in DETECTOR.reasons
    assert error is None or error.text in found.evidence[-1]


@pytest.mark.parametrize("lost", [[], [node("a", ready=Ready.UNKNOWN)]], ids=["gone", "silent"])
def test_a_lost_node_is_the_reason_whatever_the_error_says(lost: list[Object]) -> None:
    """The text changes with every try; the node is what stands in the way."""
    error = Failure(Cause.NOT_FOUND, "rpc error: code = NotFound desc = no such instance")
    one = attachment("a", deletion=300.0, detach_error=error)
    found = DETECTOR.decide(A, view([volume(), one, *lost]))
    assert found is not None
    assert (found.reason, len(found.evidence)) == ("NodeLost", 3)


def test_nodes_that_cannot_be_seen_are_not_lost() -> None:
    """They only help here: without them the error still speaks."""
    found = DETECTOR.decide(A, view([volume(), DETACHING], {Kind.NODE: "forbidden"}))
    assert found is not None
    assert found.reason == "AttacherSilent"


def test_an_inline_volume_is_named_without_one() -> None:
    """It has neither PersistentVolume nor claim."""
    found = decided(attachment("a", attached=False, volume=""))
    assert found is not None
    named = dict(found.named)
    assert (named["persistentvolume"], named["persistentvolumeclaim"]) == ("", "")
    assert "volume (inline)" in found.evidence[0]


def test_an_attachment_without_a_time_is_first_seen() -> None:
    """Whoever keeps time fills it in."""
    found = decided(attachment("a", attached=False, created=None))
    assert found is not None
    assert (found.since, found.since_source) == (None, SinceSource.FIRST_SEEN)


def test_only_what_is_under_way_is_suspect() -> None:
    """Twenty thousand attachments that are done cost nothing."""
    seen = view([])
    assert DETECTOR.suspects(attachment("a"), seen) == ()
    assert DETECTOR.suspects(node("a"), seen) == ()
    assert DETECTOR.suspects(ATTACHING, seen) == (A,)
    assert DETECTOR.suspects(DETACHING, seen) == (A,)


@pytest.mark.parametrize(
    ("change", "touches"),
    [
        (Change(ATTACHING, attachment("a")), True),
        (Change(None, volume()), True),
        (Change(None, volume("pv-other")), False),
        (Change(node("a"), node("a", ready=Ready.FALSE)), True),
        (Change(node("a"), node("a", version="2")), False),
        (Change(node("c"), None), False),
    ],
    ids=["attachment", "volume", "other volume", "node's state", "heartbeat", "other node"],
)
def test_a_change_touches_the_attachments_it_speaks_of(change: Change, *, touches: bool) -> None:
    """Of volumes and nodes only those under way."""
    done = attachment("a", name="csi-done")
    seen = view([node("a", attached=("kubernetes.io/aws-ebs/vol-9",)), ATTACHING, done])
    assert set(DETECTOR.touched(change, seen)) == ({A} if touches else set())


def test_reads_are_the_attachment_then_its_node_and_volume() -> None:
    """Three reads at most."""
    first = {Want(Kind.ATTACHMENT, name="csi-a")}
    assert set(DETECTOR.reads(A, view([]))) == first
    second = set(DETECTOR.reads(A, view([ATTACHING]))) - first
    assert second == {Want(Kind.NODE, name="a"), Want(Kind.VOLUME, name="pv-data")}
    nowhere = attachment("a", node="", volume="", attached=False)
    assert set(DETECTOR.reads(A, view([nowhere]))) == first


@pytest.mark.parametrize(
    ("scene", "node_name", "operation", "reason"),
    [
        ("attach_failed", "node-a", "attach", "Other"),
        ("attach_timed_out", "node-a", "attach", "Timeout"),
        ("attach_refused_while_elsewhere", "node-b", "attach", "FailedPrecondition"),
        ("attach_refused_while_elsewhere", "node-a", "detach", "Other"),
        ("detach_failed", "node-a", "detach", "Other"),
        ("attached_twice", "node-a", "detach", "Other"),
    ],
)
def test_it_is_seen_in_what_a_real_attacher_wrote(
    scene: str, node_name: str, operation: str, reason: str
) -> None:
    """Between two looks the attacher tries again and its errors' times move; the age does not."""
    ages = set()
    for number in (0, -1):
        seen = view(look(scene, number))
        one = next(a for a in seen.attachments() if a.node == node_name)
        found = DETECTOR.decide(subject_of(one.name), seen)
        assert found is not None
        assert (dict(found.named)["operation"], found.reason) == (operation, reason)
        ages.add(found.since)
    assert ages == {one.deletion if operation == "detach" else one.created}


def test_it_is_over_when_a_real_attacher_is_done() -> None:
    """The driver registered on the node between the two looks."""
    was, now = (view(look("attach_no_driver_on_node", number)) for number in (0, -1))
    (one,) = was.attachments()
    found = DETECTOR.decide(subject_of(one.name), was)
    assert found is not None
    assert found.reason == "DriverNotRegistered"
    assert DETECTOR.decide(subject_of(one.name), now) is None
