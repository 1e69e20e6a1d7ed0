"""Samples carry exactly the labels that their family names: reference and dashboards rely on it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import collectors
from exporter.collectors import signals
from exporter.observe.model import Object
from exporter.observe.signals import DETECTORS, detector_of
from exporter.observe.signals.base import Detector
from tests.signals import made, worlds
from tests.signals.test_detectors import random_worlds


def drawn(detector: Detector) -> st.SearchStrategy[list[Object]]:
    """Return random clusters of what a detector looks at."""
    found: st.SearchStrategy[list[Object]] = worlds.worlds(detector.needs | detector.helps)
    return found


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.name)
@random_worlds
@given(data=st.data())
def test_a_since_series_has_its_family_s_labels(detector: Detector, data: st.DataObject) -> None:
    """In their order, whatever the signal leaves out."""
    view = made.view(data.draw(drawn(detector)))
    family = signals.since_family(detector)
    for subject in worlds.subjects(detector):
        signal = detector.decide(subject, view)
        if signal is not None:
            sample = signals.since(detector, signal, 0.0)
            assert tuple(name for name, _ in sample.labels) == family.labels


@pytest.mark.parametrize("name", collectors.FURTHER)
@random_worlds
@given(data=st.data())
def test_what_else_a_subject_shows_has_its_family_s_labels(name: str, data: st.DataObject) -> None:
    """And its family is one that is published."""
    detector = detector_of(name)
    assert detector is not None
    view = made.view(data.draw(drawn(detector)))
    for subject in worlds.subjects(detector):
        signal = detector.decide(subject, view)
        for family, sample in collectors.FURTHER[name](subject, signal, view):
            assert family in collectors.FAMILIES
            assert tuple(label for label, _ in sample.labels) == family.labels
