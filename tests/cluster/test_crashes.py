"""kill -9 before and after writes of scene a: the end is the same, nothing is done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.gate import Gate, Write

if TYPE_CHECKING:
    from tests.cluster.stage import Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

EVERY = pytest.param((), 20, id="every", marks=pytest.mark.soak)
FEW = pytest.param(("create", "keep", "put taint", "take taint"), 4, id="few")
"""The writes at which it is killed, none for all, and how many kills that is at least.

Of the few: no record yet, a record and no debt, a debt that is open, and one that is paid.
"""

SEEN_BEFORE = "put taint"
"""Killed before this write, the program leaves what it left when killed after announcing it.

That leads to the longest wait of all, 75 s, so it is played once.
"""


class KillAtWrites:
    """Kills the remediator before each write is passed on, and after it took effect, once each."""

    def __init__(self, stage: Stage, only: tuple[str, ...]) -> None:
        """Remember what was done at which point; kill at those named, without any at all."""
        self._stage = stage
        self._only = only
        self.before_points: list[str] = []
        self.after_points: list[str] = []
        self.took_effect: list[str] = []

    def before(self, write: Write) -> bool:
        """Kill the first time."""
        if write.what in (*self.before_points, SEEN_BEFORE) or not self._wanted(write):
            return True
        self.before_points.append(write.what)
        self._kill()
        return False

    def after(self, write: Write, status: int) -> None:
        """Kill the first time that it took effect."""
        if status >= 300:
            return
        self.took_effect.append(write.what)
        if write.what not in self.after_points and self._wanted(write):
            self.after_points.append(write.what)
            self._kill()

    def _wanted(self, write: Write) -> bool:
        return not self._only or write.what in self._only

    def _kill(self) -> None:
        self._stage.line.child("remediator").kill()

    @property
    def killed(self) -> int:
        """How often the program was killed."""
        return len(self.before_points) + len(self.after_points)


@pytest.mark.parametrize(("only", "kills"), [EVERY, FEW])
def test_a_remediator_killed_at_its_writes_ends_where_an_unharmed_one_does(
    stage: Stage, only: tuple[str, ...], kills: int
) -> None:
    """One Remediation, the taint put once and taken once, Settled, both pods Running elsewhere."""
    stage.shop()
    rule = KillAtWrites(stage, only)
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
    assert rule.killed >= kills, rule.after_points
    (record,) = stage.records()
    ledger = record["status"]["ledger"]
    assert ledger[-1]["note"] == "taken back"
    assert all(entry["closed"] for entry in ledger)
    assert [step["state"] for step in record["status"]["plan"]["steps"]] == ["Done"]
    assert stage.taints() == []
    assert stage.runs_elsewhere()
