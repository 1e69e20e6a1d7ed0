"""What Alertmanager sends, as bytes; what a test does not name is usual."""

import json
from collections.abc import Mapping

from tests.story.objects import DEAD, SIGNAL

NO_TIME = "0001-01-01T00:00:00Z"


def alert(status: str = "firing", **labels: str) -> dict[str, object]:
    """Return an alert about the lost node; a label given as empty is left out."""
    named = {"alertname": "NodeLostWithVolumes", "signal": SIGNAL, "node": DEAD, **labels}
    return {
        "status": status,
        "labels": {name: value for name, value in named.items() if value},
        "annotations": {"summary": "A node is lost."},
        "startsAt": "2027-01-15T08:00:00.123456789Z",
        "endsAt": NO_TIME if status == "firing" else "2027-01-15T08:10:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": "f1f2f3f4f5f6f7f8",
    }


def body(*alerts: Mapping[str, object], **fields: object) -> bytes:
    """Return a webhook body of version 4."""
    return json.dumps(
        {
            "version": "4",
            "groupKey": '{}:{alertname="NodeLostWithVolumes"}',
            "truncatedAlerts": 0,
            "status": "firing",
            "receiver": "pvmedic\\-webhook",
            "groupLabels": {"alertname": "NodeLostWithVolumes"},
            "commonLabels": {},
            "commonAnnotations": {},
            "externalURL": "http://alertmanager.example",
            "alerts": list(alerts),
            **fields,
        }
    ).encode()
