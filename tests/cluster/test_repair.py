"""Scene a, end to end on real parts: a dead node's volumes come back by themselves."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.cluster.stage import OUT_OF_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.conftest import Stages
    from tests.cluster.stage import Json, Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


class Repair(NamedTuple):
    """Scene a as it was played: what there was while it held, and the stage at its end."""

    stage: Stage
    held: Json
    taints: list[Json]
    elsewhere: bool


@pytest.fixture(scope="module")
def repair(stages: Stages) -> Iterator[Repair]:
    """Play scene a: the instance stops, the pods move, the alert resolves, the node is back."""
    with stages() as stage:
        stage.shop()
        stage.cluster.cloud.stop(stage.instance)
        held = stage.until_phase("Holding")
        taints, elsewhere = stage.taints(), stage.runs_elsewhere()
        stage.wait("the alert resolved", lambda: not stage.alerts("PvmedicNodeLostWithVolumes"))
        stage.power_cycle()
        stage.until_phase("Settled")
        yield Repair(stage, held, taints, elsewhere)


def test_a_dead_nodes_pods_run_elsewhere_after_two_readings_and_one_taint(repair: Repair) -> None:
    """Scene a until Holding: alert, one record, the proof read twice, one taint, pods elsewhere."""
    (record,) = repair.stage.records()
    name = record["metadata"]["name"]
    assert record["spec"]["alert"]["alertname"] == "PvmedicNodeLostWithVolumes"
    first, last = repair.held["readings"]
    assert (first["state"], last["state"]) == ("stopped", "stopped")
    apart = datetime.fromisoformat(last["readAt"]) - datetime.fromisoformat(first["readAt"])
    assert apart.total_seconds() >= 2
    assert {verdict["verdict"] for verdict in repair.held["verdicts"]} == {"Allowed"}
    (taint,) = repair.taints
    assert (taint["value"], taint["effect"]) == (name, "NoExecute")
    assert repair.elsewhere
    done = [text for text in repair.stage.sentences() if text.startswith("done: put taint")]
    assert done == [
        f"done: put taint {OUT_OF_SERVICE}={name}:NoExecute on node {repair.stage.node}"
    ]


def test_the_taint_comes_off_after_a_power_cycle_and_the_record_settles(repair: Repair) -> None:
    """Scene a from Holding on: the node is back with a new boot, our taint is gone, Settled."""
    settled = repair.stage.status()
    assert settled["phase"] == "Settled"
    assert "after a power cycle" in settled["message"]
    assert [entry["note"] for entry in settled["ledger"]] == ["taken back"]
    assert repair.stage.taints() == []
    assert repair.stage.runs_elsewhere()


def test_a_repair_can_be_followed_with_kubectl_alone(repair: Repair) -> None:
    """Events stand on the node and on each claim, and the list of Remediations is readable."""
    stage = repair.stage
    about = [("default", "Node", stage.node)]
    about += [(stage.space, "PersistentVolumeClaim", name) for name in ("web", "data-db-0")]
    phases = ["PvmedicDeferred", "PvmedicRunning", "PvmedicHolding", "PvmedicSettled"]
    expected = Counter([*phases, "PvmedicWrote", "PvmedicWrote"])
    stage.wait(
        f"{expected} about each of {about}",
        lambda: all(Counter(stage.events(*one)) == expected for one in about),
        10,
    )
    header, row = stage.cluster.kubectl("get", "remediations").splitlines()
    assert header.split() == ["NAME", "SIGNAL", "SUBJECT", "PHASE", "SINCE", "AGE", "MESSAGE"]
    assert row.split()[1:4] == ["node_lost_with_volumes", f"node={stage.node}", "Settled"]
    assert f"node {stage.node} is Ready after a power cycle" in row
