"""blast_radius: nodes that are out of service by our doing count until the debt is taken back."""

import msgspec
import pytest

from remediator.guards.base import Allowed, NotYet
from remediator.guards.blast_radius import blast_radius
from remediator.record import ACTING, Phase, Record
from tests.story.objects import AUTO, DEAD, LIVE, SPARE, case, node, planned, question, record, view

TWENTY = view(*(node(f"node-{number}") for number in range(17)))


def holding(number: int, on: str, phase: Phase = Phase.HOLDING) -> Record:
    """Return a record that took this node away."""
    return record(number, signal="multi_attach", phase=phase, plan=planned(on))


@pytest.mark.parametrize("phase", Phase)
def test_a_node_counts_from_the_first_write_until_nothing_is_owed(phase: Phase) -> None:
    """What is in flight, and what we still hold, is as good as down."""
    others = (holding(2, LIVE, phase), holding(3, SPARE, phase))
    verdict = blast_radius(question(others=others))
    assert isinstance(verdict, NotYet) is (phase in ACTING | {Phase.HOLDING})
    if isinstance(verdict, NotYet):
        assert LIVE in verdict.reason


def test_one_node_beside_one_that_is_held_is_always_allowed() -> None:
    """A tenth of three nodes is none, and a dead machine may wait for its owner for days."""
    assert blast_radius(question(others=(holding(2, LIVE),))) == Allowed()


def test_the_same_node_is_counted_once() -> None:
    """An earlier debt on it takes no further node away."""
    assert blast_radius(question(others=(holding(2, LIVE), holding(3, DEAD)))) == Allowed()


@pytest.mark.parametrize(("share", "allowed"), [(0.15, True), (0.14, False)])
def test_a_large_cluster_may_lose_its_share(share: float, *, allowed: bool) -> None:
    """Three of twenty nodes; rounded down, or the share would be exceeded."""
    about = case(TWENTY, policy=msgspec.structs.replace(AUTO, blast_radius=share))
    others = (holding(2, LIVE), holding(3, SPARE))
    verdict = blast_radius(question(about, others=others))
    assert (verdict == Allowed()) is allowed
