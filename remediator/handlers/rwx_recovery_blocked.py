"""rwx_recovery_blocked: stop every user of a recovered ReadWriteMany volume, and start them again.

How it is recognised: exporter/observe/signals/rwx_recovery_blocked.py.

What is done, in the order of the runbook: every user of the claim is stopped by its topmost owner,
what it had before is written on it first; then it is waited until no pod has the claim, and for
Rok's word that all are gone, newer than its warning and our stop; then all are started again, the
last one first.

What is not done: nothing is deleted, and never by force. A pod without an owner, an Argo Workflow
and kinds that nobody here knows are named, and stopped by a person while the plan waits. If it
cannot finish, everything stays stopped: starting before Rok's word brings old data back to life.

Goal: every workload that was stopped has its pods Ready again.
"""

from collections.abc import Iterator

from exporter.observe import model
from exporter.observe.model import Kind, Workload
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.users import Found, Standing, User, user_wants, users_of
from exporter.observe.view import View, Want
from remediator.case import SWITCH, Case
from remediator.handlers.base import Back, Closed, Goal, Risk, Undo, Unpowered, Wait
from remediator.plan import Decision, Declined, Deferred, Plan
from remediator.record import LedgerEntry, Record
from remediator.rights import Grant
from remediator.steps.base import UNDO_ANNOTATION, Progress, Step
from remediator.steps.users import AwaitNoPods, AwaitRwxClear
from remediator.steps.workloads import (
    STOPPABLE,
    SUSPENDED,
    WAS,
    StartWorkload,
    StopWorkload,
    before,
    stops,
)

APPS = ("deployments", "statefulsets", "daemonsets", "replicasets")


class RwxRecoveryBlocked(Unpowered):
    """The handler."""

    name = "rwx_recovery_blocked"
    risk = Risk.DISRUPTIVE
    rights = (
        Grant(
            "",
            ("persistentvolumeclaims", "namespaces"),
            ("get",),
            "The fresh look: the claim, and who opted in or out.",
        ),
        Grant("", ("pods",), ("list",), "Who uses the claim."),
        Grant("", ("events",), ("list",), "What Rok says of the claim, and kubelets of its pods."),
        Grant("", ("nodes",), ("list",), "Which nodes are lost: their pods cannot end."),
        Grant(
            "snapshot.storage.k8s.io",
            ("volumesnapshots",),
            ("list",),
            "How far the data went back.",
        ),
        Grant("apps", APPS, ("list", "patch"), "Users: found, stopped, started again."),
        Grant("", ("replicationcontrollers",), ("list", "patch"), "The same."),
        Grant("batch", ("jobs", "cronjobs"), ("list", "patch"), "The same."),
        Grant("autoscaling", ("horizontalpodautoscalers",), ("list",), "Who changes replicas."),
        Grant("apps.openshift.io", ("deploymentconfigs",), ("list", "patch"), "Users, as above."),
        Grant("kubeflow.org", ("notebooks",), ("list", "patch"), "Users, as above."),
        Grant("argoproj.io", ("rollouts", "cronworkflows"), ("list", "patch"), "Users, as above."),
        Grant("argoproj.io", ("workflows",), ("list",), "Users that only a person may stop."),
        Grant("keda.sh", ("scaledobjects",), ("list",), "Who changes replicas."),
    )

    def reads(self, record: Record, view: View) -> Iterator[Want]:
        """The claim's namespace: its workloads, their scalers, its snapshots; and all nodes."""
        namespace = record.subject["namespace"]
        del view
        yield Want(Kind.NODE)
        yield Want(Kind.NAMESPACE, name=namespace)
        yield Want(Kind.SNAPSHOT, namespace)
        yield from user_wants(namespace)

    def plan(self, case: Case) -> Decision:
        """Stop, wait, start."""
        view, subject = case.view, case.signal.subject
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        claim = view.claim(namespace, name)
        if claim is None:
            return Declined(f"claim {namespace}/{name} is not there")
        users = users_of(namespace, name, view)
        if not users:
            return Deferred("nobody uses the claim any more: Rok has to say that it is clear")
        if (sentence := _too_many(users, case)) is not None:
            return Declined(sentence)
        if other := _stopped_by_another(users, case):
            return Declined(f"{other} is stopped by another Remediation of ours")
        stopped = [one for user in users for one in _stops(user, claim, case)]
        # Whoever a person has to stop, has to be stopped by somebody who is there.
        asked = any(_persons(user) for user in users) or not _opted_in(namespace, view)
        waits = (_of(AwaitNoPods, claim, case), _of(AwaitRwxClear, claim, case))
        starts = [_start(one) for one in reversed(stopped)]
        return Plan(
            goal=f"claim {namespace}/{name} is used again, by all who used it",
            steps=(*stopped, *waits, *starts),
            used_claims=((namespace, name),),
            claim_uids=(claim.uid,),
            needs_yes=asked,
            findings=tuple(_findings(users, claim, case)),
        )

    def goal(self, record: Record, view: View) -> Goal:
        """Ask each workload that was started for its pods."""
        plan, waiting = record.status.plan, []
        for told in plan.steps if plan is not None else ():
            if told.kind != StartWorkload.__name__:
                continue
            kind, (namespace, _, name) = Kind(told.params["kind"]), told.target.partition("/")
            found = view.workload(kind, namespace, name)
            if found is not None and found.uid == told.target_uid and not _ready(kind, found):
                waiting.append(f"{kind} {told.target}")
        if waiting:
            return Goal(reached=False, sentence=f"waiting for the pods of {', '.join(waiting)}")
        return Goal(reached=True, sentence="every workload that was stopped runs again")

    def undo(
        self, entry: LedgerEntry, record: Record, view: View, power: InstanceReading | None
    ) -> Undo:
        """Start again what we stopped, once Rok has said that it may be; before, only if asked."""
        del power
        step = StartWorkload(entry.target, entry.target_uid, **_fields(entry.done))
        seen = step.observe(view)
        if seen.progress is Progress.GONE:
            return Closed("it is not there any more")
        if seen.progress is Progress.DONE:
            return Closed("our note is not on it any more: somebody else started it")
        namespace, name = record.subject["namespace"], record.subject["persistentvolumeclaim"]
        claim = view.claim(namespace, name)
        uid = claim.uid if claim is not None else ""
        clear = AwaitRwxClear(f"{namespace}/{name}", uid, step.owner).observe(view)
        if clear.progress is Progress.DONE:
            return Back(step, "Rok says that the volume can be used again")
        return Wait(f"it stays stopped: {clear.sentence or 'the claim is gone'}", step)


def _too_many(users: tuple[User, ...], case: Case) -> str | None:
    workloads, pods = len(users), sum(len(user.pods) for user in users)
    policy = case.policy
    if workloads > policy.stop_workloads or pods > policy.stop_pods:
        return (
            f"{workloads} workloads with {pods} pods use the claim;"
            f" {policy.stop_workloads} with {policy.stop_pods} are allowed"
            " (limits.stop_workloads, limits.stop_pods)"
        )
    return None


def _stopped_by_another(users: tuple[User, ...], case: Case) -> str:
    for user in users:
        for kind, one in _parts(user):
            owner = one.annotations.get(UNDO_ANNOTATION)
            if owner is not None and owner != case.owner:
                return f"{kind} {one.namespace}/{one.name}"
    return ""


def _parts(user: User) -> list[tuple[Kind, Workload]]:
    """Return what has to be stopped of a user: its top, and Jobs that run although it is."""
    top = [user.workload] if user.workload is not None else []
    running = [one for one in user.parts if isinstance(one, model.Job) and not one.ended]
    return [(model.KIND_OF[type(one)], one) for one in (*top, *running)]


def _persons(user: User) -> bool:
    """Whether a person has to stop a user: it has no owner that could be started again."""
    if user.standing is not Standing.WORKLOAD:
        return True
    return any(kind not in STOPPABLE for kind, _ in _parts(user)) or user.found is Found.PERHAPS


def _stops(user: User, claim: model.Claim, case: Case) -> Iterator[StopWorkload]:
    if _persons(user):
        return
    for kind, one in _parts(user):
        ours = one.annotations.get(UNDO_ANNOTATION) == case.owner
        if stops(kind, one) and not ours:
            continue
        was = one.annotations.get(WAS, "") if ours else before(kind, one)
        yield StopWorkload(
            target=f"{one.namespace}/{one.name}",
            uid=one.uid,
            owner=case.owner,
            kind=str(kind),
            volume_claim=claim.name,
            was=was,
        )


def _start(stop: StopWorkload) -> StartWorkload:
    return StartWorkload(stop.target, stop.uid, stop.owner, stop.kind, stop.volume_claim, stop.was)


def _of(step: type[AwaitNoPods] | type[AwaitRwxClear], claim: model.Claim, case: Case) -> Step:
    return step(target=f"{claim.namespace}/{claim.name}", uid=claim.uid, owner=case.owner)


def _opted_in(namespace: str, view: View) -> bool:
    found = view.namespace(namespace)
    return found is not None and found.annotations.get(SWITCH) == "enabled"


def _fields(done: dict[str, str]) -> dict[str, str]:
    return {name: done[name] for name in ("owner", "kind", "volume_claim", "was")}


def _ready(kind: Kind, found: Workload) -> bool:
    """Whether as many pods are Ready as it wants now; Jobs and the like only have to go on."""
    if kind in SUSPENDED:
        return not found.suspended
    wanted = found.current if found.replicas is None else found.replicas
    return not stops(kind, found) and (found.ready or 0) >= (wanted or 0)


def _findings(users: tuple[User, ...], claim: model.Claim, case: Case) -> Iterator[str]:
    yield _went_back(claim, case)
    for user in users:
        yield _told(user)
    pods = sum(len(user.pods) for user in users)
    yield f"{len(users)} users with {pods} pods: all have to stop before any may start again"


def _went_back(claim: model.Claim, case: Case) -> str:
    """Say how far the data went back, as far as VolumeSnapshots tell."""
    lost = "what was written after the latest snapshot is lost"
    found = case.view.snapshots_of(claim.namespace, claim.name)
    known = [(one.created, one.name) for one in found if one.ready and one.created is not None]
    if not known:
        return f"Rok rolled the volume back: {lost}; how old that is no VolumeSnapshot tells"
    created, name = max(known)
    hours = (case.now - created) / 3600.0
    return (
        f"Rok rolled the volume back: {lost}; VolumeSnapshot {name} is {hours:.1f} h old, Rok may"
        " have a newer one of its own"
    )


def _told(user: User) -> str:
    """Say who a user is, how it is stopped, and who may start it again meanwhile."""
    by_hand = {
        Standing.POD: "has no owner: a person saves its manifest, deletes it, and creates it again",
        Standing.STATIC: "is static: a person takes its file off the node",
        Standing.OTHER: "is of a kind that nobody here knows: a person stops it",
        Standing.GONE: "has an owner that is not there: a person stops it",
        Standing.UNSEEN: "has an owner that cannot be read: a person stops it",
        Standing.CYCLE: "has owners that own each other: a person stops it",
    }
    if user.standing is not Standing.WORKLOAD:
        return f"{user} {by_hand[user.standing]} ({len(user.pods)} pods)"
    if user.found is Found.PERHAPS:
        return f"{user} may use the claim, its template does not say: a person looks"
    if _persons(user):
        return f"{user} cannot be started again once it is stopped: a person stops it"
    more = [f"{len(user.pods)} pods"]
    for scaler in user.autoscalers:
        alone = (
            "leaves zero alone"
            if isinstance(scaler, model.HorizontalPodAutoscaler)
            else ("is paused" if scaler.paused else "raises from zero: pause it first")
        )
        more.append(f"{scaler.kind} {scaler.name} {alone}")
    more += [f"{one.tool} {one.name} may put it back: pause it first" for one in user.keepers]
    return f"{user}: {', '.join(more)}"
