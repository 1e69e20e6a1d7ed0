"""gluster_quorum_lost as values: state and log in, signal or nothing out."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, SinceSource
from exporter.observe.signals.gluster_quorum_lost import GlusterQuorumLost, subject_of
from exporter.observe.view import Want
from tests.signals import made
from tests.signals.made import view

DETECTOR = GlusterQuorumLost()
VOLUME = subject_of("vol_1")
LOG = model.GlusterLog("a", quorum_lost=(model.QuorumLost("vol_1", 500.0),))
SERVER = (("cluster.server-quorum-type", "server"),)
DOWN = made.glusterd("a", answers=False)
UP = made.glusterd("a")


def volume(quorum: str, **fields: object) -> model.GlusterVolume:
    """Return the volume as node a's glusterd knows it."""
    made_up = made.gluster_volume("a", quorum=quorum, options=SERVER)
    return msgspec.structs.replace(made_up, **fields)


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([UP, volume("does_not_meet")], "NotMet"),
        ([UP, volume("does_not_meet"), LOG], "NotMet"),
        ([LOG, DOWN], "BricksStopped"),
        ([UP, LOG, volume("")], "BricksStopped"),
        ([UP, LOG, volume("not_applicable")], "BricksStopped"),
    ],
    ids=["state", "both", "glusterd down", "it does not say", "just started"],
)
def test_a_volume_without_quorum_is_a_signal(objects: list[Object], reason: str) -> None:
    """Either source is enough, and it names the node."""
    found = DETECTOR.decide(VOLUME, view(objects))
    assert found is not None
    assert (found.reason, found.since, found.since_source) == (
        reason,
        None,
        SinceSource.FIRST_SEEN,
    )
    assert found.named == (("node", "a"),)
    assert any(VOLUME in DETECTOR.suspects(obj, view(objects)) for obj in objects)


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [UP, volume("meets")],
        [UP, volume("meets"), LOG],
        [UP, volume("not_applicable", options=()), LOG],
        [UP, volume("does_not_meet", started=False)],
        [UP, volume("", started=False), LOG],
        [UP, LOG],
        [UP, volume("meets"), model.GlusterLog("a")],
    ],
    ids=[
        "nothing",
        "it meets",
        "a line that was missed",
        "no such quorum",
        "stopped",
        "stopped, and a line",
        "deleted since the line",
        "a silent log",
    ],
)
def test_other_volumes_are_no_signal(objects: list[Object]) -> None:
    """What glusterd says now wins over an old line."""
    assert DETECTOR.decide(VOLUME, view(objects)) is None


def test_a_node_on_the_losing_side_is_enough() -> None:
    """A pool that fell apart has a side that still meets quorum."""
    other = made.gluster_volume("b", quorum="does_not_meet")
    found = DETECTOR.decide(VOLUME, view([UP, volume("meets"), made.glusterd("b"), other]))
    assert found is not None
    assert found.named == (("node", "b"),)


def test_volume_log_and_glusterd_touch_it() -> None:
    """A glusterd that answers again decides what its log has left open."""
    seen = view([LOG, DOWN])
    for obj in (volume("meets"), LOG, DOWN):
        assert set(DETECTOR.touched(Change(None, obj), seen)) == {VOLUME}
    assert list(DETECTOR.suspects(DOWN, seen)) == [VOLUME]
    assert not list(DETECTOR.suspects(LOG, seen))


def test_a_fresh_look_asks_every_node() -> None:
    """Any of them may be on the side that lost."""
    kinds = (Kind.GLUSTER_VOLUME, Kind.GLUSTER_LOG, Kind.GLUSTERD)
    assert set(DETECTOR.reads(VOLUME, view([]))) == {Want(kind) for kind in kinds}


def test_a_brick_s_size_that_changes_touches_nothing() -> None:
    """Every look brings another one."""
    new = volume("meets", bricks=made.bricks("a", free=7))
    assert not set(DETECTOR.touched(Change(volume("meets"), new), view([new])))
    assert set(DETECTOR.touched(Change(volume(""), new), view([new]))) == {VOLUME}
