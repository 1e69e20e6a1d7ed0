"""What a real pool wrote and printed (deploy/local, GlusterFS 10.3): both grammars say the same."""

from pathlib import Path

import msgspec
import pytest

from exporter.observe.model import GlusterVolume
from exporter.observe.parse import gluster_xml
from exporter.observe.parse.gluster_state import State, state

RECORDED = Path(__file__).parent / "recorded" / "gluster"


def recorded(name: str) -> State:
    """Return what a recorded state file says."""
    found = state((RECORDED / name).read_bytes(), "gluster-a")
    assert isinstance(found, State), found
    return found


def volume(found: State, name: str) -> GlusterVolume:
    """Return one volume."""
    return next(one for one in found.volumes if one.name == name)


def without_states(one: GlusterVolume) -> GlusterVolume:
    """Return a volume as `volume info` knows it."""
    bricks = (msgspec.structs.replace(b, online=None, size=None, free=None) for b in one.bricks)
    return msgspec.structs.replace(one, quorum="", bricks=tuple(bricks))


def test_a_whole_pool() -> None:
    """Each volume with its kind, all own bricks online and measured, both peers there."""
    found = recorded("whole.state")
    kinds = {one.name: (one.kind, one.replica, one.arbiter, one.started) for one in found.volumes}
    assert kinds == {
        "rep3": ("Replicate", 3, 0, True),
        "arb": ("Replicate", 3, 1, True),
        "dist": ("Distribute", 1, 0, True),
    }
    own = [brick for one in found.volumes for brick in one.bricks if brick.local]
    assert len(own) == 3
    assert all(brick.online and brick.size and brick.free for brick in own)
    assert {brick.host_uuid for brick in own} == {found.uuid}
    assert [(one.hostname, one.state, one.connected) for one in found.peers] == [
        ("gluster-b", "Peer in Cluster", True),
        ("gluster-c", "Peer in Cluster", True),
    ]
    uuids = {found.uuid, *(one.uuid for one in found.peers)}
    assert {brick.host_uuid for one in found.volumes for brick in one.bricks} == uuids


def test_details_change_nothing() -> None:
    """Clients of bricks are passed over."""
    detail, plain = recorded("whole_detail.state"), recorded("whole.state")
    assert [*map(without_states, detail.volumes)] == [*map(without_states, plain.volumes)]


def test_volume_info_says_what_the_state_does() -> None:
    """But for states and sizes of bricks, and the quorum."""
    found = recorded("whole.state")
    body = (RECORDED / "whole_volume_info.xml").read_bytes()
    said = gluster_xml.volumes(body, "gluster-a", found.uuid)
    assert said == tuple(map(without_states, found.volumes))


@pytest.mark.parametrize("name", ["whole_pool_list.xml", "whole_peer_status.xml"])
def test_peers_are_the_same_everywhere(name: str) -> None:
    """In any order; only the pool's list tells who answers."""
    found = recorded("whole.state")
    said = gluster_xml.peers((RECORDED / name).read_bytes())
    assert not isinstance(said, str)
    uuid, peers = said
    assert uuid == (found.uuid if "pool" in name else "")
    assert set(peers) == set(found.peers)


def test_a_lost_quorum() -> None:
    """The volume with a server quorum does not meet it, and its bricks were stopped."""
    found = recorded("quorum.state")
    lost = volume(found, "rep3")
    assert lost.quorum == "does_not_meet"
    assert lost.options == (("cluster.server-quorum-type", "server"),)
    assert [brick.online for brick in lost.bricks if brick.local] == [False]
    assert [one.connected for one in found.peers] == [False, False]
    assert volume(found, "arb").quorum == "not_applicable"


def test_a_killed_brick() -> None:
    """It alone is offline."""
    found = recorded("brick.state")
    own = {one.name: brick.online for one in found.volumes for brick in one.bricks if brick.local}
    assert own == {"rep3": False, "arb": True, "dist": True}
