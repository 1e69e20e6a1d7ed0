"""What every detector keeps to, now and later."""

import pytest

from exporter.observe import model
from exporter.observe.objects import Objects
from exporter.observe.signals import DETECTORS, detector_of
from exporter.observe.signals.base import Detector
from exporter.observe.view import View

every_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.name)


@every_detector
def test_a_detector_is_found_by_its_name(detector: Detector) -> None:
    """One name per failure, everywhere."""
    assert detector_of(detector.name) is detector
    assert type(detector).__module__.endswith(f".{detector.name}")


def test_an_unknown_name_has_no_detector() -> None:
    """An alert may name anything."""
    assert detector_of("nothing_like_it") is None


@every_detector
def test_reasons_are_a_closed_set_with_other(detector: Detector) -> None:
    """What is not named is Other."""
    assert "Other" in detector.reasons


@every_detector
def test_a_kind_is_needed_or_helps_but_not_both(detector: Detector) -> None:
    """A kind that only helps must not silence a signal."""
    assert detector.needs
    assert not detector.needs & detector.helps


@every_detector
def test_nothing_is_decided_of_an_empty_cluster(detector: Detector) -> None:
    """A subject that does not exist is no failure, and no exception."""
    labels = tuple((label, "x") for label in detector.subject_labels)
    assert detector.decide(model.Subject(labels), View(Objects(), 0.0)) is None
