"""expansion_failed: a claim asks for more than it has, and does not get it.

How it is recognised: a Bound claim whose request is larger than its capacity, both known. Statuses
and conditions without that are left over: NodeResizePending and allocatedResources stay after
success, ControllerResizeError stays beside FileSystemResizePending. The volume's own capacity says
whose turn it is: once it is large enough, the node's. Read in Kubernetes 1.11 to 1.36 and
external-resizer 0.1 to 2.3; a status is only there from 1.23 on, so conditions and Events of the
newest request count as well.

While only the node's step is missing and no pod runs on a node with the claim, nothing is wrong:
the next mount does it. With a pod, the step is due from the pod's placement on.

Since: FileSystemResizePending's own time in the node's step, else when spec.resources was last
written. Other conditions' times are the last try and are never read.
"""

from collections.abc import Iterable, Iterator, Mapping

from exporter.observe import model
from exporter.observe.model import Cause, Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.model.facts import ResizeFailed, ResizeStarted, Stage
from exporter.observe.signals import base
from exporter.observe.view import View, Want

NODE_PENDING = "FileSystemResizePending"

_CAUSES: Mapping[Cause, str] = {
    Cause.NO_SPACE: "NoSpace",
    Cause.QUOTA: "QuotaExceeded",
    Cause.TIMEOUT: "Timeout",
    Cause.INVALID: "Infeasible",
}
_ERRORS: Mapping[Stage, str] = {Stage.CONTROLLER: "ControllerError", Stage.NODE: "NodeError"}
_CONDITIONS: Mapping[Stage, str] = {
    Stage.CONTROLLER: "ControllerResizeError",
    Stage.NODE: "NodeResizeError",
}
_STATUSES: Mapping[Stage, str] = {Stage.CONTROLLER: "Controller", Stage.NODE: "Node"}
"""How the words of allocatedResourceStatuses begin."""
_REFUSED = ("Infeasible", "Failed")
"""How they end after a final error: ...ResizeInfeasible, before Kubernetes 1.31 ...Failed."""


subject_of = base.claim_subject


class ExpansionFailed:
    """Sees it.

    Reasons: Infeasible (the driver refuses this size; it is tried again every five minutes),
    OfflineOnly (the driver grows only what nobody uses), NoSpace, QuotaExceeded, Timeout,
    ControllerError, NodeError, InProgress (tried, and no error is seen), NodeStepPending (a pod has
    it, the kubelet has not grown the file system), ClassForbids, NoResizer (nobody has taken it
    up).
    """

    name = "expansion_failed"
    meaning = "A claim asks for more space than it has, and does not get it."
    subject_labels = ("namespace", "persistentvolumeclaim")
    named_labels = ("persistentvolume", "driver", "stage")
    reasons = frozenset(
        {
            "Infeasible",
            "OfflineOnly",
            "NoSpace",
            "QuotaExceeded",
            "Timeout",
            "ControllerError",
            "NodeError",
            "InProgress",
            "NodeStepPending",
            "ClassForbids",
            "NoResizer",
            base.OTHER,
        }
    )
    since_sources = frozenset({SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 300.0
    needs = frozenset({Kind.CLAIM, Kind.POD})
    helps = frozenset({Kind.VOLUME, Kind.STORAGE_CLASS, Kind.EVENT})
    starts = frozenset({Kind.CLAIM})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name a claim that asks for more than it has."""
        del view
        if not isinstance(obj, model.Claim) or not obj.growing:
            return ()
        return (subject_of(obj.namespace, obj.name),)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the claims that an object speaks of."""
        for obj in base.versions(change):
            match obj:
                case model.Claim():
                    yield subject_of(obj.namespace, obj.name)
                case model.Pod():
                    yield from (subject_of(obj.namespace, claim) for claim in obj.claims)
                case model.Volume():
                    yield from base.claim_subjects(view.claims_of(obj.name))
                case model.StorageClass():
                    yield from base.claim_subjects(view.growing_of(obj.name))
                case model.KubeEvent() if obj.about_kind == "PersistentVolumeClaim":
                    yield subject_of(obj.about_namespace, obj.about_name)
                case model.KubeEvent() if obj.about_kind == "Pod":
                    pod = view.pod(obj.about_namespace, obj.about_name)
                    claims = pod.claims if pod is not None else ()
                    yield from (subject_of(obj.about_namespace, claim) for claim in claims)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The claim, its pods, and Events about them; then its volume and class."""
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        yield Want(Kind.CLAIM, namespace, name)
        yield Want(Kind.POD, namespace)
        claim = view.claim(namespace, name)
        if claim is None or not claim.growing:
            return
        for kind, about in (
            ("PersistentVolumeClaim", name),
            *(("Pod", pod.name) for pod in view.pods_of(namespace, name)),
        ):
            selector = f"involvedObject.kind={kind},involvedObject.name={about}"
            yield Want(Kind.EVENT, namespace, field_selector=selector)
        if claim.volume:
            yield Want(Kind.VOLUME, name=claim.volume)
        if claim.storage_class:
            yield Want(Kind.STORAGE_CLASS, name=claim.storage_class)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the claim has less than it asks for and the next step is due."""
        claim = view.claim(subject["namespace"], subject["persistentvolumeclaim"])
        if claim is None or not claim.growing or claim.deletion is not None:
            return None
        volume = view.volume_of(claim)
        stage = _stage(claim, volume)
        since = claim.grow_asked
        if stage is Stage.NODE:
            users = [p for p in view.pods_of(claim.namespace, claim.name) if p.node and not p.ended]
            if not users:
                return None
            since = _node_since(claim, users)
        reason, why = _reason(claim, stage, view)
        klass = view.storage_class(claim.storage_class) if claim.storage_class else None
        driver = volume.driver if volume is not None else ""
        named = {
            "persistentvolume": claim.volume,
            "driver": driver or (klass.provisioner if klass is not None else claim.provisioner),
            "stage": stage.value,
        }
        return Signal(
            name=self.name,
            subject=subject,
            since=since,
            since_source=SinceSource.FIRST_SEEN if since is None else SinceSource.OBJECT,
            reason=reason,
            named=tuple((label, named[label]) for label in self.named_labels),
            evidence=(f"it has {claim.capacity} bytes and asks for {claim.requested}", why),
        )


def _stage(claim: model.Claim, volume: model.Volume | None) -> Stage:
    """Say whose turn it is: the volume's own size knows, and without it the condition does."""
    if volume is not None and volume.capacity is not None and claim.requested is not None:
        return Stage.NODE if volume.capacity >= claim.requested else Stage.CONTROLLER
    pending = claim.condition(NODE_PENDING) is not None or claim.resize_status.startswith("Node")
    return Stage.NODE if pending else Stage.CONTROLLER


def _node_since(claim: model.Claim, users: list[model.Pod]) -> float | None:
    """Return since when the kubelet could have done its step: asked for, and a pod placed."""
    pending = claim.condition(NODE_PENDING)
    asked = pending.since if pending is not None and pending.since is not None else claim.grow_asked
    if asked is None:
        return None
    placed = (p.scheduled if p.scheduled is not None else p.created for p in users)
    first = min((time for time in placed if time is not None), default=asked)
    return max(asked, first)


def _reason(claim: model.Claim, stage: Stage, view: View) -> tuple[str, str]:
    status = claim.resize_status
    if status.startswith(_STATUSES[stage]) and status.endswith(_REFUSED):
        return ("Infeasible", f"its status is {status}")
    events = list(_events(claim, view))
    for event in reversed(events):
        fact = event.fact
        if isinstance(fact, ResizeFailed) and fact.stage is stage:
            found = "OfflineOnly" if fact.offline else _CAUSES.get(fact.cause, _ERRORS[stage])
            return (found, event.message)
    condition = claim.condition(_CONDITIONS[stage])
    if condition is not None:
        said = condition.failure
        reason = _CAUSES.get(said.cause, _ERRORS[stage]) if said is not None else _ERRORS[stage]
        return (reason, said.text if said is not None else f"its condition is {condition.kind}")
    if stage is Stage.NODE:
        return ("NodeStepPending", "its volume has grown, the file system on the node has not")
    started = any(isinstance(event.fact, ResizeStarted) for event in events)
    if started or status or claim.condition("Resizing") is not None:
        return ("InProgress", "it has been taken up, and nobody has reported an error lately")
    klass = view.storage_class(claim.storage_class) if claim.storage_class else None
    if klass is not None and not klass.expandable:
        return ("ClassForbids", f"StorageClass {klass.name} does not allow expansion")
    return ("NoResizer", "nobody has taken it up")


def _events(claim: model.Claim, view: View) -> Iterator[model.KubeEvent]:
    """Yield the Events about this request, oldest first: about the claim, then about its pods."""
    began = claim.grow_asked if claim.grow_asked is not None else claim.created
    about = ("PersistentVolumeClaim", claim.namespace, claim.name)
    found = base.events_since(began, about, view)
    for pod in view.pods_of(claim.namespace, claim.name):
        for event in base.events_since(began, ("Pod", claim.namespace, pod.name), view):
            fact = event.fact
            if isinstance(fact, ResizeFailed) and fact.volume == claim.volume:
                found.append(event)
    yield from sorted(found, key=lambda event: (event.last or 0.0, event.name))
