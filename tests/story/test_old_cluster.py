"""A lost node on Kubernetes 1.22, from the alert to the end, over plain objects: seed 004."""

import asyncio

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.errors import Conflict, Forbidden, Unreachable
from exporter.observe.model import Attestation, Kind, Object, Ready
from exporter.observe.view import View
from remediator.node_loss.drains import UNSCHEDULABLE
from remediator.orders import Decision
from remediator.pipeline import Pipeline
from remediator.record import Phase, StepState
from remediator.steps.pods import DETACHED_WITHIN, ForceDeletePod
from tests.pipeline.people import say, until
from tests.story import objects as made
from tests.story.fake_cluster import Killed, carry_on, ticks
from tests.story.objects import DEAD, LIVE, NAME, NOW
from tests.story.old_cluster import DB, OldCluster

BOTH = ["web/db-0", "web/shop-1"]


def begun(*objects: Object) -> tuple[OldCluster, Pipeline]:
    """Return a cluster with these objects put in, and an engine over it."""
    cluster = OldCluster(objects)
    return cluster, cluster.engine()


def deleted(cluster: OldCluster) -> list[str]:
    """Return which pods were deleted, in order."""
    return [step.target for step in cluster.writes if isinstance(step, ForceDeletePod)]


def after_the_first(cluster: OldCluster, engine: Pipeline) -> None:
    """Carry on until one pod is deleted."""
    asyncio.run(carry_on(cluster, engine, lambda: bool(cluster.writes)))


def states(cluster: OldCluster) -> list[StepState]:
    """Return how far each step is."""
    plan = cluster.record().status.plan
    return [step.state for step in plan.steps] if plan is not None else []


def test_the_pods_are_deleted_once_and_their_claims_are_used_again() -> None:
    """Proof, both pods by uid, six minutes of Kubernetes, Settled; nothing is owed."""
    cluster, engine = begun()
    until(cluster, engine, Phase.SETTLED)
    kept = cluster.record()
    assert deleted(cluster) == BOTH
    assert len(cluster.writes) == 2
    assert len(cluster.answers) >= 2
    assert not cluster.tainted
    assert (kept.owes, kept.kept) == ((), False)
    assert states(cluster) == [StepState.DONE] * 3
    assert kept.status.acted_at is not None


def test_it_says_which_volumes_it_waits_for_and_holds_no_slot_meanwhile() -> None:
    """Six minutes are long, and another node may be lost."""
    cluster, engine = begun()
    asyncio.run(carry_on(cluster, engine, lambda: StepState.WAITING in states(cluster)))
    asyncio.run(ticks(cluster, engine, 3))
    assert cluster.record().status.message == "waiting: still attached: pv-files, pv-rows"
    assert not cluster.record().acting


def test_volumes_that_stay_attached_are_a_persons() -> None:
    """The driver does not detach; nothing more is done by force."""
    cluster, engine = begun()
    cluster.detaches = False
    until(cluster, engine, Phase.FAILED)
    message = cluster.record().status.message
    assert f"waited {DETACHED_WITHIN / 60:g} min in vain" in message
    assert "still attached: pv-files, pv-rows" in message
    assert deleted(cluster) == BOTH


def test_without_proof_no_pod_is_deleted() -> None:
    """A silent node is not a dead node."""
    cluster, engine = begun()
    cluster.machine.state = "running"
    asyncio.run(ticks(cluster, engine, 60))
    assert cluster.phase() is Phase.DEFERRED
    assert deleted(cluster) == []


def word(cluster: OldCluster) -> Attestation:
    """Return ann's word that the dead node is off, given now."""
    return Attestation(
        "a-off", "1", DEAD, cluster.node.uid, "Off", "ann", cluster.clock, NOW + 3600.0
    )


def test_a_persons_word_is_enough_on_bare_metal_and_the_record_says_whose() -> None:
    """No cloud can be asked there."""
    cluster, engine = begun(made.node(DEAD, Ready.UNKNOWN, provider_id=""))
    asyncio.run(ticks(cluster, engine, 5))
    assert deleted(cluster) == []
    cluster.put(word(cluster))
    until(cluster, engine, Phase.SETTLED)
    assert deleted(cluster) == BOTH
    said = {one.guard: one.reason for one in cluster.record().status.verdicts}
    assert said["fencing_proof"] == f"ann attests that node {DEAD} is off (a-off)"


def test_a_persons_word_is_not_enough_where_the_cloud_says_that_the_machine_runs() -> None:
    """Somebody was wrong about it; once it is off, the word counts at once."""
    cluster, engine = begun()
    cluster.machine.state = "running"
    cluster.put(word(cluster))
    asyncio.run(ticks(cluster, engine, 20))
    assert deleted(cluster) == []
    assert "but the cloud says otherwise" in cluster.record().status.message
    cluster.power_fails = Unreachable("EC2 does not answer")
    until(cluster, engine, Phase.SETTLED)
    assert deleted(cluster) == BOTH


def test_a_machine_that_is_started_in_the_middle_keeps_its_other_pods() -> None:
    """The proof is asked for again before each pod; in the end a person is asked."""
    cluster, engine = begun()
    after_the_first(cluster, engine)
    cluster.machine.state, cluster.machine.launched = "running", cluster.clock
    cluster.clock += cluster.policy.proof_age + 1.0
    until(cluster, engine, Phase.FAILED)
    assert deleted(cluster) == BOTH[:1]
    assert "stopped in the middle" in cluster.record().status.message
    assert "is running" in cluster.record().status.message


def test_a_kubelet_that_reports_again_keeps_its_other_pods_whatever_the_cloud_said() -> None:
    """Two say that it is off, and it speaks."""
    cluster, engine = begun()
    after_the_first(cluster, engine)
    cluster.change(cluster.node, ready=Ready.TRUE, ready_since=cluster.clock)
    asyncio.run(ticks(cluster, engine, 20))
    assert deleted(cluster) == BOTH[:1]
    assert f"node {DEAD} is Ready" in cluster.record().status.message


def test_a_person_can_stop_it_between_two_pods() -> None:
    """Each deletion is final, but the plan is not: whoever sees the machine alive says so."""
    cluster, engine = begun()
    after_the_first(cluster, engine)
    say(cluster, Decision.CANCEL)
    until(cluster, engine, Phase.CANCELLED)
    assert deleted(cluster) == BOTH[:1]


def test_a_node_that_was_cordoned_before_it_was_lost_waits_for_a_yes_in_auto_mode() -> None:
    """It may be somebody's maintenance; with a yes it goes on."""
    cordon = model.Taint(UNSCHEDULABLE, "", "NoSchedule", made.LOST_AT - 60.0)
    cluster, engine = begun(made.node(DEAD, Ready.UNKNOWN, unschedulable=True, taints=(cordon,)))
    until(cluster, engine, Phase.AWAITING_APPROVAL)
    assert deleted(cluster) == []
    say(cluster, Decision.APPROVE)
    until(cluster, engine, Phase.SETTLED)
    assert deleted(cluster) == BOTH


def test_a_node_that_a_tool_drains_is_left_to_it_until_its_taint_is_off() -> None:
    """Whatever the cloud says of the machine."""
    drain = model.Taint("karpenter.sh/disrupted", "", "NoSchedule", None)
    cluster, engine = begun(made.node(DEAD, Ready.UNKNOWN, taints=(drain,)))
    asyncio.run(ticks(cluster, engine, 20))
    assert (cluster.phase(), deleted(cluster)) == (Phase.DEFERRED, [])
    assert "Karpenter" in cluster.record().status.message
    cluster.change(cluster.node, taints=())
    until(cluster, engine, Phase.SETTLED)
    assert deleted(cluster) == BOTH


def test_a_new_pod_of_the_same_name_is_never_touched() -> None:
    """Somebody else has deleted it meanwhile, and the StatefulSet has made another one there."""
    cluster, engine = begun()
    uid = "uid-of-the-next"

    def replaced() -> None:
        cluster.before_write = None
        cluster.put(msgspec.structs.replace(DB, uid=uid, created=cluster.clock))

    cluster.before_write = replaced
    asyncio.run(carry_on(cluster, engine, lambda: "web/shop-1" in deleted(cluster)))
    assert cluster.pods()["db-0"] in (uid, f"{uid}-again")
    planned = [step.uid for step in cluster.writes if isinstance(step, ForceDeletePod)]
    assert "uid-db-0" not in planned


def test_a_pod_that_nobody_owns_stays_and_is_named_in_the_end() -> None:
    """The others are repaired; its own claim still is there, and so is the failure."""
    notes = (made.claim("notes"), made.volume("notes"), made.attachment("notes"))
    cluster, engine = begun(made.pod("lonely", "notes"), *notes)
    until(cluster, engine, Phase.UNSETTLED)
    assert deleted(cluster) == BOTH
    assert cluster.pods()["lonely"] == "uid-lonely"
    plan = cluster.record().status.plan
    assert plan is not None
    assert any("pod web/lonely has no owner" in finding for finding in plan.findings)
    assert "left to a person: pod web/lonely has no owner" in cluster.record().status.message
    seen = View(cluster.objects, cluster.clock)
    assert [pod.node for pod in seen.pods_of("web", "rows")] == [LIVE]


def test_in_tree_volumes_are_waited_for_until_the_nodes_status_names_them_no_more() -> None:
    """As Kubernetes 1.22 has them."""
    rows = made.volume("rows", driver="kubernetes.io/aws-ebs", handle="vol-rows")
    unique = "kubernetes.io/aws-ebs/aws://eu-central-1a/vol-rows"
    dead = made.node(DEAD, Ready.UNKNOWN, attached=(unique,))
    cluster, engine = begun(rows, dead)
    cluster.forget(made.attachment("rows"))
    asyncio.run(carry_on(cluster, engine, lambda: StepState.WAITING in states(cluster)))
    asyncio.run(ticks(cluster, engine, 1))
    assert "pv-rows" in cluster.record().status.message
    until(cluster, engine, Phase.SETTLED)
    assert cluster.node.attached == ()


@pytest.mark.parametrize("lands", [True, False])
def test_a_deletion_without_an_answer_is_looked_for_and_not_doubled(
    lands: bool,  # noqa: FBT001 -- the two cases
) -> None:
    """By its uid it can only ever be the same pod."""
    cluster, engine = begun()
    cluster.refusals = [(Unreachable("timed out"), lands)]
    until(cluster, engine, Phase.SETTLED)
    assert deleted(cluster) == BOTH


def test_a_refused_second_deletion_forgets_not_that_we_acted() -> None:
    """Cooldowns and rates count from it; there is no debt that would tell."""
    cluster, engine = begun()
    after_the_first(cluster, engine)
    acted = cluster.record().status.acted_at
    cluster.refusals = [(Conflict("409"), False)]
    asyncio.run(carry_on(cluster, engine, lambda: not cluster.refusals))
    kept = cluster.record()
    assert (acted is not None, kept.status.phase) == (True, Phase.RUNNING)
    assert kept.status.acted_at is not None
    until(cluster, engine, Phase.SETTLED)
    assert deleted(cluster) == BOTH


def test_without_the_right_to_delete_it_fails_and_says_so() -> None:
    """An operator reads which right is missing."""
    cluster, engine = begun()
    cluster.refusals = [(Forbidden("delete pods web/db-0: not allowed (403)"), False)]
    until(cluster, engine, Phase.FAILED)
    assert "delete pods web/db-0: not allowed" in cluster.record().status.message
    assert deleted(cluster) == []


def test_an_object_that_a_finalizer_keeps_is_a_persons() -> None:
    """The deletion was accepted, and yet it stays."""
    cluster, engine = begun()
    after_the_first(cluster, engine)
    cluster.put(msgspec.structs.replace(DB, deletion=cluster.clock))
    until(cluster, engine, Phase.FAILED)
    assert "it was accepted and does not show" in cluster.record().status.message


def test_unseen_pods_stop_it_and_it_goes_on() -> None:
    """Nobody can tell what is gone."""
    cluster, engine = begun()
    after_the_first(cluster, engine)
    cluster.unseen = {Kind.POD: "503"}
    asyncio.run(ticks(cluster, engine, 5))
    assert deleted(cluster) == BOTH[:1]
    cluster.unseen = {}
    until(cluster, engine, Phase.SETTLED)


def test_a_kill_at_any_point_ends_as_if_it_had_not_been() -> None:
    """Each pod once, whenever the program dies."""
    whole, engine = begun()
    until(whole, engine, Phase.SETTLED)
    for point in range(1, whole.points + 1):
        cluster, engine = begun()
        cluster.deaths = {point}
        for _ in range(2000):
            if cluster.phase() is Phase.SETTLED:
                break
            try:
                rest = asyncio.run(engine.tick(NAME))
            except Killed:
                engine, rest = cluster.engine(), 1.0
            cluster.clock += max(rest, 0.25)
        assert (cluster.phase(), deleted(cluster)) == (Phase.SETTLED, BOTH), point


def test_a_plan_for_many_pods_takes_seconds_each_not_minutes() -> None:
    """A node holds 110 pods."""
    more: list[Object] = []
    for number in range(108):
        name = f"c{number:03}"
        more += [made.claim(name), made.volume(name), made.attachment(name)]
        more.append(made.pod(f"p-{name}", name, owner=DB.owner))
    cluster, engine = begun(*more)
    until(cluster, engine, Phase.RUNNING)
    began = cluster.clock
    asyncio.run(carry_on(cluster, engine, lambda: len(deleted(cluster)) == 110))
    assert cluster.clock - began < 110 * 4.0
