"""Whether a node's Gluster may be taken away: every reason, and a model that takes it away."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from exporter.observe import model
from exporter.observe.gluster_safety import SafetyReason, safeties, safety
from exporter.observe.model import Brick, Kind, Object, Peer, Space
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
    facts = [one for one in pool() if not isinstance(one, model.GlusterVolume)]
    assert reasons(facts) == all_three("Unseen")


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


class Truth(NamedTuple):
    """A pool as it is, whatever of it is seen: bricks by owner, and which of them are well."""

    nodes: str
    volumes: tuple[model.GlusterVolume, ...]
    owners: tuple[str, ...]
    online: tuple[tuple[bool, ...], ...]
    pending: tuple[tuple[int, ...], ...]


LAYOUTS = (
    ("Distribute", 1, 1, 0, 0, 0),
    ("Replicate", 2, 2, 0, 0, 0),
    ("Replicate", 3, 3, 0, 0, 0),
    ("Replicate", 3, 3, 1, 0, 0),
    ("Distributed-Replicate", 4, 2, 0, 0, 0),
    ("Disperse", 3, 1, 0, 3, 1),
)
OPTIONS = (
    (),
    (SERVER,),
    (SERVER, ("cluster.server-quorum-ratio", "90%")),
    (("cluster.quorum-type", "auto"),),
    (("cluster.quorum-type", "none"),),
    (("cluster.quorum-count", "1"), ("cluster.quorum-type", "fixed")),
    (("cluster.quorum-count", "2"), ("cluster.quorum-type", "fixed")),
)


@st.composite
def truths(draw: DrawFn, *, well: bool) -> Truth:
    """Draw a pool; `well`: nothing is down or to be healed."""
    nodes = "abcd"[: draw(st.integers(1, 4))]
    volumes, owners, online, pending = [], [], [], []
    for number in range(draw(st.integers(1, 3))):
        kind, bricks, replica, arbiter, disperse, redundancy = draw(st.sampled_from(LAYOUTS))
        held = "".join(draw(st.sampled_from(nodes)) for _ in range(bricks))
        often = st.sampled_from((True,) if well else (True, True, True, False))
        seldom = st.sampled_from((0,) if well else (0, 0, 0, 1))
        owners.append(held)
        online.append(tuple(draw(often) for _ in held))
        pending.append(tuple(draw(seldom) for _ in held))
        volumes.append(
            model.GlusterVolume(
                "",
                f"vol_{number}",
                "id",
                kind,
                started=True,
                bricks=(),
                replica=replica,
                arbiter=arbiter,
                disperse=disperse,
                redundancy=redundancy,
                options=draw(st.sampled_from(OPTIONS)),
            )
        )
    return Truth(nodes, tuple(volumes), tuple(owners), tuple(online), tuple(pending))


def told(truth: Truth) -> list[Object]:
    """Return the facts that each node would tell."""
    found: list[Object] = []
    for node in truth.nodes:
        peers = (Peer(f"uuid-{n}", n, model.PEER_IN_CLUSTER, connected=True) for n in truth.nodes)
        others = tuple(peer for peer in peers if peer.hostname != node)
        found.append(made.glusterd(node, peers=others))
        found.append(model.GlusterSpace(node, (HALF,)))
        for number, volume in enumerate(truth.volumes):
            bricks = tuple(
                Brick(
                    owner,
                    f"/{number}/{place}",
                    f"uuid-{owner}",
                    local=owner == node,
                    online=truth.online[number][place] if owner == node else None,
                    heal_pending=truth.pending[number][place] if owner == node else None,
                )
                for place, owner in enumerate(truth.owners[number])
            )
            found.append(msgspec.structs.replace(volume, node=node, bricks=bricks))
    return found


def stays_writable(truth: Truth, gone: str) -> bool:
    """Take a node away and try to write to each set of each volume: Gluster in a few lines."""
    for volume, owners, online, pending in zip(*truth[1:], strict=True):
        # What is to be healed may be on the copy that goes.
        if any(pending) and gone in owners:
            return False
        left = serving(truth.nodes, gone, dict(volume.options))
        up = [here and owner in left for here, owner in zip(online, owners, strict=True)]
        size = volume.disperse or volume.replica
        sets = [up[begin : begin + size] for begin in range(0, len(up), size)]
        if not all(accepts(volume, votes) for votes in sets):
            return False
    return True


def serving(nodes: str, gone: str, options: dict[str, str]) -> list[str]:
    """Return the nodes whose glusterds leave their bricks running."""
    left = [node for node in nodes if node != gone]
    if options.get("cluster.server-quorum-type") != "server":
        return left
    ratio = float(options.get("cluster.server-quorum-ratio", "0").rstrip("%"))
    half = len(left) * 2 > len(nodes)
    return left if (len(left) * 100 >= len(nodes) * ratio if ratio else half) else []


def accepts(volume: model.GlusterVolume, votes: list[bool]) -> bool:
    """Whether one set takes a write."""
    size, up, options = len(votes), votes.count(True), dict(volume.options)
    if not any(votes[: size - volume.arbiter]):
        return False
    if volume.disperse:
        return up >= 2
    kind = options.get("cluster.quorum-type", "auto" if size == 3 else "none")
    if size == 1 or kind == "none":
        return True
    if kind == "fixed":
        return up >= int(options["cluster.quorum-count"])
    return votes[0] if size == 2 else up >= 2


many = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(data=st.data())
def test_it_never_says_safe_of_a_node_that_is_missed(data: st.DataObject) -> None:
    """Whatever is down, to be healed, or not seen."""
    truth = data.draw(truths(well=False))
    facts = told(truth)
    hidden = data.draw(st.sets(st.integers(0, len(facts) - 1), max_size=2))
    seen = [one for number, one in enumerate(facts) if number not in hidden]
    for node, one in safeties(made.view(seen)).items():
        assert not one.safe or stays_writable(truth, node), one.sentence


@many
@given(truth=truths(well=True))
def test_of_a_pool_that_is_well_it_says_safe_exactly_when_it_is(truth: Truth) -> None:
    """A gate that is never open would be no gate."""
    found = safeties(made.view(told(truth)))
    assert {node: one.safe for node, one in found.items()} == {
        node: stays_writable(truth, node) for node in truth.nodes
    }


def test_such_pools_have_nodes_that_are_safe_though_others_are_not() -> None:
    """Without this, the two properties above would say little."""
    find(
        truths(well=False),
        lambda truth: (
            {one.safe for one in safeties(made.view(told(truth))).values()} == {True, False}
        ),
        settings=settings(many, max_examples=2000, phases=[Phase.generate]),
        database_key=None,
    )
