"""Scenes b and c, end to end on real parts: what is seen and must not be touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local import workloads

if TYPE_CHECKING:
    from tests.cluster.stage import Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


def test_a_silent_node_that_ec2_calls_running_is_left_alone_until_it_is_stopped(
    stage: Stage,
) -> None:
    """Scene b: Deferred with the proof that would do, nothing touched; once stopped, it goes on."""
    stage.shop()
    stage.cluster.players.die(stage.node)

    deferred = stage.until_phase("Deferred", "is running")
    assert deferred["message"] == (
        f"fencing_proof: EC2 says that instance {stage.instance} is running; a proof for"
        " ebs.csi.aws.com would be: its EC2 instance read as stopped or terminated twice,"
        f" 2 s apart; a person's `pvmedic attest {stage.node} off`; or, for one driver, a"
        " NetworkFence over the node's addresses"
    )
    stage.wait(
        "a page, as no repair runs",
        lambda: (
            [
                alert["status"]["state"]
                for alert in stage.alerts("PvmedicNodeLostWithVolumesUnrepaired")
            ]
            == ["active"]
        ),
    )
    stage.look_on()
    assert stage.status()["message"] == deferred["message"]
    assert not stage.touched()
    assert stage.running() == {}

    stage.cluster.cloud.stop(stage.instance)
    stage.wait("the taint", stage.taints)
    stage.wait("both pods elsewhere", stage.runs_elsewhere)
    assert len(stage.taints()) == 1
    assert len(stage.records()) == 1


def test_two_live_nodes_that_want_one_volume_are_named_and_nothing_is_done(stage: Stage) -> None:
    """Scene c: the alert names pods, claim and both nodes; no record, no write."""
    space = stage.space
    stage.cluster.apply(
        workloads.claim(space, "data") + workloads.pod(space, "holds", "data", stage.node)
    )
    stage.wait("the first pod", lambda: stage.running() == {stage.node: 1})
    stage.cluster.apply(workloads.pod(space, "waits", "data", stage.other))

    stage.wait("the alert", lambda: stage.alerts("PvmedicMultiAttach", stage.other))
    (alert,) = stage.alerts("PvmedicMultiAttach", stage.other)
    named = {
        "namespace": space,
        "persistentvolumeclaim": "data",
        "persistentvolume": f"pv-{space}-data",
        "pod": "waits",
        "node": stage.other,
        "blocking_pod": "holds",
        "blocking_node": stage.node,
        "reason": "HeldByPod",
        "signal": "multi_attach",
    }
    assert named.items() <= alert["labels"].items()
    stage.wait(
        "the remediator heard of it",
        lambda: stage.value("remediator", "pvmedic_webhook_alerts_total", outcome="NoHandler"),
    )
    assert stage.records() == stage.records(stage.other) == []
    about = [item["spec"]["subject"] for item in stage.line.remediations()]
    assert not [subject for subject in about if subject.get("namespace") == space]
    assert not stage.touched()
    assert not stage.touched(stage.other)
    assert stage.running() == {stage.node: 1}
