"""cluster_health: more than a third of the nodes down refuses everything."""

import pytest

from exporter.observe.model import Node, Ready
from remediator.guards.base import Allowed, NotYet
from remediator.guards.cluster_health import cluster_health
from tests.story.objects import case, node, question, taint, view_of


def nodes(down: int, of: int, ready: Ready = Ready.UNKNOWN) -> list[Node]:
    """Return nodes of which some are down."""
    return [node(f"n{n}", ready if n < down else Ready.TRUE) for n in range(of)]


@pytest.mark.parametrize(("down", "of"), [(0, 1), (1, 3), (2, 6), (33, 100), (33, 99)])
def test_a_third_exactly_and_less_is_allowed(down: int, of: int) -> None:
    """One of three is the smallest cluster that can be repaired."""
    assert cluster_health(question(case(view_of(*nodes(down, of))))) == Allowed()


@pytest.mark.parametrize(("down", "of"), [(1, 1), (1, 2), (2, 5), (34, 100), (34, 99), (3, 3)])
def test_more_than_a_third_defers_and_is_counted_out(down: int, of: int) -> None:
    """It is the network or the control plane, then."""
    verdict = cluster_health(question(case(view_of(*nodes(down, of)))))
    assert isinstance(verdict, NotYet)
    assert verdict.reason.startswith(f"{down} of {of} nodes are down")


@pytest.mark.parametrize("ready", [Ready.FALSE, Ready.UNKNOWN, Ready.MISSING])
def test_whatever_is_not_ready_is_down(ready: Ready) -> None:
    """A node that never reported as well."""
    assert isinstance(cluster_health(question(case(view_of(*nodes(2, 4, ready))))), NotYet)


def test_a_node_that_is_out_of_service_is_down_even_when_it_is_ready() -> None:
    """Nothing can be moved to it."""
    out = [node(f"out{n}", taints=(taint("by-hand"),)) for n in range(2)]
    assert isinstance(cluster_health(question(case(view_of(*out, *nodes(0, 3))))), NotYet)


def test_a_node_is_counted_once() -> None:
    """Silent and tainted is one node down, not two."""
    both = node("both", Ready.UNKNOWN, taints=(taint("by-hand"),))
    assert cluster_health(question(case(view_of(both, *nodes(0, 2))))) == Allowed()


def test_no_node_at_all_defers() -> None:
    """Nobody can be asked."""
    assert cluster_health(question(case(view_of()))) == NotYet("no node could be seen")
