"""Whether a node's Gluster may be taken away, beside a model that takes it away and tries to write.

The model knows a pool as it is, not as it is seen, and says of each set of bricks whether it works.
"""

from typing import NamedTuple

import msgspec
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from exporter.observe import model
from exporter.observe.gluster_safety import safeties
from exporter.observe.model import Brick, Object, Peer, Space
from tests.signals import made

SERVER = ("cluster.server-quorum-type", "server")
HALF = Space("brick", "/bricks/1", 1000, 500, 1000, 500)


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
