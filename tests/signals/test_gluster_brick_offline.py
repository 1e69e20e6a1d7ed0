"""gluster_brick_offline as values: what a node says of its own bricks, signal or nothing out."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Change, Kind, SinceSource
from exporter.observe.signals.gluster_brick_offline import GlusterBrickOffline, subject_of
from exporter.observe.view import Want
from tests.signals import made
from tests.signals.made import view

DETECTOR = GlusterBrickOffline()
BRICK = subject_of("vol_1", "a:/bricks/1")


def offline(at: str = "a", **fields: object) -> model.GlusterVolume:
    """Return a volume whose brick on this node does not run."""
    made_up = made.gluster_volume(at, bricks=made.bricks(at, online=False))
    return msgspec.structs.replace(made_up, **fields)


@pytest.mark.parametrize(
    ("quorum", "reason"), [("meets", "Offline"), ("does_not_meet", "QuorumLost")]
)
def test_a_brick_that_does_not_run_is_a_signal(quorum: str, reason: str) -> None:
    """And where glusterd stopped it itself, it says so: that one must not be started by force."""
    found = DETECTOR.decide(BRICK, view([offline(quorum=quorum)]))
    assert found is not None
    assert (found.reason, found.since, found.since_source) == (
        reason,
        None,
        SinceSource.FIRST_SEEN,
    )
    assert found.named == (("node", "a"),)
    assert ("stopped its bricks itself" in " ".join(found.evidence)) == (reason == "QuorumLost")


@pytest.mark.parametrize(
    "volume",
    [
        made.gluster_volume("a"),
        offline(started=False),
        made.gluster_volume("a", bricks=made.bricks("a", online=None)),
        made.gluster_volume("b", bricks=made.bricks("b", online=False)),
        offline(name="vol_2"),
    ],
    ids=["online", "stopped volume", "not known", "another node's", "another volume's"],
)
def test_other_bricks_are_no_signal(volume: model.GlusterVolume) -> None:
    """Only its own node's word counts, and only while it should run."""
    assert DETECTOR.decide(BRICK, view([volume])) is None


def test_the_word_of_a_node_about_another_node_s_brick_does_not_count() -> None:
    """Its glusterd knows only that the brick exists."""
    there = model.Brick("a", "/bricks/1", "uuid-a", local=False, online=False)
    volume = made.gluster_volume("b", bricks=(there,))
    assert DETECTOR.decide(BRICK, view([volume])) is None
    assert not list(DETECTOR.suspects(volume, view([volume])))


def test_the_volume_names_the_brick_as_suspect_and_as_touched() -> None:
    """One that stops is touched by its last version."""
    seen = view([offline()])
    assert list(DETECTOR.suspects(offline(), seen)) == [BRICK]
    assert set(DETECTOR.touched(Change(offline(), None), seen)) == {BRICK}
    assert not list(DETECTOR.suspects(made.glusterd(), seen))


def test_a_fresh_look_asks_every_node_that_has_the_volume() -> None:
    """A brick's host name need not be a node's."""
    assert set(DETECTOR.reads(BRICK, view([]))) == {Want(Kind.GLUSTER_VOLUME)}


def test_a_size_that_changes_touches_nothing() -> None:
    """Every look brings another one, for thousands of bricks."""
    old = offline()
    new = made.gluster_volume("a", bricks=made.bricks("a", online=False, free=7))
    assert not set(DETECTOR.touched(Change(old, new), view([new])))
    assert set(DETECTOR.touched(Change(old, made.gluster_volume("a")), view([new]))) == {BRICK}
