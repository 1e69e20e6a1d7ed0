"""What EC2 says wrongly, or a node that comes back: no proof holds, so there is no taint."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from exporter.observe.errors import Conflict
from exporter.observe.kube.access import Where, access
from exporter.observe.kube.api import Api
from exporter.observe.look import look_again
from exporter.observe.model import OUT_OF_SERVICE, Subject
from exporter.observe.signals import detector_of
from remediator.actuators.kubernetes import KubernetesActuator
from remediator.actuators.routed import Routed
from remediator.steps.taints import AddTaint
from tests.cluster.gate import Gate, Write

if TYPE_CHECKING:
    from tests.cluster.stage import Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

FAULTS = {
    "throttled": "Throttled: EC2 was asked about",
    "not_found": "that proves nothing",
    "forbidden": "ec2:DescribeInstances is not allowed to us",
    "garbage": "Garbage: EC2",
    "another_account": "belongs to account 999988887777, and the settings say 123456789012",
    "hibernated": "is stopped, hibernated",
    "empty": "that proves nothing",
    "timeout": "Unreachable: EC2",
}


def test_nothing_is_done_while_ec2_gives_no_clear_answer_and_the_record_says_why(
    stage: Stage,
) -> None:
    """A stopped instance behind each fault of EC2: Deferred with its cause; healed, it goes on."""
    stage.shop()
    stage.cluster.cloud.fault("throttled", stage.instance)
    stage.cluster.cloud.stop(stage.instance)

    for fault, sentence in FAULTS.items():
        stage.cluster.cloud.fault(fault, stage.instance)
        deferred = stage.until_phase("Deferred", sentence)
        assert "a proof for ebs.csi.aws.com would be" in deferred["message"]
        assert not stage.touched()
    assert not stage.status().get("readings")

    stage.cluster.cloud.fault(None)
    stage.wait("the taint, now that there is a proof", stage.taints)
    assert len(stage.records()) == 1


class NodeReturns:
    """At the very moment of the taint, the node is back."""

    def __init__(self, stage: Stage) -> None:
        """Remember what the API server said to a taint."""
        self._stage = stage
        self.answers: list[int] = []

    def before(self, write: Write) -> bool:
        """Bring the node back first."""
        if write.taints:
            self._stage.power_cycle()
            cluster, node = self._stage.cluster, self._stage.node
            cluster.wait("the node back", lambda: cluster.condition(node) == "True", 30)
        return True

    def after(self, write: Write, status: int) -> None:
        """Note the answer."""
        if write.taints is not None:
            self.answers.append(status)


def test_a_node_that_comes_back_between_proof_and_taint_gets_no_taint(stage: Stage) -> None:
    """The kill switch holds the plan; lifted, the taint meets a node that is back: refused."""
    stage.shop()
    rule = NodeReturns(stage)
    gate = Gate(stage.cluster, rule)
    try:
        stage.start_remediator(kubernetes={"server": gate.url})
        stage.cluster.kubectl("-n", "pvmedic", "create", "configmap", "pvmedic-pause")
        stage.cluster.cloud.stop(stage.instance)

        deferred = stage.until_phase("Deferred", "kill_switch: the kill switch is on")
        verdicts = {one["guard"]: one["verdict"] for one in deferred["verdicts"]}
        assert verdicts["kill_switch"] == "Deferred"
        stage.until_phase(
            "Deferred", "kill_switch: the kill switch is on: ConfigMap pvmedic-pause exists"
        )
        stage.wait("two readings", lambda: len(stage.status().get("readings", ())) == 2)
        stage.look_on()
        assert rule.answers == []

        stage.cluster.kubectl("-n", "pvmedic", "delete", "configmap", "pvmedic-pause")
        stage.until_phase("Cleared")
    finally:
        gate.close()
    assert rule.answers == [409]
    assert any("looking again" in text for text in stage.sentences()), stage.sentences()
    assert stage.taints() == []
    assert not stage.touched()
    assert all(entry["closed"] for entry in stage.status().get("ledger", ()))


class Untallied:
    """Counts no requests."""

    def request(self, resource: str, verb: str) -> None:
        """Ignore one."""

    def failure(self, resource: str, verb: str, reason: str) -> None:
        """Ignore one."""

    def undecodable(self, resource: str) -> None:
        """Ignore one."""


def test_a_taint_is_bound_to_the_version_of_the_node_that_was_looked_at(stage: Stage) -> None:
    """The API server refuses the write of a stale look with a conflict, and changes nothing."""
    directory = stage.cluster.service_account("pvmedic", "pvmedic-remediator")
    where = Where(server=stage.cluster.server, service_account_directory=directory)
    detector = detector_of("node_lost_with_volumes")
    assert detector is not None

    async def write_late() -> None:
        async with Api(access(where, {}), Untallied()) as api:
            look = await look_again(api, detector, Subject((("node", stage.node),)))
            node = look.view.node(stage.node)
            assert node is not None
            stage.cluster.kubectl("annotate", "node", stage.node, f"changed={time.time()}")
            step = AddTaint(stage.node, node.uid, "stale", OUT_OF_SERVICE, "stale", "NoExecute")
            with pytest.raises(Conflict):
                await Routed(KubernetesActuator(api)).apply(step, look.view)

    asyncio.run(write_late())
    assert stage.taints() == []
    assert not stage.touched()
