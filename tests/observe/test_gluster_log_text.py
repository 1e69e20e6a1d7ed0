"""Lines of the glusterd log of 3.12 to 11 become facts, however they are cut; no bytes raise."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.observe.model.gluster_lines import (
    BrickGone,
    GlusterdStarted,
    LockError,
    LogFact,
    PeerGone,
    QuorumTurned,
    Scanned,
)
from exporter.observe.parse import gluster_log, gluster_texts
from exporter.observe.parse.whole_lines import WholeLines
from tests.observe.gluster_lines import (
    BACKTRACE,
    LOCK,
    NOTIFY,
    STYLES,
    T0,
    UUID_A,
    UUID_B,
    V4_1,
    V10,
    Style,
)

TRACE = BACKTRACE.encode()
SEED = (
    b"[2021-02-01 02:41:30.695758] W [glusterd-locks.c:845:glusterd_mgmt_v3_unlock] "
    + TRACE
    + b"0-management: Lock for vol vol_1ecc01efcb8a6ea69acf35cbd7071da0 not held\n"
    b"[2021-02-01 02:41:30.695764] W [MSGID: 106117]"
    b" [glusterd-handler.c:6407:__glusterd_peer_rpc_notify]"
    b" 0-management: Lock not released for vol_1ecc01efcb8a6ea69acf35cbd7071da0\n"
)
VOLUME = "vol_1ecc01efcb8a6ea69acf35cbd7071da0"
OP_SM = "glusterd-op-sm.c:4063:glusterd_op_ac_lock"
MGMT = "glusterd-mgmt.c:85:gd_mgmt_v3_collate_errors"


def facts(lines: bytes) -> tuple[LogFact, ...]:
    """Return what lines in UTC say; all must be lines."""
    found = gluster_log.scan(lines, UTC)
    assert found.unparsed == 0
    assert found.lines == lines.count(b"\n")
    return found.facts


def test_the_lines_of_the_disaster() -> None:
    """Seed 003, GlusterFS 4.1.7: the backtrace hides nothing."""
    held, released = facts(SEED)
    assert held == LockError(T0 + 0.695758, "not_held", VOLUME)
    assert released == LockError(T0 + 0.695764, "not_released", VOLUME, release=True)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (f"Lock for vol {VOLUME} not held", LockError(T0, "not_held", VOLUME)),
        ("Lock for snap s1 not held", LockError(T0, "not_held", "s1")),
        ("Unable to release lock for v", LockError(T0, "not_released", "v")),
        ("Failed to release lock for v.", LockError(T0, "not_released", "v")),
        (
            f"Failed to release lock for vol v on behalf of {UUID_A}.",
            LockError(T0, "not_released", "v"),
        ),
        (
            "Unlocking failed on node-b.example. Please check log file for details.",
            LockError(T0, "not_released", peer="node-b.example"),
        ),
        (
            "Unlocking failed for operation volume Start on peer node-b.example",
            LockError(T0, "not_released", peer="node-b.example"),
        ),
        (f"Lock for v held by {UUID_B}", LockError(T0, "held_by", "v", UUID_B)),
        (f"Lock for vol held by {UUID_B}", LockError(T0, "held_by", "vol", UUID_B)),
        (
            f"Lock owner mismatch. Lock for vol v held by {UUID_B.upper()}",
            LockError(T0, "held_by", "v", UUID_B),
        ),
        (
            f"Unable to get lock for uuid: {UUID_A}, lock held by: {UUID_B}",
            LockError(T0, "held_by", holder=UUID_B),
        ),
        ("Unable to acquire lock for v", LockError(T0, "not_acquired", "v")),
        (
            f"Failed to acquire lock for vol v on behalf of {UUID_A}. Reversing this transaction",
            LockError(T0, "not_acquired", "v"),
        ),
        (
            "Another transaction is in progress for v. Please try again after sometime.",
            LockError(T0, "another_transaction", "v"),
        ),
        (
            "Another transaction is in progress for v. Please try again after some time.",
            LockError(T0, "another_transaction", "v"),
        ),
        (
            "Another transaction is in progress. Please try again after some time.",
            LockError(T0, "another_transaction"),
        ),
        (
            "Another transaction is in progress Please try again after sometime.",
            LockError(T0, "another_transaction"),
        ),
        (
            "Another transaction could be in progress. Please try again after some time.",
            LockError(T0, "another_transaction"),
        ),
        (
            "Locking failed on 10.0.0.2. Please check log file for details.",
            LockError(T0, "locking_failed", peer="10.0.0.2"),
        ),
        (
            "Locking failed on node-b. Another transaction is in progress for v. Please try again",
            LockError(T0, "locking_failed", "v", peer="node-b"),
        ),
        ("Locking failed on node-b.", LockError(T0, "locking_failed", peer="node-b")),
        (
            f"Peer <b.x> (<{UUID_B}>), in state <Peer Rejected>, has disconnected from glusterd.",
            PeerGone(T0, "b.x", UUID_B, "Peer Rejected", T0),
        ),
        (
            "Brick node-b:/bricks/v 1 has disconnected from glusterd.",
            BrickGone(T0, "node-b:/bricks/v 1"),
        ),
        (
            "Server quorum lost for volume v. Stopping local bricks.",
            QuorumTurned(T0, "v", lost=True),
        ),
        (
            "Server quorum regained for volume v. Starting local bricks.",
            QuorumTurned(T0, "v", lost=False),
        ),
        (
            "Started running /usr/sbin/glusterd version 4.1.7 (args: /usr/sbin/glusterd)",
            GlusterdStarted(T0),
        ),
        (
            "Started running version [{arg=/usr/sbin/glusterd}, {version=10.3}]",
            GlusterdStarted(T0),
        ),
        (f"Lock for vol v successfully held by {UUID_A}", None),
        ("Lock for vol v successfully released", None),
        ("glustershd has disconnected from glusterd.", None),
        ("Unable to get lock owner in mgmt_v3 lock", None),
        ("Server quorum not met. Rejecting operation.", None),
        ("Failed to acquire all vol locks", None),
        ("unlock timer is cancelled for volume v", None),
        ("Received a text: Lock for vol v not held", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("msgid", [0, 106118])
def test_a_text_of(style: Style, msgid: int, text: str, fact: LogFact | None) -> None:
    """Every wording in every version's form, with and without number and backtrace."""
    line = style.line(T0, "W", OP_SM, text, msgid)
    assert facts(line) == (() if fact is None else (fact,))


def test_an_error_in_words_at_the_end_changes_nothing() -> None:
    """GlusterFS adds [strerror]; a gf_smsg lists fields in brackets, before 8 after tabs."""
    assert facts(V4_1.line(T0, "E", MGMT, "Locking failed on b. Text [Invalid argument]", 1)) == (
        LockError(T0, "locking_failed", peer="b"),
    )
    assert (
        facts(V10.line(T0, "E", MGMT, "Failed [{key=a}, {errno=2}, {error=No such file}]", 1)) == ()
    )
    assert facts(V4_1.line(T0, "E", MGMT, "Failed\tkey=a\terrno=2", 1)) == ()


@pytest.mark.parametrize("style", [V4_1, V10])
def test_what_was_folded_counts_as_often_as_it_came(style: Style) -> None:
    """`repeated N times` names the first time and the last."""
    text = f"Peer <b> (<{UUID_B}>), in state <Peer in Cluster>, has disconnected from glusterd."
    folded = (
        f'The message "I [MSGID: 106004] [{NOTIFY}] 0-management: {text}" repeated 3 times between'
        f" [{style.time(T0)}] and [{style.time(T0 + 60)}]\n"
    )
    assert facts(folded.encode()) == (
        PeerGone(T0 + 60, "b", UUID_B, "Peer in Cluster", T0, times=3),
    )
    error = folded.replace('glusterd." rep', 'glusterd. [Success]" rep').encode()
    assert len(facts(error)) == 1
    assert facts(folded.replace("repeated 3", "repeated 0").encode()) == ()
    assert facts(folded.replace(style.time(T0), "some time").encode()) == ()


def test_local_time_without_a_zone() -> None:
    """--localtime-logging before 9: the zone is ours to know, and clocks change."""
    berlin = ZoneInfo("Europe/Berlin")
    for at in (T0, T0 + 180 * 86400):
        line = Style(local=berlin).not_held(at, "v")
        assert gluster_log.scan(line, berlin).facts == (LockError(at, "not_held", "v"),)


def test_a_zone_in_the_line_goes_first() -> None:
    """GlusterFS 9 and later name it, whatever is set here."""
    style = Style(zone=" +0530", local=timezone(timedelta(hours=5, minutes=30)))
    behind = Style(zone=" -0330", local=timezone(-timedelta(hours=3, minutes=30)))
    for one in (style, behind, V10):
        assert facts(one.not_held(T0, "v")) == (LockError(T0, "not_held", "v"),)
        assert gluster_log.scan(one.not_held(T0, "v"), ZoneInfo("Asia/Tokyo")).facts == (
            LockError(T0, "not_held", "v"),
        )


@pytest.mark.parametrize(
    ("lines", "unparsed"),
    [
        (b"[2021-02-01 02:41:30.695758] W [glusterd-locks.c:8\n", 1),
        (b"[\n", 1),
        (b"[]: nothing\n", 1),
        (b"[2021-02-01 02:41:30.695758] W no place\n", 1),
        (b"[2021-13-01 02:41:30.695758] W [a.c:1:f] 0-m: Lock for vol v not held\n", 1),
        (b"[2021-02-01 02:41:99.695758] W [a.c:1:f] 0-m: Lock for vol v not held\n", 1),
        (b"[2021-02-01 02:41:30.695758] W [a.c:1:f] Lock for vol v not held\n", 1),
        (b"[0001-01-01 00:00:00.000000 +2359] W [a.c:1:f] 0-m: Lock for vol v not held\n", 0),
        (b"Final graph:\n+-----+\n  1: volume management\n\npending frames:\n", 0),
        (b"Lock for vol v not held\n", 0),
        (b"The message is none of ours\n", 0),
        (b'The message "I [MSGID: 1] [a.c:1:f] 0-m: cut\n', 0),
        (b"\xff\xfe\x00 binary\n", 0),
    ],
)
def test_what_is_no_line_is_counted_if_it_begins_like_one(lines: bytes, unparsed: int) -> None:
    """The rest belongs to a text of several lines."""
    for around in (b"", V4_1.calm(T0)):
        found = gluster_log.scan(around + lines + around, UTC)
        assert (found.lines, found.unparsed) == (
            (around + lines + around).count(b"\n"),
            unparsed,
        )


def test_a_last_line_without_an_end_is_one() -> None:
    """Whoever has only half of it must wait; see WholeLines."""
    assert facts(b"") == ()
    assert gluster_log.scan(V4_1.not_held(T0, "v").rstrip(), UTC).lines == 1


def test_a_rule_is_looked_at_only_where_a_line_begins_like_it() -> None:
    """What runs over calm lines is made of the rules, so none can be forgotten."""
    for rule in gluster_texts.RULES:
        line = V4_1.line(T0, "I", LOCK, rule.begins.decode() + "x", 106004)
        calm = gluster_log._CALM.match(line)  # noqa: SLF001 -- what it steps over is nobody else's business
        assert calm is not None
        assert calm.end() == 0


LINES = st.one_of(
    st.sampled_from(
        [
            *SEED.splitlines(keepends=True),
            V10.disconnected(T0, "b", UUID_B),
            V4_1.calm(T0),
            V4_1.held(T0, "v", UUID_B),
            b"[broken\n",
            b"continued\n",
            b"\n",
            b"x" * 300 + b"\n",
        ]
    ),
    st.binary(max_size=60),
)


@given(st.lists(LINES, max_size=30).map(b"".join), st.lists(st.integers(1, 200), min_size=1))
@settings(max_examples=200)
def test_any_cutting_tells_the_same(content: bytes, cuts: list[int]) -> None:
    """A file read in pieces of any size says what it says as a whole, and counts alike."""
    assert told(content, cuts) == told(content, [len(content) + 1])


def told(content: bytes, cuts: list[int]) -> tuple[int, int, int, list[LogFact]]:
    """Return what comes of a file that is read in pieces of these sizes, again and again."""
    whole = WholeLines(longest=250)
    found: list[Scanned] = []
    at = turn = 0
    while at < len(content):
        size = cuts[turn % len(cuts)]
        found.append(gluster_log.scan(whole.feed(content[at : at + size]), UTC))
        at, turn = at + size, turn + 1
    found.append(gluster_log.scan(whole.end(), UTC))
    every = [fact for one in found for fact in one.facts]
    return (
        sum(one.lines for one in found),
        sum(one.unparsed for one in found),
        whole.too_long,
        every,
    )


@given(st.binary(max_size=500))
def test_no_bytes_raise(content: bytes) -> None:
    """Whatever is in the file."""
    found = gluster_log.scan(content, UTC)
    assert 0 <= found.unparsed <= found.lines


@given(
    st.sampled_from(gluster_texts.RULES), st.binary(max_size=80).filter(lambda it: b"\n" not in it)
)
def test_no_text_raises(rule: gluster_texts.Rule, rest: bytes) -> None:
    """A rule's first words, and anything after them."""
    head = V4_1.line(T0, "I", LOCK, "", 106004).rstrip(b"\n")
    assert gluster_log.scan(head + rule.begins + rest + b"\n", UTC).lines == 1
