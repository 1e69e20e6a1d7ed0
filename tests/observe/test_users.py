"""Who uses a claim: by pods and by templates, each topmost owner once, and never an exception."""

from collections import Counter
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe import model, signals
from exporter.observe.model import ClaimNames, Keeper, Kind, Object, Owner, Pod, Workload
from exporter.observe.objects import Objects
from exporter.observe.users import KINDS, Found, Standing, blind, user_wants, users_of
from exporter.observe.view import View
from tests.observe.using import DATA, NONE, only, owned, users, workload
from tests.signals import made

CHAINS: list[tuple[type[Workload], type[Workload]]] = [
    (model.ReplicaSet, model.Deployment),
    (model.ReplicaSet, model.Rollout),
    (model.StatefulSet, model.Notebook),
    (model.Job, model.CronJob),
    (model.Job, model.Workflow),
    (model.ReplicationController, model.DeploymentConfig),
    (model.Workflow, model.CronWorkflow),
]


@pytest.mark.parametrize(("lower", "upper"), CHAINS)
@pytest.mark.parametrize("claims", [DATA, NONE], ids=["template", "pods"])
def test_a_pod_leads_to_its_topmost_owner_once(
    lower: type[Workload], upper: type[Workload], claims: ClaimNames
) -> None:
    """Found by its pods and both templates it is one user; what stands between is told."""
    top = workload(upper, "top", claims=claims)
    part = workload(lower, "part", owner=top.reference, claims=claims)
    first, second = owned(part, "a"), owned(part, "b")
    user = only(top, part, first, second)
    assert (user.workload, user.top, user.found) == (top, top.reference, Found.PODS)
    assert (user.parts, user.pods) == ((part,), (first, second))


def test_pods_count_until_they_have_ended() -> None:
    """Terminating and waiting ones hold the claim; seed 001 took `kubectl get` for a wait."""
    going = owned(None, "going", deletion=5.0, phase="Running")
    waits = owned(None, "waits", node="")
    ended = [owned(None, phase, phase=phase) for phase in ("Succeeded", "Failed")]
    found = users(going, waits, *ended)
    assert [user.pods for user in found] == [(going,), (waits,)]
    assert [user.standing for user in found] == [Standing.POD] * 2
    assert str(found[0]) == "Pod web/going"
    assert found[0].top == Owner("", "Pod", "going", "uid-going")


def test_a_claim_that_a_pod_mounts_twice_is_used_once() -> None:
    """Seed 001's jq prints it twice."""
    assert len(users(owned(None, claims=("data", "data")))) == 1


def test_a_static_pod_is_told_apart() -> None:
    """Its owner is the node, and to delete it in the API stops nothing."""
    user = only(owned(Owner("", "Node", "a", "uid-a"), "static-a"))
    assert (user.standing, user.top.name) == (Standing.STATIC, "static-a")


@pytest.mark.parametrize("cls", [model.ReplicaSet, model.ReplicationController])
def test_an_older_revision_that_makes_no_pods_is_no_user(cls: type[Workload]) -> None:
    """The Deployment no longer names the claim; one that makes pods does, before they are there."""
    top = workload(model.Deployment, "top", claims=NONE)
    old = workload(cls, "old", owner=top.reference, replicas=0)
    assert users(top, old) == ()
    rolling = msgspec.structs.replace(old, replicas=1)
    assert only(top, rolling).top == top.reference
    alone = msgspec.structs.replace(old, owner=None)
    assert only(top, alone).workload == alone


def test_what_has_ended_is_no_user_and_what_starts_it_again_is() -> None:
    """A finished Job of a CronJob."""
    cron = workload(model.CronJob, "cron")
    done = workload(model.Job, "done", owner=cron.reference, ended=True)
    assert only(cron, done, owned(done, phase="Succeeded")).parts == ()
    assert users(msgspec.structs.replace(done, owner=None)) == ()


def test_an_owner_of_another_kind_is_named_with_what_stands_below_it() -> None:
    """It is scaled only where the operator listed its kind with its group."""
    operator = Owner("kafka.strimzi.io", "Kafka", "events", "k")
    below = workload(model.StatefulSet, "events-kafka", owner=operator)
    view = made.view([below, owned(below)])
    (user,) = users_of("web", "data", view)
    assert (user.standing, user.top, user.workload) == (Standing.OTHER, operator, None)
    assert (user.parts, user.may_scale) == ((below,), False)
    assert str(user) == "Kafka.kafka.strimzi.io web/events"
    for listed, may in (("Kafka.kafka.strimzi.io", True), ("Kafka.example.com", False)):
        (user,) = users_of("web", "data", view, frozenset({listed}))
        assert user.may_scale is may


def test_a_known_name_of_another_group_is_another_kind() -> None:
    """OpenKruise has a StatefulSet, Volcano a Job; a known kind is never told to be scalable."""
    kruise = Owner("apps.kruise.io", "StatefulSet", "db", "k")
    ours = workload(model.StatefulSet, "db", claims=NONE)
    assert only(ours, owned(kruise)).standing is Standing.OTHER
    (user,) = users_of(
        "web", "data", made.view([ours, owned(ours)]), frozenset({"StatefulSet.apps"})
    )
    assert not user.may_scale


@pytest.mark.parametrize(
    ("others", "unseen", "standing"),
    [
        ([], [], Standing.GONE),
        ([workload(model.Deployment, "top", uid="newer", claims=NONE)], [], Standing.GONE),
        ([], [Kind.DEPLOYMENT], Standing.UNSEEN),
        ([], [Kind.REPLICA_SET, Kind.POD], Standing.GONE),
    ],
    ids=["nowhere", "a namesake", "unseen", "another kind is unseen"],
)
def test_an_owner_that_is_not_there_is_a_user_all_the_same(
    others: list[Object], unseen: list[Kind], standing: Standing
) -> None:
    """It is named as the reference names it, with what is known below it."""
    missing = Owner("apps", "Deployment", "top", "uid-top")
    part = workload(model.ReplicaSet, "part", owner=missing)
    user = only(part, owned(part), *others, unseen=unseen)
    assert (user.standing, user.top, user.workload) == (standing, missing, None)
    assert user.parts == (part,)


def test_owners_in_a_cycle_meet_in_one_user_wherever_it_is_entered() -> None:
    """Nobody can say which of them is topmost; and one that owns itself is such a cycle."""
    a = workload(model.Deployment, "a", owner=Owner("apps", "StatefulSet", "b", "uid-b"))
    b = workload(model.StatefulSet, "b", owner=a.reference)
    below = workload(model.ReplicaSet, "below", owner=a.reference)
    user = only(a, b, below, owned(a, "p"), owned(b, "q"), owned(below, "r"))
    assert (user.standing, user.top) == (Standing.CYCLE, a.reference)
    assert (user.workload, user.parts) == (None, (a, b, below))
    assert [pod.name for pod in user.pods] == ["p", "q", "r"]
    itself = workload(model.Job, "x", owner=Owner("batch", "Job", "x", "uid-x"))
    assert only(itself, owned(itself)).standing is Standing.CYCLE


def test_what_scales_a_user_and_who_keeps_it_is_told() -> None:
    """Of the topmost owner and of what stands below it; not of others."""
    operator = Owner("example.com", "App", "app", "o")
    part = workload(model.Deployment, "shop", owner=operator, keepers=(Keeper("Argo CD", "x"),))
    target = Owner("apps", "Deployment", "shop")
    hpa = model.HorizontalPodAutoscaler("web", "h", "", "", target, 1, 5)
    keda = model.ScaledObject("web", "k", "", "", Owner("example.com", "App", "app"), 0, 5)
    other = msgspec.structs.replace(hpa, name="o", target=Owner("", "Deployment", "shop"))
    second = msgspec.structs.replace(part, name="more", uid="uid-more")
    user = only(part, second, owned(part), hpa, keda, other)
    assert user.autoscalers == (keda, hpa)
    assert user.keepers == (Keeper("Argo CD", "x"),)
    top = workload(model.Deployment, "top", keepers=(Keeper("Flux HelmRelease", "y"),))
    copied = workload(model.ReplicaSet, "r", owner=top.reference, keepers=(Keeper("Helm", "x"),))
    assert only(top, copied, owned(copied)).keepers == (Keeper("Flux HelmRelease", "y"),)


def test_users_come_in_the_order_in_which_they_are_stopped() -> None:
    """First what starts others, then by kind and name; other kinds, and pods last."""
    made_of = [workload(cls, "x") for cls in model.WORKLOADS]
    more = workload(model.Deployment, "a")
    pods = [owned(None, "bare"), owned(Owner("g", "Other", "o", "o"), "p")]
    kinds = [cls.kind for cls in model.WORKLOADS]
    kinds.insert(kinds.index("Deployment"), "Deployment")
    found = users(*pods, *reversed(made_of), more)
    assert [user.top.kind for user in found] == [*kinds, "Other", "Pod"]
    assert [user.top.name for user in found if user.top.kind == "Deployment"] == ["a", "x"]


def test_what_could_not_be_read_is_told() -> None:
    """Every kind that is asked for; others say nothing of users."""
    view = made.view([], {Kind.JOB: "no", Kind.NODE: "no"})
    assert blind(view) == {Kind.JOB: "no"}
    wants = user_wants("web")
    assert {(want.kind, want.namespace, want.name) for want in wants} == {
        (kind, "web", "") for kind in KINDS
    }
    kinds = {model.KIND_OF[cls] for cls in (*model.WORKLOADS, *model.AUTOSCALERS)}
    assert set(KINDS) == {Kind.POD} | kinds
    # The exporter watches none of them, holds no right to, and keeps nothing.
    assert not kinds & signals.READ


NAMED = ["a", "b", "c"]
UIDS = ["uid-a", "uid-b", "uid-c", "another", ""]
SOME = [model.ReplicaSet, model.Deployment, model.Job]
references = st.none() | st.builds(
    Owner,
    st.sampled_from(["apps", "batch", "example.com"]),
    st.sampled_from(["ReplicaSet", "Deployment", "Job", "Thing"]),
    st.sampled_from(NAMED),
    st.sampled_from(UIDS),
)
workloads = st.builds(
    workload,
    st.sampled_from(SOME),
    st.sampled_from(NAMED),
    owner=references,
    claims=st.sampled_from([DATA, NONE]),
    ended=st.booleans(),
    replicas=st.sampled_from([0, 1]),
)
pods = st.builds(
    owned,
    references,
    st.sampled_from(["p", "q", "r", "s"]),
    phase=st.sampled_from(["Running", "Pending", "Succeeded"]),
)
blindness = st.lists(st.sampled_from([Kind.DEPLOYMENT, Kind.JOB]), unique=True)


@given(st.lists(workloads, max_size=9), st.lists(pods, max_size=6), blindness, st.randoms())
def test_whatever_owns_what_every_pod_has_one_user(
    above: list[Workload], below: list[Pod], unseen: list[Kind], chance: Random
) -> None:
    """Cycles, missing and mistaken owners among them; the order of the lists changes nothing."""
    known = Objects([*above, *below])
    objects = [obj for kind in KINDS for obj in known.of(kind)]
    found = users(*objects, unseen=unseen)
    assert len({user.top for user in found}) == len(found)
    told = Counter(pod.name for user in found for pod in user.pods)
    live = [obj for obj in objects if isinstance(obj, Pod) and not obj.ended]
    assert told == Counter(pod.name for pod in live)
    for user in found:
        assert (user.workload is not None) == (user.standing is Standing.WORKLOAD)
        if user.workload is not None:
            assert user.workload.owner is None
        if user.standing is Standing.UNSEEN:
            assert unseen
        if user.standing is Standing.CYCLE:
            assert user.top in {part.reference for part in user.parts}
    shuffled = list(objects)
    chance.shuffle(shuffled)
    assert users(*shuffled, unseen=unseen) == found


class Counting(View):
    """A View that counts how often an object is looked up."""

    lookups = 0

    def workload(self, kind: Kind, namespace: str, name: str) -> Workload | None:
        """Count, and look up."""
        self.lookups += 1
        return super().workload(kind, namespace, name)


def test_look_ups_grow_with_owners_and_not_with_pods() -> None:
    """Two hundred users of ten pods each: a chain is followed once."""
    objects: list[Object] = []
    for number in range(200):
        top = workload(model.Deployment, f"d{number}")
        part = workload(model.ReplicaSet, f"r{number}", owner=top.reference)
        objects += [top, part, *(owned(part, f"p{number}-{n}") for n in range(10))]
    view = Counting(Objects(objects), made.NOW)
    found = users_of("web", "data", view)
    assert len(found) == 200
    assert {len(user.pods) for user in found} == {10}
    assert view.lookups <= 200 * 3
