"""The API server dies and comes back under both programs: nothing resolves, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local import workloads
from tests.cluster.test_webhook import lost, notification

if TYPE_CHECKING:
    from tests.cluster.stage import Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]
LOST = "PvmedicNodeLostWithVolumes"


def test_alerts_outlive_the_api_server_and_a_notification_it_could_not_take_comes_again(
    stage: Stage,
) -> None:
    """An alert keeps firing; one that came in the middle gets 503, then one record."""
    cluster, silent, dead = stage.cluster, stage.node, stage.other
    stage.shop(dead)
    cluster.apply(
        workloads.claim(stage.space, "alone") + workloads.pod(stage.space, "alone", "alone", silent)
    )
    stage.wait("the lone pod", lambda: stage.running() == {dead: 2, silent: 1})
    cluster.players.die(silent)
    stage.until_phase("Deferred", "is running")
    since = stage.since()
    (fired,) = stage.alerts(LOST)

    refused = ("pvmedic_webhook_refused_total", {"reason": "NotDurable"})
    cluster.cloud.stop(cluster.instance_of(dead))
    stage.wait("the exporter sees the second node", lambda: stage.since(dead))
    cluster.control.kill_api_server()
    stage.wait(
        "Alertmanager's notification refused",
        lambda: stage.value("remediator", refused[0], **refused[1]),
    )
    status, text = stage.line.post(notification(lost("ghost")))
    assert status == 503, text
    assert stage.since() == since
    assert [alert["startsAt"] for alert in stage.alerts(LOST)] == [fired["startsAt"]]

    cluster.control.start_api_server()
    stage.wait("the taint", lambda: stage.taints(dead))
    assert len(stage.records(dead)) == 1
    assert len(stage.records()) == 1
    assert stage.status()["phase"] == "Deferred"
    assert [alert["startsAt"] for alert in stage.alerts(LOST)] == [fired["startsAt"]]
    assert stage.since() == since
    assert not stage.touched()
