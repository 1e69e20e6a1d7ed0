"""node_lease: of two tools that repair nodes one works on a node, the other waits for it."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Kind
from remediator.guards.base import Allowed, NotYet, Question, Verdict
from remediator.guards.node_lease import node_lease
from remediator.node_lease import holder_of
from tests.story.objects import AUTO, DEAD, NAME, NOW, case, question, scene, view_of

SPACE = "medik8s-leases"
POLICY = msgspec.structs.replace(AUTO, medik8s_leases=SPACE)


def asked(*leases: model.Lease, policy: object = POLICY) -> Verdict:
    """Ask about the scene with these Leases in it."""
    given = case(view_of(*scene(), *leases), policy=policy)
    return node_lease(question(given))


def lease(
    holder: str, renewed: float | None = NOW - 10.0, seconds: int | None = 60, space: str = SPACE
) -> model.Lease:
    """Return the dead node's Lease."""
    return model.Lease(space, f"node-{DEAD}", "1", renewed, holder, seconds)


@pytest.mark.parametrize(
    "there",
    [(), (lease(""),), (lease(holder_of(NAME)),), (lease("nhc", NOW - 61.0),)],
    ids=["none", "nobody's", "ours", "run out"],
)
def test_a_node_that_nobody_works_on_is_free(there: tuple[model.Lease, ...]) -> None:
    """Also when the record that asks holds it already, as after a restart."""
    assert asked(*there) == Allowed()


@pytest.mark.parametrize(
    "there",
    [lease("nhc"), lease("nhc", None), lease("nhc", NOW, None), lease(holder_of("another-1"))],
    ids=["held", "without a time", "without an end", "another record's"],
)
def test_who_works_on_the_node_is_named(there: model.Lease) -> None:
    """Without an end a Lease is held: broken means no."""
    verdict = asked(there)
    assert isinstance(verdict, NotYet)
    assert verdict.reason == (
        f"{there.holder} works on node {DEAD}: it holds the Lease {SPACE}/node-{DEAD}"
    )


def test_what_cannot_be_read_is_waited_for() -> None:
    """Nobody knows who works there."""
    given = case(view_of(*scene(), unseen={Kind.LEASE: "403"}), policy=POLICY)
    verdict = node_lease(question(given))
    assert verdict == NotYet("who works on the node could not be read: 403")


def test_where_nobody_shares_nodes_nothing_is_asked() -> None:
    """The setting is empty by default."""
    assert asked(lease("nhc"), policy=AUTO) == Allowed()


def test_a_kubelets_heartbeat_is_no_claim() -> None:
    """It is a Lease, too, in another namespace."""
    assert asked(lease(DEAD, space="kube-node-lease")) == Allowed()


def test_the_question_is_about_the_plans_nodes() -> None:
    """Whatever else is held."""
    other = model.Lease(SPACE, "node-somebody", "1", NOW, "nhc", 60)
    given: Question = question(case(view_of(*scene(), other), policy=POLICY))
    assert node_lease(given) == Allowed()
