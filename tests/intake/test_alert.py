"""Alertmanager's payload as values: what is understood, and that the rest is a ValueError."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import Subject
from remediator import alert as alerts
from remediator.alert import Alert, Notification
from remediator.record import AlertRef
from tests.intake.notifications import NO_TIME, alert, body


def parsed(*given_alerts: dict[str, object], **fields: object) -> Notification:
    """Return the notification that a body holds."""
    return alerts.parse(body(*given_alerts, **fields))


def test_a_notification_is_its_alerts_and_who_received_it() -> None:
    """Each alert has a status of its own."""
    found = parsed(alert(), alert("resolved", node="other"))
    assert [(one.status, one.firing, one.labels["node"]) for one in found.alerts] == [
        ("firing", True, "node-a"),
        ("resolved", False, "other"),
    ]
    assert found.alerts[0].signal == "node_lost_with_volumes"


def test_an_older_alertmanager_sends_less() -> None:
    """0.16 knew neither truncatedAlerts nor fingerprints."""
    older = {"status": "firing", "labels": {"signal": "x"}}
    found = alerts.parse(json.dumps({"version": "4", "alerts": [older]}).encode())
    assert found.alerts == [Alert(status="firing", labels={"signal": "x"})]
    assert found.truncated_alerts == 0


def test_a_newer_alertmanager_sends_more() -> None:
    """Unknown fields are skipped, at both levels."""
    newer = {**alert(), "silencedBy": ["x"], "routes": {"a": [1, {"b": None}]}}
    found = parsed(newer, tenant={"id": 7}, receivers=["a", "b"])
    assert found.alerts == parsed(alert()).alerts


def test_an_alert_that_was_truncated_away_is_counted() -> None:
    """The webhook tells the operator."""
    assert parsed(alert(), truncatedAlerts=3).truncated_alerts == 3


def test_an_alert_without_a_signal_has_an_empty_one() -> None:
    """It is somebody else's alert."""
    (found,) = parsed(alert(signal="")).alerts
    assert found.signal == ""


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"not JSON",
        b'{"version":"4"',
        b'{"version":"4"}',
        b'{"version":4,"alerts":[]}',
        b'{"version":"4","alerts":{}}',
        b'{"version":"4","alerts":[{}]}',
        b'{"version":"4","alerts":[{"status":"firing","labels":{"a":1}}]}',
        b'{"version":"4","alerts":[{"status":null,"labels":{}}]}',
        b"\xff\xfe",
        b'{"version":"4","alerts":[],"x":' + b"[" * 100_000,
        b'{"version":"4","alerts":[],"x":' + b'{"a":' * 100_000,
    ],
)
def test_what_is_no_notification_is_a_value_error(garbage: bytes) -> None:
    """With a sentence for the operator."""
    with pytest.raises(ValueError, match="not an Alertmanager notification"):
        alerts.parse(garbage)


@pytest.mark.parametrize(
    "custom",
    [
        {"text": "a node is lost", "channel": "#storage"},
        {"version": "4", "text": "a node is lost"},
        {"version": "4", "alerts": [{"name": "NodeLost"}]},
        {"version": "4", "alerts": "NodeLost"},
    ],
    ids=["a chat's", "with the version", "with alerts of its own", "with a text for alerts"],
)
def test_a_custom_payload_is_refused_with_its_name(custom: dict[str, object]) -> None:
    """Whoever wrote `payload:` into the receiver reads that it cannot be."""
    with pytest.raises(ValueError, match="a custom `payload:` is none"):
        alerts.parse(json.dumps(custom).encode())


@pytest.mark.parametrize("version", ["", "3", "5", "4.0"])
def test_another_version_is_a_value_error(version: str) -> None:
    """Its fields may mean something else."""
    with pytest.raises(ValueError, match="notification version"):
        parsed(alert(), version=version)


@given(st.binary())
def test_any_bytes_are_a_notification_or_a_value_error(any_bytes: bytes) -> None:
    """Nothing else is raised."""
    with contextlib.suppress(ValueError):
        assert isinstance(alerts.parse(any_bytes), Notification)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("4"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["version", "alerts", "status", "labels", "startsAt", "receiver", "signal"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_a_notification_or_a_value_error(value: object) -> None:
    """And what is understood can be kept as evidence."""
    try:
        found = alerts.parse(json.dumps(value).encode())
    except ValueError:
        return
    for one in found.alerts:
        assert isinstance(alerts.evidence(one, found.receiver), AlertRef)


@given(st.text(), st.text())
def test_any_time_and_any_receiver_can_be_kept_as_evidence(when: str, receiver: str) -> None:
    """A text that is no time is no time."""
    kept = alerts.evidence(Alert("firing", {}, starts_at=when), receiver)
    assert kept.starts_at is None or isinstance(kept.starts_at, float)


def test_the_evidence_says_which_alert_it_was() -> None:
    """The receiver comes quoted as a regular expression and is kept as it is written."""
    notification = parsed(alert())
    kept = alerts.evidence(notification.alerts[0], notification.receiver)
    assert kept == AlertRef(
        fingerprint="f1f2f3f4f5f6f7f8",
        starts_at=1800000000.123456,
        alertname="NodeLostWithVolumes",
        receiver="pvmedic-webhook",
        labels=notification.alerts[0].labels,
    )


@pytest.mark.parametrize("when", [NO_TIME, "", "soon", "2027-01-15T08:00:00", "9999-99-99"])
def test_a_time_that_is_none_is_left_out(when: str) -> None:
    """The year 1 stands for no time; one without a zone could be anywhere."""
    assert alerts.evidence(Alert("firing", {}, starts_at=when), "").starts_at is None


def test_the_subject_is_read_from_the_alerts_labels_in_the_detectors_order() -> None:
    """Further labels do not matter."""
    (found,) = parsed(alert(namespace="web", persistentvolumeclaim="data", severity="x")).alerts
    labels = ("namespace", "persistentvolumeclaim")
    assert alerts.subject_of(found, labels) == Subject(
        (("namespace", "web"), ("persistentvolumeclaim", "data"))
    )


@pytest.mark.parametrize("labels", [{}, {"node": ""}, {"nodename": "node-a"}])
def test_without_all_its_labels_there_is_no_subject(labels: dict[str, str]) -> None:
    """An empty label is none in Prometheus."""
    assert alerts.subject_of(Alert("firing", labels), ("node",)) is None
