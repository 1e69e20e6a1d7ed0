"""Signals as series: every label always there, in a fixed order."""

import pytest

from exporter.collectors import FAMILIES, signals
from exporter.observe.model import Signal, SinceSource
from exporter.observe.signals import DETECTORS, detector_of, multi_attach, node_lost_with_volumes
from exporter.observe.signals.base import Detector

NODE_LOST = node_lost_with_volumes.NodeLostWithVolumes()
MULTI_ATTACH = multi_attach.MultiAttach()


def test_a_lost_node_is_published_with_its_node_reason_and_source() -> None:
    """The labels that rules and the remediator read."""
    subject = node_lost_with_volumes.subject_of("a")
    signal = Signal(NODE_LOST.name, subject, 5.0, SinceSource.OBJECT, "Unreachable")
    sample = signals.since(NODE_LOST, signal, 5.0)
    assert sample.value == 5.0
    expected = (("node", "a"), ("reason", "Unreachable"), ("since_source", "object"))
    assert sample.labels == expected


def test_named_labels_are_there_even_when_empty() -> None:
    """A series whose label set changes is another series."""
    subject = multi_attach.subject_of("web", "data")
    source = SinceSource.FIRST_SEEN
    signal = Signal(MULTI_ATTACH.name, subject, None, source, "HeldByPod", (("pod", "new"),))
    sample = signals.since(MULTI_ATTACH, signal, 7.0)
    names = (*MULTI_ATTACH.subject_labels, *MULTI_ATTACH.named_labels, "reason", "since_source")
    assert tuple(name for name, _ in sample.labels) == names
    values = dict(sample.labels)
    assert (values["pod"], values["node"], values["since_source"]) == ("new", "", "first_seen")


def test_a_reason_outside_the_closed_set_is_other() -> None:
    """A label's values are bounded, whatever a detector says."""
    subject = node_lost_with_volumes.subject_of("a")
    signal = Signal(NODE_LOST.name, subject, 5.0, SinceSource.OBJECT, "Whatever")
    assert dict(signals.since(NODE_LOST, signal, 5.0).labels)["reason"] == "Other"


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.name)
def test_every_detector_has_its_family_and_a_dense_count(detector: Detector) -> None:
    """Adding a detector is enough to have it published."""
    names = [family.name for family in FAMILIES]
    assert f"pvmedic_{detector.name}_since_timestamp_seconds" in names
    sample = signals.count(detector, 0)
    assert (sample.labels, sample.value) == ((("signal", detector.name),), 0)
    assert detector_of(detector.name) is detector


def test_family_names_are_unique() -> None:
    """Two files must not publish one metric."""
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))
