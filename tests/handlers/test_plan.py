"""A plan as a value: how it stands on record, what its hash names, what it touches."""

import msgspec

from remediator import plan as plans
from remediator.plan import Plan
from remediator.record import StepState
from remediator.steps.taints import RemoveTaint
from tests.story.objects import plan, planned, step

ADD = step()
REMOVE = RemoveTaint(ADD.target, ADD.uid, ADD.owner, ADD.key, ADD.value, ADD.effect)


def test_a_plan_stands_on_record_with_nothing_done() -> None:
    """Every step is Pending."""
    kept = planned()
    assert kept.goal == plan().goal
    assert kept.used_claims == ("web/files", "web/rows")
    assert [one.state for one in kept.steps] == [StepState.PENDING]


def test_a_plan_keeps_its_claims_uids_by_name() -> None:
    """Events about a claim need its uid."""
    uids = msgspec.structs.replace(plan(), claim_uids=("u1", "u2"))
    assert plans.to_record(uids).claim_uids == {"web/files": "u1", "web/rows": "u2"}


def test_a_plans_hash_names_goal_steps_and_targets() -> None:
    """Readings and claims that come and go do not change it."""
    same = msgspec.structs.replace(plan(), used_claims=(), drivers=())
    assert plans.to_record(same).hash == planned().hash
    others = [
        msgspec.structs.replace(plan(), goal="another goal"),
        msgspec.structs.replace(plan(), steps=(REMOVE,)),
        msgspec.structs.replace(plan(), steps=(msgspec.structs.replace(ADD, uid="uid-new"),)),
        msgspec.structs.replace(plan(), steps=(step("node-z"),)),
        Plan(goal=plan().goal, steps=()),
    ]
    hashes = {plans.to_record(other).hash for other in others}
    assert len(hashes) == len(others)
    assert planned().hash not in hashes


def test_a_plan_comes_back_from_a_record_as_it_went_in() -> None:
    """A later step is judged by it, when the world is half changed by the earlier ones."""
    whole = Plan(
        goal="all is well",
        steps=(ADD, REMOVE),
        used_claims=(("web", "files"),),
        claim_uids=("u1",),
        drivers=("ebs",),
        creates=7,
        needs_yes=True,
        gluster_nodes=("node-x",),
        findings=("one disk is free",),
    )
    assert plans.from_record(plans.to_record(whole)) == whole


def test_a_plan_touches_the_nodes_and_claims_of_its_steps() -> None:
    """No other plan may touch them while it acts."""
    kept = planned()
    assert kept.touches == (f"node {ADD.target}", "claim web/files", "claim web/rows")
    assert kept.nodes == plan().nodes == (ADD.target,)
