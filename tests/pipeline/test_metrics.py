"""What is counted from reports, and what is read from the records."""

import asyncio

import pytest

from remediator.alert import Outcome
from remediator.case import Policy
from remediator.gauges import SUBJECT_LABELS, under_way
from remediator.metrics import Metrics
from remediator.record import ACTING, FOR_A_HUMAN, LedgerEntry, Phase, Record, Seen
from tests.story.fake_cluster import FakeCluster, ticks
from tests.story.objects import AUTO, DEAD, NAME, NOW, PROOF, SIGNAL, reading, record
from tests.story.test_episode import episode

SUBJECT = {"signal": SIGNAL, "node": DEAD}


def metrics(*records: Record, now: float = NOW) -> Metrics:
    """Return metrics over these records."""
    return Metrics(lambda: records, AUTO, lambda: now, lambda: NOW - 7.0)


def sample(of: Metrics, name: str, **labels: str) -> float | None:
    """Return a sample's value; what another failure's subject is named by is empty."""
    subject = dict.fromkeys(SUBJECT_LABELS, "") if labels.keys() & set(SUBJECT_LABELS) else {}
    return of.registry.get_sample_value(f"pvmedic_{name}", {**subject, **labels})


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_a_dense_count_of_records_not_over(phase: Phase) -> None:
    """0 is said, and history is not counted."""
    found = metrics(record(phase=phase), record(2, phase=phase, over_at=NOW))
    assert sample(found, "remediations", signal=SIGNAL, phase=str(phase)) == 1.0
    others = set(Phase) - {phase}
    assert {sample(found, "remediations", signal=SIGNAL, phase=str(p)) for p in others} == {0.0}


@pytest.mark.parametrize("phase", Phase)
def test_what_waits_for_a_person_says_since_when_and_which_record(phase: Phase) -> None:
    """Once the failure is gone nobody needs to come, but for what only a person releases."""
    labels = {**SUBJECT, "phase": str(phase), "remediation": NAME}
    name = "remediation_needs_human_since_timestamp_seconds"
    there = metrics(record(phase=phase, phase_since=NOW - 9.0, seen=Seen.PRESENT))
    assert sample(there, name, **labels) == (NOW - 9.0 if phase in FOR_A_HUMAN else None)
    gone = metrics(record(phase=phase, phase_since=NOW - 9.0, seen=Seen.GONE))
    held = phase in (Phase.UNSETTLED, Phase.FAILED)
    assert sample(gone, name, **labels) == (NOW - 9.0 if held else None)
    assert sample(metrics(record(phase=phase, over_at=NOW)), name, **labels) is None


def test_an_open_debt_is_there_with_its_age() -> None:
    """Until it is paid."""
    debt = LedgerEntry("AddTaint", DEAD, NOW - 50.0)
    name, labels = "remediation_holding_since_timestamp_seconds", {**SUBJECT, "remediation": NAME}
    assert sample(metrics(record(ledger=(debt,))), name, **labels) == NOW - 50.0
    paid = LedgerEntry("AddTaint", DEAD, NOW - 50.0, closed=True)
    assert sample(metrics(record(ledger=(paid,))), name, **labels) is None


@pytest.mark.parametrize("phase", Phase)
def test_a_repair_is_under_way_while_it_acts_and_not_for_ever(phase: Phase) -> None:
    """It holds back the page, so it must end by itself."""
    acting = record(phase=phase, phase_since=NOW - 600.0)
    assert under_way(acting, AUTO, NOW) is (phase in ACTING)
    assert not under_way(acting, AUTO, NOW + 0.1)


def test_a_proof_that_is_being_made_is_under_way() -> None:
    """From the first reading to shortly after the second is due."""
    proving = record(phase=Phase.DEFERRED, readings=(reading(NOW - 90.0),))
    assert under_way(proving, AUTO, NOW)
    assert not under_way(proving, AUTO, NOW + 0.1)
    assert not under_way(record(phase=Phase.DEFERRED), AUTO, NOW)
    assert sample(metrics(proving), "remediation_in_progress", **SUBJECT) == 1.0
    assert sample(metrics(proving, now=NOW + 1.0), "remediation_in_progress", **SUBJECT) is None


def test_a_whole_episode_is_counted_phase_by_phase() -> None:
    """Each way once."""
    found = metrics()
    for report in episode().reports:
        found.take(report)
    for phase in ("Deferred", "Running", "Verifying", "Holding", "Settled"):
        counted = sample(found, "remediation_transitions_total", signal=SIGNAL, phase=phase)
        assert counted == 1.0, phase
    assert sample(found, "guard_denials_total", guard="fencing_proof") == 1.0


def test_what_auto_mode_would_have_done_is_counted_once_an_episode() -> None:
    """However often it is judged."""
    cluster = FakeCluster(policy=Policy())
    cluster.open(record(readings=PROOF))
    engine, found = cluster.engine(), metrics()
    asyncio.run(ticks(cluster, engine, 3))
    cluster.pause = True
    asyncio.run(ticks(cluster, engine, 3))
    for report in cluster.reports:
        found.take(report)
    assert len(cluster.reports) > 1
    assert sample(found, "would_have_acted_total", signal=SIGNAL) == 1.0


def test_closed_sets_are_there_from_the_start() -> None:
    """A rate over a counter that appears with its first event would miss it."""
    found = metrics()
    for outcome in Outcome:
        assert sample(found, "webhook_alerts_total", outcome=str(outcome)) == 0.0
    for reason in ("NoToken", "WrongToken", "TooLarge", "BadJSON", "NotDurable"):
        assert sample(found, "webhook_refused_total", reason=reason) == 0.0
    assert sample(found, "watchdog_last_received_timestamp_seconds") == NOW - 7.0


def test_both_expositions_are_rendered() -> None:
    """Text for people and old Prometheus, OpenMetrics for new ones."""
    (text,), (openmetrics,) = metrics(record()).parts(False), metrics().parts(True)  # noqa: FBT003
    assert b"# TYPE pvmedic_remediations gauge" in text
    assert openmetrics.endswith(b"# EOF\n")
