"""The record as values: the ways between phases, its history, its name."""

from itertools import product

import msgspec
import pytest

from exporter.observe.model import Subject
from remediator.record import (
    ACTING,
    ENDS,
    HISTORY,
    TRANSITIONS,
    WAITING,
    HistoryEntry,
    Phase,
    StepState,
    moved,
    name_of,
    subject_key,
    with_status,
)
from tests.story.objects import NOW, SIGNAL, planned, record

ALLOWED = {
    ("Observed", "Observed"),
    ("Observed", "AwaitingApproval"),
    ("Observed", "Deferred"),
    ("Observed", "Running"),
    ("Observed", "Cleared"),
    ("Observed", "Declined"),
    ("Observed", "Blocked"),
    ("AwaitingApproval", "Observed"),
    ("AwaitingApproval", "AwaitingApproval"),
    ("AwaitingApproval", "Deferred"),
    ("AwaitingApproval", "Running"),
    ("AwaitingApproval", "Cleared"),
    ("AwaitingApproval", "Declined"),
    ("AwaitingApproval", "Blocked"),
    ("Deferred", "Observed"),
    ("Deferred", "AwaitingApproval"),
    ("Deferred", "Deferred"),
    ("Deferred", "Running"),
    ("Deferred", "Cleared"),
    ("Deferred", "Declined"),
    ("Deferred", "Blocked"),
    ("Running", "Running"),
    ("Running", "Verifying"),
    ("Running", "Deferred"),
    ("Running", "Cleared"),
    ("Running", "Failed"),
    ("Verifying", "Verifying"),
    ("Verifying", "Holding"),
    ("Verifying", "Settled"),
    ("Verifying", "Unsettled"),
    ("Holding", "Holding"),
    ("Holding", "Settled"),
    ("Cleared", "Observed"),
    ("Settled", "Observed"),
    ("Running", "Cancelled"),
    ("Running", "Rejected"),
    ("Running", "Holding"),
    ("Holding", "Cancelled"),
    *product(("Observed", "AwaitingApproval", "Deferred"), ("Rejected", "Expired", "Cancelled")),
}


@pytest.mark.parametrize(("old", "new"), list(product(Phase, Phase)))
def test_every_pair_of_phases_is_a_way_or_raises(old: Phase, new: Phase) -> None:
    """The table is walked through entirely; only Cleared and Settled are ends that lead back."""
    start = record(phase=old, message="before")
    if (str(old), str(new)) in ALLOWED or (old is new and old in ENDS):
        assert moved(start, new, "after", NOW).status.phase is new
    else:
        with pytest.raises(ValueError, match=f"no way from {old} to {new}"):
            moved(start, new, "after", NOW)


def test_every_phase_has_its_line_in_the_table_and_one_place() -> None:
    """A phase is waiting, acting, holding or an end, and never two of them."""
    assert set(TRANSITIONS) == set(Phase)
    groups = [WAITING, ACTING, {Phase.HOLDING}, ENDS]
    assert sorted(phase for group in groups for phase in group) == sorted(Phase)


def test_a_move_writes_the_sentence_and_the_time_into_the_history() -> None:
    """The story is readable from the record alone."""
    after = moved(record(), Phase.DEFERRED, "wait", NOW).status
    assert (after.phase, after.message, after.phase_since) == (Phase.DEFERRED, "wait", NOW)
    assert after.history == (HistoryEntry(at=NOW, phase=Phase.DEFERRED, sentence="wait"),)


def test_the_same_phase_with_another_sentence_keeps_since_when_it_began() -> None:
    """How long a phase lasts is counted from its beginning."""
    first = moved(record(), Phase.DEFERRED, "wait", NOW)
    after = moved(first, Phase.DEFERRED, "wait for something else", NOW + 5.0).status
    assert after.phase_since == NOW
    assert [entry.at for entry in after.history] == [NOW, NOW + 5.0]


def test_the_same_phase_with_the_same_sentence_changes_nothing() -> None:
    """A repeated word is no news and no write."""
    first = moved(record(), Phase.DEFERRED, "wait", NOW)
    assert moved(first, Phase.DEFERRED, "wait", NOW + 5.0) is first


def test_the_history_keeps_its_first_and_its_newest_entries() -> None:
    """It cannot grow without end, and how it began stays readable."""
    long = record()
    for number in range(HISTORY + 20):
        long = moved(long, Phase.DEFERRED, f"sentence {number}", NOW + number)
    sentences = [entry.sentence for entry in long.status.history]
    assert len(sentences) == HISTORY
    assert sentences[0] == "sentence 0"
    assert sentences[1] == "sentence 21"
    assert sentences[-1] == f"sentence {HISTORY + 19}"


def test_a_record_is_written_once_a_step_is_more_than_pending() -> None:
    """From the intent on we may have changed the cluster."""
    plan = planned()
    assert not record().written
    assert not record(plan=plan).written
    for state in set(StepState) - {StepState.PENDING}:
        steps = (msgspec.structs.replace(plan.steps[0], state=state),)
        kept = record(plan=msgspec.structs.replace(plan, steps=steps))
        assert kept.written is (state is not StepState.WAITING)


def test_a_record_is_over_when_it_says_since_when() -> None:
    """Only then may the next episode begin."""
    assert not record().over
    assert with_status(record(), over_at=NOW).over


def test_a_records_name_is_signal_subject_and_episode() -> None:
    """The same for everybody who asks: the hash is fixed, not Python's."""
    subject = Subject((("node", "node-a"),))
    assert name_of(SIGNAL, subject, 1) == "node-lost-with-volumes-3930530f78-1"
    assert name_of(SIGNAL, subject, 12) == "node-lost-with-volumes-3930530f78-12"


def test_a_subjects_hash_does_not_depend_on_the_order_of_its_labels() -> None:
    """Alertmanager and we may name the same labels in another order."""
    one = Subject((("namespace", "web"), ("persistentvolumeclaim", "data")))
    other = Subject(tuple(reversed(one.labels)))
    assert subject_key("multi_attach", one) == subject_key("multi_attach", other)


@pytest.mark.parametrize(
    ("signal", "labels"),
    [
        ("node_lost_with_volumes", (("node", "node-b"),)),
        ("multi_attach", (("node", "node-a"),)),
        ("node_lost_with_volumes", (("host", "node-a"),)),
    ],
)
def test_another_subject_or_signal_has_another_hash(
    signal: str, labels: tuple[tuple[str, str], ...]
) -> None:
    """Two episodes never share a record."""
    here = subject_key("node_lost_with_volumes", Subject((("node", "node-a"),)))
    assert subject_key(signal, Subject(labels)) != here
