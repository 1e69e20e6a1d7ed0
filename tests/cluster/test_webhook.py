"""The webhook in front of a real API server: what is sent to it, and what becomes of it."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cluster.stage import Json, Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]


def notification(labels: dict[str, str], **more: Json) -> bytes:
    """Return what Alertmanager sends about one firing alert."""
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-11-21T04:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "c0ffee",
    }
    group = {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "pvmedic"}
    return json.dumps({**group, "alerts": [alert], **more}).encode()


def lost(node: str) -> dict[str, str]:
    """Return the labels of an alert about a lost node."""
    return {
        "alertname": "PvmedicNodeLostWithVolumes",
        "signal": "node_lost_with_volumes",
        "node": node,
    }


def test_ten_equal_notifications_from_two_senders_make_one_record(stage: Stage) -> None:
    """Whoever is first creates it, the others meet it; without such a node it is Cleared."""
    node = f"ghost-{stage.space}"
    body = notification(lost(node))
    with ThreadPoolExecutor(10) as senders:
        answers = list(senders.map(lambda _: stage.line.post(body), range(10)))
    assert [status for status, _ in answers] == [200] * 10
    outcomes = Counter(json.loads(text)["alerts"][0] for _, text in answers)
    assert outcomes == {"Recorded": 1, "Known": 9}
    cleared = stage.until_phase("Cleared", node=node)
    assert cleared["message"] == "a fresh look does not see the failure (any more)"
    assert len(stage.records(node)) == 1


def test_an_alert_without_a_signal_is_taken_and_counted(stage: Stage) -> None:
    """It is somebody else's: 200, counted, no record."""
    status, text = stage.line.post(notification({"alertname": "KubePodCrashLooping"}))
    assert (status, json.loads(text)) == (200, {"alerts": ["NoSignal"]})
    counted = stage.value("remediator", "pvmedic_webhook_alerts_total", outcome="NoSignal")
    assert counted == 1
    recorded = {item["spec"]["alert"]["alertname"] for item in stage.line.remediations()}
    assert "KubePodCrashLooping" not in recorded


def test_fields_of_a_newer_alertmanager_are_skipped(stage: Stage) -> None:
    """Version 4 with fields that nobody knows yet is understood."""
    node = f"newer-{stage.space}"
    body = notification(lost(node), newField={"deep": [1, 2]}, groupLabels={}, commonLabels={})
    status, text = stage.line.post(body)
    assert (status, json.loads(text)) == (200, {"alerts": ["Recorded"]})
    assert len(stage.records(node)) == 1


def test_ten_megabytes_are_refused(stage: Stage) -> None:
    """413, counted; the next notification is taken."""
    status, _ = stage.line.post(notification({"alertname": "x" * 10_000_000}))
    assert status == 413
    counted = stage.value("remediator", "pvmedic_webhook_refused_total", reason="TooLarge")
    assert counted == 1
    status, _ = stage.line.post(notification({"alertname": "KubePodCrashLooping"}))
    assert status == 200
