"""related, attached_twice: what two plans would fight over, and what two nodes may write to."""

import msgspec
import pytest

from exporter.observe.model import Object
from remediator.guards.base import Allowed, Denied, NotYet
from remediator.guards.related import attached_twice, related
from remediator.record import ACTING, Phase, Record
from tests.story.objects import (
    DEAD,
    LIVE,
    attachment,
    case,
    planned,
    question,
    record,
    view,
    volume,
)


def at_work(phase: Phase, *touches: str) -> Record:
    """Return another record whose plan touches these things."""
    plan = msgspec.structs.replace(planned(LIVE), touches=touches)
    return record(2, signal="multi_attach", phase=phase, plan=plan)


@pytest.mark.parametrize("phase", Phase)
def test_only_a_plan_that_acts_claims_what_it_touches(phase: Phase) -> None:
    """One that waits holds nothing, or two could wait for each other for ever."""
    verdict = related(question(others=(at_work(phase, "claim web/rows", "node x"),)))
    assert isinstance(verdict, NotYet) is (phase in ACTING)
    if isinstance(verdict, NotYet):
        assert "claim web/rows" in verdict.reason
        assert "node x" not in verdict.reason


@pytest.mark.parametrize("thing", ["claim web/other", f"node {LIVE}", "claim other/rows"])
def test_what_touches_nothing_of_ours_is_no_reason(thing: str) -> None:
    """Namespace, name and kind all count."""
    assert related(question(others=(at_work(Phase.RUNNING, thing),))) == Allowed()


def test_a_plan_touches_its_node_and_the_claims_that_it_gives_away() -> None:
    """They stand on its record, so that every replica knows."""
    assert planned().touches == (f"node {DEAD}", "claim web/files", "claim web/rows")


@pytest.mark.parametrize(
    ("changed", "allowed"),
    [
        ((attachment("rows"),), True),
        ((attachment("rows", LIVE, attached=False),), True),
        ((attachment("rows", LIVE),), False),
        ((attachment("rows", LIVE), volume("rows", access_modes=("ReadWriteMany",))), True),
    ],
    ids=["once", "the second one waits", "twice", "shared by its nature"],
)
def test_a_volume_that_two_nodes_may_write_to_closes_the_plan(
    changed: tuple[Object, ...], *, allowed: bool
) -> None:
    """Whatever is done next may be what loses data: a person first."""
    verdict = attached_twice(question(case(view(*changed))))
    assert (verdict == Allowed()) is allowed
    if not allowed:
        assert isinstance(verdict, Denied)
        assert f"{DEAD} and {LIVE}" in verdict.reason
