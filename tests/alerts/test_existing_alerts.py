"""The table of alerts that people already have: each entry is about a failure that we see."""

import re

import msgspec
import pytest
import yaml

from exporter.observe.signals import detector_of
from tests.alerts.rules import ALERTS

PATH = ALERTS / "settings" / "existing-alerts.yaml"


class Entry(msgspec.Struct, frozen=True):
    """One line of the table."""

    signal: str
    labels: dict[str, str]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: a part of the remediator's settings that can be pasted as it is."""

    alerts: dict[str, Entry]


TABLE = msgspec.convert(yaml.safe_load(PATH.read_text()), Table)

KSM_NODE = frozenset({"node"})
KSM_VOLUME = frozenset({"persistentvolume"})
CLAIM = frozenset({"namespace", "persistentvolumeclaim"})
LABELS = {
    "KubeNodeNotReady": KSM_NODE,
    "KubeNodeUnreachable": KSM_NODE,
    "KubernetesNodeNotReady": KSM_NODE,
    "KubePersistentVolumeErrors": KSM_VOLUME,
    "KubernetesPersistentvolumeError": KSM_VOLUME,
    "KubernetesPersistentVolumeError": KSM_VOLUME,
}
"""What kube-state-metrics gives these alerts; the others have kubelets' and claims' labels."""


@pytest.mark.parametrize("alert", TABLE.alerts)
def test_every_entry_is_about_a_failure_that_is_seen(alert: str) -> None:
    """Its signal has a detector, and each label of the subject comes from a label it has."""
    entry = TABLE.alerts[alert]
    detector = detector_of(entry.signal)
    assert detector is not None
    assert entry.labels.keys() == set(detector.subject_labels)
    assert set(entry.labels.values()) <= LABELS.get(alert, CLAIM)


@pytest.mark.parametrize("alert", TABLE.alerts)
def test_the_route_beside_the_table_sends_every_alert_of_it(alert: str) -> None:
    """What is never sent need not be in the table."""
    route = re.search(r'alertname =~ "([^"]+)"', PATH.read_text())
    assert route is not None
    assert re.fullmatch(route[1], alert)
