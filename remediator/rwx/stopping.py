"""How a user of a claim is stopped and started again, and whom only a person stops.

Pods without owner and kinds that nobody here knows are ours only where the settings and whoever
they belong to want it; what cannot be started again never is.
"""

from collections.abc import Iterator
from typing import TypeAlias

from exporter.observe import model
from exporter.observe.model import Kind, Workload
from exporter.observe.users import Found, Standing, User
from exporter.observe.view import View, Want
from remediator.case import Case
from remediator.record import LedgerEntry, Record, StepRecord
from remediator.steps import from_record
from remediator.steps.bare_pods import AT_MOST, RecreatePod, StopPod, refused, word
from remediator.steps.base import UNDO_ANNOTATION, Step
from remediator.steps.scales import StartScale, StopScale
from remediator.steps.workloads import (
    STOPPABLE,
    SUSPENDED,
    WAS,
    StartWorkload,
    StopWorkload,
    before,
    stops,
)

Stop: TypeAlias = StopPod | StopScale | StopWorkload

BY_HAND = {
    Standing.POD: "has no owner: a person saves its manifest, deletes it, and creates it again",
    Standing.STATIC: "is static: a person takes its file off the node",
    Standing.OTHER: "is of a kind that nobody here knows: a person stops it",
    Standing.GONE: "has an owner that is not there: a person stops it",
    Standing.UNSEEN: "has an owner that cannot be read: a person stops it",
    Standing.CYCLE: "has owners that own each other: a person stops it",
}


def wants(record: Record, users: tuple[User, ...]) -> Iterator[Want]:
    """Name what must be read of bare pods and of kinds that nobody here knows.

    What the plan has stopped by now is no user any more, and is read all the same.
    """
    bare = [user.pods[0] for user in users if user.standing is Standing.POD]
    for pod in bare if len(bare) <= AT_MOST else ():
        yield _manifest(pod.namespace, pod.name)
    for user in users:
        if user.standing is Standing.OTHER:
            yield Want(Kind.SCALE, user.namespace, _scaled(user))
    plan = record.status.plan
    for told in plan.steps if plan is not None else ():
        namespace, _, name = told.target.partition("/")
        if told.kind in (StopPod.__name__, RecreatePod.__name__):
            yield _manifest(namespace, name)
        elif told.kind in (StopScale.__name__, StartScale.__name__):
            yield Want(Kind.SCALE, namespace, f"{told.params['kind']}/{name}")


def person(user: User, case: Case) -> str:
    """Return why a person has to stop a user, in words; empty where a step of ours does."""
    view = case.view
    match user.standing:
        case Standing.WORKLOAD if user.found is Found.PERHAPS:
            return "may use the claim, its template does not say: a person looks"
        case Standing.WORKLOAD:
            final = any(kind not in STOPPABLE for kind, _ in parts(user))
            return "cannot be started again once it is stopped: a person stops it" if final else ""
        case Standing.OTHER if user.may_scale and view.scale(user.namespace, _scaled(user)) is None:
            return "has no scale that can be read: a person stops it"
        case Standing.OTHER if user.may_scale:
            return ""
        case Standing.POD:
            return _bare(user.pods[0], case)
        case _:
            return BY_HAND[user.standing]


def _bare(pod: model.Pod, case: Case) -> str:
    """Return why a pod without owner is a person's; why not ours, where somebody asked for us."""
    by_hand = BY_HAND[Standing.POD]
    found = case.view.manifest(pod.namespace, pod.name)
    if pod.deletion is not None:
        return "has no owner and is Terminating: a person creates it again"
    if found is None or found.uid != pod.uid:
        return f"{by_hand}: there are more than {AT_MOST} of them, or it has just changed"
    if not word(found, case.view):
        return by_hand
    if not case.policy.bare_pods:
        return f"{by_hand}: the setting stopping.bare_pods is off"
    why = refused(found, case.view)
    return f"{by_hand}: {why}" if why else ""


def parts(user: User) -> list[tuple[Kind, Workload]]:
    """Return what has to be stopped of a user: its top, and Jobs that run although it is."""
    top = [user.workload] if user.workload is not None else []
    running = [one for one in user.parts if isinstance(one, model.Job) and not one.ended]
    return [(model.KIND_OF[type(one)], one) for one in (*top, *running)]


def stopped_by_another(users: tuple[User, ...], case: Case) -> str:
    """Return what another Remediation of ours has stopped; empty for nothing."""
    for user in users:
        for kind, one in parts(user):
            owner = one.annotations.get(UNDO_ANNOTATION)
            if owner is not None and owner != case.owner:
                return f"{kind} {one.namespace}/{one.name}"
    return ""


def plan_stops(users: tuple[User, ...], claim: model.Claim, case: Case) -> list[Stop]:
    """Return the steps that stop all that a person does not have to.

    What needs rights that not every account has comes first: refused there, nothing is half done.
    """
    ours = [user for user in users if not person(user, case)]
    steps = [step for user in ours for step in _stops(user, claim, case)]
    return sorted(steps, key=lambda step: isinstance(step, StopWorkload))


def _stops(user: User, claim: model.Claim, case: Case) -> Iterator[Stop]:
    if user.standing is Standing.POD:
        pod = user.pods[0]
        yield StopPod(f"{pod.namespace}/{pod.name}", pod.uid, case.owner, claim.name)
    scale = case.view.scale(user.namespace, _scaled(user))
    if user.standing is Standing.OTHER and scale is not None and scale.replicas:
        yield StopScale(
            target=f"{user.namespace}/{user.top.name}",
            uid=scale.uid,
            owner=case.owner,
            kind=user.top.typed,
            volume_claim=claim.name,
            was=scale.replicas,
        )
    for kind, one in parts(user):
        ours = one.annotations.get(UNDO_ANNOTATION) == case.owner
        if stops(kind, one) and not ours:
            continue
        yield StopWorkload(
            target=f"{one.namespace}/{one.name}",
            uid=one.uid,
            owner=case.owner,
            kind=str(kind),
            volume_claim=claim.name,
            was=one.annotations.get(WAS, "") if ours else before(kind, one),
        )


def start(stop: Stop) -> Step:
    """Return the step that starts again what another one stops."""
    match stop:
        case StopPod():
            return RecreatePod(stop.target, stop.uid, stop.owner, stop.volume_claim)
        case StopScale():
            return StartScale(
                stop.target, stop.uid, stop.owner, stop.kind, stop.volume_claim, stop.was
            )
        case StopWorkload():
            return StartWorkload(
                stop.target, stop.uid, stop.owner, stop.kind, stop.volume_claim, stop.was
            )


def start_again(entry: LedgerEntry) -> Step:
    """Return the step that pays a debt; ValueError where another version made it."""
    told = StepRecord(entry.kind, entry.target, entry.target_uid, entry.done)
    match from_record(told):
        case StopPod() | StopScale() | StopWorkload() as stop:
            return start(stop).recalled([entry])
        case _:
            raise ValueError(f"step {entry.kind!r} stops nobody")


def missing(record: Record, view: View) -> Iterator[str]:
    """Yield what was started again and does not have its pods yet."""
    plan = record.status.plan
    for told in plan.steps if plan is not None else ():
        if told.kind in _MISSING and (what := _MISSING[told.kind](told, view)):
            yield what


def _workload_missing(told: StepRecord, view: View) -> str:
    kind, (namespace, _, name) = Kind(told.params["kind"]), told.target.partition("/")
    found = view.workload(kind, namespace, name)
    waits = found is not None and found.uid == told.target_uid and not _ready(kind, found)
    return f"{kind} {told.target}" if waits else ""


def _scale_missing(told: StepRecord, view: View) -> str:
    kind, (namespace, _, name) = told.params["kind"], told.target.partition("/")
    found = view.scale(namespace, f"{kind}/{name}")
    waits = found is not None and found.uid == told.target_uid and found.current < found.replicas
    return f"{kind} {told.target}" if waits else ""


def _pod_missing(told: StepRecord, view: View) -> str:
    namespace, _, name = told.target.partition("/")
    found = view.pod(namespace, name)
    waits = found is not None and not found.ended and found.phase != "Running"
    return f"pod {told.target}" if waits else ""


_MISSING = {
    StartWorkload.__name__: _workload_missing,
    StartScale.__name__: _scale_missing,
    RecreatePod.__name__: _pod_missing,
}


def _ready(kind: Kind, found: Workload) -> bool:
    """Whether as many pods are Ready as it wants now; Jobs and the like only have to go on."""
    if kind in SUSPENDED:
        return not found.suspended
    wanted = found.current if found.replicas is None else found.replicas
    return not stops(kind, found) and (found.ready or 0) >= (wanted or 0)


def _manifest(namespace: str, name: str) -> Want:
    """Return the list of the one pod of a name: to read pods by name is a right of its own."""
    return Want(Kind.POD_MANIFEST, namespace, field_selector=f"metadata.name={name}")


def _scaled(user: User) -> str:
    return f"{user.top.typed}/{user.top.name}"
