"""gluster_peer_flapping as values: peers and disconnects in, signal or nothing out."""

import pytest

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, SinceSource
from exporter.observe.signals.gluster_peer_flapping import GlusterPeerFlapping, subject_of
from exporter.observe.view import Want
from tests.signals import made
from tests.signals.made import view

DETECTOR = GlusterPeerFlapping()
PEER = subject_of("a", "b")


def sees(state: str = model.PEER_IN_CLUSTER, *, connected: bool = True) -> model.Glusterd:
    """Return node a's glusterd, which has one peer."""
    return made.glusterd("a", peers=(model.Peer("uuid-b", "b", state, connected=connected),))


def log(*recent: float, uuid: str = "uuid-b", hostname: str = "b") -> model.GlusterLog:
    """Return node a's log, which tells when the peer went away."""
    return model.GlusterLog("a", disconnects=(model.Disconnects(uuid, hostname, 9, recent),))


THRICE = log(9_000.0, 9_300.0, 9_600.0)


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([sees(connected=False)], "Disconnected"),
        ([sees(connected=False), log(9_000.0)], "Disconnected"),
        ([sees("Peer Rejected")], "Rejected"),
        ([sees("Peer Rejected", connected=False), THRICE], "Rejected"),
        ([sees("Probe Sent to Peer")], "NotInCluster"),
        ([sees(), THRICE], "Flapping"),
        ([sees(connected=False), THRICE], "Flapping"),
        ([sees(), log(1.0, 9_000.0, 9_300.0, 9_600.0)], "Flapping"),
        ([made.glusterd("a", answers=False, peers=()), THRICE], "Flapping"),
        ([sees(), log(9_000.0, 9_100.0, 9_200.0, hostname="10.0.0.2")], "Flapping"),
    ],
    ids=[
        "away",
        "away, once",
        "rejected",
        "rejected and away",
        "half a member",
        "three times, and there now",
        "three times, and away now",
        "an old one before",
        "only the log",
        "the log calls it otherwise",
    ],
)
def test_a_peer_that_is_not_well_is_a_signal(objects: list[Object], reason: str) -> None:
    """Of the pool's state now, and of how often it changed."""
    found = DETECTOR.decide(PEER, view(objects))
    assert found is not None
    assert (found.reason, found.since, found.since_source) == (
        reason,
        None,
        SinceSource.FIRST_SEEN,
    )
    assert found.evidence
    assert any(PEER in DETECTOR.suspects(obj, view(objects)) for obj in objects)


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [sees()],
        [sees(), log(9_000.0, 9_300.0)],
        [sees(), log(1.0, 9_300.0, 9_600.0)],
        [made.glusterd("a", peers=()), THRICE],
        [made.glusterd("b"), THRICE],
    ],
    ids=[
        "nothing",
        "well",
        "twice",
        "three times in an hour",
        "detached from the pool",
        "another node's glusterd, and no name for the peer there",
    ],
)
def test_other_peers_are_no_signal(objects: list[Object]) -> None:
    """A restart of a node is one disconnect; what is no peer any more does not flap."""
    if objects[-1:] == [THRICE] and objects[0] == made.glusterd("b"):
        assert DETECTOR.decide(subject_of("b", "b"), view(objects)) is None
    else:
        assert DETECTOR.decide(PEER, view(objects)) is None


def test_a_peer_without_a_name_is_called_by_its_uuid() -> None:
    """Until its probe has told one."""
    nameless = model.Peer("uuid-b", "", "", connected=False)
    seen = view([made.glusterd("a", peers=(nameless,))])
    assert DETECTOR.decide(subject_of("a", "uuid-b"), seen) is not None


def test_a_change_touches_the_peers_of_both_versions_and_those_in_the_log() -> None:
    """A name that changes leaves its old subject behind."""
    renamed = made.glusterd("a", peers=(model.Peer("uuid-b", "b2", "", connected=False),))
    seen = view([renamed, THRICE])
    touched = set(DETECTOR.touched(Change(sees(), renamed), seen))
    assert touched == {PEER, subject_of("a", "b2")}
    assert set(DETECTOR.touched(Change(None, THRICE), seen)) == {subject_of("a", "b2")}


def test_a_fresh_look_asks_the_node_itself() -> None:
    """Its glusterd and its log."""
    wanted = {Want(Kind.GLUSTERD, name="a"), Want(Kind.GLUSTER_LOG, name="a")}
    assert set(DETECTOR.reads(PEER, view([]))) == wanted
