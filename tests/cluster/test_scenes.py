"""The three scenes of the product, end to end on real parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local import workloads
from tests.cluster.stage import OUT_OF_SERVICE

if TYPE_CHECKING:
    from tests.cluster.stage import Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


def test_a_dead_nodes_pods_run_elsewhere_and_the_taint_comes_off_after_a_power_cycle(
    stage: Stage,
) -> None:
    """Scene a: alert, record, two readings, one taint, pods elsewhere, Holding, Settled."""
    stage.shop()
    stage.cluster.cloud.stop(stage.instance)

    holding = stage.until_phase("Holding")
    assert stage.runs_elsewhere()
    (taint,) = stage.taints()
    (record,) = stage.records()
    assert (taint["value"], taint["effect"]) == (record["metadata"]["name"], "NoExecute")
    assert [reading["state"] for reading in holding["readings"]] == ["stopped", "stopped"]
    assert {verdict["verdict"] for verdict in holding["verdicts"]} == {"Allowed"}
    assert record["spec"]["alert"]["alertname"] == "PvmedicNodeLostWithVolumes"
    stage.wait("the alert resolved", lambda: not stage.alerts("PvmedicNodeLostWithVolumes"))

    stage.power_cycle()
    settled = stage.until_phase("Settled")
    assert stage.taints() == []
    assert [entry["note"] for entry in settled["ledger"]] == ["taken back"]
    assert len(stage.records()) == 1
    done = [text for text in stage.sentences() if text.startswith("done: put taint")]
    assert done == [
        f"done: put taint {OUT_OF_SERVICE}={taint['value']}:NoExecute on node {stage.node}"
    ]


def test_a_repair_can_be_followed_with_kubectl_alone(stage: Stage) -> None:
    """Events stand on the node and on each claim, and the list of Remediations is readable."""
    stage.shop()
    stage.cluster.cloud.stop(stage.instance)
    stage.until_phase("Holding")

    expected = {"PvmedicDeferred", "PvmedicRunning", "PvmedicWrote", "PvmedicHolding"}
    stage.wait(
        "Events on the node",
        lambda: set(stage.events("default", "Node", stage.node)) == expected,
    )
    assert stage.events("default", "Node", stage.node).count("PvmedicWrote") == 1
    for claim in ("web", "data-db-0"):
        assert set(stage.events(stage.space, "PersistentVolumeClaim", claim)) == expected
    header, row = stage.cluster.kubectl("get", "remediations").splitlines()
    assert header.split() == ["NAME", "SIGNAL", "SUBJECT", "PHASE", "SINCE", "AGE", "MESSAGE"]
    assert row.split()[1:4] == ["node_lost_with_volumes", f"node={stage.node}", "Holding"]
    assert "every claim is used again by a Running pod on a Ready node" in row


def test_a_silent_node_that_ec2_calls_running_is_left_alone_until_it_is_stopped(
    stage: Stage,
) -> None:
    """Scene b: Deferred with the proof that would do, nothing touched; once stopped, it goes on."""
    stage.shop()
    stage.cluster.players.die(stage.node)

    deferred = stage.until_phase("Deferred", "is running")
    assert deferred["message"] == (
        f"fencing_proof: EC2 says that instance {stage.instance} is running; a proof for"
        " ebs.csi.aws.com would be: its EC2 instance read as stopped or terminated twice, 2 s apart"
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
    stage.until_phase("Holding")
    assert stage.runs_elsewhere()
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
    assert stage.line.remediations() == []
    assert not stage.touched()
    assert not stage.touched(stage.other)
    assert stage.running() == {stage.node: 1}
