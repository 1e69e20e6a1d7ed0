"""volume_filling decides: one step, within its size; or it waits, or refuses, and says why."""

import msgspec

from exporter.observe.model import Kind
from exporter.observe.objects import Objects
from exporter.observe.view import View, Want
from remediator import plan as plans
from remediator.growth.policy import GIB, Growth
from remediator.handlers.base import Closed
from remediator.handlers.volume_filling import VolumeFilling
from remediator.plan import Declined, Deferred, Plan
from remediator.record import LedgerEntry
from remediator.steps.claims import GrowClaim
from tests.growth.cases import case, record
from tests.growth.made import claim, storage_class, view
from tests.story.objects import AUTO

HANDLER = VolumeFilling()
SIGNAL = "volume_filling"


def test_the_plan_is_one_larger_request_bound_to_the_claim_that_was_seen() -> None:
    """What it costs is what the capacity cap counts."""
    of = case(SIGNAL, claim())
    decision = HANDLER.plan(of)
    assert isinstance(decision, Plan)
    owner = f"{of.record.name}/{of.record.uid}"
    assert decision.steps == (GrowClaim("web/data", "uid-data", owner, 12 * GIB),)
    assert decision.creates == 2
    assert decision.claims == (("web", "data"),)
    assert "12Gi" in decision.goal
    assert not decision.needs_yes


def test_the_plan_is_the_same_when_it_comes_back_from_its_record() -> None:
    """A yes is for its hash, which a later look must not change by itself."""
    decision = HANDLER.plan(case(SIGNAL, claim()))
    assert isinstance(decision, Plan)
    told = plans.to_record(decision)
    assert plans.from_record(told) == decision
    later = msgspec.structs.replace(case(SIGNAL, claim()), now=2_000_000_000.0)
    again = HANDLER.plan(later)
    assert isinstance(again, Plan)
    assert plans.to_record(again).hash == told.hash


def test_the_settings_are_asked() -> None:
    """Step, ceiling and cap come from the policy."""
    ceiled = msgspec.structs.replace(AUTO, growth=Growth(step="5Gi", ceiling=14 * GIB))
    decision = HANDLER.plan(case(SIGNAL, claim(annotations={}), policy=ceiled))
    assert isinstance(decision, Plan)
    assert decision.creates == 4
    capped = msgspec.structs.replace(AUTO, capacity_cap=1)
    decision = HANDLER.plan(case(SIGNAL, claim(), policy=capped))
    assert isinstance(decision, Plan)
    assert decision.creates == 1


def test_what_a_person_has_to_change_is_declined() -> None:
    """A class that does not allow it, for example."""
    decision = HANDLER.plan(case(SIGNAL, claim(), storage_class(expandable=False)))
    assert isinstance(decision, Declined)
    assert "allowVolumeExpansion" in decision.sentence


def test_what_may_pass_is_deferred() -> None:
    """An expansion that is pending, and a claim that is gone meanwhile."""
    pending = HANDLER.plan(case(SIGNAL, claim(requested=12 * GIB)))
    assert isinstance(pending, Deferred)
    assert "already" in pending.sentence
    gone = HANDLER.plan(case(SIGNAL))
    assert isinstance(gone, Deferred)


def test_it_reads_what_limits_the_claim() -> None:
    """Once the claim is known, and the namespace for who opted out."""
    of = record(SIGNAL)
    assert list(HANDLER.reads(of, View(Objects(), 0.0))) == [Want(Kind.NAMESPACE, name="web")]
    wanted = {want.kind for want in HANDLER.reads(of, view(claim()))}
    assert wanted == {Kind.NAMESPACE, Kind.QUOTA, Kind.LIMIT_RANGE, Kind.STORAGE_CLASS}


def test_the_goal_is_that_the_claim_has_what_it_asks_for() -> None:
    """Whoever asked; a claim that is gone waits for nothing."""
    waits = HANDLER.goal(record(SIGNAL), view(claim(requested=12 * GIB)))
    assert not waits.reached
    assert waits.sentence == "it has 10Gi and waits for 12Gi"
    assert HANDLER.goal(record(SIGNAL), view(claim())).reached
    assert HANDLER.goal(record(SIGNAL), view()).reached


def test_no_machine_decides_and_nothing_is_owed() -> None:
    """A volume does not shrink."""
    seen = view(claim())
    entry = LedgerEntry(kind="GrowClaim", target="web/data", target_uid="uid-data", at=0.0)
    assert HANDLER.powered_by(record(SIGNAL).subject, seen) == ""
    assert isinstance(HANDLER.undo(entry, record(SIGNAL), seen, None), Closed)
