"""What the operator lets it do: observe writes plans only, approve waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.conftest import Stages
    from tests.cluster.stage import Json, Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def dead(stages: Stages) -> Iterator[Stage]:
    """Stop a node's instance, with a remediator that observes."""
    with stages() as stage:
        stage.start_remediator(mode="observe")
        stage.shop()
        stage.cluster.cloud.stop(stage.instance)
        yield stage


def planned(status: Json) -> list[str]:
    """Return the kinds of the recorded plan's steps that have not been begun."""
    return [
        step["kind"] for step in status["plan"]["steps"] if step.get("state") in (None, "Pending")
    ]


def test_observe_records_plan_and_verdicts_and_counts_what_it_would_have_done(dead: Stage) -> None:
    """Mode observe: the whole judgement is on the record, nothing is done, it is counted once."""
    dead.start_remediator(mode="observe")
    observed = dead.until_phase("Observed", "would have acted")
    assert planned(observed) == ["AddTaint"]
    verdicts = {one["guard"]: one["verdict"] for one in observed["verdicts"]}
    assert verdicts.pop("mode") == "Denied"
    assert set(verdicts.values()) == {"Allowed"}
    dead.look_on()
    would = dead.value(
        "remediator", "pvmedic_would_have_acted_total", signal="node_lost_with_volumes"
    )
    assert would == 1
    assert dead.status()["phase"] == "Observed"
    assert not dead.touched()


def test_approve_waits_for_a_person_and_tells_people(dead: Stage) -> None:
    """Mode approve: AwaitingApproval with the plan; a metric and an alert call for a person."""
    dead.start_remediator(mode="approve")
    waiting = dead.until_phase("AwaitingApproval", "a person has to say yes")
    assert planned(waiting) == ["AddTaint"]
    (record,) = dead.records()
    since = dead.value(
        "remediator",
        "pvmedic_remediation_needs_human_since_timestamp_seconds",
        node=dead.node,
        phase="AwaitingApproval",
        remediation=record["metadata"]["name"],
    )
    assert since is not None
    asked = dead.value(
        "remediator",
        "pvmedic_remediation_approval_waiting_since_timestamp_seconds",
        remediation=record["metadata"]["name"],
        plan=waiting["plan"]["hash"],
    )
    assert asked == since
    assert dead.value("remediator", "pvmedic_leader") == 1
    dead.wait("the alert for people", lambda: dead.alerts("PvmedicApprovalWaiting"))
    dead.look_on()
    assert dead.status()["phase"] == "AwaitingApproval"
    assert not dead.touched()
