"""Whether a node's Gluster may be taken away: facts in, every reason out."""

from collections.abc import Sequence

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.gluster_safety import SafetyReason, safeties, safety
from exporter.observe.model import Brick, Disconnects, Kind, Object, Peer, Space
from tests.signals import made

SERVER = ("cluster.server-quorum-type", "server")
HALF = Space("brick", "/bricks/1", 1000, 500, 1000, 500)


def pool(nodes: str = "abc", **fields: object) -> list[Object]:
    """Return the facts of a pool whose nodes share one replica 3 volume and are all well."""
    found: list[Object] = []
    for node in nodes:
        peers = (Peer(f"uuid-{n}", n, model.PEER_IN_CLUSTER, connected=True) for n in nodes)
        others = tuple(peer for peer in peers if peer.hostname != node)
        shared = made.gluster_volume(node, bricks=made.bricks(node, nodes), replica=len(nodes))
        found.append(made.glusterd(node, peers=others))
        found.append(msgspec.structs.replace(shared, **fields))
        found.append(model.GlusterSpace(node, (HALF,)))
    return found


def changed(facts: list[Object], kind: type[Object], node: str, **fields: object) -> list[Object]:
    """Return the facts with one node's object replaced."""
    return [
        msgspec.structs.replace(one, **fields)
        if isinstance(one, kind) and getattr(one, "node") == node  # noqa: B009 -- all facts have one
        else one
        for one in facts
    ]


def without(facts: list[Object], kind: type[Object], node: str) -> list[Object]:
    """Return the facts less one node's object."""
    return [
        one
        for one in facts
        if not (isinstance(one, kind) and getattr(one, "node") == node)  # noqa: B009 -- see above
    ]


def reasons(facts: Sequence[Object]) -> dict[str, str]:
    """Return each node's reason."""
    return {node: str(one.reason) for node, one in sorted(safeties(made.view(facts)).items())}


def all_three(reason: str) -> dict[str, str]:
    """Return one reason for all nodes."""
    return dict.fromkeys("abc", reason)


def test_a_pool_that_is_well_can_spare_any_one_node() -> None:
    """Three copies, all there and healed."""
    found = safeties(made.view(pool()))
    assert {node: one.safe for node, one in found.items()} == dict.fromkeys("abc", True)
    assert reasons(pool()) == all_three("Safe")


def test_a_node_of_which_nothing_is_known_is_not_safe() -> None:
    """Nor is any, when nothing is seen at all."""
    assert safety("x", made.view(pool())).reason is SafetyReason.UNSEEN
    assert not safety("a", made.view([])).safe
    assert safety("a", made.view(pool())).safe


@pytest.mark.parametrize("kind", [Kind.GLUSTERD, Kind.GLUSTER_VOLUME, Kind.GLUSTER_SPACE])
def test_a_kind_that_is_unseen_makes_all_unsafe(kind: Kind) -> None:
    """What is still held of it is old."""
    found = safeties(made.view(pool(), {kind: "because"}))
    assert {one.reason for one in found.values()} == {SafetyReason.UNSEEN}


@pytest.mark.parametrize("kind", [model.Glusterd, model.GlusterVolume, model.GlusterSpace])
def test_a_node_that_is_unseen_makes_its_neighbours_unsafe(kind: type[Object]) -> None:
    """It may be the one whose loss is one too many."""
    found = reasons(without(pool(), kind, "c"))
    assert {found["a"], found["b"]} == {"Unseen"}


def test_a_pool_that_tells_of_no_volume_is_not_safe() -> None:
    """It is not known to have nothing to lose."""
    facts: list[Object] = [one for one in pool() if not isinstance(one, model.GlusterVolume)]
    assert reasons(facts) == all_three("Unseen")
    for node in "abc":
        facts = changed(facts, model.Glusterd, node, volumes=0)
    assert reasons(facts) == all_three("Safe")


def test_a_node_that_knows_more_volumes_than_are_seen_makes_all_unsafe() -> None:
    """One of the others may be the one that would be lost."""
    facts = changed(pool(), model.Glusterd, "c", volumes=1)
    assert reasons(facts) == all_three("Safe")
    assert reasons(changed(facts, model.Glusterd, "c", volumes=2)) == all_three("Unseen")


def test_a_glusterd_that_does_not_answer_is_down_and_unseen_for_the_others() -> None:
    """They may still think it connected."""
    facts = changed(pool(), model.Glusterd, "c", answers=False, uuid="", peers=())
    assert reasons(without(facts, model.GlusterVolume, "c")) == {
        "a": "Unseen",
        "b": "Unseen",
        "c": "GlusterdDown",
    }


def test_a_glusterd_that_is_not_well_holds_up_all() -> None:
    """It answers between two ends."""
    facts = changed(pool(), model.Glusterd, "c", reason="Restarting")
    assert reasons(facts) == all_three("GlusterdDown")


@pytest.mark.parametrize(
    "peer",
    [
        Peer("uuid-b", "b", model.PEER_IN_CLUSTER, connected=False),
        Peer("uuid-b", "b", "Peer Rejected", connected=True),
        None,
    ],
    ids=["away", "rejected", "forgotten"],
)
def test_one_who_does_not_have_a_peer_is_enough(peer: Peer | None) -> None:
    """Every node's point of view counts."""
    c = Peer("uuid-c", "c", model.PEER_IN_CLUSTER, connected=True)
    facts = changed(pool(), model.Glusterd, "a", peers=(c,) if peer is None else (peer, c))
    assert reasons(facts) == all_three("PeerDown")


def test_peers_that_lose_each_other_again_and_again_hold_up_the_others() -> None:
    """Without those others there may be nobody whom either of the two sees."""
    gone = (Disconnects("uuid-b", "b", 3, (9_000.0, 9_100.0, 9_200.0)),)
    facts = [*pool(), model.GlusterLog("a", disconnects=gone)]
    assert reasons(facts) == {"a": "Safe", "b": "Safe", "c": "PeerFlapping"}
    seldom = (Disconnects("uuid-b", "b", 3, (9_200.0,)), Disconnects("x", "x", 3, gone[0].recent))
    assert reasons([*pool(), model.GlusterLog("a", disconnects=seldom)]) == all_three("Safe")


def test_a_log_that_is_not_seen_holds_up_nobody() -> None:
    """How the peers are now is known without it."""
    found = safeties(made.view(pool(), {Kind.GLUSTER_LOG: "because"}))
    assert all(one.safe for one in found.values())


def test_two_nodes_with_one_uuid_are_not_known_apart() -> None:
    """A copied machine."""
    facts = changed(pool(), model.Glusterd, "c", uuid="uuid-b")
    assert set(reasons(facts).values()) <= {"Unseen", "PeerDown"}


def test_a_brick_that_is_down_holds_up_the_others_only() -> None:
    """To take its own node away takes nothing more."""
    facts = changed(pool(), model.GlusterVolume, "c", bricks=made.bricks("c", online=False))
    assert reasons(facts) == {"a": "BrickDown", "b": "BrickDown", "c": "Safe"}


def test_what_is_to_heal_holds_up_every_node_of_the_volume() -> None:
    """Nobody outside knows which copy is the good one."""
    facts = changed(pool(), model.GlusterVolume, "c", bricks=made.bricks("c", heal_pending=1))
    assert reasons(facts) == all_three("HealPending")


@pytest.mark.parametrize("field", ["online", "heal_pending"])
def test_a_brick_of_which_its_node_says_nothing_is_unseen(field: str) -> None:
    """None is not 0."""
    bricks = tuple(
        msgspec.structs.replace(one, **{field: None}) if one.local else one
        for one in made.bricks("c")
    )
    facts = changed(pool(), model.GlusterVolume, "c", bricks=bricks)
    assert reasons(facts) == all_three("Unseen")


def test_a_full_file_system_holds_up_all() -> None:
    """A glusterd that starts again there may lose what it knows."""
    full = (HALF, Space("root", "/", 1000, 1))
    assert reasons(changed(pool(), model.GlusterSpace, "c", spaces=full)) == all_three("SpaceLow")


def test_a_brick_without_a_copy_elsewhere_is_the_only_one() -> None:
    """The others may go; this volume has nothing of theirs."""
    alone = [
        made.gluster_volume(at, "vol_2", kind="Distribute", replica=1, bricks=made.bricks(at, "c"))
        for at in "abc"
    ]
    assert reasons([*pool(), *alone]) == {"a": "Safe", "b": "Safe", "c": "OnlyCopy"}


def test_two_nodes_under_server_quorum_spare_none() -> None:
    """Both of two are more than half, one is not."""
    facts = pool("ab", options=(SERVER,))
    assert reasons(facts) == {"a": "QuorumAtRisk", "b": "QuorumAtRisk"}
    assert reasons(pool("abc", options=(SERVER,))) == all_three("Safe")


def test_the_first_brick_of_two_under_client_quorum_is_not_spared() -> None:
    """The second is."""
    facts = pool("ab", options=(("cluster.quorum-type", "auto"),))
    assert reasons(facts) == {"a": "QuorumAtRisk", "b": "Safe"}


def test_a_volume_without_server_quorum_now_spares_none() -> None:
    """Its bricks are about to be stopped."""
    facts = changed(pool(), model.GlusterVolume, "b", quorum=model.QUORUM_NOT_MET)
    assert reasons(facts) == all_three("QuorumAtRisk")


@pytest.mark.parametrize(
    "bricks",
    [
        tuple(msgspec.structs.replace(one, local=False) for one in made.bricks("c")),
        tuple(msgspec.structs.replace(one, local=True, online=True) for one in made.bricks("c")),
    ],
    ids=["nobody's", "two nodes'"],
)
def test_a_brick_belongs_to_one_node(bricks: tuple[Brick, ...]) -> None:
    """Else nobody's word counts for it."""
    facts = changed(pool(), model.GlusterVolume, "c", bricks=bricks)
    assert reasons(facts) == all_three("Unseen")


def test_nodes_that_do_not_agree_about_a_volume_spare_none() -> None:
    """Their configurations differ, or it is being changed."""
    facts = changed(pool(), model.GlusterVolume, "c", replica=1)
    assert reasons(facts) == all_three("Other")


def test_a_layout_that_is_not_known_spares_none_of_its_nodes() -> None:
    """Stripes and tiers."""
    assert reasons(pool(kind="Tier")) == all_three("Other")


def test_a_volume_that_is_stopped_loses_nothing() -> None:
    """Nobody can write to it as it is."""
    facts = pool(started=False)
    bricks = made.bricks("c", online=False, heal_pending=5)
    assert reasons(changed(facts, model.GlusterVolume, "c", bricks=bricks)) == all_three("Safe")


def test_two_pools_do_not_hold_each_other_up() -> None:
    """They share nothing but a cluster."""
    other: list[Object] = [
        made.glusterd("x", uuid="uuid-x", peers=()),
        model.GlusterSpace("x", (HALF,)),
        made.gluster_volume("x", kind="Distribute", replica=1, bricks=made.bricks("x", "x")),
    ]
    assert reasons([*pool(), *other]) == {**all_three("Safe"), "x": "OnlyCopy"}
    nobody = made.glusterd("y", uuid="uuid-y", peers=(Peer("", "z", "", connected=False),))
    assert reasons([*pool(), *other, nobody])["a"] == "Safe"


def test_a_glusterd_that_has_lost_all_its_files_is_not_safe() -> None:
    """After a full root it has another uuid, no peer and no volume; its bricks may still serve."""
    facts = changed(pool(), model.Glusterd, "c", uuid="uuid-new", peers=(), volumes=0)
    facts = without(facts, model.GlusterVolume, "c")
    for node, gone in (("a", ("b", "c")), ("b", ("a", "c"))):
        peers = tuple(Peer(f"uuid-{n}", n, model.PEER_IN_CLUSTER, connected=n != "c") for n in gone)
        facts = changed(facts, model.Glusterd, node, peers=peers)
    assert reasons(facts) == {"a": "PeerDown", "b": "PeerDown", "c": "Unseen"}


def test_a_glusterd_without_peers_and_volumes_has_nothing_to_lose_where_it_is_alone() -> None:
    """Nobody else misses it."""
    alone = made.glusterd("a", peers=(), volumes=0)
    assert reasons([alone, model.GlusterSpace("a", (HALF,))]) == {"a": "Safe"}
