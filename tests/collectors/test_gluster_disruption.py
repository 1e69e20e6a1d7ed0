"""pvmedic_gluster_disruption_safe: one series a node, with the reason."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from exporter.collectors import (
    CLUSTER_FAMILIES,
    DERIVED,
    NODE_FAMILIES,
    TOLD,
    Derived,
    gluster_disruption,
)
from exporter.exposition import Family, Sample
from exporter.observe import model
from exporter.observe.model import Change, Kind, Object
from exporter.observe.objects import Objects
from exporter.observe.observer import Observer
from exporter.observe.sources import LookState
from exporter.observe.view import View
from exporter.server import Board, SelfMetrics
from tests.signals import made

KINDS = frozenset({Kind.GLUSTERD, Kind.GLUSTER_VOLUME, Kind.GLUSTER_SPACE, Kind.GLUSTER_LOG})


def pool() -> list[Object]:
    """Return the facts of three nodes that share a volume, all well."""
    half = (model.Space("root", "/", 1000, 500),)
    found: list[Object] = []
    for node in "abc":
        found += [made.glusterd(node), made.gluster_volume(node), model.GlusterSpace(node, half)]
    return found


def series(facts: list[Object]) -> dict[str, tuple[str, float]]:
    """Return reason and value by node."""
    found = gluster_disruption.series(made.view(facts))
    samples = [(dict(sample.labels), sample.value) for _, sample in found]
    return {labels["node"]: (labels["reason"], value) for labels, value in samples}


def test_every_node_of_a_pool_has_one_series() -> None:
    """1 while it may go, 0 with the reason."""
    assert series(pool()) == dict.fromkeys("abc", ("Safe", 1.0))
    facts = Objects(pool())
    facts.put(msgspec.structs.replace(made.glusterd("c"), reason="Restarting"))
    broken = [obj for kind in KINDS for obj in facts.of(kind)]
    assert series(broken) == dict.fromkeys("abc", ("GlusterdDown", 0.0))


def test_nothing_is_said_where_no_gluster_is_seen() -> None:
    """A cluster without Gluster has no such series."""
    assert series([]) == {}


def test_it_is_the_cluster_role_s_and_follows_from_all_nodes_facts() -> None:
    """A node alone sees too little."""
    assert gluster_disruption.SAFE in CLUSTER_FAMILIES
    assert gluster_disruption.SAFE not in NODE_FAMILIES
    assert [one.kinds for one in DERIVED if one.series is gluster_disruption.series] == [KINDS]


@pytest.mark.parametrize(("families", "told"), [(CLUSTER_FAMILIES, True), (NODE_FAMILIES, False)])
def test_only_the_role_that_sees_all_nodes_publishes_it(
    families: tuple[Family, ...],
    told: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    """The other one is not asked either: its own node alone would never be safe."""
    board = Board(SelfMetrics(), began=0.0, families=families)
    view = made.view(pool())
    for obj in pool():
        board.change(Change(None, obj), view)
    board.settled(view)
    line = b'pvmedic_gluster_disruption_safe{node="a",reason="Safe"} 1\n'
    assert (line in b"".join(board.parts(openmetrics=False))) == told


def test_what_can_be_seen_decides_even_when_no_object_changes() -> None:
    """The last node may tell what is known already; where a kind goes blind nobody is safe."""
    board = Board(SelfMetrics(), began=0.0)
    states = {kind: LookState(kind, lambda: 1.0) for kind in KINDS}
    observer = Observer((), states, board, lambda: 1.0, tell=TOLD & KINDS)
    safe = b'pvmedic_gluster_disruption_safe{node="a",reason="Safe"} 1\n'

    async def told() -> bool:
        await observer.decide()
        return safe in b"".join(board.parts(openmetrics=False))

    async def run() -> None:
        for obj in pool():
            observer.put(obj)
        assert not await told()
        for state in states.values():
            state.looked()
        assert await told()
        states[Kind.GLUSTER_SPACE].failed("nobody tells of it")
        assert not await told()

    asyncio.run(run())


def test_what_cannot_be_worked_out_is_not_told_and_ends_nothing_else() -> None:
    """What was said before would be a lie, and the other series still go on."""
    fails: list[bool] = []

    def series_of(view: View) -> Iterator[tuple[Family, Sample]]:
        del view
        yield gluster_disruption.SAFE, Sample((("node", "a"), ("reason", "Safe")), 1.0)
        if fails[-1]:
            raise ZeroDivisionError

    one = Derived(KINDS, series_of, gluster_disruption.FAMILIES)
    board = Board(SelfMetrics(), began=0.0, derived=(one,))
    view = made.view(pool())
    told = []
    for failing in (False, True, False):
        fails.append(failing)
        board.change(Change(None, pool()[0]), view)
        board.settled(view)
        told.append(b'_safe{node="a"' in b"".join(board.parts(openmetrics=False)))
    assert told == [True, False, True]
