"""A node of Rok's is extended, drained and removed: the whole repair on the stage of the demo.

With the account, the rights and the admission policy that ship, and with a yes that somebody types.
Real: API server, evictions and budgets, exec, LVM, the file system. Grown in metadata only: the
logical volume, whose blocks are a loop device. Played: Rok, EC2, the container of its commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo import repair_told, rok_proofs, rok_stage
from demo.person import APPROVER, Person
from local.rok import Pace, Used
from tests.cluster.test_webhook import notification

if TYPE_CHECKING:
    from demo.rok_stage import RokStage
    from tests.cluster.stage import Stage

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.soak,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(rok_stage.why_not()), reason=rok_stage.why_not()),
]

SIGNAL = "snapshot_space_exhausted"
NODE = "rok-extend"
SECONDS = 150.0


def alert(stage: Stage) -> None:
    """Send what Alertmanager would."""
    labels = {"alertname": "PvmedicSnapshotSpaceTooSmall", "signal": SIGNAL, "node": NODE}
    assert stage.line.post(notification(labels))[0] == 200


def step(stage: Stage) -> repair_told.Step | None:
    """Return the step that is under way or next."""
    records = stage.records(NODE)
    found = repair_told.steps(records[-1]) if records else ()
    return next((one for one in found if not one.over), None)


def fails(stage: Stage, rok: RokStage) -> str:
    """Let a snapshot fail, and say so; return the record that waits for a yes."""
    rok.ask_for_snapshot()
    stage.wait("a job out of room", lambda: any(job.failed for job in rok.rok.jobs))
    alert(stage)
    stage.until_phase("AwaitingApproval", node=NODE)
    return str(stage.records(NODE)[-1]["metadata"]["name"])


def test_a_node_is_extended_drained_and_removed_once_though_the_remediator_dies_in_between(
    stage: Stage,
) -> None:
    """Killed behind the point of no return; all that is proven is seen where it was done.

    Here Rok unpins what nobody uses, so that only the drain lets the volumes go (in the demo they
    leave before it), and its guard goes last.
    """
    cluster = stage.cluster
    others = [cluster.cloud.run_instance()]
    quick = Pace(again=1.0)
    with rok_stage.opened(cluster, NODE, NODE, others, pace=quick, used=Used.WAITS) as rok:
        stage.start_remediator(**rok_stage.settings(cluster))
        before = rok_proofs.Before.of(rok)
        name = fails(stage, rok)
        assert rok_proofs.acts(rok) == ()
        assert set(rok_proofs.writes(rok, before).values()) == {0}
        person = Person(cluster, "rok-approver", APPROVER)
        said = person.types("approve", name, "--yes")
        assert said.returncode == 0, said.stderr
        stage.wait("the group extended", lambda: "vgextend" in rok_proofs.acts(rok), SECONDS)
        stage.start_remediator()
        stage.wait("Settled", lambda: stage.status(NODE).get("phase") == "Settled", SECONDS)
        record = stage.records(NODE)[-1]
        wrong = [one.sentence for one in rok_proofs.proofs(rok, before, record) if not one.holds]
        assert wrong == []
