"""What no version binds, on the real parts: a call to EC2 and a command that come too late.

Two replicas repair one node of Rok's. Whoever leads is stopped (SIGSTOP) for longer than the Lease
while its call is on its way; the other one goes on; then the late call arrives.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from demo import rok_proofs, rok_stage
from demo.person import APPROVER, Person
from local.rok import Pace, Used
from tests.cluster.replicas import Held, Pair
from tests.cluster.test_rok_extend import NODE, fails

if TYPE_CHECKING:
    from demo.rok_stage import RokStage
    from tests.cluster.replicas import Replica
    from tests.cluster.stage import Stage

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(240),
    pytest.mark.skipif(bool(rok_stage.why_not()), reason=rok_stage.why_not()),
]

SECONDS = 120.0
EXTEND = "exec timeout --kill-after=3 5 lvm vgextend"


def test_a_call_and_a_command_of_a_leader_that_was_stopped_come_late_and_do_nothing_twice(
    stage: Stage,
) -> None:
    """One disk though two asked for one, one disk in the group though two put it there."""
    cluster = stage.cluster
    others = [cluster.cloud.run_instance()]
    with rok_stage.opened(
        cluster, NODE, NODE, others, pace=Pace(again=1.0), used=Used.WAITS
    ) as rok:
        stage.start_remediator(**rok_stage.settings(cluster))
        before = rok_proofs.Before.of(rok)
        with Pair(stage) as pair:
            name = fails(stage, rok)
            made, extended = cluster.cloud.hold("CreateVolume"), Held()
            pair.second.rule.at[EXTEND] = extended.hold
            said = Person(cluster, "rok-approver-two", APPROVER).types("approve", name, "--yes")
            assert said.returncode == 0, said.stderr

            stage.wait("the first one's disk asked for", made.there.is_set, SECONDS)
            pair.first.signal(signal.SIGSTOP)
            stage.wait("a disk made by the second one", lambda: _made(rok, before), SECONDS)
            made.on.set()

            stage.wait("the second one's command on its way", extended.there.is_set, SECONDS)
            pair.second.signal(signal.SIGSTOP)
            pair.first.signal(signal.SIGCONT)
            stage.wait("a group extended by the first one", lambda: _extended(rok), SECONDS)
            extended.on.set()

            _settled(stage, pair.first)
            pair.second.signal(signal.SIGCONT)
            record = stage.records(NODE)[-1]
            wrong = [
                one.sentence for one in rok_proofs.proofs(rok, before, record) if not one.holds
            ]
            assert wrong == []
            assert rok_proofs.acts(rok).count("vgextend") == 2
            assert "not leading" in pair.first.log


def _made(rok: RokStage, before: rok_proofs.Before) -> bool:
    return rok_proofs.writes(rok, before).get("CreateVolume", 0) == 1


def _extended(rok: RokStage) -> bool:
    return "vgextend" in rok_proofs.acts(rok)


def _settled(stage: Stage, leader: Replica) -> None:
    stage.wait("Settled", lambda: stage.status(NODE).get("phase") == "Settled", SECONDS)
    assert leader.leads
