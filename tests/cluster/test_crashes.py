"""kill -9 before and after every write of scene a: the end is the same, nothing is done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.gate import Gate, Write

if TYPE_CHECKING:
    from tests.cluster.stage import Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

SEEN_BEFORE = "put taint"
"""Killed before this write, the program leaves what it left when killed after announcing it.

That leads to the longest wait of all, 75 s, so it is played once.
"""


class KillAtEveryWrite:
    """Kills the remediator before each write is passed on, and after it took effect, once each."""

    def __init__(self, stage: Stage) -> None:
        """Remember what was done at which point."""
        self._stage = stage
        self.before_points: list[str] = []
        self.after_points: list[str] = []
        self.took_effect: list[str] = []

    def before(self, write: Write) -> bool:
        """Kill the first time."""
        if write.what in (*self.before_points, SEEN_BEFORE):
            return True
        self.before_points.append(write.what)
        self._kill()
        return False

    def after(self, write: Write, status: int) -> None:
        """Kill the first time that it took effect."""
        if status >= 300:
            return
        self.took_effect.append(write.what)
        if write.what not in self.after_points:
            self.after_points.append(write.what)
            self._kill()

    def _kill(self) -> None:
        self._stage.line.child("remediator").kill()

    @property
    def killed(self) -> int:
        """How often the program was killed."""
        return len(self.before_points) + len(self.after_points)


def test_a_remediator_killed_at_every_write_ends_where_an_unharmed_one_does(stage: Stage) -> None:
    """One Remediation, the taint put once and taken once, Settled, both pods Running elsewhere."""
    stage.shop()
    rule = KillAtEveryWrite(stage)
    gate = Gate(stage.cluster, rule)

    def carried_on(phase: str) -> bool:
        if stage.line.child("remediator").process.poll() is not None:
            stage.line.start_remediator()
        return bool(stage.status().get("phase") == phase)

    try:
        stage.start_remediator(kubernetes={"server": gate.url})
        stage.cluster.cloud.stop(stage.instance)
        stage.wait("Holding, through all crashes", lambda: carried_on("Holding"), 240)
        assert stage.runs_elsewhere()
        assert len(stage.taints()) == 1
        stage.power_cycle()
        stage.wait("Settled, through all crashes", lambda: carried_on("Settled"), 90)
    finally:
        gate.close()

    assert rule.took_effect.count("put taint") == 1
    assert rule.took_effect.count("take taint") == 1
    assert rule.killed >= 20, rule.after_points
    (record,) = stage.records()
    ledger = record["status"]["ledger"]
    assert ledger[-1]["note"] == "taken back"
    assert all(entry["closed"] for entry in ledger)
    assert [step["state"] for step in record["status"]["plan"]["steps"]] == ["Done"]
    assert stage.taints() == []
    assert stage.runs_elsewhere()
