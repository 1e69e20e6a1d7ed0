"""What the records and the engine say of themselves while they stand, for those who are called."""

import asyncio

import msgspec
import pytest

from exporter.observe.model import Subject
from exporter.observe.signals.base import Detector
from remediator.case import Policy
from remediator.gauges import holders
from remediator.guards import GUARDS
from remediator.guards.breaker import WRONG
from remediator.metrics import Metrics
from remediator.ports import Reads, Sight
from remediator.record import LedgerEntry, Phase, StepState, VerdictRecord
from tests.pipeline.test_metrics import SUBJECT, metrics, sample
from tests.pipeline.test_orders import at
from tests.story.fake_cluster import FakeCluster
from tests.story.objects import AUTO, DEAD, NAME, NOW, SIGNAL, planned, record

HOLDING = "remediation_holding_since_timestamp_seconds"
WAITS = "remediation_approval_waiting_since_timestamp_seconds"
UNANSWERED = "remediation_step_unanswered_since_timestamp_seconds"
DUE = "remediations_due_since_timestamp_seconds"


@pytest.mark.parametrize("phase", Phase)
def test_a_plan_that_waits_for_a_yes_names_record_and_plan(phase: Phase) -> None:
    """Whoever says yes says it to this plan."""
    plan = planned()
    found = metrics(record(phase=phase, phase_since=NOW - 9.0, plan=plan))
    value = sample(found, WAITS, **SUBJECT, remediation=NAME, plan=plan.hash)
    assert value == (NOW - 9.0 if phase is Phase.AWAITING_APPROVAL else None)


@pytest.mark.parametrize("state", StepState)
def test_a_step_without_an_answer_says_since_when(state: StepState) -> None:
    """Written down as begun, and nothing known since; what was answered is no question."""
    step = msgspec.structs.replace(at(state).steps[0], at=NOW - 100.0)
    plan = msgspec.structs.replace(planned(), steps=(step,))
    found = metrics(record(phase=Phase.RUNNING, plan=plan))
    since = sample(found, UNANSWERED, **SUBJECT, remediation=NAME, step="AddTaint")
    assert since == (NOW - 100.0 if state is StepState.INTENDED else None)


@pytest.mark.parametrize("phase", Phase)
def test_the_breaker_is_open_from_as_many_as_the_policy_says(phase: Phase) -> None:
    """Until a person has released one of them."""
    wrong = [record(number, signal="multi_attach", phase=phase) for number in (2, 3, 4)]
    opens = phase in WRONG
    found = metrics(*wrong)
    assert sample(found, "breaker_remediations") == (3.0 if opens else 0.0)
    assert sample(found, "breaker_open") == float(opens)
    released = record(2, signal="multi_attach", phase=phase, released_at=NOW)
    found = metrics(released, *wrong[1:])
    assert sample(found, "breaker_remediations") == (2.0 if opens else 0.0)
    assert sample(found, "breaker_open") == 0.0


def test_a_debt_of_a_record_that_was_deleted_or_released_is_still_told() -> None:
    """It is there until it is taken back, whatever became of the record."""
    debts = tuple(LedgerEntry("AddTaint", DEAD, NOW - ago) for ago in (40.0, 50.0))
    labels = {**SUBJECT, "remediation": NAME}
    deleted = msgspec.structs.replace(record(ledger=debts), deletion=NOW)
    assert sample(metrics(deleted), HOLDING, **labels) == NOW - 50.0
    over = record(ledger=debts, over_at=NOW)
    assert sample(metrics(over), HOLDING, **labels) == NOW - 50.0


@pytest.mark.parametrize("phase", Phase)
def test_what_holds_a_plan_is_counted_by_guard_while_it_waits(phase: Phase) -> None:
    """The mode is no reason here: it is what the operator chose."""
    verdicts = (
        VerdictRecord("mode", "Denied", "observe"),
        VerdictRecord("rate", "Deferred", "too many"),
        VerdictRecord("cooldown", "Allowed"),
    )
    found = metrics(record(phase=phase, verdicts=verdicts))
    waits = {Phase.OBSERVED, Phase.DEFERRED, Phase.AWAITING_APPROVAL, Phase.BLOCKED}
    held = sample(found, "remediations_held", signal=SIGNAL, guard="rate")
    assert held == (1.0 if phase in waits else None)
    assert sample(found, "remediations_held", signal=SIGNAL, guard="mode") is None
    assert sample(found, "remediations_held", signal=SIGNAL, guard="cooldown") is None


def test_a_guard_of_another_version_makes_no_label_of_its_own() -> None:
    """Labels are a closed set, whatever stands in a record."""
    verdicts = [VerdictRecord(name, "Denied") for name, _ in GUARDS]
    assert holders([*verdicts, VerdictRecord("new", "Denied")])[-1] == "Other"
    assert len(holders(verdicts)) == len(GUARDS) - 1


@pytest.mark.parametrize("leads", [True, False])
def test_each_replica_says_whether_it_leads_and_only_the_leader_whether_it_is_late(
    leads: bool,  # noqa: FBT001 -- the two cases
) -> None:
    """A replica that only waits has old times of a reign that is over."""
    found = metrics()
    found.executes("pod-a", lambda: leads, lambda: NOW - 5.0, lambda: -40.0)
    assert sample(found, "leader", replica="pod-a") == float(leads)
    assert sample(found, DUE) == (NOW - 5.0 if leads else None)


def test_nothing_is_late_when_nothing_is_due() -> None:
    """Then there is no series, not one of now."""
    found = metrics()
    found.executes("pod-a", lambda: True, lambda: None, lambda: None)
    assert sample(found, DUE) is None


@pytest.mark.parametrize("ahead", [-40.0, 0.0, None])
def test_each_replica_says_how_far_its_clock_is_from_the_api_servers(ahead: float | None) -> None:
    """Whether it leads or not: it may lead in a moment. Without an answer there is no series."""
    found = metrics()
    found.executes("pod-a", lambda: False, lambda: None, lambda: ahead)
    assert sample(found, "clock_ahead_seconds") == ahead


def test_what_was_due_before_we_led_is_not_late() -> None:
    """It was another's to look at; from then on all are due until we begin."""
    cluster = FakeCluster(policy=Policy())
    engine = cluster.engine()
    engine.heard(NAME, NOW)
    cluster.clock += 900.0
    assert engine.due_since() is None
    engine.reign(leads=True)
    cluster.clock += 60.0
    engine.reign(leads=True)
    assert engine.due_since() == NOW + 900.0
    engine.reign(leads=False)
    assert engine.due_since() is None


class Hanging(FakeCluster):
    """A cluster that does not answer a look before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may = asyncio.Event(), asyncio.Event()

    async def look(self, detector: Detector, subject: Subject, extra: Reads) -> Sight:
        """Look, once it may."""
        self.asked.set()
        await self.may.wait()
        return await super().look(detector, subject, extra)


def test_a_record_that_hangs_in_its_look_is_late_until_it_was_looked_at() -> None:
    """Whatever is heard of it meanwhile."""
    cluster = Hanging()
    cluster.open(record())
    engine = cluster.engine()

    async def run() -> list[float | None]:
        seen = []
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(engine.run())
            await cluster.asked.wait()
            cluster.clock += 400.0
            engine.heard(NAME, cluster.clock)
            seen.append(engine.due_since())
            engine.end()
            cluster.may.set()
        return [*seen, engine.due_since()]

    assert asyncio.run(run()) == [NOW, None]


def test_who_is_heard_of_again_keeps_its_turn() -> None:
    """Else a storm would keep it waiting for ever."""
    cluster = Hanging()
    cluster.open(record())
    engine = cluster.engine()
    engine.reign(leads=True)
    for _ in range(3):
        cluster.clock += 10.0
        engine.heard(NAME, NOW - 600.0)

    async def run() -> float | None:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(engine.run())
            await cluster.asked.wait()
            found = engine.due_since()
            engine.end()
            cluster.may.set()
        return found

    assert asyncio.run(run()) == NOW + 10.0


def test_a_replica_without_records_publishes_its_gauges_all_the_same() -> None:
    """Zero is said where it is known."""
    found = Metrics(lambda: (), AUTO, lambda: NOW, lambda: NOW)
    assert sample(found, "breaker_open") == 0.0
