"""multi_attach: a pod waits on one node for a ReadWriteOnce volume that another node holds.

How it is recognised: state first. The pod is placed and Pending, none of its containers has
started, its claim is bound to a volume that goes to one node at a time, and a VolumeAttachment of
that volume names another node; for an in-tree volume a Node's status does. The Event of the
attach/detach controller ("Multi-Attach error", from Kubernetes 1.37 on "Waiting for detach") is
written once per volume and node and lives an hour, so it is counted elsewhere; here it adds a
sentence and never decides. Since: the waiting pod's PodScheduled time. It is normal for up to two
minutes in a rolling update: alert on age.

This signal says who blocks whom. Whether the blocking node may be fenced is not its question.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.model.facts import MultiAttachBlocked
from exporter.observe.signals import base
from exporter.observe.view import View, Want

subject_of = base.claim_subject


class MultiAttach:
    """Sees it.

    Reasons: NodeLost (the holder is NotReady or gone), HeldByPod (a live node's pod uses it),
    DetachPending (a live node holds it, no pod there wants it).
    """

    name = "multi_attach"
    meaning = "A pod waits on one node for a ReadWriteOnce volume that another node holds."
    subject_labels = ("namespace", "persistentvolumeclaim")
    named_labels = ("persistentvolume", "driver", "pod", "node", "blocking_pod", "blocking_node")
    reasons = frozenset({"NodeLost", "HeldByPod", "DetachPending", base.OTHER})
    since_sources = frozenset({SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 120.0
    needs = frozenset({Kind.NODE, Kind.ATTACHMENT, Kind.VOLUME, Kind.CLAIM, Kind.POD})
    helps = frozenset({Kind.EVENT})
    starts = frozenset({Kind.POD})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the claims of a pod that waits."""
        del view
        if not isinstance(obj, model.Pod) or not _waits(obj):
            return ()
        return [subject_of(obj.namespace, claim) for claim in obj.claims]

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the claims that an object speaks of."""
        for obj in base.versions(change):
            match obj:
                case model.Claim():
                    yield subject_of(obj.namespace, obj.name)
                case model.Pod():
                    yield from (subject_of(obj.namespace, claim) for claim in obj.claims)
                case model.Volume():
                    yield from _claims_of(obj.name, view)
                case model.Attachment() if obj.volume:
                    yield from _claims_of(obj.volume, view)
                case model.Node() if base.node_moved(change):
                    for name in base.volumes_on(obj, view):
                        yield from _claims_of(name, view)
                case model.KubeEvent(about_kind="Pod"):
                    pod = view.pod(obj.about_namespace, obj.about_name)
                    for claim in pod.claims if pod is not None else ():
                        yield subject_of(obj.about_namespace, claim)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The claim, its pods and volume, the attachments, then the nodes that those name.

        Only the nodes themselves say where an in-tree volume is.
        """
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        yield Want(Kind.CLAIM, namespace, name)
        yield Want(Kind.POD, namespace)
        yield Want(Kind.ATTACHMENT)
        claim = view.claim(namespace, name)
        if claim is None or not claim.volume:
            return
        yield Want(Kind.VOLUME, name=claim.volume)
        volume = view.volume_of(claim)
        if volume is not None and volume.in_tree:
            yield Want(Kind.NODE)
        for attachment in view.attachments_of(claim.volume):
            if attachment.node:
                yield Want(Kind.NODE, name=attachment.node)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while a pod waits for a volume that another node holds."""
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        claim = view.claim(namespace, name)
        volume = view.volume_of(claim) if claim is not None else None
        if volume is None or not volume.exclusive:
            return None
        holders = view.attachments_of(volume.name)
        pods = view.pods_of(namespace, name)
        for pod in sorted((p for p in pods if _waits(p)), key=_waiting_since):
            blocking = next((a for a in holders if a.node and a.node != pod.node), None)
            if blocking is not None:
                return self._signal(subject, volume, pod, blocking, view)
        return None

    def _signal(
        self,
        subject: Subject,
        volume: model.Volume,
        pod: model.Pod,
        blocking: model.Attachment,
        view: View,
    ) -> Signal:
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        # The oldest first: the pods of a CronJob come and go, and an alert shows who blocks.
        users = sorted(
            (p for p in view.pods_of(namespace, name) if p.node == blocking.node and not p.ended),
            key=_age,
        )
        since = pod.scheduled if pod.scheduled is not None else pod.created
        named = {
            "persistentvolume": volume.name,
            "driver": volume.driver,
            "pod": pod.name,
            "node": pod.node,
            "blocking_pod": users[0].name if users else "",
            "blocking_node": blocking.node,
        }
        return Signal(
            name=self.name,
            subject=subject,
            since=since,
            since_source=SinceSource.FIRST_SEEN if since is None else SinceSource.OBJECT,
            reason=_reason(view.node(blocking.node), users),
            named=tuple((label, named[label]) for label in self.named_labels),
            evidence=tuple(_evidence(volume, pod, blocking, users, view)),
        )


def _waits(pod: model.Pod) -> bool:
    return pod.waiting and pod.starting


def _claims_of(volume: str, view: View) -> list[Subject]:
    return [subject_of(claim.namespace, claim.name) for claim in view.claims_of(volume)]


def _waiting_since(pod: model.Pod) -> tuple[float, str]:
    since = pod.scheduled if pod.scheduled is not None else pod.created
    return (since if since is not None else float("inf"), pod.name)


def _age(pod: model.Pod) -> tuple[float, str]:
    return (pod.created if pod.created is not None else float("inf"), pod.name)


def _reason(node: model.Node | None, users: list[model.Pod]) -> str:
    if base.lost(node):
        return "NodeLost"
    return "HeldByPod" if users else "DetachPending"


def _evidence(
    volume: model.Volume,
    pod: model.Pod,
    blocking: model.Attachment,
    users: list[model.Pod],
    view: View,
) -> Iterator[str]:
    yield f"pod {pod.namespace}/{pod.name} waits on node {pod.node} for volume {volume.name}"
    yield f"the volume is attached to node {blocking.node}" + "".join(
        f", where pod {user.name} uses it" for user in users
    )
    holder = view.node(blocking.node)
    if holder is not None and base.in_use(volume, holder):
        yield f"the kubelet of node {holder.name} says that it still has the volume in use"
    if blocking.deletion is not None:
        error = f": {blocking.detach_error.text}" if blocking.detach_error is not None else ""
        yield f"its detachment from node {blocking.node} has been asked for{error}"
    for event in base.events_since(pod.created, ("Pod", pod.namespace, pod.name), view):
        if isinstance(event.fact, MultiAttachBlocked) and event.fact.volume == volume.name:
            yield f"Kubernetes: {event.message}"
