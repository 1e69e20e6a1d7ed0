"""rwx_recovery_blocked: stop every user of a recovered ReadWriteMany volume, and start them again.

How it is recognised: exporter/observe/signals/rwx_recovery_blocked.py.

What is done, in the order of the runbook: every user of the claim is stopped by its topmost owner,
what it had before is written on it first; then it is waited until no pod has the claim, and for
Rok's word that all are gone, newer than its warning and our stop; then all are started again, the
last one first.

What is not done: nothing is deleted by force. A pod without an owner is deleted, and made again
from its manifest, only where the settings allow it and it or its namespace asks for it; a kind that
nobody here knows is scaled only where the settings list it. All other such users, and Argo
Workflows, are named, and stopped by a person while the plan waits. If it cannot finish, everything
stays stopped: starting before Rok's word brings old data back to life.

Goal: every workload that was stopped has its pods Ready again.
"""

from collections.abc import Iterator

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.parse.instance import InstanceReading
from exporter.observe.users import User, user_wants, users_of
from exporter.observe.view import View, Want
from remediator.case import SWITCH, Case
from remediator.handlers.base import Back, Closed, Goal, Risk, Undo, Unpowered, Wait
from remediator.plan import Decision, Declined, Deferred, Plan
from remediator.record import LedgerEntry, Record
from remediator.rights import Grant
from remediator.rwx.findings import findings
from remediator.rwx.stopping import (
    missing,
    person,
    plan_stops,
    start,
    start_again,
    stopped_by_another,
    wants,
)
from remediator.steps.bare_pods import StopPod
from remediator.steps.base import Progress, Step
from remediator.steps.scales import StopScale
from remediator.steps.users import AwaitNoPods, AwaitRwxClear
from remediator.steps.workloads import StopWorkload

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
        namespace, name = record.subject["namespace"], record.subject["persistentvolumeclaim"]
        yield Want(Kind.NODE)
        yield Want(Kind.NAMESPACE, name=namespace)
        yield Want(Kind.SNAPSHOT, namespace)
        yield from user_wants(namespace)
        yield from wants(record, users_of(namespace, name, view))

    def plan(self, case: Case) -> Decision:
        """Stop, wait, start."""
        view, subject = case.view, case.signal.subject
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        claim = view.claim(namespace, name)
        if claim is None:
            return Declined(f"claim {namespace}/{name} is not there")
        users = users_of(namespace, name, view, case.policy.scalable)
        if not users:
            return Deferred("nobody uses the claim any more: Rok has to say that it is clear")
        if (sentence := _too_many(users, case)) is not None:
            return Declined(sentence)
        if other := stopped_by_another(users, case):
            return Declined(f"{other} is stopped by another Remediation of ours")
        stopped = plan_stops(users, claim, case)
        # Whoever a person has to stop, has to be stopped by somebody who is there.
        asked = any(person(user, case) for user in users) or not _opted_in(namespace, view)
        waits = (_of(AwaitNoPods, claim, case), _of(AwaitRwxClear, claim, case))
        starts = [start(one) for one in reversed(stopped)]
        return Plan(
            goal=f"claim {namespace}/{name} is used again, by all who used it",
            steps=(*stopped, *waits, *starts),
            used_claims=((namespace, name),),
            claim_uids=(claim.uid,),
            needs_yes=asked,
            findings=tuple(findings(users, claim, case)),
        )

    def goal(self, record: Record, view: View) -> Goal:
        """Ask each workload that was started for its pods."""
        waiting = list(missing(record, view))
        if waiting:
            return Goal(reached=False, sentence=f"waiting for the pods of {', '.join(waiting)}")
        return Goal(reached=True, sentence="every workload that was stopped runs again")

    def undo(
        self, entry: LedgerEntry, record: Record, view: View, power: InstanceReading | None
    ) -> Undo:
        """Start again what we stopped, once Rok has said that it may be; before, only if asked."""
        del power
        step = start_again(entry)
        seen = step.observe(view)
        match seen.progress:
            case Progress.GONE:
                return Closed("it is not there any more")
            case Progress.DONE:
                return Closed(_STARTED[entry.kind])
            case Progress.UNKNOWN:
                return Wait(seen.sentence)
            case Progress.NOT_DONE:
                pass
        namespace, name = record.subject["namespace"], record.subject["persistentvolumeclaim"]
        claim = view.claim(namespace, name)
        uid = claim.uid if claim is not None else ""
        word = AwaitRwxClear(f"{namespace}/{name}", uid, step.owner).recalled(record.owes)
        clear = word.observe(view)
        if clear.progress is Progress.DONE:
            return Back(step, "Rok says that the volume can be used again")
        return Wait(f"it stays stopped: {clear.sentence or 'the claim is gone'}", step)


_STARTED = {
    StopWorkload.__name__: "our note is not on it any more: somebody else started it",
    StopScale.__name__: "it is to have pods: somebody else started it",
    StopPod.__name__: "a pod of its name is there: somebody else made it, and it is left alone",
}


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


def _of(step: type[AwaitNoPods] | type[AwaitRwxClear], claim: model.Claim, case: Case) -> Step:
    return step(target=f"{claim.namespace}/{claim.name}", uid=claim.uid, owner=case.owner)


def _opted_in(namespace: str, view: View) -> bool:
    found = view.namespace(namespace)
    return found is not None and found.annotations.get(SWITCH) == "enabled"
