"""What each Gluster node shows, as values: an object in, series out."""

from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.collectors import NODE_FAMILIES, OF_OBJECTS, gluster
from exporter.exposition import Exposition, Family, Sample
from exporter.observe import model
from exporter.observe.model import Brick, Disconnects, Kind, LockKind, Peer, Space
from tests.signals import made, worlds

KINDS = (Kind.GLUSTERD, Kind.GLUSTER_LOG, Kind.GLUSTER_VOLUME, Kind.GLUSTER_SPACE)


def shown(series: Iterable[tuple[Family, Sample]]) -> dict[str, float]:
    """Return values by name and label values: `peer_connected a b`."""
    return {
        " ".join((family.name.removeprefix("pvmedic_"), *(value for _, value in sample.labels))): (
            sample.value
        )
        for family, sample in series
    }


def test_a_glusterd_shows_whether_it_answers_and_whom_it_sees() -> None:
    """And in which version; one that does not answer has no peers."""
    one = Peer("uuid-c", "c", "Peer Rejected", connected=False)
    told = made.glusterd("a", release="10.3", op_version=100_000)
    told = msgspec.structs.replace(told, peers=(*told.peers[:1], one))
    assert shown(gluster.of_glusterd(told)) == {
        "glusterd_up a": 1,
        "gluster_info a 10.3 100000": 1,
        "gluster_peer_connected a b": 1,
        "gluster_peer_connected a c": 0,
    }
    down = model.Glusterd("a", answers=False, reason="Timeout")
    assert shown(gluster.of_glusterd(down)) == {"glusterd_up a": 0}


def test_a_log_shows_every_kind_of_lock_error_from_the_start() -> None:
    """A counter that is born with its first failure would not be seen to rise."""
    locks = (LockKind("not_held", 9, 1.0, echoes=7), LockKind("new_in_this_release", 1, 1.0))
    found = shown(
        gluster.of_log(model.GlusterLog("a", 10, 2, 30, locks, gaps=4, starts=5, too_long=6))
    )
    assert {name for name in found if name.startswith("gluster_lock_errors_total")} == {
        f"gluster_lock_errors_total a {kind}" for kind in (*model.LOCK_KINDS, "new_in_this_release")
    }
    assert found["gluster_lock_errors_total a not_held"] == 9
    assert found["gluster_lock_error_echoes_total a not_held"] == 7
    assert found["gluster_lock_errors_total a held_by"] == 0
    assert found["gluster_log_lines_total a"] == 10
    assert found["gluster_log_unparsed_lines_total a"] == 2
    assert found["gluster_log_behind_bytes a"] == 30
    assert found["gluster_log_too_long_lines_total a"] == 6
    assert found["gluster_log_gaps_total a"] == 4
    assert found["glusterd_starts_total a"] == 5


def test_a_peer_that_was_made_anew_is_counted_under_its_name() -> None:
    """Two uuids, one series; without a name the uuid is one."""
    gone = (Disconnects("u1", "b", 2), Disconnects("u2", "b", 3), Disconnects("u3", "", 4))
    found = shown(gluster.of_log(model.GlusterLog("a", disconnects=gone)))
    assert found["gluster_peer_disconnects_total a b"] == 5
    assert found["gluster_peer_disconnects_total a u3"] == 4


@pytest.mark.parametrize(
    ("quorum", "expected"),
    [
        ("meets", {"gluster_volume_quorum_met a vol_1": 1}),
        ("does_not_meet", {"gluster_volume_quorum_met a vol_1": 0}),
        ("not_applicable", {}),
        ("", {}),
    ],
)
def test_a_volume_shows_its_own_bricks_and_its_quorum(
    quorum: str, expected: dict[str, float]
) -> None:
    """Others' bricks are shown by others."""
    bricks = made.bricks("a", heal_pending=3)
    found = shown(gluster.of_volume(made.gluster_volume("a", quorum=quorum, bricks=bricks)))
    assert found == {
        "gluster_brick_online a vol_1 a:/bricks/1": 1,
        "gluster_heal_pending_entries a vol_1 a:/bricks/1": 3,
        **expected,
    }


def test_what_is_not_known_or_not_started_has_no_series() -> None:
    """0 would be said of what nobody has seen."""
    unknown = (Brick("a", "/b", "uuid-a", local=True),)
    assert shown(gluster.of_volume(made.gluster_volume("a", bricks=unknown))) == {}
    assert shown(gluster.of_volume(made.gluster_volume("a", started=False))) == {}


def test_file_systems_show_what_is_known_of_them() -> None:
    """Inodes and open files may not be."""
    spaces = (Space("root", "/", 100, 50, 10, 5, 7), Space("brick", "/b", 200, 60))
    assert shown(gluster.of_space(model.GlusterSpace("a", spaces))) == {
        "gluster_space_size_bytes a root /": 100,
        "gluster_space_available_bytes a root /": 50,
        "gluster_space_inodes a root /": 10,
        "gluster_space_inodes_free a root /": 5,
        "gluster_space_deleted_open_bytes a root /": 7,
        "gluster_space_size_bytes a brick /b": 200,
        "gluster_space_available_bytes a brick /b": 60,
    }


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_node_tells_each_series_is_there_once(kind: Kind, data: st.DataObject) -> None:
    """Prometheus refuses a whole scrape for one series that comes twice."""
    obj = data.draw(worlds.objects(kind))
    found = list(OF_OBJECTS[kind](obj))
    assert len({(family.name, sample.labels) for family, sample in found}) == len(found)
    board = Exposition(NODE_FAMILIES)
    for family, sample in found:
        assert tuple(label for label, _ in sample.labels) == family.labels
        board.put(family.name, "one", [sample])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_s_series_are_of_its_own_objects(kind: Kind) -> None:
    """Of any other there are none."""
    other = made.node() if kind is not Kind.NODE else made.pod()
    assert not list(OF_OBJECTS[kind](other))
