"""rwx_recovery_blocked decides: who is stopped by whom, who is only named, and when it refuses."""

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import KIND_OF, Kind, Object, Owner, Signal, SinceSource, Workload
from exporter.observe.objects import Objects
from exporter.observe.view import View, Want
from remediator import plan as plans
from remediator.case import Case
from remediator.handlers.base import Back, Closed, Undo, Wait
from remediator.handlers.rwx_recovery_blocked import RwxRecoveryBlocked
from remediator.plan import Declined, Deferred, Plan
from remediator.record import Phase, Record
from remediator.steps import debt
from remediator.steps.workloads import StartWorkload, StopWorkload
from tests.story import objects as made
from tests.story.acts import kube_write
from tests.story.objects import AUTO, NOW
from tests.story.rwx_cluster import (
    CLAIM,
    OWNER,
    SIGNAL,
    SUBJECT,
    bare,
    clear,
    owned_by_stranger,
    pod_of,
    record,
    scene,
    shop,
    workload,
)

HANDLER = RwxRecoveryBlocked()
NUMBERS = {"replicas": 3, "current": 3, "ready": 3}
EACH = [
    (model.Deployment, NUMBERS, "Deployment web/one, which has 3 replicas"),
    (model.StatefulSet, NUMBERS, "StatefulSet web/one, which has 3 replicas"),
    (model.ReplicaSet, NUMBERS, "ReplicaSet web/one, which has 3 replicas"),
    (model.ReplicationController, NUMBERS, "ReplicationController web/one, which has 3 replicas"),
    (model.DeploymentConfig, NUMBERS, "DeploymentConfig web/one, which has 3 replicas"),
    (model.Rollout, NUMBERS, "Rollout web/one, which has 3 replicas"),
    (model.DaemonSet, {}, "DaemonSet web/one"),
    (model.Job, {}, "Job web/one"),
    (model.CronJob, {}, "CronJob web/one"),
    (model.CronWorkflow, {}, "CronWorkflow web/one"),
    (model.Notebook, {}, "Notebook web/one"),
]


def case(*objects: Object, of: Record | None = None) -> Case:
    """Return a case over these objects, the claim and its warning."""
    return Case(
        record=of if of is not None else record(),
        signal=Signal(SIGNAL, SUBJECT, NOW - 120.0, SinceSource.EVENT, "Blocked"),
        view=View(Objects(objects or scene()), NOW),
        now=NOW,
        policy=AUTO,
        server=(1, 36),
    )


def planned(*objects: Object) -> Plan:
    """Return the plan over these objects."""
    decision = HANDLER.plan(case(*objects))
    assert isinstance(decision, Plan), decision
    return decision


def says(plan: Plan) -> list[str]:
    """Return what the steps say."""
    return [step.sentence() for step in plan.steps]


@pytest.mark.parametrize(("cls", "fields", "words"), EACH, ids=lambda one: str(one)[:30])
def test_each_kind_is_stopped_in_its_own_way_and_started_again(
    cls: type[Workload], fields: dict[str, int], words: str
) -> None:
    """One patch bound to uid and version stops it, another one puts back what was there."""
    one = workload(cls, "one", **fields)
    plan = planned(*scene(one))
    assert says(plan)[0] == f"stop {words}"
    assert isinstance(plan.steps[0], StopWorkload)
    assert isinstance(plan.steps[-1], StartWorkload)
    view = View(Objects(scene(one)), NOW)
    write = kube_write(plan.steps[0], view)
    assert write is not None
    assert write.path.endswith(f"/namespaces/web/{KIND_OF[cls]}/one")
    assert not plan.needs_yes


STOPPED_SPEC = {
    model.Deployment: {"replicas": 0},
    model.DaemonSet: {"template": {"spec": {"nodeSelector": {"pvmedic.dev/stopped": "true"}}}},
    model.CronJob: {"suspend": True},
    model.Notebook: None,
}


@pytest.mark.parametrize("cls", STOPPED_SPEC, ids=lambda cls: cls.__name__)
def test_what_a_stop_writes(cls: type[Workload]) -> None:
    """The note, what was there, when, and the change, in one request."""
    one = workload(cls, "one", **(NUMBERS if cls is model.Deployment else {}))
    stop = planned(*scene(one)).steps[0]
    write = kube_write(stop, View(Objects(scene(one)), NOW))
    assert write is not None
    meta = write.body["metadata"]
    assert isinstance(meta, dict)
    assert (meta["uid"], meta["resourceVersion"]) == ("uid-one", "1")
    notes = meta["annotations"]
    assert notes["pvmedic.dev/undo"] == OWNER
    assert notes["pvmedic.dev/undo-was"] == ("3" if cls is model.Deployment else "running")
    assert notes["pvmedic.dev/stopped-at"] == str(int(NOW))
    assert write.body.get("spec") == STOPPED_SPEC[cls]
    assert ("kubeflow-resource-stopped" in notes) is (cls is model.Notebook)


def test_a_job_that_runs_is_stopped_beside_what_started_it() -> None:
    """To suspend a CronJob stops no Job."""
    nightly = workload(model.CronJob, "nightly")
    job = workload(model.Job, "nightly-1", owner=nightly.reference)
    plan = planned(*scene(nightly, job)[:-2], pod_of(job))
    assert says(plan)[:2] == ["stop CronJob web/nightly", "stop Job web/nightly-1"]


def test_a_statefulset_of_a_notebook_is_left_to_it() -> None:
    """Its controller would scale it up again."""
    book = workload(model.Notebook, "book")
    inner = workload(model.StatefulSet, "book", owner=book.reference, **NUMBERS)
    inner = msgspec.structs.replace(inner, uid="uid-inner")
    plan = planned(*[o for o in scene(book) if not isinstance(o, model.Pod)], inner, pod_of(inner))
    assert says(plan)[0] == "stop Notebook web/book"
    assert sum(isinstance(step, StopWorkload) for step in plan.steps) == 1


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ((bare(),), "Pod web/lonely has no owner: a person saves its manifest"),
        ((owned_by_stranger(),), "Farm.example.com web/x is of a kind that nobody here knows"),
        (
            (workload(model.Workflow, "flow"), pod_of(workload(model.Workflow, "flow"))),
            "Workflow.argoproj.io web/flow cannot be started again",
        ),
        (
            (made.pod("orphan", "data", owner=Owner("apps", "ReplicaSet", "x", "u").packed),),
            "ReplicaSet.apps web/x has an owner that is not there",
        ),
    ],
    ids=["bare pod", "other kind", "workflow", "owner gone"],
)
def test_who_cannot_be_started_again_is_named_and_a_person_is_asked(
    user: tuple[Object, ...], words: str
) -> None:
    """Nothing is deleted; the plan waits for a person, and asks before it begins."""
    plan = planned(*scene(), *user)
    assert any(finding.startswith(words) for finding in plan.findings), plan.findings
    assert plan.needs_yes
    stopped = [step.target for step in plan.steps if isinstance(step, StopWorkload)]
    assert stopped == ["web/shop"]


def test_who_would_put_it_back_is_said() -> None:
    """Autoscalers and GitOps: an HPA is known to leave zero alone."""
    keeper = model.Keeper("Flux", "apps", "flux-system")
    target = Owner("apps", "Deployment", "shop")
    hpa = model.HorizontalPodAutoscaler("web", "shop", "uid-hpa", "1", target, 1, 9)
    keda = model.ScaledObject("web", "shop", "uid-keda", "1", target, 1, 9)
    plan = planned(*scene(shop(keepers=(keeper,))), hpa, keda)
    (told,) = (finding for finding in plan.findings if finding.startswith("Deployment.apps"))
    assert "HorizontalPodAutoscaler shop leaves zero alone" in told
    assert "ScaledObject shop raises from zero: pause it first" in told
    assert "Flux apps may put it back: pause it first" in told


def test_how_far_the_data_went_back_is_said_first() -> None:
    """As far as VolumeSnapshots tell; Rok keeps snapshots of its own."""
    assert "no VolumeSnapshot tells" in planned().findings[0]
    taken = model.Snapshot(
        namespace="web",
        name="nightly",
        uid="uid-nightly",
        version="1",
        claim="data",
        content="",
        snapshot_class="rok",
        created=NOW - 5400.0,
        deletion=None,
        finalizers=(),
        ready=True,
        error=None,
        bound_content="c",
        touched=True,
    )
    assert "VolumeSnapshot nightly is 1.5 h old" in planned(*scene(), taken).findings[0]


def test_too_many_users_are_left_to_people() -> None:
    """Both limits count."""
    few = msgspec.structs.replace(AUTO, stop_workloads=1)
    two = scene(shop(), workload(model.StatefulSet, "db", **NUMBERS))
    for policy in (few, msgspec.structs.replace(AUTO, stop_pods=4)):
        decision = HANDLER.plan(msgspec.structs.replace(case(*two), policy=policy))
        assert isinstance(decision, Declined)
        assert decision.sentence.startswith("2 workloads with 5 pods use the claim")


def test_nobody_left_is_waited_for() -> None:
    """Rok's word is missing, and there is nothing to stop."""
    left = [one for one in scene() if not isinstance(one, model.Pod | Workload)]
    assert isinstance(HANDLER.plan(case(*left)), Deferred)


def test_a_claim_that_is_gone_is_declined() -> None:
    """Nothing can be repaired."""
    assert isinstance(HANDLER.plan(case(made.node())), Declined)


def test_what_another_remediation_has_stopped_is_left_to_it() -> None:
    """Two claims of one workload: what it had before is known to the first one only."""
    other = shop(0, annotations={"pvmedic.dev/undo": "other/uid"})
    decision = HANDLER.plan(case(*scene(other)))
    assert isinstance(decision, Declined)
    assert "deployments web/shop is stopped by another Remediation" in decision.sentence


def test_replicas_are_no_part_of_what_a_person_says_yes_to() -> None:
    """They move while the person thinks."""
    more = planned(*scene(shop(5)))
    assert plans.to_record(planned()).hash == plans.to_record(more).hash


def test_the_whole_namespace_is_read() -> None:
    """One list a kind; nothing of other namespaces but nodes."""
    wanted = list(HANDLER.reads(record(), View(Objects(), NOW)))
    assert Want(Kind.NODE) in wanted
    lists = [want for want in wanted if want.kind not in (Kind.NODE, Kind.NAMESPACE)]
    assert {want.namespace for want in lists} == {"web"}
    assert len(lists) == len(set(lists)) == 16


def test_the_goal_is_that_what_was_started_is_ready() -> None:
    """As many pods as it wants now."""
    kept = record()
    plan = plans.to_record(planned())
    status = msgspec.structs.replace(kept.status, plan=plan, phase=Phase.VERIFYING)
    kept = msgspec.structs.replace(kept, status=status)
    assert HANDLER.goal(kept, View(Objects(scene()), NOW)).reached
    waiting = HANDLER.goal(kept, View(Objects(scene(shop(ready=1))), NOW))
    assert (waiting.reached, waiting.sentence) == (
        False,
        "waiting for the pods of deployments web/shop",
    )


STOP = StopWorkload("web/shop", "uid-shop", OWNER, "deployments", "data", "2")
NOTED = {"pvmedic.dev/undo": OWNER, "pvmedic.dev/undo-was": "2", "pvmedic.dev/stopped-at": str(NOW)}


def undone(*objects: Object) -> Undo:
    """Return what is to be done about the debt of a stop."""
    view = View(Objects([CLAIM, *objects]), NOW)
    return HANDLER.undo(debt(STOP, {"was": "2"}, NOW), record(), view, None)


def test_a_debt_waits_for_rok_s_word() -> None:
    """A person may order it all the same: the step is offered."""
    stopped = shop(0, annotations={**NOTED, "pvmedic.dev/stopped-at": str(int(NOW))})
    waiting = undone(*scene(stopped))
    assert isinstance(waiting, Wait)
    assert waiting.step == StartWorkload("web/shop", "uid-shop", OWNER, "deployments", "data", "2")
    assert isinstance(undone(*scene(stopped), clear()), Back)


@pytest.mark.parametrize("there", [(), (shop(2),)], ids=["gone", "started"])
def test_a_debt_that_is_not_ours_any_more_is_closed(there: tuple[Object, ...]) -> None:
    """Deleted, or without our note: left alone."""
    assert isinstance(undone(*there), Closed)
