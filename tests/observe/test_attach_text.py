"""FailedAttachVolume: held elsewhere is one fact, a failed attach another; no text raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import Cause, Fact
from exporter.observe.model.facts import AttachFailed, MultiAttachBlocked
from exporter.observe.parse import attach
from tests.signals import made

EVENT = made.event(made.pod(), None, reason="FailedAttachVolume")
HEAD = 'AttachVolume.Attach failed for volume "pvc-1" '
TEXTS: dict[str, Fact] = {
    f"{HEAD}: CSINode b does not contain driver ebs.csi.aws.com": AttachFailed(
        "pvc-1", Cause.DRIVER_NOT_REGISTERED
    ),
    f"{HEAD}: timed out waiting for external-attacher of ebs.csi.aws.com CSI driver to attach"
    " volume vol-1": AttachFailed("pvc-1", Cause.ATTACHER_SILENT),
    f"{HEAD}: attachment timeout for volume vol-1": AttachFailed("pvc-1", Cause.ATTACHER_SILENT),
    f"{HEAD}: rpc error: code = ResourceExhausted desc = too many": AttachFailed(
        "pvc-1", Cause.NODE_LIMIT
    ),
    f"{HEAD}: rpc error: code = DeadlineExceeded desc = stream terminated by RST_STREAM with error"
    " code: CANCEL": AttachFailed("pvc-1", Cause.TIMEOUT),
    f"{HEAD}: rpc error: code = FailedPrecondition desc = volume is published at another"
    " node": AttachFailed("pvc-1", Cause.PRECONDITION),
    f"{HEAD}: volume attachment is being deleted": AttachFailed("pvc-1", Cause.ATTACHMENT_DELETING),
    'AttachVolume.FindAttachablePluginBySpec failed for volume "pvc-1"': AttachFailed(
        "pvc-1", Cause.OTHER
    ),
    'AttachVolume.NewAttacher failed for volume "pvc-1" : 100%!d(MISSING) used': AttachFailed(
        "pvc-1", Cause.OTHER
    ),
    'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) a': MultiAttachBlocked(
        "pvc-1", ("a",)
    ),
    'Waiting for detach for volume "pvc-1" Volume is already exclusively attached to one'
    " node": MultiAttachBlocked("pvc-1"),
}


@pytest.mark.parametrize(("text", "fact"), TEXTS.items(), ids=range(len(TEXTS)))
def test_every_wording_of_the_controller_is_read(text: str, fact: Fact) -> None:
    """Old and new ones."""
    assert attach.failed(text, EVENT) == fact


@pytest.mark.parametrize("text", ["", "AttachVolume.Attach failed", "for volume", 'for volume "'])
def test_a_text_without_a_volume_says_nothing(text: str) -> None:
    """Nobody could tell whose failure it is."""
    assert attach.failed(text, EVENT) is None


@given(st.sampled_from(sorted(TEXTS)), st.integers(min_value=0, max_value=200))
def test_a_text_cut_anywhere_names_no_other_volume(text: str, cut: int) -> None:
    """Kubernetes cuts at 1024 bytes."""
    found = attach.failed(text[:cut], EVENT)
    assert found is None or (
        isinstance(found, AttachFailed | MultiAttachBlocked) and "pvc-1".startswith(found.volume)
    )


@given(st.text())
def test_no_text_raises(text: str) -> None:
    """Neither bare, nor behind what is expected."""
    for prefix in ("", HEAD, 'AttachVolume.Attach failed for volume "'):
        found = attach.failed(prefix + text, EVENT)
        assert found is None or isinstance(found, AttachFailed | MultiAttachBlocked)
