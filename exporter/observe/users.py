"""Who uses a claim: its pods and the templates that name it, each followed to its topmost owner.

Stopping a pod or a ReplicaSet stops nothing, for what owns it makes another; so users are topmost
owners, each once. A pod counts until it has ended: one that is Terminating holds the volume still,
one that waits will. A template counts without any pod: it will make one. An owner that cannot be
found or has itself for an owner is a user with a standing that says so, never an exception and
never left out. No I/O, no clock.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from exporter.observe import model
from exporter.observe.claim_names import kind_of, names
from exporter.observe.model import KIND_OF, Autoscaler, Keeper, Kind, Owner, Pod, Workload
from exporter.observe.view import View, Want

CORE, POD = "", "Pod"

_KINDS = tuple(KIND_OF[cls] for cls in model.WORKLOADS)
_RANK = {(cls.group, cls.kind): rank for rank, cls in enumerate(model.WORKLOADS)}
_SCALERS = tuple(KIND_OF[cls] for cls in model.AUTOSCALERS)

KINDS = (Kind.POD, *_KINDS, *_SCALERS)
"""Every kind that says who uses a claim, or who would undo it when a user is stopped."""


class Standing(StrEnum):
    """What is known of the topmost owner.

    WORKLOAD: it is at hand. POD: a pod without owner. STATIC: a pod that its node's kubelet has
    from a file. OTHER: of a kind that is not known here. GONE: not there, or another of its name.
    UNSEEN: its kind could not be read. CYCLE: owners that own each other; the first by name stands
    for all.
    """

    WORKLOAD = "workload"
    POD = "pod"
    STATIC = "static pod"
    OTHER = "other kind"
    GONE = "owner gone"
    UNSEEN = "owner unseen"
    CYCLE = "owners in a cycle"


class Found(StrEnum):
    """How a user was found, surest first.

    PERHAPS: only a parameter, or a template that is not read, says which claims it uses.
    """

    PODS = "pods"
    TEMPLATE = "template"
    PERHAPS = "perhaps"


class User(msgspec.Struct, frozen=True):
    """One topmost owner that uses a claim.

    `top` names it, `workload` is it where it is at hand. `parts` are the workloads between it and
    the pods, or with a template of their own that names the claim: to stop what starts Jobs does
    not stop those that run. `pods` are those that have not ended. `autoscalers` change the replicas
    of it or of a part; `keepers` put it back when it is changed, which is not read of bare pods.
    `may_scale`: a kind that is not known here, and that the settings allow to be scaled.
    """

    namespace: str
    top: Owner
    standing: Standing
    found: Found
    workload: Workload | None
    parts: tuple[Workload, ...]
    pods: tuple[Pod, ...]
    autoscalers: tuple[Autoscaler, ...]
    keepers: tuple[Keeper, ...]
    may_scale: bool

    def __str__(self) -> str:
        """As people write it: `Deployment.apps web/shop`."""
        return f"{self.top.typed} {self.namespace}/{self.top.name}"


class _Climb(msgspec.Struct, frozen=True):
    """Where a chain of owners ends, and what was passed."""

    top: Owner
    standing: Standing
    workload: Workload | None
    passed: tuple[Workload, ...]


class _Gathered:
    """One user, while it is being found."""

    def __init__(self, climb: _Climb) -> None:
        self.climb = climb
        self.parts: dict[Owner, Workload] = {}
        self.pods: list[Pod] = []
        self.sure = False


def user_wants(namespace: str) -> tuple[Want, ...]:
    """Name what must be read for `users_of`: one list a kind, all in the claim's namespace."""
    return tuple(Want(kind, namespace) for kind in KINDS)


def blind(view: View) -> dict[Kind, str]:
    """Return the kinds that could not be read, with why: there may be more users than are told."""
    return {kind: view.unseen[kind] for kind in KINDS if not view.sees(kind)}


def users_of(
    namespace: str, claim: str, view: View, scalable: frozenset[str] = frozenset()
) -> tuple[User, ...]:
    """Return who uses a claim, in the order in which they are to be stopped.

    `scalable` are the other kinds that the operator lets be scaled, as `Kind.group`. What could not
    be read may hide users: ask `blind`.
    """
    users: dict[Owner, _Gathered] = {}
    climbs: dict[Owner, _Climb] = {}
    for pod in view.pods_of(namespace, claim):
        if not pod.ended:
            climb = _from_pod(pod, view, climbs)
            gathered = users.setdefault(climb.top, _Gathered(climb))
            gathered.pods.append(pod)
            gathered.parts.update({part.reference: part for part in climb.passed})
    for workload, sure in _by_template(namespace, claim, view):
        climb = _from_workload(workload, view, climbs)
        gathered = users.setdefault(climb.top, _Gathered(climb))
        gathered.parts.update({part.reference: part for part in climb.passed})
        gathered.sure |= sure
    scalers = _scalers(namespace, view)
    found = [_user(namespace, one, scalers, scalable) for one in users.values()]
    return tuple(sorted(found, key=lambda user: (_rank(user.top), user.top)))


def _from_pod(pod: Pod, view: View, climbs: dict[Owner, _Climb]) -> _Climb:
    owner = pod.controller
    alone = Owner(CORE, POD, pod.name, pod.uid)
    if owner is None:
        return _Climb(alone, Standing.POD, None, ())
    if (owner.group, owner.kind) == (CORE, "Node"):
        return _Climb(alone, Standing.STATIC, None, ())
    if owner not in climbs:
        climbs[owner] = _climb(owner, pod.namespace, view)
    return climbs[owner]


def _from_workload(workload: Workload, view: View, climbs: dict[Owner, _Climb]) -> _Climb:
    at = workload.reference
    if at not in climbs:
        climbs[at] = _climb(at, workload.namespace, view)
    return climbs[at]


def _climb(owner: Owner, namespace: str, view: View) -> _Climb:
    """Follow controllers upwards. It ends: no object is passed twice."""
    passed: dict[Owner, Workload] = {}
    while True:
        below = tuple(passed.values())
        kind = kind_of(owner)
        if kind is None:
            return _Climb(owner, Standing.OTHER, None, below)
        found = view.workload(kind, namespace, owner.name)
        if found is None or owner.uid not in ("", found.uid):
            standing = Standing.GONE if view.sees(kind) else Standing.UNSEEN
            return _Climb(owner, standing, None, below)
        at = found.reference
        if at in passed:
            # Whoever enters the circle anywhere must find the same end of it.
            circle = list(passed)[list(passed).index(at) :]
            return _Climb(min(circle), Standing.CYCLE, None, below)
        if found.owner is None:
            return _Climb(at, Standing.WORKLOAD, found, below)
        passed[at] = found
        owner = found.owner


def _by_template(namespace: str, claim: str, view: View) -> Iterator[tuple[Workload, bool]]:
    """Yield what would make pods with the claim, and whether that is sure."""
    for kind in _KINDS:
        for workload in view.workloads(kind, namespace):
            if workload.ended or _superseded(workload):
                continue
            sure = names(workload, claim, view)
            if sure is not None:
                yield workload, sure


def _superseded(workload: Workload) -> bool:
    """Whether it is an older revision, kept to be rolled back to, that makes no pods."""
    revision = isinstance(workload, model.ReplicaSet | model.ReplicationController)
    return revision and workload.owner is not None and not workload.replicas


def _scalers(namespace: str, view: View) -> dict[Owner, list[Autoscaler]]:
    found: dict[Owner, list[Autoscaler]] = {}
    for kind in _SCALERS:
        for scaler in view.autoscalers(kind, namespace):
            found.setdefault(scaler.target, []).append(scaler)
    return found


def _user(
    namespace: str,
    gathered: _Gathered,
    scalers: Mapping[Owner, list[Autoscaler]],
    scalable: frozenset[str],
) -> User:
    climb = gathered.climb
    parts = sorted(gathered.parts.values(), key=lambda part: (_rank(part.reference), part.name))
    # What it makes carries copies of its labels: only where it is not at hand do those tell.
    told_by = parts if climb.workload is None else [climb.workload]
    told = _by_name([climb.top, *(part.reference for part in parts)])
    kept = [keeper for workload in told_by for keeper in workload.keepers]
    return User(
        namespace=namespace,
        top=climb.top,
        standing=climb.standing,
        found=_how(gathered),
        workload=climb.workload,
        parts=tuple(parts),
        pods=tuple(gathered.pods),
        autoscalers=tuple(scaler for name in told for scaler in scalers.get(name, ())),
        keepers=tuple(dict.fromkeys(kept)),
        may_scale=climb.standing is Standing.OTHER and climb.top.typed in scalable,
    )


def _how(gathered: _Gathered) -> Found:
    if gathered.pods:
        return Found.PODS
    return Found.TEMPLATE if gathered.sure else Found.PERHAPS


def _by_name(owners: Iterable[Owner]) -> list[Owner]:
    """Return them as a scaleTargetRef names them: without uid, each once."""
    return list(dict.fromkeys(Owner(one.group, one.kind, one.name) for one in owners))


def _rank(owner: Owner) -> tuple[int, int]:
    """Known kinds in their order, then other kinds, pods last."""
    rank = _RANK.get((owner.group, owner.kind))
    if rank is not None:
        return (0, rank)
    return (2 if (owner.group, owner.kind) == (CORE, POD) else 1, 0)
