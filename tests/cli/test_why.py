"""Why nothing is done: which records are meant, what every guard said, what would change it."""

import msgspec
import pytest

from exporter.observe.model import Subject
from remediator.cli import show, why
from remediator.guards import GUARDS
from remediator.orders import Decision
from remediator.record import AlertRef, LedgerEntry, Phase, Record, VerdictRecord
from tests.story.objects import DEAD, LIVE, NAME, NOW, planned, record

WIDTH = 100


def about_alert(of: Record) -> Record:
    """Return the record with the alert that opened it."""
    labels = {"namespace": "web", "persistentvolumeclaim": "logs"}
    alert = AlertRef(fingerprint="f00", alertname="NodeLost", labels=labels)
    return msgspec.structs.replace(of, spec=msgspec.structs.replace(of.spec, alert=alert))


@pytest.mark.parametrize(("guard", "_"), GUARDS)
def test_every_guard_has_a_sentence_that_says_what_would_change_it(guard: str, _: object) -> None:
    """A refusal without a way on leaves a person alone."""
    assert why.changes(VerdictRecord(guard, "Denied", "no")) != why.OTHERWISE


def test_no_sentence_is_for_a_guard_that_there_is_none_of() -> None:
    """Guards come and go; the table follows."""
    assert why.CHANGES.keys() == {name for name, _ in GUARDS}


@pytest.mark.parametrize("order", Decision)
def test_every_order_is_explained(order: Decision) -> None:
    """What a person may say comes with what it means."""
    assert why.MEANS[order]


@pytest.mark.parametrize(
    "what",
    [DEAD, "NodeLost", "f00", NAME, "web/files", "web/logs", "node_lost_with_volumes"],
    ids=["node", "alert", "fingerprint", "record", "claim of the plan", "claim", "signal"],
)
def test_a_record_is_found_by_what_it_is_about(what: str) -> None:
    """By everything that stands on an alert or a pod's page."""
    found = about_alert(record(plan=planned()))
    assert why.about([found], what) == [found]


@pytest.mark.parametrize("what", [LIVE, "web/other", "other/files", "web", ""])
def test_what_no_record_is_about_is_not_found(what: str) -> None:
    """A guess would mislead."""
    assert why.about([about_alert(record(plan=planned()))], what) == []


def test_of_each_subject_the_newest_record_counts() -> None:
    """Old episodes are shown only by their own names."""
    old, new = record(1, over_at=NOW), record(2)
    other = record(subject=Subject((("node", LIVE),)))
    assert why.about([old, new, other], DEAD) == [new]
    assert why.about([old, new, other], old.name) == [old]


def test_each_refusal_comes_with_what_would_change_it() -> None:
    """All verdicts are there, and only refusals have a way on."""
    verdicts = (
        VerdictRecord("mode", "NeedsApproval", "a person has to say yes"),
        VerdictRecord("kill_switch", "Allowed"),
        VerdictRecord("freeze", "Deferred", "frozen until Monday"),
    )
    waiting = record(phase=Phase.DEFERRED, verdicts=verdicts, plan=planned())
    text = "\n".join(show.reasons(waiting, NOW, WIDTH))
    assert "2 of 3 guards do not allow it now" in text
    assert "frozen until Monday" in text
    assert text.count("would change it:") == 2
    assert f"`pvmedic approve {NAME}`" in " ".join(text.split())
    assert f"kubectl pvmedic reject {NAME}" in text


def test_a_record_without_a_plan_says_that_no_guard_was_asked() -> None:
    """Silence would look like consent."""
    text = "\n".join(show.reasons(record(phase=Phase.DEFERRED, message="wait"), NOW, WIDTH))
    assert "no guard was asked yet" in text


@pytest.mark.parametrize(
    ("phase", "orders"),
    [
        (Phase.AWAITING_APPROVAL, ("approve", "reject", "cancel", "undo")),
        (Phase.RUNNING, ("cancel", "undo")),
        (Phase.HOLDING, ("undo",)),
        (Phase.FAILED, ("release", "undo")),
        (Phase.SETTLED, ("undo",)),
    ],
)
def test_what_a_person_may_say_fits_where_the_record_stands(
    phase: Phase, orders: tuple[str, ...]
) -> None:
    """And undo whatever it is, as long as something is owed."""
    debt = LedgerEntry("AddTaint", DEAD, NOW)
    assert why.orders(record(phase=phase, ledger=(debt,))) == orders
