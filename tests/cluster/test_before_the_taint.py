"""A lost node on a Kubernetes that says it is 1.22: pods are deleted by force, volumes waited for.

Played: the version (nothing but the answer to `/version` differs), kubelets, the attacher. Real:
the program, API server, controller manager with its own 6 minutes, scheduler, the rights that ship.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.cluster.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.gate import Write
    from tests.cluster.stage import Json, Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


class Deletions:
    """Lets every write pass and remembers which pods were deleted, and how."""

    def __init__(self) -> None:
        """Know of none yet."""
        self.accepted: dict[str, Json] = {}
        self.tainted = False

    def before(self, write: Write) -> bool:
        """Let it pass."""
        self.tainted = self.tainted or write.taints is True
        return True

    def after(self, write: Write, status: int) -> None:
        """Remember a deletion that was accepted."""
        if write.method == "DELETE" and status < 300:
            assert write.path not in self.accepted
            self.accepted[write.path] = write.body


class OldServer(Gate):
    """The API server, but for its age."""

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/version":
            return await super()._answer(request)
        told = {"major": "1", "minor": "22", "gitVersion": "v1.22.17"}
        return web.Response(body=json.dumps(told), content_type="application/json")


@pytest.fixture
def rule(stage: Stage) -> Iterator[Deletions]:
    """Run the shop on a node, and the remediator against an old server."""
    stage.allow_deleting_pods()
    stage.shop()
    rule = Deletions()
    gate = OldServer(stage.cluster, rule)
    try:
        stage.start_remediator(kubernetes={"server": gate.url})
        yield rule
    finally:
        gate.close()


def deleted_by_force(stage: Stage, rule: Deletions) -> None:
    """Let the machine stop, and wait until both pods are deleted and their volumes waited for."""
    before = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in stage.pods()}
    stage.cluster.cloud.stop(stage.instance)
    stage.until_phase("Running", "waiting: still attached: ")
    assert {path.rpartition("/")[2] for path in rule.accepted} == set(before)
    for path, body in rule.accepted.items():
        assert body["gracePeriodSeconds"] == 0
        assert body["preconditions"]["uid"] == before[path.rpartition("/")[2]]
    assert not rule.tainted
    assert stage.taints() == []
    after = {pod["metadata"]["uid"] for pod in stage.pods()}
    assert not after & set(before.values())


def settled(stage: Stage, seconds: float) -> None:
    """Wait until both pods run elsewhere and nothing is owed."""
    stage.wait("Settled", lambda: stage.status().get("phase") == "Settled", seconds)
    status = stage.status()
    assert [step["state"] for step in status["plan"]["steps"]] == ["Done"] * 3
    assert not status.get("ledger")
    assert stage.runs_elsewhere()


def test_a_machine_that_comes_back_meanwhile_gives_its_volumes_up_itself(
    stage: Stage, rule: Deletions
) -> None:
    """Its pods are gone: it unmounts, and Kubernetes detaches without its 6 minutes."""
    deleted_by_force(stage, rule)
    stage.power_cycle()
    settled(stage, 60.0)


@pytest.mark.soak
def test_a_machine_that_stays_away_loses_its_volumes_after_kubernetes_own_six_minutes(
    stage: Stage, rule: Deletions
) -> None:
    """The real controller's timer, which is written into it."""
    deleted_by_force(stage, rule)
    settled(stage, 480.0)
