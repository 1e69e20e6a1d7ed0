"""Remediations as text: all that is known, in a width, and nothing that commands a terminal."""

import msgspec

from exporter.kit.terminal import age, columns
from remediator.cli import show
from remediator.cli.attestation import Attestation
from remediator.cli.said import as_json
from remediator.dry_run import DryRun
from remediator.record import (
    AlertRef,
    DecisionRecord,
    HistoryEntry,
    LedgerEntry,
    Phase,
    Record,
    Seen,
    VerdictRecord,
)
from tests.story.objects import DEAD, KEY, NAME, NOW, PROOF, planned, record

WIDTH = 100
WORD = Attestation("w", DEAD, "uid", "Off", "ben", NOW - 60.0, NOW + 3600.0, "I pulled the plug")


def whole() -> Record:
    """Return a record with something in every part."""
    made = record(
        phase=Phase.HOLDING,
        message="still to be taken back",
        phase_since=NOW - 125.0,
        plan=planned(),
        readings=PROOF,
        verdicts=(VerdictRecord("mode", "Allowed", "approved by ann"),),
        ledger=(LedgerEntry("AddTaint", DEAD, NOW - 60.0, note="waits"),),
        decisions=(
            DecisionRecord("a", "u", "approve", "ann", NOW - 90.0, "abc"),
            DecisionRecord("b", "v", "approve", "eve", NOW - 80.0, void="it has expired"),
        ),
        history=(HistoryEntry(NOW - 125.0, Phase.HOLDING, "done: put taint"),),
    )
    alert = AlertRef(alertname="NodeLost")
    return msgspec.structs.replace(made, spec=msgspec.structs.replace(made.spec, alert=alert))


def test_one_record_is_shown_with_all_that_is_known_of_it() -> None:
    """Plan, verdicts, readings, ledger, decisions, story, and what may be said now."""
    text = " ".join("\n".join(show.shown(whole(), [WORD], NOW, WIDTH)).split())
    for part in (
        f"{NAME}: Holding for 2m5s",
        "NodeLost, last heard 1s ago",
        f"{planned().hash}: so that",
        f"1. put taint {KEY}={NAME}:NoExecute on node {DEAD} (Pending)",
        "mode Allowed approved by ann",
        "is stopped, read 30s ago",
        "I pulled the plug",
        "still to be taken back: waits",
        "approve of plan abc by ann 1m30s ago, counted",
        "by eve 1m20s ago, void: it has expired",
        "Holding: done: put taint",
        f"kubectl pvmedic undo {NAME}",
    ):
        assert part in text


def test_an_attestation_says_what_it_is_worth() -> None:
    """Whoever gives one shall know what is done on it."""
    assert "a fencing proof for every driver" in show.attestation(WORD, NOW)
    assert "has expired" in show.attestation(WORD, NOW + 7200.0)


def test_a_record_that_nothing_was_done_about_is_shown_too() -> None:
    """Without plan, verdicts or history."""
    text = "\n".join(show.shown(record(), [], NOW, WIDTH))
    assert "not looked at yet" in text
    assert "none yet" in text


def test_no_line_is_wider_than_the_terminal() -> None:
    """Only a word that is longer is left whole: it may be pasted."""
    long = record(message="many words " * 60, verdicts=(VerdictRecord("rate", "No", "why " * 90),))
    for width in (80, 120):
        shown = [*show.shown(long, [], NOW, width), *show.listed([long], NOW, width)]
        assert max(map(len, shown)) <= width


def test_foreign_texts_command_no_terminal() -> None:
    """Anybody may name an alert, or write an Event that a message quotes."""
    evil = "\x1b[2J\x9b31m\r\nPhase: Settled\u202e"
    bad = record(message=evil, verdicts=(VerdictRecord(evil, evil, evil),), plan=planned())
    lines = [
        *show.shown(bad, [msgspec.structs.replace(WORD, note=evil)], NOW, WIDTH),
        *show.listed([bad], NOW, WIDTH),
        *show.reasons(bad, NOW, WIDTH),
        *show.dry(DryRun(evil, {evil: evil}, Seen.PRESENT, Phase.BLOCKED, evil), WIDTH),
    ]
    assert all(line.isprintable() for line in lines)
    assert as_json({"text": evil}).replace("\n", "").isascii()
    assert "\x1b" not in as_json({"text": evil})


def test_the_list_has_a_line_for_each() -> None:
    """And says where an episode is over."""
    over = record(1, phase=Phase.CLEARED, over_at=NOW)
    head, first, second = show.listed([over, record(2)], NOW, 200)
    assert head.split() == ["NAME", "SIGNAL", "SUBJECT", "PHASE", "SINCE", "MESSAGE"]
    assert "Cleared (over)" in first
    assert "Observed" in second
    assert list(show.listed([], NOW, 80)) == ["No Remediations."]


def test_an_age_has_two_units() -> None:
    """As kubectl writes it."""
    assert [age(None), age(0), age(59.9), age(3700), age(90061)] == [
        "?",
        "0s",
        "59s",
        "1h1m",
        "1d1h",
    ]


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """The last one takes what is left."""
    assert list(columns([("A", "B"), ("long", "x" * 9)], 12)) == ["A      B", "long   xx..."]
