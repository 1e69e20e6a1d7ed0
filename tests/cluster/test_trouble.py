"""Calls to the API server go wrong: the episode ends where an unharmed one does.

Three of ten under soak, which takes minutes; one of eight in `make test`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.replicas import Watched
from tests.cluster.trouble import SHARE, TroubledWay

if TYPE_CHECKING:
    from tests.cluster.stage import Json, Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1000)]

UNTIL = 400.0
FEW = 0.12
LANDS_SOON = {"landing": "6s", "demonstration": True}
"""What takes effect here does so at once, whatever becomes of the answer."""


def end(record: Json) -> Json:
    """Return what an episode leaves behind, without times and versions."""
    status = record["status"]
    return {
        "phase": status["phase"],
        "steps": [(step["kind"], step["state"]) for step in status["plan"]["steps"]],
        "finalizers": record["metadata"].get("finalizers", []),
        # A call that was given up for lost may stand there more than once, closed.
        "owed": [entry for entry in status["ledger"] if not entry.get("closed")],
        "taken back": status["ledger"][-1]["note"],
    }


UNHARMED = {
    "phase": "Settled",
    "steps": [("AddTaint", "Done")],
    "finalizers": [],
    "owed": [],
    "taken back": "taken back",
}


def lived(stage: Stage, seed: int, share: float = SHARE) -> TroubledWay:
    """Play scene a on a way of this seed, and hold its end against that of an unharmed one."""
    stage.shop()
    rule = Watched()
    way = TroubledWay(stage.cluster, rule, seed, share)
    try:
        stage.start_remediator(kubernetes={"server": way.url}, replicas=LANDS_SOON)
        stage.cluster.cloud.stop(stage.instance)
        stage.wait("Holding, through all trouble", lambda: _is(stage, "Holding"), UNTIL)
        stage.wait("both pods elsewhere", stage.runs_elsewhere)
        assert len(stage.taints()) == 1
        stage.power_cycle()
        stage.wait("Settled, through all trouble", lambda: _is(stage, "Settled"), UNTIL)
        stage.wait("nothing kept", lambda: not stage.records()[-1]["metadata"].get("finalizers"))
    finally:
        way.close()
    (record,) = stage.records()
    assert end(record) == UNHARMED, f"seed {seed}"
    assert rule.took_effect.count("put taint") == 1
    assert rule.took_effect.count("take taint") == 1
    assert rule.took_effect.count("create") == 1
    assert stage.taints() == []
    assert stage.runs_elsewhere()
    assert 0.4 * share < way.faults.total() / way.calls < 1.7 * share
    return way


def _is(stage: Stage, phase: str) -> bool:
    return bool(stage.status().get("phase") == phase)


def test_trouble_on_the_way_to_the_api_server_changes_nothing_about_the_end(stage: Stage) -> None:
    """Over HTTP, to the whole program: reads, watches, writes, its Lease and its Events."""
    way = lived(stage, 1, FEW)
    assert way.calls > 50
    assert len(way.faults) > 1


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 112))
def test_trouble_of_many_seeds_changes_nothing_about_the_end(stage: Stage, seed: int) -> None:
    """The same, each time otherwise."""
    lived(stage, seed)
