"""Events of the snapshot-controller and csi-snapshotter: every reason, and texts that say more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import KubeEvent
from exporter.observe.model.facts import Cause, Fact, SnapshotFailed, SnapshotFault
from exporter.observe.parse import events, snapshot_events

CONTENT = "Failed to create snapshot content with error "


def said(reason: str, text: str, about: str = "snap") -> Fact | None:
    """Return what an Event with this text says."""
    event = KubeEvent(
        namespace="web",
        name=f"{about}.17",
        uid="u",
        version="1",
        reason=reason,
        message=text,
        component="snapshot-controller",
        about_kind="VolumeSnapshot" if about else "",
        about_namespace="web" if about else "",
        about_name=about,
        count=1,
        last=1.0,
    )
    return events.fact(text, event)


@pytest.mark.parametrize(
    ("reason", "text", "fault", "cause"),
    [
        (
            "SnapshotContentCreationFailed",
            (
                f"{CONTENT}snapshot controller failed to update snap on API server: cannot get"
                " claim from snapshot"
            ),
            SnapshotFault.SOURCE_MISSING,
            Cause.OTHER,
        ),
        (
            "SnapshotContentCreationFailed",
            f"{CONTENT}the PVC data is not yet bound to a PV, will not attempt to take a snapshot",
            SnapshotFault.SOURCE_NOT_BOUND,
            Cause.OTHER,
        ),
        (
            "GetSnapshotClassFailed",
            (
                "Failed to get snapshot class with error"
                ' volumesnapshotclass.snapshot.storage.k8s.io "x" not found'
            ),
            SnapshotFault.CLASS_MISSING,
            Cause.OTHER,
        ),
        (
            "SetDefaultSnapshotClassFailed",
            "Failed to set default snapshot class with error cannot find default snapshot class",
            SnapshotFault.CLASS_MISSING,
            Cause.OTHER,
        ),
        (
            "SnapshotContentMissing",
            "VolumeSnapshotContent is missing",
            SnapshotFault.CONTENT_MISSING,
            Cause.OTHER,
        ),
        (
            "SnapshotCreationFailed",
            'Failed to create snapshot: rpc error: code = ResourceExhausted desc = "no"',
            SnapshotFault.CREATION,
            Cause.NO_SPACE,
        ),
        (
            "SnapshotContentCheckandUpdateFailed",
            "Failed to check and update snapshot content: rpc error: code = DeadlineExceeded",
            SnapshotFault.CREATION,
            Cause.TIMEOUT,
        ),
        ("SnapshotDeleteError", "Failed to delete snapshot", SnapshotFault.DELETION, Cause.OTHER),
    ],
)
def test_a_text_says(reason: str, text: str, fault: SnapshotFault, cause: Cause) -> None:
    """Where the text says more than the reason, the text decides."""
    found = said(reason, text)
    assert isinstance(found, SnapshotFailed)
    assert found.fault is fault
    if cause is not Cause.OTHER:
        assert found.cause is cause


@pytest.mark.parametrize("reason", snapshot_events.REASONS)
def test_every_reason_is_read_whatever_is_left_of_its_text(reason: str) -> None:
    """The reason alone says enough to keep the Event."""
    assert isinstance(said(reason, ""), SnapshotFailed)


def test_an_event_about_nothing_is_dropped() -> None:
    """A controller that lost a write conflict writes such."""
    assert said("SnapshotStatusUpdateFailed", "any", about="") is None


def test_a_lost_write_is_no_failure() -> None:
    """The controller writes again at once."""
    text = (
        'Operation cannot be fulfilled on volumesnapshots.snapshot.storage.k8s.io "a": the object'
    )
    assert said("SnapshotStatusUpdateFailed", f"{text} has been modified; please apply") is None


@given(st.sampled_from(snapshot_events.REASONS), st.text())
def test_no_text_raises(reason: str, text: str) -> None:
    """Whatever a text is, it is a fact or nothing."""
    found = said(reason, text)
    assert found is None or isinstance(found, SnapshotFailed)
