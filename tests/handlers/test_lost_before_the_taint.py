"""node_lost_with_volumes on Kubernetes 1.16 to 1.25: which pods are deleted by force.

And, on every version, who drains a node that is lost.
"""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Kind, Object, Owner, Ready, Taint
from exporter.observe.objects import Objects
from exporter.observe.view import View, Want
from remediator.case import Case
from remediator.guards.base import Allowed, NeedsApproval
from remediator.guards.mode import approval
from remediator.handlers.node_lost_with_volumes import NodeLostWithVolumes
from remediator.node_loss.drains import ANNOTATIONS, TAINTS, UNSCHEDULABLE
from remediator.plan import Declined, Deferred, Plan
from remediator.steps.pods import AwaitDetached, ForceDeletePod
from remediator.steps.taints import AddTaint
from tests.story import objects as made
from tests.story.objects import DEAD, DRIVER, LIVE, LOST_AT, NOW, OWNER, question

HANDLER = NodeLostWithVolumes()
OLD = (1, 22)
SET = Owner("apps", "StatefulSet", "db", "uid-db").packed
REPLICAS = Owner("apps", "ReplicaSet", "shop", "uid-shop").packed
DB = made.pod("db-0", "rows", owner=SET)
SHOP = made.pod("shop-1", "files", owner=REPLICAS)


def case(*changed: Object, server: tuple[int, int] = OLD, **fields: object) -> Case:
    """Return a case on an old Kubernetes, its two pods owned."""
    return made.case(made.view(DB, SHOP, *changed), server=server, **fields)


def planned(*changed: Object, server: tuple[int, int] = OLD) -> Plan:
    """Return the plan."""
    decision = HANDLER.plan(case(*changed, server=server))
    assert isinstance(decision, Plan)
    return decision


def deletion(name: str, uid: str = "") -> ForceDeletePod:
    """Return the step for a pod."""
    return ForceDeletePod(f"web/{name}", uid or f"uid-{name}", OWNER, DEAD, f"uid-{DEAD}")


WAIT = AwaitDetached(DEAD, f"uid-{DEAD}", OWNER)


@pytest.mark.parametrize("server", [(1, 16), (1, 25)])
def test_each_pod_is_deleted_by_its_uid_then_the_volumes_are_waited_for(
    server: tuple[int, int],
) -> None:
    """Nothing is tainted: it would be ignored."""
    plan = planned(server=server)
    assert plan.steps == (deletion("db-0"), deletion("shop-1"), WAIT)
    assert plan.used_claims == (("web", "files"), ("web", "rows"))
    assert plan.claim_uids == ("uid-files", "uid-rows")
    assert (plan.drivers, plan.nodes, plan.needs_proof) == ((DRIVER,), (DEAD,), True)
    assert plan.findings == (
        "a pod that is deleted by force is gone for good; what made it makes a new one",
    )


def test_from_1_26_on_it_is_the_taint() -> None:
    """Whoever owns the pods: the control plane evicts them."""
    assert [type(step) for step in planned(server=(1, 26)).steps] == [AddTaint]


def test_before_1_16_it_declines() -> None:
    """The clusters of 2019 are reported, with the runbook."""
    decision = HANDLER.plan(case(server=(1, 15)))
    assert isinstance(decision, Declined)
    assert decision.sentence.startswith("Kubernetes 1.15 is too old")


LEFT = {
    "that nobody owns": ("", "has no owner that would make it again"),
    "that is static": (Owner("", "Node", DEAD).packed, "is a static pod"),
    "of a DaemonSet": (Owner("apps", "DaemonSet", "agents").packed, "is a DaemonSet's"),
}


@pytest.mark.parametrize(("owner", "why"), LEFT.values(), ids=LEFT)
def test_a_pod_is_left_to_a_person_and_named(owner: str, why: str) -> None:
    """Nothing would make it again, or on the same node; its claim is no part of the goal."""
    lonely = made.pod("lonely", "notes", owner=owner)
    notes = (made.claim("notes"), made.volume("notes"), made.attachment("notes"))
    plan = planned(lonely, *notes)
    assert plan.steps == (deletion("db-0"), deletion("shop-1"), WAIT)
    assert plan.used_claims == (("web", "files"), ("web", "rows"))
    assert plan.findings[-1].startswith(f"left to a person: pod web/lonely {why}")


def test_where_no_pod_may_be_deleted_it_declines_and_names_them() -> None:
    """A person decides about pods that nobody would make again."""
    seen = made.view()
    decision = HANDLER.plan(made.case(seen, server=OLD))
    assert isinstance(decision, Declined)
    assert "pod web/db-0 has no owner" in decision.sentence
    assert "pod web/shop-1 has no owner" in decision.sentence


def test_where_all_pods_are_gone_there_is_nothing_to_do_but_wait() -> None:
    """Somebody has deleted them; Kubernetes' own 6 minutes run."""
    rest = [obj for obj in made.scene() if not isinstance(obj, model.Pod)]
    decision = HANDLER.plan(made.case(View(Objects(rest), NOW), server=OLD))
    assert isinstance(decision, Deferred)
    assert "6 minutes" in decision.sentence


STAYS = {
    "that has ended": made.pod("job-1", "files", owner=REPLICAS, phase="Succeeded"),
    "whose claim several nodes may use": made.pod("web-1", "shared", owner=REPLICAS),
    "that is on another node": made.pod("db-1", "rows", LIVE, owner=SET),
}


@pytest.mark.parametrize("pod", STAYS.values(), ids=STAYS)
def test_no_other_pod_is_touched(pod: model.Pod) -> None:
    """It holds nothing that another node waits for."""
    modes = {"access_modes": ("ReadWriteMany",)}
    shared = (made.claim("shared", **modes), made.volume("shared", **modes))
    assert planned(pod, *shared).steps == (deletion("db-0"), deletion("shop-1"), WAIT)


def test_in_tree_volumes_count_with_their_driver() -> None:
    """They have no VolumeAttachment: the node's own status names them."""
    in_tree = made.volume("rows", driver="kubernetes.io/aws-ebs", handle="vol-1")
    named = "kubernetes.io/aws-ebs/aws://z/vol-1"
    node = made.node(DEAD, Ready.UNKNOWN, attached=(named,))
    rest = [obj for obj in made.scene() if obj.name != f"va-rows-{DEAD}"]
    seen = View(Objects([*rest, DB, SHOP, in_tree, node]), NOW)
    decision = HANDLER.plan(made.case(seen, server=OLD))
    assert isinstance(decision, Plan)
    assert decision.drivers == (DRIVER, "kubernetes.io/aws-ebs")


def test_the_reads_ask_for_what_may_prove_it_dead() -> None:
    """Words of people, and fences."""
    wanted = set(HANDLER.reads(made.record(), made.view()))
    assert {Want(Kind.ATTESTATION), Want(Kind.NETWORK_FENCE)} <= wanted


def taint(key: str, added: float | None = LOST_AT - 600.0) -> Taint:
    """Return a taint that keeps new pods away."""
    return Taint(key, "", "NoSchedule", added)


BOTH = pytest.mark.parametrize("server", [OLD, (1, 36)])


@BOTH
@pytest.mark.parametrize("key", TAINTS)
def test_a_tool_that_drains_the_node_is_named_and_not_fought(
    key: str, server: tuple[int, int]
) -> None:
    """By what it writes on the node, whatever the version."""
    node = made.node(DEAD, Ready.UNKNOWN, taints=(taint(key),))
    decision = HANDLER.plan(case(node, server=server))
    assert isinstance(decision, Deferred)
    assert TAINTS[key] in decision.sentence
    assert key in decision.sentence


@pytest.mark.parametrize("key", ANNOTATIONS)
def test_a_tool_that_writes_an_annotation_is_named_too(key: str) -> None:
    """Here it is kured, which boots nodes anew."""
    decision = HANDLER.plan(case(made.node(DEAD, Ready.UNKNOWN, annotations={key: "x"})))
    assert isinstance(decision, Deferred)
    assert key in decision.sentence


def test_a_node_that_may_be_removed_some_day_is_not_drained() -> None:
    """The autoscaler only thinks of it."""
    node = made.node(DEAD, Ready.UNKNOWN, taints=(taint("DeletionCandidateOfClusterAutoscaler"),))
    assert isinstance(HANDLER.plan(case(node)), Plan)


@BOTH
@pytest.mark.parametrize(
    ("taints", "when"),
    [
        ((taint(UNSCHEDULABLE),), "10 min before it was lost"),
        ((taint(UNSCHEDULABLE, LOST_AT),), "0 min before it was lost"),
        ((taint(UNSCHEDULABLE, None),), "at a time that is not known"),
        ((), "at a time that is not known"),
    ],
    ids=["before", "at once", "no time", "no taint"],
)
def test_a_node_that_may_have_been_cordoned_on_purpose_needs_a_yes(
    taints: tuple[Taint, ...], when: str, server: tuple[int, int]
) -> None:
    """In every mode; and the plan says why."""
    node = made.node(DEAD, Ready.UNKNOWN, unschedulable=True, taints=taints)
    about = case(node, server=server)
    plan = HANDLER.plan(about)
    assert isinstance(plan, Plan)
    assert f"somebody cordoned node {DEAD} {when}" in plan.findings[0]
    assert isinstance(approval(question(about, plan=plan)), NeedsApproval)


@BOTH
def test_a_cordon_of_after_the_loss_is_no_drain(server: tuple[int, int]) -> None:
    """That is how people keep a sick node empty."""
    node = made.node(
        DEAD, Ready.UNKNOWN, unschedulable=True, taints=(taint(UNSCHEDULABLE, LOST_AT + 1.0),)
    )
    about = case(node, server=server)
    plan = HANDLER.plan(about)
    assert isinstance(plan, Plan)
    assert approval(question(about, plan=plan)) == Allowed()


def test_a_node_without_its_object_is_left_to_kubernetes() -> None:
    """With it went the providerID: no machine could be asked any more."""
    seen = View(Objects(obj for obj in made.scene() if obj.name != DEAD), NOW)
    about = msgspec.structs.replace(case(), view=seen)
    decision = HANDLER.plan(about)
    assert isinstance(decision, Deferred)
    assert "no machine to ask" in decision.sentence
