"""claim_lost as values: objects in, signal or nothing out."""

import pytest

from exporter.observe.model import Change, Object, SinceSource
from exporter.observe.signals.claim_lost import ClaimLost, subject_of
from tests.signals import made
from tests.signals.recorded import look

DATA = subject_of("web", "data")
DETECTOR = ClaimLost()


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([made.claim(phase="Lost")], "VolumeGone"),
        ([made.claim()], "VolumeGone"),
        ([made.claim(), made.volume(claim_uid="uid-of-another")], "VolumeTaken"),
        ([made.claim(phase="Lost"), made.volume(claim_uid="uid-of-another")], "VolumeTaken"),
        ([made.claim(phase="Lost", volume="")], "PhaseLost"),
        ([made.claim(phase="Lost"), made.volume(claim_uid="uid-data")], "PhaseLost"),
    ],
    ids=["lost", "bound to nothing", "taken", "lost, taken", "no name", "only the phase"],
)
def test_a_claim_without_its_volume_is_lost(objects: list[Object], reason: str) -> None:
    """No object says since when, so whoever keeps time does."""
    found = DETECTOR.decide(DATA, made.view(objects))
    assert found is not None
    assert (found.reason, found.since, found.since_source) == (
        reason,
        None,
        SinceSource.FIRST_SEEN,
    )
    assert tuple(label for label, _ in found.named) == DETECTOR.named_labels
    assert reason in DETECTOR.reasons
    assert list(DETECTOR.suspects(objects[0], made.view(objects))) == [DATA]


@pytest.mark.parametrize(
    "objects",
    [
        [made.claim(), made.volume(claim_uid="uid-data")],
        [made.claim(), made.volume()],
        [made.claim(), made.volume(claim_name="", claim_namespace="")],
        [made.claim(phase="Pending")],
        [made.claim(phase="Pending", volume="")],
        [made.claim(phase="Bound", volume="")],
    ],
    ids=["its own", "no uid yet", "free", "named, not bound", "pending", "being bound"],
)
def test_other_claims_are_not_lost(objects: list[Object]) -> None:
    """What the controller is about to bind is not lost."""
    assert DETECTOR.decide(DATA, made.view(objects)) is None
    assert not list(DETECTOR.suspects(objects[0], made.view(objects)))


def test_a_volume_touches_the_claims_that_name_it() -> None:
    """Its removal is what loses a claim."""
    seen = made.view([made.claim()])
    assert set(DETECTOR.touched(Change(made.volume(), None), seen)) == {DATA}
    assert set(DETECTOR.touched(Change(None, made.claim()), seen)) == {DATA}
    assert not set(DETECTOR.touched(Change(None, made.pod()), seen))


def test_a_claim_whose_volume_was_removed_by_force() -> None:
    """As Kubernetes wrote it, with its Events and without."""
    subject = subject_of("claim-lost", "data")
    found = DETECTOR.decide(subject, made.view(look("claim_lost")))
    assert found is not None
    assert (found.reason, found.since) == ("VolumeGone", None)
