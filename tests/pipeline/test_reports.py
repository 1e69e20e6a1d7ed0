"""The audit trail: what is new in a record is in the log, an Event and a metric, once each."""

import asyncio
import json
import logging

import msgspec
import pytest

from exporter.kit.logs import JsonLines
from remediator.case import Policy
from remediator.orders import BEGINS, Decision, Void, heed, void_reason
from remediator.record import Phase, Record, moved, with_status
from remediator.reports import news
from remediator.sinks import AuditLog, KubeEvents
from tests.pipeline.people import say, started, until
from tests.pipeline.test_metrics import metrics, sample
from tests.pipeline.test_orders import order, standing
from tests.pipeline.test_writers import Wire, written
from tests.story.fake_cluster import FakeCluster, carry_on, ticks
from tests.story.objects import AUTO, NOW, PROOF, SIGNAL, record


def told(before: Record, after: Record) -> list[tuple[str, str, str]]:
    """Return phase before, phase and sentence of each report."""
    return [(r.before, str(r.entry.phase), r.entry.sentence) for r in news(before, after)]


def test_every_sentence_of_a_save_is_reported_in_order() -> None:
    """What was said first is not lost because something else followed in the same tick."""
    before = record(phase=Phase.DEFERRED)
    after = moved(before, Phase.OBSERVED, "one", NOW)
    after = moved(after, Phase.RUNNING, "two", NOW)
    assert told(before, after) == [("Deferred", "Observed", "one"), ("Observed", "Running", "two")]
    first, last = news(before, after)
    assert (first.was, last.was) == (None, before.status)


def test_a_save_without_news_reports_nothing() -> None:
    """A reading alone is no news."""
    before = moved(record(), Phase.DEFERRED, "one", NOW)
    assert news(before, with_status(before, readings=PROOF)) == ()


def test_a_history_that_has_lost_its_old_entries_reports_the_new_ones_only() -> None:
    """It keeps fifty."""
    now = record()
    for number in range(70):
        before, now = now, moved(now, Phase.DEFERRED, f"sentence {number}", NOW + number)
        (report,) = news(before, now)
        assert report.entry.sentence == f"sentence {number}"


@pytest.mark.parametrize("decision", Decision)
def test_an_order_is_reported_once_as_what_it_is(decision: Decision) -> None:
    """Before the move that it causes."""
    before = standing(Phase.DEFERRED)
    after = heed(before, order(decision), NOW)
    assert after is not None
    first, *rest = news(before, after)
    assert first.decision is not None
    assert first.decision.decision == decision
    assert first.before == str(first.entry.phase)
    assert all(one.decision is None for one in rest)


def test_two_void_orders_of_the_same_kind_are_two_reports() -> None:
    """Although the record says the sentence once."""
    before = standing(Phase.SETTLED)
    after = before
    for uid in ("a", "b"):
        found = heed(after, order(uid=uid), NOW)
        assert found is not None
        after = found
    reports = news(before, after)
    assert [one.decision.uid for one in reports if one.decision is not None] == ["a", "b"]


def every_void() -> set[str]:
    """Return all that the engine says of orders that do not count."""
    said: set[str] = set()
    late = order(created=NOW - 99 * 86400.0)
    for phase in Phase:
        for decision in Decision:
            for one in (order(decision), order(decision, plan_hash="x"), late):
                for stands in (standing(phase), standing(phase, None), record(phase=phase)):
                    other = msgspec.structs.replace(one, remediation_uid="another")
                    for given in (one, other):
                        after = heed(stands, given, NOW)
                        said |= {d.void for d in after.status.decisions} if after else set()
    return said - {""}


def test_every_reason_why_an_order_is_void_has_its_name() -> None:
    """The label is a closed set, and nothing falls into its rest."""
    reasons = {void_reason(sentence) for sentence in every_void()}
    assert reasons == set(BEGINS.values())
    assert reasons == set(Void) - {Void.OTHER}
    assert void_reason("a reason of another version") is Void.OTHER


def cancelled() -> FakeCluster:
    """Let a yes for another plan be void, and a person cancel what waits."""
    cluster, engine = started()
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    say(cluster, Decision.APPROVE, plan_hash="another")
    asyncio.run(ticks(cluster, engine, 2))
    say(cluster, Decision.CANCEL)
    until(cluster, engine, Phase.CANCELLED)
    say(cluster, Decision.RELEASE)
    asyncio.run(carry_on(cluster, engine, lambda: cluster.record().over))
    return cluster


def test_orders_are_counted_with_what_became_of_them() -> None:
    """The void one by its reason."""
    found = metrics()
    for report in cancelled().reports:
        found.take(report)
    for decision, outcome in (
        ("approve", "OtherPlan"),
        ("cancel", "Counts"),
        ("release", "Counts"),
    ):
        assert sample(found, "orders_total", decision=decision, outcome=outcome) == 1.0
    assert sample(found, "orders_total", decision="approve", outcome="Counts") == 0.0


def test_orders_are_lines_of_the_audit_log(caplog: pytest.LogCaptureFixture) -> None:
    """With who said it, and why it did not count."""
    log = AuditLog()
    with caplog.at_level(logging.INFO, "pvmedic.audit"):
        for report in cancelled().reports:
            log.take(report)
    lines = [json.loads(JsonLines().format(one)) for one in caplog.records]
    orders = [line for line in lines if "order" in line]
    assert [(one["decision"], one["by"]) for one in orders] == [
        ("approve", "ann"),
        ("cancel", "ann"),
        ("release", "ann"),
    ]
    assert "it is for plan another" in orders[0]["void"]
    assert [line["phase"] for line in lines if line["before"] != line["phase"]][-1] == "Cancelled"


def test_orders_are_events() -> None:
    """On the node and on its claims, a void one as a warning."""
    wire = Wire()
    events = KubeEvents(wire)
    for report in cancelled().reports:
        if report.decision is not None:
            events.take(report)
    asyncio.run(written(events, wire, 9))
    said = [(body["type"], body["reason"]) for *_, body in wire.sent]
    assert said[0] == ("Warning", "PvmedicOrderVoid")
    assert said[3] == said[6] == ("Normal", "PvmedicOrder")


def test_the_times_of_a_repair_are_counted_from_the_alert() -> None:
    """Once an episode; a taint that comes off later repairs nothing more."""
    cluster = FakeCluster(policy=AUTO)
    cluster.open(record())
    engine = cluster.engine()
    until(cluster, engine, Phase.HOLDING)
    held_at = cluster.record().status.phase_since
    acted_at = cluster.record().status.acted_at
    cluster.come_back()
    until(cluster, engine, Phase.SETTLED)
    found = metrics()
    for report in cluster.reports:
        found.take(report)
    assert held_at is not None
    assert acted_at is not None
    created = cluster.record().created
    for name, seconds in (("first_write", acted_at), ("repair_duration", held_at)):
        whole = f"remediation_{name}_seconds"
        assert sample(found, f"{whole}_count", signal=SIGNAL) == 1.0
        assert sample(found, f"{whole}_sum", signal=SIGNAL) == seconds - created


def test_a_failure_that_is_back_is_timed_from_then() -> None:
    """The record is older than this round of it."""
    back = moved(record(phase=Phase.CLEARED), Phase.CLEARED, "gone", NOW)
    back = moved(back, Phase.OBSERVED, "again", NOW + 1000.0)
    back = moved(back, Phase.RUNNING, "runs", NOW + 1000.0)
    before = moved(back, Phase.VERIFYING, "looking", NOW + 1030.0)
    found = metrics()
    for report in news(before, moved(before, Phase.SETTLED, "good", NOW + 1040.0)):
        found.take(report)
    assert sample(found, "remediation_repair_duration_seconds_sum", signal=SIGNAL) == 40.0


def test_what_would_have_held_auto_is_counted_when_the_failure_is_gone_by_itself() -> None:
    """By guard, once an episode, and only where auto would not have acted."""
    cluster = FakeCluster(policy=Policy())
    cluster.open(record())
    cluster.machine.state = "running"
    engine = cluster.engine()
    asyncio.run(ticks(cluster, engine, 5))
    cluster.come_back()
    until(cluster, engine, Phase.CLEARED)
    found = metrics()
    for report in cluster.reports:
        found.take(report)
    held = "would_have_been_held_total"
    assert sample(found, held, signal=SIGNAL, guard="fencing_proof") == 1.0
    assert sample(found, held, signal=SIGNAL, guard="mode") is None
    assert sample(found, "would_have_acted_total", signal=SIGNAL) == 0.0


def test_another_process_counts_what_would_have_been_done_no_second_time() -> None:
    """The record knows; a restart is no new episode."""
    before = moved(record(would_have_acted=True), Phase.OBSERVED, "one", NOW)
    found = metrics()
    for report in news(before, moved(before, Phase.OBSERVED, "two", NOW)):
        found.take(report)
    assert sample(found, "would_have_acted_total", signal=SIGNAL) == 0.0
