"""The state file of a glusterd: what is read of it, what is passed over, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.model import Peer
from exporter.observe.parse import gluster_state
from exporter.observe.parse.gluster_state import State, state
from tests.observe.gluster_made import FREE, NODES, SIZE, TAIL, UUIDS, state_file

WHOLE = state_file(["vol_a", "vol_b"])
LONG = state_file(f"vol_{number}" for number in range(12))
BLOCK = 4096
EVERYTHING = WHOLE.index(b"\n[Misc]\n") + len(b"\n[Misc]\n")
LINES = WHOLE.split(b"\n")


def read(body: bytes) -> State:
    """Return what a file says, which must be whole."""
    found = state(body, "n1")
    assert isinstance(found, State), found
    return found


def test_a_glusterd_tells_of_itself_and_its_peers() -> None:
    """Who it is, the cluster's op-version, and each peer with its state."""
    found = read(WHOLE)
    assert (found.uuid, found.op_version) == (UUIDS[0], 100000)
    assert found.peers == tuple(
        Peer(UUIDS[number], NODES[number], "Peer in Cluster", connected=True) for number in (1, 2)
    )


def test_bricks_of_the_node_itself_have_a_state_and_sizes() -> None:
    """Of the others only where they are is known; whose they are is said by the peers' names."""
    first, second, _ = read(WHOLE).volumes[0].bricks
    assert (first.local, first.online, first.size, first.free) == (True, True, SIZE, FREE)
    assert (second.local, second.online, second.size, second.free) == (False, None, None, None)
    assert [one.host_uuid for one in read(WHOLE).volumes[0].bricks] == list(UUIDS)
    assert first.name == f"{NODES[0]}:/bricks/vol_a"


def test_a_volume_has_its_counts_quorum_and_the_options_that_decide_it() -> None:
    """The pool's own options are among them, as in `volume info`; others are not kept."""
    volume = read(WHOLE).volumes[1]
    assert (volume.name, volume.kind, volume.started, volume.replica) == (
        "vol_b",
        "Replicate",
        True,
        3,
    )
    assert (volume.node, volume.quorum) == ("n1", "meets")
    assert volume.options == (
        ("cluster.server-quorum-ratio", "51"),
        ("cluster.server-quorum-type", "server"),
    )


def test_a_peer_by_any_of_its_names_owns_its_bricks() -> None:
    """A brick may be named by a name that is not the peer's first."""
    other = f"{NODES[1]}.storage.example".encode()
    body = WHOLE.replace(b"path: " + NODES[1].encode(), b"path: " + other)
    assert read(body).volumes[0].bricks[1].host_uuid == UUIDS[1]


def test_a_brick_of_nobody_has_no_uuid() -> None:
    """Its host is no peer: not known is not guessed."""
    body = WHOLE.replace(b"path: " + NODES[1].encode(), b"path: elsewhere")
    assert read(body).volumes[0].bricks[1].host_uuid == ""


def test_a_host_may_be_an_ipv6_address() -> None:
    """Its colons are not the one before the path."""
    body = WHOLE.replace(b"path: " + NODES[1].encode(), b"path: fd00::2")
    assert read(body).volumes[0].bricks[1].name == "fd00::2:/bricks/vol_a"


@pytest.mark.parametrize(
    ("status", "online"),
    [
        ("Started", True),
        ("Stopped", False),
        ("Starting", False),
        ("Stopping", False),
        ("Dancing", None),
    ],
)
def test_a_brick_is_online_once_it_has_answered_its_glusterd(
    status: str,
    online: bool | None,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """One that still starts serves nobody, and of an unknown word nothing is known."""
    body = WHOLE.replace(b"Brick1.status: Started", f"Brick1.status: {status}".encode())
    assert read(body).volumes[0].bricks[0].online is online


def test_a_file_system_that_could_not_be_asked_has_no_size() -> None:
    """Two zeros are written then."""
    body = WHOLE.replace(str(SIZE).encode(), b"0").replace(str(FREE).encode(), b"0")
    brick = read(body).volumes[0].bricks[0]
    assert (brick.size, brick.free) == (None, None)


def test_a_peer_that_is_away_says_so() -> None:
    """Anything but Connected is not connected."""
    body = WHOLE.replace(b"Peer2.connected: Connected", b"Peer2.connected: Disconnected")
    assert [one.connected for one in read(body).peers] == [True, False]


def test_an_empty_pool_is_whole() -> None:
    """A glusterd alone, without volumes, writes empty sections."""
    body = f"[Global]\nMYUUID: {UUIDS[0]}\n\n[Global options]\n\n[Peers]\n\n[Volumes]\n{TAIL}"
    assert read(body.encode()) == State(UUIDS[0], 0, (), ())


def test_sections_and_keys_of_other_versions_are_passed_over() -> None:
    """Tiers, clients, snapshots, a section that nobody knows: the rest is read all the same."""
    more = b"Volume1.tier_info.cold_tier_type: Distribute\nVolume1.Brick1.client_count: 3\n"
    body = WHOLE.replace(b"Volume1.snap_count", more + b"Volume1.snap_count")
    body = body.replace(b"[Services]", b"[Weather]\nsun: yes\nVolume9.name: x\n\n[Services]")
    assert read(body) == read(WHOLE)


@pytest.mark.parametrize("cut", [0, 1, 40, 400, 2000, EVERYTHING - 1])
def test_a_file_that_is_cut_is_refused(cut: int) -> None:
    """A full disk or a killed glusterd leaves the beginning, and the command line says success."""
    assert isinstance(state(WHOLE[:cut], "n1"), str)


@given(st.integers(0, len(WHOLE)))
def test_no_part_of_a_file_passes_for_the_whole(cut: int) -> None:
    """What is accepted tells exactly what the whole file does."""
    found = state(WHOLE[:cut], "n1")
    assert isinstance(found, str) if cut < EVERYTHING else found == read(WHOLE)


@given(st.integers(0, len(LONG) // BLOCK - 1))
def test_a_hole_in_the_middle_is_noticed(block: int) -> None:
    """A disk that was full for a moment loses one block and takes the next."""
    start = block * BLOCK
    assert isinstance(state(LONG[:start] + LONG[start + BLOCK :], "n1"), str)


@pytest.mark.parametrize(
    "lost",
    [b"Volume1.brickcount", b"Volume2.replica_count", b"Volume1.Brick2.path", b"Peer1.uuid"],
)
def test_a_lost_line_is_noticed(lost: bytes) -> None:
    """Every volume says how many bricks it has, and what it must say."""
    body = b"\n".join(line for line in LINES if not line.startswith(lost))
    assert isinstance(state(body, "n1"), str)


def test_a_file_that_is_too_large_is_not_read() -> None:
    """Nothing is made of it."""
    found = state(b"x" * (gluster_state.LARGEST + 1), "n1")
    assert isinstance(found, str)
    assert "bytes" in found


@given(st.binary())
def test_no_bytes_raise(body: bytes) -> None:
    """Anything at all is a state or a sentence."""
    assert isinstance(state(body, "n1"), State | str)


@given(st.lists(st.sampled_from(LINES) | st.binary(max_size=30)))
def test_no_lines_in_any_order_raise(lines: list[bytes]) -> None:
    """Nor do the file's own lines, shuffled and mixed with others."""
    body = b"[Global]\n" + b"\n".join(lines) + b"\n[Peers]\n[Volumes]\n" + TAIL.encode()
    assert isinstance(state(body, "n1"), State | str)


@given(st.lists(st.sampled_from(LINES)), st.binary(max_size=60))
def test_no_volumes_raise(lines: list[bytes], junk: bytes) -> None:
    """Nor do they within the section of volumes."""
    body = f"[Global]\nMYUUID: {UUIDS[0]}\n[Global options]\n[Peers]\n[Volumes]\n".encode()
    assert isinstance(state(body + b"\n".join(lines) + junk + TAIL.encode(), "n1"), State | str)
