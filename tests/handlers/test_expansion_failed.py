"""expansion_failed decides: a smaller request after a yes; or it waits, or says what to type."""

import msgspec

from exporter.observe.model import Kind
from exporter.observe.objects import Objects
from exporter.observe.view import View, Want
from remediator import plan as plans
from remediator.growth.policy import GIB
from remediator.handlers.base import Closed, Risk
from remediator.handlers.expansion_failed import ExpansionFailed
from remediator.plan import Declined, Deferred, Plan
from remediator.record import LedgerEntry
from remediator.steps.claims import LowerRequest
from tests.growth.cases import case, record
from tests.growth.made import claim, pod, view, volume

HANDLER = ExpansionFailed()
SIGNAL = "expansion_failed"
REFUSED = claim(requested=100 * GIB, resize_status="ControllerResizeInfeasible")


def test_the_plan_is_one_smaller_request_that_a_person_says_yes_to() -> None:
    """Bound to the claim that was seen; whatever the mode."""
    of = case(SIGNAL, REFUSED)
    decision = HANDLER.plan(of)
    assert isinstance(decision, Plan)
    owner = f"{of.record.name}/{of.record.uid}"
    assert decision.steps == (LowerRequest("web/data", "uid-data", owner, 11 * GIB),)
    assert decision.needs_yes
    assert decision.creates == 0
    assert decision.claims == (("web", "data"),)
    assert HANDLER.risk is Risk.DATA
    assert plans.from_record(plans.to_record(decision)) == decision


def test_an_old_cluster_is_declined_with_the_commands() -> None:
    """Filled with the claim's names, to be pasted."""
    decision = HANDLER.plan(case(SIGNAL, REFUSED, server=(1, 25)))
    assert isinstance(decision, Declined)
    first, *rest = decision.sentence.splitlines()
    assert "Kubernetes 1.25 is older than 1.32" in first
    assert "kubectl -n web describe pvc data" in rest


def test_what_a_person_does_without_commands_is_one_sentence() -> None:
    """Only the node's step is missing."""
    one = claim(requested=100 * GIB, resize_status="NodeResizePending")
    decision = HANDLER.plan(case(SIGNAL, one))
    assert isinstance(decision, Declined)
    assert "\n" not in decision.sentence


def test_what_may_pass_is_deferred() -> None:
    """A full back end, an unread version, a claim that is gone meanwhile."""
    full = claim(requested=100 * GIB, resize_status="ControllerResizeInProgress")
    assert isinstance(HANDLER.plan(case(SIGNAL, full, reason="NoSpace")), Deferred)
    assert isinstance(HANDLER.plan(case(SIGNAL, REFUSED, server=None)), Deferred)
    assert isinstance(HANDLER.plan(case(SIGNAL)), Deferred)


def test_it_reads_what_limits_the_claim() -> None:
    """Once the claim is known, and the namespace for who opted out."""
    of = record(SIGNAL)
    assert list(HANDLER.reads(of, View(Objects(), 0.0))) == [Want(Kind.NAMESPACE, name="web")]
    wanted = {want.kind for want in HANDLER.reads(of, view(claim()))}
    assert wanted == {Kind.NAMESPACE, Kind.QUOTA, Kind.LIMIT_RANGE, Kind.STORAGE_CLASS}


def test_the_goal_is_that_the_claim_has_what_it_asks_for() -> None:
    """As long as it is there."""
    assert not HANDLER.goal(record(SIGNAL), view(REFUSED)).reached
    assert HANDLER.goal(record(SIGNAL), view(claim())).reached


def test_a_mount_that_nobody_does_is_not_waited_for() -> None:
    """The volume has grown, and the file system follows with the next mount; a pod is waited for.

    What is too small, or not known, is waited for as well.
    """
    asks = claim(requested=11 * GIB, resize_status="NodeResizePending")
    large = volume(capacity=11 * GIB)
    found = HANDLER.goal(record(SIGNAL), view(asks, large))
    assert found.reached
    assert "grows when a pod mounts it" in found.sentence
    ended = msgspec.structs.replace(pod(), phase="Succeeded")
    assert HANDLER.goal(record(SIGNAL), view(asks, large, ended)).reached
    for seen in (view(asks, large, pod()), view(asks), view(asks, volume(capacity=None))):
        assert HANDLER.goal(record(SIGNAL), seen).sentence == "it has 10Gi and waits for 11Gi"


def test_no_machine_decides_and_nothing_is_owed() -> None:
    """Whoever wants more asks for more."""
    entry = LedgerEntry(kind="LowerRequest", target="web/data", target_uid="uid-data", at=0.0)
    assert HANDLER.powered_by(record(SIGNAL).subject, view()) == ""
    assert isinstance(HANDLER.undo(entry, record(SIGNAL), view(), None), Closed)
