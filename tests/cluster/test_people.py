"""People around a repair: not called while it runs, and left alone in what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.stage import OUT_OF_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.conftest import Stages
    from tests.cluster.stage import Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

SLOW_PROOF = "20s"


@pytest.fixture(scope="module")
def repair(stages: Stages) -> Iterator[Stage]:
    """Stop a node's instance; between the readings of its proof is time to look around."""
    with stages() as stage:
        stage.start_remediator(fencing={"readings_apart": SLOW_PROOF})
        stage.shop()
        stage.cluster.cloud.stop(stage.instance)
        yield stage


def test_the_page_is_inhibited_while_a_repair_runs(repair: Stage) -> None:
    """Alertmanager suppresses the page of the subject under repair, and names by whom."""
    repair.wait(
        "the page suppressed",
        lambda: (
            [
                alert["status"]["state"]
                for alert in repair.alerts("PvmedicNodeLostWithVolumesUnrepaired")
            ]
            == ["suppressed"]
        ),
    )
    (page,) = repair.alerts("PvmedicNodeLostWithVolumesUnrepaired")
    (running,) = repair.alerts("PvmedicRepairRunning")
    assert page["status"]["inhibitedBy"] == [running["fingerprint"]]
    assert running["labels"]["signal"] == "node_lost_with_volumes"


def test_a_taint_that_a_person_took_away_is_not_put_again(repair: Stage) -> None:
    """While Holding, somebody removes our taint: left alone, Settled, and never put again."""
    repair.until_phase("Holding")
    repair.cluster.kubectl("taint", "node", repair.node, f"{OUT_OF_SERVICE}-")
    settled = repair.until_phase("Settled", "somebody else took it off, left alone")
    assert [entry["closed"] for entry in settled["ledger"]] == [True]
    repair.look_on()
    assert repair.taints() == []
    assert repair.status()["phase"] == "Settled"
    assert len(repair.records()) == 1
