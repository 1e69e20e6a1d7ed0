"""What a log adds up to: echoes of a disconnect, locks really held, windows, bounds."""

from __future__ import annotations

import tracemalloc
from datetime import UTC

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe import gluster_told
from exporter.observe.gluster_told import (
    ECHO_SECONDS,
    MOST_PEERS,
    MOST_RECENT,
    MOST_VOLUMES,
    QUIET_SECONDS,
    RECENT_SECONDS,
    Told,
)
from exporter.observe.model import (
    LOCK_KINDS,
    Disconnects,
    GlusterLog,
    HeldLock,
    LockKind,
    QuorumLost,
)
from exporter.observe.model.gluster_lines import (
    BrickGone,
    GlusterdStarted,
    LockError,
    LogFact,
    PeerGone,
    QuorumTurned,
    Scanned,
)
from exporter.observe.parse import gluster_log
from tests.alerts.rules import ROOT
from tests.observe.gluster_lines import T0, UUID_A, UUID_B, V4_1, V10, flood

RECORDED = ROOT / "tests" / "observe" / "recorded" / "gluster"


def told(*lines: bytes, now: float = T0 + 10) -> GlusterLog:
    """Return what lines tell, seen at a time."""
    folded = Told()
    folded.take(gluster_log.scan(b"".join(lines), UTC), now)
    return folded.seen("a", now)


def kinds(log: GlusterLog) -> dict[str, tuple[int, int]]:
    """Return how many lines of each kind there were, and how many of them are echoes."""
    return {one.kind: (one.count, one.echoes) for one in log.locks}


def test_a_disconnect_with_thousands_of_volumes_is_one_disconnect() -> None:
    """11,000 lines of seed 003: no lock is held, nothing is in trouble."""
    log = told(flood(V4_1, T0, 5500))
    assert log.lines == 11_001
    assert kinds(log) == {"not_held": (5500, 5500), "not_released": (5500, 5500)}
    assert log.disconnects == (Disconnects(UUID_B, "node-b", 1, (T0,), "Peer in Cluster"),)
    assert (log.held, log.troubled_since) == ((), None)


def test_the_seed_s_lines_are_echoes_though_the_disconnect_itself_is_not_quoted() -> None:
    """The function that says `not released` writes it at a disconnect only."""
    at = (T0, T0 + 18, T0 + 27)
    log = told(
        *(V4_1.not_held(t, "v") + V4_1.not_released(t + 0.000006, "v") for t in at), now=T0 + 99
    )
    assert kinds(log) == {"not_held": (3, 3), "not_released": (3, 3)}
    assert log.troubled_since is None


def test_a_lock_that_is_not_held_without_any_disconnect_is_trouble() -> None:
    """As when it timed out under a command that took too long. Known only after some seconds."""
    line = V4_1.not_held(T0, "v")
    assert told(line, now=T0 + ECHO_SECONDS).troubled_since is None
    log = told(line, now=T0 + ECHO_SECONDS + 0.1)
    assert (log.troubled_since, log.troubled_last, log.troubled_lines) == (T0, T0, 1)
    assert kinds(log) == {"not_held": (1, 0)}
    assert log.locks[0].volume == "v"


@pytest.mark.parametrize("gap", [-1.0, 0.0, 1.0])
def test_an_echo_may_be_read_before_or_after_its_cause(gap: float) -> None:
    """A disconnect that glusterd folded is written up to two minutes later."""
    lines = [(T0, V4_1.not_held(T0, "v")), (T0 + gap, V4_1.disconnected(T0 + gap, "b", UUID_B))]
    log = told(*(line for _, line in sorted(lines)), now=T0 + 60)
    assert kinds(log) == {"not_held": (1, 1)}
    assert log.troubled_since is None


def test_a_lock_that_is_held_names_its_holder_from_the_first_refusal() -> None:
    """The same holder for the same volume again and again is one lock."""
    lines = [V4_1.held(T0 + n * 100, "v", UUID_B) for n in range(4)]
    log = told(*lines, V4_1.held(T0 + 300, "other", UUID_A), now=T0 + 301)
    assert log.held == (
        HeldLock("other", UUID_A, T0 + 300, T0 + 300, 1),
        HeldLock("v", UUID_B, T0, T0 + 300, 4),
    )
    assert log.troubled_since == T0


def test_a_lock_is_over_when_another_has_taken_it() -> None:
    """It was free in between, so the new one has its own time."""
    log = told(V4_1.held(T0, "v", UUID_B), V4_1.held(T0 + 5, "v", UUID_A))
    assert log.held == (HeldLock("v", UUID_A, T0 + 5, T0 + 5, 1),)


def test_a_lock_is_over_when_nobody_was_refused_for_a_while() -> None:
    """Longer than glusterd keeps one by itself; what comes then is a new one."""
    line = V4_1.held(T0, "v", UUID_B)
    assert told(line, now=T0 + QUIET_SECONDS).held
    assert not told(line, now=T0 + QUIET_SECONDS + 1).held
    later = T0 + QUIET_SECONDS + 1
    assert told(line, V4_1.held(later, "v", UUID_B), now=later).held[0].since == later


def test_a_row_of_errors_is_unbroken_until_it_is_quiet() -> None:
    """The newest row counts; one clash of two commands is over in minutes."""
    text = "Another transaction is in progress for v. Please try again after some time."
    place = "glusterd-syncop.c:1938:gd_sync_task_begin"
    times = [T0, T0 + QUIET_SECONDS + 1, T0 + QUIET_SECONDS + 200]
    lines = [V10.line(at, "E", place, text, 106118) for at in times]
    log = told(*lines, now=times[-1] + 1)
    assert (log.troubled_since, log.troubled_last, log.troubled_lines) == (times[1], times[2], 2)
    assert told(*lines, now=times[-1] + QUIET_SECONDS + 1).troubled_since is None


def test_a_held_lock_is_not_explained_by_a_flood() -> None:
    """Both at once: a peer goes away, and a lock is held."""
    log = told(flood(V4_1, T0, 100), V4_1.held(T0 + 1, "v", UUID_A), flood(V4_1, T0 + 2, 100))
    assert [one.holder for one in log.held] == [UUID_A]
    assert log.troubled_since == T0 + 1
    assert kinds(log)["not_held"] == (200, 200)


def test_peers_that_come_and_go() -> None:
    """Each by its uuid; ten minutes count as lately."""
    lines = [V10.disconnected(T0 + n * 250, "b", UUID_B) for n in range(4)]
    log = told(*lines, V10.disconnected(T0 + 751, "c", UUID_A, "Peer Rejected"), now=T0 + 760)
    assert log.disconnects == (
        Disconnects(UUID_A, "c", 1, (T0 + 751,), "Peer Rejected"),
        Disconnects(UUID_B, "b", 4, (T0 + 250, T0 + 500, T0 + 750), "Peer in Cluster"),
    )
    much_later = told(*lines, now=T0 + 750 + RECENT_SECONDS + 1).disconnects[0]
    assert (much_later.count, much_later.recent) == (4, ())


def test_folded_disconnects_count_each() -> None:
    """Their times lie between the first and the last."""
    fact = PeerGone(T0 + 60, "b", UUID_B, "Peer in Cluster", T0, times=3)
    folded = Told()
    folded.take(Scanned(1, 0, (fact,)), T0 + 100)
    gone = folded.seen("a", T0 + 100).disconnects[0]
    assert (gone.count, gone.recent) == (3, (T0 + 20, T0 + 40, T0 + 60))


def test_quorum_is_lost_until_it_is_there_again() -> None:
    """Since the first line; each volume for itself."""
    lost = [V4_1.quorum(T0 + n, volume, lost=True) for n, volume in enumerate("vvw")]
    assert told(*lost).quorum_lost == (QuorumLost("v", T0), QuorumLost("w", T0 + 2))
    assert told(*lost, V4_1.quorum(T0 + 3, "v", lost=False)).quorum_lost == (
        QuorumLost("w", T0 + 2),
    )


def test_a_new_start_forgets_what_only_the_old_process_knew() -> None:
    """Locks lie in memory, and quorum is decided anew."""
    start = V10.line(T0 + 3, "I", "glusterfsd.c:2767:main", "Started running version [{x}]", 100030)
    log = told(V10.held(T0, "v", UUID_B), V10.quorum(T0, "v", lost=True), start, start)
    assert (log.held, log.quorum_lost) == ((), ())
    assert (log.starts, log.recent_starts) == (2, (T0 + 3, T0 + 3))
    assert log.troubled_since == T0


def test_a_line_from_the_future_is_of_now() -> None:
    """A wrong zone must not hold a window open for hours."""
    log = told(V4_1.held(T0 + 7200, "v", UUID_B), now=T0)
    assert log.held[0].last == T0


def test_the_newest_line_that_is_no_echo_names_volume_and_peer() -> None:
    """What a person looks for first."""
    place = "glusterd-mgmt.c:85:gd_mgmt_v3_collate_errors"
    text = "Locking failed on node-b. Another transaction is in progress for v. Please try again"
    log = told(V10.line(T0, "E", place, text, 106115), flood(V10, T0 + 1, 3))
    by_kind = {one.kind: one for one in log.locks}
    assert by_kind["locking_failed"] == LockKind("locking_failed", 1, T0, 0, "v", "node-b")
    assert by_kind["not_held"].volume == ""


def test_everything_is_bounded() -> None:
    """However many names a log makes up, and however fast."""
    folded = Told()
    facts: list[LogFact] = [
        *(LockError(T0, "held_by", f"v{n}", UUID_B) for n in range(MOST_VOLUMES + 5)),
        *(QuorumTurned(T0, f"v{n}", lost=True) for n in range(MOST_VOLUMES + 5)),
        *(PeerGone(T0, f"h{n}", f"u{n}", "", T0) for n in range(MOST_PEERS + 5)),
        PeerGone(T0, "h", "last", "", T0 - 5, times=10**9),
        *(GlusterdStarted(T0 - 1) for _ in range(MOST_RECENT + 5)),
        BrickGone(T0, "b:/x", times=3),
    ]
    folded.take(Scanned(1, 0, tuple(facts[: -MOST_RECENT - 6])), T0)
    log = folded.seen("a", T0)
    assert (len(log.held), len(log.quorum_lost)) == (MOST_VOLUMES, MOST_VOLUMES)
    assert len(log.disconnects) == MOST_PEERS
    last = next(one for one in log.disconnects if one.uuid == "last")
    assert (last.count, len(last.recent)) == (10**9, MOST_RECENT)
    folded.take(Scanned(1, 0, tuple(facts[-MOST_RECENT - 6 :])), T0)
    log = folded.seen("a", T0)
    assert (log.starts, len(log.recent_starts)) == (MOST_RECENT + 5, MOST_RECENT)
    assert log.brick_disconnects == 3


def test_what_nothing_explains_is_held_once_a_second_whatever_its_kinds() -> None:
    """The two lines of a volume take turns; a flood of them must not be held line by line."""
    folded = Told()
    facts = tuple(
        LockError(T0 + number / 10_000, kind, f"v{number}")
        for number in range(5_000)
        for kind in ("not_held", "not_released")
    )
    folded.take(Scanned(len(facts), 0, facts), T0 + 1)
    assert [(one.kind, one.lines) for one in folded.pending] == [
        ("not_held", 5_000),
        ("not_released", 5_000),
    ]
    assert folded.seen("a", T0 + 2 * ECHO_SECONDS).troubled_lines == len(facts)


def test_floods_leave_nothing_behind() -> None:
    """Six disconnects with 5,500 volumes, 66,000 facts: as much memory as after one.

    Counted is what the fold itself holds: elsewhere in the process others come and go.
    """
    folded = Told()
    own = tracemalloc.Filter(inclusive=True, filename_pattern=gluster_told.__file__)

    def held() -> int:
        snapshot = tracemalloc.take_snapshot().filter_traces([own])
        return sum(one.size for one in snapshot.statistics("filename"))

    def disconnect(number: int) -> None:
        at = T0 + number * 30
        for start in range(0, 5500, 500):
            facts = tuple(
                LockError(at, kind, f"v{start + n}", release=kind == "not_released")
                for n in range(500)
                for kind in ("not_held", "not_released")
            )
            folded.take(Scanned(1000, 0, facts), at)

    tracemalloc.start()
    try:
        disconnect(0)
        before = held()
        for number in range(1, 6):
            disconnect(number)
        assert held() - before < 10_000
    finally:
        tracemalloc.stop()
    assert folded.seen("a", T0 + 600).locks[0].count == 6 * 5500


AT = st.floats(0, 2000)
UUIDS = st.sampled_from([UUID_A, UUID_B, ""])
NAMES = st.sampled_from(["v", "w", ""])
FACTS = st.one_of(
    st.builds(
        LockError,
        AT,
        st.sampled_from(LOCK_KINDS),
        NAMES,
        UUIDS,
        NAMES,
        st.booleans(),
        st.integers(1, 5),
    ),
    st.builds(PeerGone, AT, NAMES, UUIDS, NAMES, AT, st.integers(1, 5)),
    st.builds(QuorumTurned, AT, NAMES, st.booleans()),
    st.builds(GlusterdStarted, AT),
    st.builds(BrickGone, AT, NAMES, st.integers(1, 5)),
)


@given(st.lists(FACTS, max_size=40), st.data())
def test_whatever_comes_and_however_it_is_cut_counts_once(
    facts: list[object], data: st.DataObject
) -> None:
    """Any order of times; written down and read again between two pieces, it goes on alike."""
    now = 3000.0
    whole = Told()
    whole.take(Scanned(len(facts), 0, tuple(facts)), now)  # type: ignore[arg-type]
    cut = data.draw(st.integers(0, len(facts)))
    parts = Told()
    parts.take(Scanned(cut, 0, tuple(facts[:cut])), now)  # type: ignore[arg-type]
    parts = msgspec.json.decode(msgspec.json.encode(parts), type=Told)
    parts.take(Scanned(len(facts) - cut, 0, tuple(facts[cut:])), now)  # type: ignore[arg-type]
    assert parts.seen("a", now) == whole.seen("a", now)
    log = whole.seen("a", now)
    errors = [fact for fact in facts if isinstance(fact, LockError)]
    assert sum(one.count for one in log.locks) == sum(error.times for error in errors)
    assert all(0 <= one.echoes <= one.count for one in log.locks)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stopped", {"not_held": (3, 3), "not_released": (3, 3)}),
        ("detached", {"not_held": (3, 3), "not_released": (3, 3)}),
        ("quorum", {"not_held": (6, 6), "not_released": (6, 6)}),
        ("own_stop", {}),
        ("brick", {}),
        ("debug_status", {}),
        ("held_by_origin", {"held_by": (2, 0), "not_acquired": (2, 0)}),
        ("held_by_frozen", {"held_by": (1, 0), "not_acquired": (1, 0)}),
        (
            "refused_by_peer",
            {"not_held": (6, 6), "not_released": (7, 7), "locking_failed": (1, 0)},
        ),
        (
            "refusing_peer",
            {"not_held": (3, 3), "not_released": (4, 4), "held_by": (3, 0), "not_acquired": (2, 0)},
        ),
    ],
)
def test_what_a_real_pool_wrote(name: str, expected: dict[str, tuple[int, int]]) -> None:
    """GlusterFS 10.3, three nodes and three volumes; see local.gluster_record."""
    content = (RECORDED / f"{name}.log").read_bytes()
    scanned = gluster_log.scan(content, UTC)
    assert (scanned.lines, scanned.unparsed) == (content.count(b"\n"), 0)
    folded = Told()
    now = max((fact.at for fact in scanned.facts), default=0.0) + 30
    folded.take(scanned, now)
    log = folded.seen("a", now)
    assert kinds(log) == expected
    assert bool(log.held) == ("held_by" in expected)
    assert (log.troubled_since is None) == (not expected.keys() - {"not_held", "not_released"})
    assert log.quorum_lost == ()
