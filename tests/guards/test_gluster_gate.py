"""gluster_gate: only what the whole pool can do without is taken away."""

from collections.abc import Iterable

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Kind, Object
from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator.guards.base import Allowed, NotYet, Question
from remediator.guards.gluster_gate import gluster_gate
from tests.signals import made
from tests.story.objects import NOW, case, plan, question


def pool() -> list[Object]:
    """Return three nodes with one replicated volume, all well."""
    roomy = (model.Space("root", "/", 2**30, 2**29, 1000, 900),)
    return [
        *(made.glusterd(name) for name in "abc"),
        *(made.gluster_volume(name) for name in "abc"),
        *(made.gluster_space(name, spaces=roomy) for name in "abc"),
    ]


def about(objects: Iterable[Object], node: str = "a", unseen: str = "") -> Question:
    """Return a question about taking a node's Gluster away."""
    why = {Kind.GLUSTER_VOLUME: unseen} if unseen else {}
    view = View(Objects(objects), NOW, why)
    touching = msgspec.structs.replace(plan(), gluster_nodes=(node,))
    return question(case(view), plan=touching)


def test_a_node_that_a_whole_pool_can_do_without_may_be_taken_away() -> None:
    """Two of three replicas stay, all healed."""
    assert gluster_gate(about(pool())) == Allowed()


def test_a_plan_that_touches_no_gluster_is_not_asked() -> None:
    """Whatever its state is."""
    assert gluster_gate(question()) == Allowed()


HEALING = made.gluster_volume("b", bricks=made.bricks("b", heal_pending=5))
OFFLINE = made.gluster_volume("b", bricks=made.bricks("b", online=False))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (HEALING, "HealPending"),
        (OFFLINE, "BrickDown"),
        (made.glusterd("c", answers=False, uuid="", peers=()), "PeerDown|Unseen|GlusterdDown"),
    ],
    ids=["heals pend", "a brick is down", "another glusterd does not answer"],
)
def test_a_pool_that_is_not_whole_keeps_all_its_nodes(changed: Object, reason: str) -> None:
    """The seed's week: each reboot of another node took a replica more."""
    verdict = gluster_gate(about([*pool(), changed]))
    assert isinstance(verdict, NotYet)
    assert any(f"({word})" in verdict.reason for word in reason.split("|"))


def test_what_cannot_be_seen_is_not_safe() -> None:
    """Neither kinds nor nodes."""
    verdict = gluster_gate(about(pool(), unseen="no node pods"))
    assert verdict == NotYet("cannot see glustervolumes: no node pods")
    assert isinstance(gluster_gate(about(pool(), node="z")), NotYet)
