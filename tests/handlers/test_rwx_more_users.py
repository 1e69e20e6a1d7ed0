"""rwx_recovery_blocked decides about pods without owner and about foreign kinds."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Kind, Object, Signal, SinceSource
from exporter.observe.objects import Objects
from exporter.observe.view import View, Want
from remediator import plan as plans
from remediator.case import Case, Policy
from remediator.handlers.base import Back, Closed, Undo, Wait
from remediator.handlers.rwx_recovery_blocked import RwxRecoveryBlocked
from remediator.plan import Plan
from remediator.record import MANIFEST, LedgerEntry, Phase, Record
from remediator.steps import debt
from remediator.steps.bare_pods import AT_MOST, StopPod
from remediator.steps.scales import StopScale
from tests.story import objects as made
from tests.story.more_users import ALLOWED, ASKED, bare, body, farm, manifest
from tests.story.objects import NOW
from tests.story.rwx_cluster import OWNER, SIGNAL, SUBJECT, clear, record, scene

HANDLER = RwxRecoveryBlocked()
BY_HAND = (
    "Pod web/lonely has no owner: a person saves its manifest, deletes it, and creates it again"
)
SPACE = made.namespace(annotations=ASKED)


def view(*objects: Object) -> View:
    """Return a View of the usual scene, its namespace asking for more, and these."""
    return View(Objects([*scene(), SPACE, *objects]), NOW)


def planned(*objects: Object, policy: Policy = ALLOWED) -> Plan:
    """Return the plan over these objects."""
    decision = HANDLER.plan(
        Case(
            record=record(),
            signal=Signal(SIGNAL, SUBJECT, NOW - 120.0, SinceSource.EVENT, "Blocked"),
            view=view(*objects),
            now=NOW,
            policy=policy,
            server=(1, 36),
        )
    )
    assert isinstance(decision, Plan), decision
    return decision


def told(plan: Plan, begins: str) -> str:
    """Return the one finding that begins so."""
    (found,) = [finding for finding in plan.findings if finding.startswith(begins)]
    return found


def test_what_asks_for_it_needs_no_person_and_comes_first() -> None:
    """Deleted and made again; scaled and scaled back."""
    plan = planned(*bare(), *farm())
    assert not plan.needs_yes
    assert [step.sentence() for step in plan.steps] == [
        "stop Farm.example.com web/x, which has 3 replicas",
        "delete pod web/lonely, which has no owner, and keep its manifest",
        "stop Deployment web/shop, which has 2 replicas",
        "wait until no pod uses claim web/data",
        "wait until Rok says that the volume of claim web/data can be used again",
        "start Deployment web/shop again, with 2 replicas",
        "make pod web/lonely again",
        "start Farm.example.com web/x again, with 3 replicas",
    ]
    assert "what it has in itself is lost" in told(plan, "Pod web/lonely")
    assert "who owns it would not be seen" in told(plan, "Farm.example.com web/x")


@pytest.mark.parametrize(
    ("objects", "policy", "words"),
    [
        (
            bare(),
            msgspec.structs.replace(ALLOWED, bare_pods=False),
            f"{BY_HAND}: the setting stopping.bare_pods is off",
        ),
        (
            [*bare(), made.namespace()],
            ALLOWED,
            f"{BY_HAND} (1 pods)",
        ),
        (bare(terminationGracePeriodSeconds=0), ALLOWED, "Pod web/lonely has no owner: a person"),
        (bare()[:1], ALLOWED, "Pod web/lonely has no owner: a person saves its manifest"),
        (
            [made.pod("lonely", "data", deletion=NOW + 9.0), manifest(body())],
            ALLOWED,
            "Pod web/lonely has no owner and is Terminating: a person creates it again",
        ),
        (farm()[1:], ALLOWED, "Farm.example.com web/x has no scale that can be read"),
        (
            farm(),
            msgspec.structs.replace(ALLOWED, scalable=frozenset()),
            "Farm.example.com web/x is of a kind that nobody here knows",
        ),
    ],
    ids=["setting", "nobody asks", "force", "unread", "Terminating", "no scale", "not listed"],
)
def test_who_is_a_person_s_is_named_with_the_reason(
    objects: list[Object], policy: Policy, words: str
) -> None:
    """And somebody has to be there for it."""
    plan = planned(*objects, policy=policy)
    assert told(plan, words)
    assert plan.needs_yes
    assert not [step for step in plan.steps if isinstance(step, StopPod | StopScale)]


def test_a_scale_that_is_at_zero_already_is_left_so() -> None:
    """Its pods are on their way out; who scaled it down starts it again."""
    scale = next(one for one in farm() if isinstance(one, model.Scale))
    plan = planned(*farm(), msgspec.structs.replace(scale, replicas=0))
    assert not [step for step in plan.steps if isinstance(step, StopScale)]


def test_only_what_a_plan_may_be_about_is_read() -> None:
    """One list a bare pod, as far as there are few; one scale a foreign kind."""
    wanted = set(HANDLER.reads(record(), view(*bare(), *farm())))
    named = {want for want in wanted if want.kind in (Kind.POD_MANIFEST, Kind.SCALE)}
    assert named == {
        Want(Kind.POD_MANIFEST, "web", field_selector="metadata.name=lonely"),
        Want(Kind.SCALE, "web", "Farm.example.com/x"),
    }
    many = [pod for number in range(AT_MOST + 1) for pod in bare(f"lonely-{number}")]
    assert Kind.POD_MANIFEST not in {want.kind for want in HANDLER.reads(record(), view(*many))}


def running(plan: Plan) -> Record:
    """Return a record that is at work on a plan."""
    status = msgspec.structs.replace(
        record().status, plan=plans.to_record(plan), phase=Phase.RUNNING
    )
    return msgspec.structs.replace(record(), status=status)


def test_what_was_stopped_is_read_although_nobody_uses_the_claim_any_more() -> None:
    """Its pods are gone, and it is owed."""
    kept = running(planned(*bare(), *farm()))
    kinds = {want.kind for want in HANDLER.reads(kept, view())}
    assert {Kind.POD_MANIFEST, Kind.SCALE} <= kinds


def test_the_goal_is_that_what_was_made_again_runs() -> None:
    """A pod that ended meanwhile, or that somebody took away, is waited for no more."""
    kept = running(planned(*bare(), *farm()))
    (pod, _), scale = bare(), farm()[0]
    waits = [
        (msgspec.structs.replace(pod, phase="Pending"), scale),
        (pod, msgspec.structs.replace(scale, current=1)),
    ]
    for objects in waits:
        assert not HANDLER.goal(kept, view(*objects)).reached
    for there in (pod, msgspec.structs.replace(pod, phase="Succeeded"), scale):
        assert HANDLER.goal(kept, view(there)).reached


STOP = StopPod("web/lonely", "uid-lonely", OWNER, "data")
SCALED = StopScale("web/x", "uid-farm", OWNER, "Farm.example.com", "data", 3)
OWED = debt(STOP, {MANIFEST: manifest(body()).text}, NOW)
LESS = debt(SCALED, {"was": "2"}, NOW)


def undone(entry: LedgerEntry, *objects: Object) -> Undo:
    """Return what is to be done about a debt."""
    return HANDLER.undo(entry, record(), view(*objects), None)


def test_a_debt_waits_for_rok_s_word() -> None:
    """Then it is made again from what was kept."""
    zero = msgspec.structs.replace(farm()[0], replicas=0)
    for entry, there in ((OWED, ()), (LESS, (zero,))):
        assert isinstance(undone(entry, *there), Wait)
        back = undone(entry, *there, clear())
        assert isinstance(back, Back)
        assert back.step.act(view(*there)) is not None


def test_a_debt_that_is_not_ours_any_more_is_closed() -> None:
    """Somebody made the pod again, or scaled the kind, or deleted it."""
    for entry, there in ((OWED, bare()), (LESS, farm()), (LESS, [])):
        assert isinstance(undone(entry, *there), Closed)


def test_a_debt_whose_manifest_is_lost_waits_for_a_person() -> None:
    """Nobody knows what to make."""
    waiting = undone(debt(STOP, {}, NOW), clear())
    assert isinstance(waiting, Wait)
    assert (waiting.step, waiting.sentence) == (None, "its manifest is not on the record")
