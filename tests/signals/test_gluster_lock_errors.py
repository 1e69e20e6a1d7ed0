"""gluster_lock_errors as values: what the log has told, signal or nothing out."""

import pytest

from exporter.observe import model
from exporter.observe.model import Change, Kind, LockKind, SinceSource
from exporter.observe.signals.gluster_lock_errors import GlusterLockErrors, subject_of
from exporter.observe.view import Want
from tests.signals import made
from tests.signals.made import view

DETECTOR = GlusterLockErrors()
NODE, VOLUME = subject_of("a", ""), subject_of("a", "vol_1")
HELD = model.HeldLock("vol_1", "uuid-b", 400.0, 900.0)


def log(**fields: object) -> model.GlusterLog:
    """Return node a's log, which tells of nothing but this."""
    quiet: dict[str, object] = {"held": (), "troubled_since": None, "locks": ()}
    return made.gluster_log("a", **{**quiet, **fields})


def test_a_lock_that_is_not_given_back_is_a_signal_of_its_volume() -> None:
    """Since its first line; the holder is named by uuid and by what the node calls it."""
    found = DETECTOR.decide(VOLUME, view([log(held=(HELD,)), made.glusterd("a")]))
    assert found is not None
    assert (found.reason, found.since, found.since_source) == ("Held", 400.0, SinceSource.LOG)
    assert dict(found.named) == {"holder": "uuid-b", "holder_host": "b"}


@pytest.mark.parametrize(
    ("holder", "host"), [("uuid-a", "a"), ("uuid-b", "b"), ("uuid-x", ""), ("", "")]
)
def test_a_holder_may_be_the_node_itself_or_nobody_who_is_known(holder: str, host: str) -> None:
    """Then the uuid is all there is."""
    held = model.HeldLock("vol_1", holder, 400.0, 900.0)
    found = DETECTOR.decide(VOLUME, view([log(held=(held,)), made.glusterd("a")]))
    assert found is not None
    assert dict(found.named) == {"holder": holder, "holder_host": host}


def test_without_its_glusterd_the_holder_has_no_name() -> None:
    """It only helps."""
    found = DETECTOR.decide(VOLUME, view([log(held=(HELD,))]))
    assert found is not None
    assert dict(found.named)["holder_host"] == ""


def test_of_two_holders_the_one_that_held_first_is_named() -> None:
    """And a lock of no volume is the node's."""
    later = model.HeldLock("vol_1", "uuid-c", 600.0, 900.0)
    whole = model.HeldLock("", "uuid-c", 500.0, 900.0)
    seen = view([log(held=(later, HELD, whole))])
    first, node = DETECTOR.decide(VOLUME, seen), DETECTOR.decide(NODE, seen)
    assert first is not None
    assert node is not None
    assert (dict(first.named)["holder"], node.reason, node.since) == ("uuid-b", "Held", 500.0)


@pytest.mark.parametrize(
    ("locks", "reason"),
    [
        ((), "Failing"),
        ((LockKind("another_transaction", 5, 900.0),), "Busy"),
        ((LockKind("another_transaction", 5, 900.0), LockKind("not_held", 5, 950.0)), "Busy"),
        ((LockKind("another_transaction", 5, 900.0), LockKind("held_by", 1, 950.0)), "Failing"),
        ((LockKind("another_transaction", 5, None), LockKind("held_by", 1, 400.0)), "Failing"),
        ((LockKind("another_transaction", 5, 299.0), LockKind("not_held", 1, 400.0)), "Failing"),
    ],
    ids=["not told", "busy", "busy, and an echo", "failing now", "never came", "busy long ago"],
)
def test_a_row_of_errors_is_a_signal_of_the_node(locks: tuple[LockKind, ...], reason: str) -> None:
    """The newest line that is no echo says what it is."""
    found = DETECTOR.decide(NODE, view([log(troubled_since=300.0, locks=locks)]))
    assert found is not None
    assert (found.reason, found.since) == (reason, 300.0)
    assert dict(found.named) == {"holder": "", "holder_host": ""}
    assert len(found.evidence) == len(locks)


def test_the_newest_line_says_where_it_was() -> None:
    """For whoever reads it, the volume and the peer are where to look."""
    told = LockKind("locking_failed", 5, 900.0, 1, "vol_1", "b")
    found = DETECTOR.decide(NODE, view([log(troubled_since=300.0, locks=(told,))]))
    assert found is not None
    (said,) = found.evidence
    assert "5 lines, 1 of them echoes" in said
    assert said.endswith("volume vol_1, peer b")


def test_the_echo_of_a_disconnect_is_no_signal() -> None:
    """Eleven thousand lines of it, and nothing is wrong with any lock."""
    echo = (LockKind("not_held", 5_500, 900.0), LockKind("not_released", 5_500, 900.0))
    seen = view([log(locks=echo), made.glusterd("a")])
    assert DETECTOR.decide(NODE, seen) is None
    assert DETECTOR.decide(VOLUME, seen) is None
    assert not list(DETECTOR.suspects(log(locks=echo), seen))


def test_a_held_lock_explains_the_row_of_errors() -> None:
    """One trouble, one signal."""
    both = log(held=(HELD,), troubled_since=300.0)
    assert DETECTOR.decide(NODE, view([both])) is None
    assert DETECTOR.decide(VOLUME, view([both])) is not None


def test_log_and_glusterd_touch_what_the_log_tells_of() -> None:
    """A glusterd knows what the holder is called."""
    told = log(held=(HELD,), troubled_since=300.0)
    seen = view([told])
    for change in (Change(told, None), Change(None, made.glusterd("a"))):
        assert set(DETECTOR.touched(change, seen)) == {NODE, VOLUME}


def test_a_fresh_look_asks_the_node_itself() -> None:
    """Its log and its glusterd."""
    wanted = {Want(Kind.GLUSTERD, name="a"), Want(Kind.GLUSTER_LOG, name="a")}
    assert set(DETECTOR.reads(VOLUME, view([]))) == wanted
