"""gluster_heal_pending as values: a brick's own heal index in, signal or nothing out."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, SinceSource
from exporter.observe.signals.gluster_heal_pending import GlusterHealPending, subject_of
from exporter.observe.view import Want
from tests.signals import made
from tests.signals.made import view

DETECTOR = GlusterHealPending()
BRICK = subject_of("vol_1", "a:/bricks/1")


def pending(entries: int | None = 3, **fields: object) -> model.GlusterVolume:
    """Return a volume of node a whose brick there has something to give to others."""
    made_up = made.gluster_volume("a", bricks=made.bricks("a", heal_pending=entries))
    return msgspec.structs.replace(made_up, **fields)


def peers(*, b_connected: bool) -> model.Glusterd:
    """Return the glusterd of node a, with or without node b."""
    b = model.Peer("uuid-b", "b", "Peer in Cluster", connected=b_connected)
    return made.glusterd("a", peers=(b,))


@pytest.mark.parametrize(
    ("around", "reason"),
    [
        ([], "Pending"),
        ([peers(b_connected=True)], "Pending"),
        ([peers(b_connected=False)], "PeerDown"),
    ],
    ids=["glusterd not seen", "all connected", "one away"],
)
def test_entries_in_the_heal_index_are_a_signal(around: list[Object], reason: str) -> None:
    """Whether healing can work at all is the reason."""
    found = DETECTOR.decide(BRICK, view([pending(), *around]))
    assert found is not None
    assert (found.reason, found.since_source) == (reason, SinceSource.FIRST_SEEN)
    assert found.named == (("node", "a"),)
    assert "has 3 entries" in found.evidence[0]


def test_a_peer_that_has_no_brick_of_the_volume_does_not_hinder_it() -> None:
    """Its absence is another failure."""
    away = model.Peer("uuid-x", "x", "Peer in Cluster", connected=False)
    found = DETECTOR.decide(BRICK, view([pending(), made.glusterd("a", peers=(away,))]))
    assert found is not None
    assert found.reason == "Pending"


@pytest.mark.parametrize("volume", [pending(0), pending(None), pending(started=False)])
def test_other_bricks_are_no_signal(volume: model.GlusterVolume) -> None:
    """Nothing pending, nothing known, or nothing that could heal."""
    assert DETECTOR.decide(BRICK, view([volume])) is None
    assert not list(DETECTOR.suspects(volume, view([volume])))


def test_the_volume_and_the_node_s_peers_touch_it() -> None:
    """What a glusterd no longer reaches changes the reason."""
    seen = view([pending(), peers(b_connected=True)])
    assert list(DETECTOR.suspects(pending(), seen)) == [BRICK]
    assert set(DETECTOR.touched(Change(None, pending()), seen)) == {BRICK}
    assert set(DETECTOR.touched(Change(None, peers(b_connected=False)), seen)) == {BRICK}


def test_a_fresh_look_asks_for_the_glusterd_of_the_brick_s_node() -> None:
    """Once it is known which one that is."""
    volumes = {Want(Kind.GLUSTER_VOLUME)}
    assert set(DETECTOR.reads(BRICK, view([]))) == volumes
    assert set(DETECTOR.reads(BRICK, view([pending()]))) == volumes | {
        Want(Kind.GLUSTERD, name="a")
    }
