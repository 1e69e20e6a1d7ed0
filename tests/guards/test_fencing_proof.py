"""fencing_proof: no taint without it, and the sentence says which proof would do."""

import msgspec
import pytest

from exporter.observe.model import Ready, Taint
from remediator.case import Policy
from remediator.guards.base import Allowed, NotYet, Question
from remediator.guards.fencing_proof import fencing_proof
from remediator.node_loss.drains import SHUTDOWN
from remediator.record import Reading
from tests.story.objects import (
    AUTO,
    DEAD,
    DRIVER,
    LIVE,
    NOW,
    case,
    lease,
    node,
    plan,
    question,
    reading,
    record,
    step,
    taint,
    view,
)

POLICY = Policy(mode="auto", proof_gap=30.0, proof_age=60.0)


def asked(*readings: Reading, power: str = "", now: float = NOW) -> Question:
    """Return a question with these readings on record."""
    return question(case(record=record(readings=readings), now=now, policy=POLICY), power=power)


def refusal(asked_about: Question) -> NotYet:
    """Return the refusal."""
    verdict = fencing_proof(asked_about)
    assert isinstance(verdict, NotYet)
    return verdict


def test_two_readings_far_enough_apart_are_a_proof() -> None:
    """Exactly the gap, and read just now."""
    verdict = fencing_proof(asked(reading(NOW - 30.0), reading(NOW)))
    assert verdict == Allowed(f"instance i-0a of node {DEAD} is stopped")


def test_no_reading_defers_and_says_which_proof_would_do_for_whom() -> None:
    """Per driver, in words that an operator can act on."""
    verdict = refusal(asked())
    assert verdict.reason == (
        f"there is no fencing proof for node {DEAD}; a proof for {DRIVER} would be:"
        " its EC2 instance read as stopped or terminated twice, 30 s apart; a person's"
        f" `pvmedic attest {DEAD} off`; or, for one driver, a NetworkFence over the node's"
        " addresses"
    )
    assert verdict.until is None


def test_one_reading_defers_until_the_second_is_due() -> None:
    """The engine knows when to come again."""
    verdict = refusal(asked(reading(NOW - 10.0)))
    assert "read as stopped once" in verdict.reason
    assert verdict.until == NOW + 20.0


def test_two_readings_too_close_are_none() -> None:
    """One millisecond less than the gap is less than the gap."""
    verdict = refusal(asked(reading(NOW - 29.999), reading(NOW)))
    assert verdict.until == pytest.approx(NOW + 0.001)


def test_the_last_reading_may_be_of_exactly_the_largest_age() -> None:
    """Older is too old, however good the proof was."""
    proof = (reading(NOW - 90.0), reading(NOW - 60.0))
    assert isinstance(fencing_proof(asked(*proof)), Allowed)
    assert "too old" in refusal(asked(*proof, now=NOW + 0.001)).reason


def test_a_failed_reading_defers_even_with_a_proof_on_record() -> None:
    """What the cloud said last counts, and it said nothing."""
    proof = (reading(NOW - 30.0), reading(NOW))
    verdict = refusal(asked(*proof, power="EC2 throttled us"))
    assert verdict.reason.startswith("EC2 throttled us; a proof for")


def test_a_reading_of_another_instance_proves_nothing() -> None:
    """The node's providerID says which machine it is."""
    proof = (reading(NOW - 30.0, subject="i-0f"), reading(NOW, subject="i-0f"))
    assert "there is no fencing proof" in refusal(asked(*proof)).reason


@pytest.mark.parametrize(
    "proof",
    [
        (reading(NOW - 30.0, "running"), reading(NOW)),
        (reading(NOW - 30.0), reading(NOW, "running")),
        (reading(NOW - 30.0, hibernated=True), reading(NOW)),
        (reading(NOW - 30.0), reading(NOW, launched_at=NOW - 5.0)),
        (reading(NOW - 30.0, account="999999999999"), reading(NOW)),
    ],
    ids=["running first", "running last", "hibernated", "launched between", "another account"],
)
def test_readings_that_are_no_unbroken_run_prove_nothing(proof: tuple[Reading, ...]) -> None:
    """Whoever put them on record: the guard trusts nothing but the run itself."""
    refusal(asked(*proof))


def test_a_node_that_beat_long_after_its_instance_was_stopped_is_another_machine() -> None:
    """A shutdown may take a quarter of an hour; who beats later has another instance."""
    stopped = NOW - 1200.0
    proof = (reading(NOW - 30.0, off_since=stopped), reading(NOW, off_since=stopped))
    about = case(view(lease(DEAD, stopped + 900.0)), record=record(readings=proof), policy=POLICY)
    assert isinstance(fencing_proof(question(about)), Allowed)
    about = case(view(lease(DEAD, stopped + 900.1)), record=record(readings=proof), policy=POLICY)
    assert "its providerID names another machine" in refusal(question(about)).reason


def test_a_reading_from_the_future_proves_nothing() -> None:
    """Somebody set the clock back."""
    assert "too old" in refusal(asked(reading(NOW - 29.0), reading(NOW + 1.0))).reason


@pytest.mark.parametrize(
    "provider_id", ["", "kind://docker/kind/worker", "aws:///eu-central-1a/fargate-ip-10-0-0-1"]
)
def test_a_node_without_an_instance_cannot_be_proven(provider_id: str) -> None:
    """There is nothing to read."""
    seen = view(node(DEAD, Ready.UNKNOWN, provider_id=provider_id))
    verdict = refusal(question(case(seen)))
    assert "has no EC2 instance in its providerID" in verdict.reason


def test_a_node_that_cannot_be_seen_cannot_be_proven() -> None:
    """The plan is for a node that is not in the View."""
    asked_about = question(plan=msgspec.structs.replace(plan(), steps=(step("nowhere"),)))
    assert "there is no node nowhere" in refusal(asked_about).reason


def test_every_node_of_a_plan_needs_its_own_proof() -> None:
    """The proof of one covers no other."""
    both = msgspec.structs.replace(plan(), steps=(step(DEAD), step(LIVE)))
    seen = view(node(LIVE, Ready.UNKNOWN))
    verdict = refusal(question(case(seen, policy=AUTO), plan=both))
    assert f"no fencing proof for node {LIVE}" in verdict.reason


def test_a_node_that_is_ready_is_not_dead_whatever_was_read() -> None:
    """A later step of a plan asks again, and the handler is not asked then."""
    seen = view(node(DEAD, Ready.TRUE))
    assert refusal(question(case(seen))).reason == f"node {DEAD} is Ready: it is not dead"


def test_the_shutdown_taint_is_no_proof_and_the_sentence_says_so() -> None:
    """Cloud controllers put it from a cache that is minutes old."""
    seen = view(node(DEAD, Ready.UNKNOWN, taints=(Taint(SHUTDOWN, "", "NoSchedule", NOW),)))
    verdict = refusal(question(case(seen, record=record())))
    assert f"the taint {SHUTDOWN} is a reason to ask the cloud" in verdict.reason


def test_somebody_elses_out_of_service_taint_is_no_proof() -> None:
    """Nobody can tell when it was put: kubectl writes no time on it."""
    seen = view(node(DEAD, Ready.UNKNOWN, taints=(taint("nodeshutdown"),)))
    refusal(question(case(seen, record=record())))
