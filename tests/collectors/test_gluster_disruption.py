"""pvmedic_gluster_disruption_safe: one series a node, with the reason."""

import msgspec

from exporter.collectors import CLUSTER_FAMILIES, DERIVED, NODE_FAMILIES, gluster_disruption
from exporter.observe import model
from exporter.observe.model import Kind, Object
from exporter.observe.objects import Objects
from tests.signals import made

KINDS = frozenset({Kind.GLUSTERD, Kind.GLUSTER_VOLUME, Kind.GLUSTER_SPACE})


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
