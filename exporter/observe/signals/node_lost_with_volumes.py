"""node_lost_with_volumes.

A node is NotReady, silent or gone, and still holds volumes that others wait for.

How it is recognised (kube-controller-manager 1.11 to 1.37): the Ready condition is False or
Unknown, or the Node object is gone, and a VolumeAttachment of a ReadWriteOnce volume still names
the node, or the node's own status names an in-tree one (status.volumesAttached), or a pod with such
a claim is still bound to it. With the Node object goes its status: then only pods tell of in-tree
volumes. Since: the Ready condition's lastTransitionTime, which is when the node life cycle
controller gave the node up, `--node-monitor-grace-period` after its last heartbeat.

A silent node is not a dead node: nothing here says that its kubelet and its writers have stopped.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Ready, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

HEARTBEATS = "kube-node-lease"
"""The namespace in which every kubelet renews a Lease of its node's name."""


subject_of = base.node_subject


class NodeLostWithVolumes:
    """Sees it.

    Reasons: NotReady (the kubelet says so), Unreachable (silent), NodeGone (no Node object).
    """

    name = "node_lost_with_volumes"
    meaning = "A node is lost and still holds volumes that other nodes cannot have."
    subject_labels = ("node",)
    named_labels: tuple[str, ...] = ()
    reasons = frozenset({"NotReady", "Unreachable", "NodeGone", base.OTHER})
    needs = frozenset({Kind.NODE, Kind.ATTACHMENT, Kind.VOLUME, Kind.CLAIM, Kind.POD})
    helps: frozenset[Kind] = frozenset()
    since_sources = frozenset({SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 0.0
    starts = frozenset({Kind.NODE, Kind.ATTACHMENT, Kind.POD})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name a lost node, and a node that is only spoken of."""
        match obj:
            case model.Node(ready=Ready.TRUE):
                return ()
            case model.Node():
                return (subject_of(obj.name),)
            case model.Attachment() | model.Pod() if obj.node and view.node(obj.node) is None:
                return (subject_of(obj.node),)
            case _:
                return ()

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the nodes that an object stands on."""
        for obj in base.versions(change):
            match obj:
                case model.Node():
                    yield subject_of(obj.name)
                case model.Attachment() | model.Pod() if obj.node:
                    yield subject_of(obj.node)
                case model.Volume():
                    yield from (subject_of(node) for node in _nodes_of(obj, view))
                case model.Claim():
                    pods = view.pods_of(obj.namespace, obj.name)
                    yield from (subject_of(pod.node) for pod in pods if pod.node)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The node, its attachments and pods, then their volumes and claims.

        Then who else wants those.
        """
        node = subject["node"]
        yield Want(Kind.NODE, name=node)
        yield Want(Kind.ATTACHMENT)
        yield Want(Kind.POD, field_selector=f"spec.nodeName={node}")
        known = view.node(node)
        if known is not None and any(model.attach_name(unique) for unique in known.attached):
            # A volume does not tell from its name how the node's status spells it.
            yield Want(Kind.VOLUME)
        for attachment in view.attachments_on(node):
            if attachment.volume:
                yield Want(Kind.VOLUME, name=attachment.volume)
        for namespace, name in claims_on(node, view):
            yield Want(Kind.CLAIM, namespace, name)
            yield Want(Kind.POD, namespace)
            claim = view.claim(namespace, name)
            if claim is not None and claim.volume:
                yield Want(Kind.VOLUME, name=claim.volume)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the node is lost and holds a volume of one node at a time."""
        name = subject["node"]
        node = view.node(name)
        if not base.lost(node):
            return None
        attachments = [a for a in view.attachments_on(name) if holds(a, view)]
        pods = [pod for pod in view.pods_on(name) if not pod.ended and exclusive_claims(pod, view)]
        if not attachments and not pods:
            return None
        since = node.ready_since if node is not None else _oldest_deletion(attachments, pods)
        return Signal(
            name=self.name,
            subject=subject,
            since=since,
            since_source=SinceSource.FIRST_SEEN if since is None else SinceSource.OBJECT,
            reason=_reason(node),
            evidence=tuple(_evidence(attachments, pods, view)),
        )


def holds(attachment: model.Attachment, view: View) -> bool:
    """Whether an attachment keeps a volume from other nodes.

    An inline volume counts: its mode is unknown.
    """
    return base.exclusive(view.volume(attachment.volume) if attachment.volume else None)


def exclusive_claims(pod: model.Pod, view: View) -> list[tuple[str, str]]:
    """Return the pod's claims whose volume goes to one node at a time.

    Unbound claims hold nothing.
    """
    found = []
    for name in pod.claims:
        claim = view.claim(pod.namespace, name)
        if claim is not None and claim.volume and base.exclusive(view.volume(claim.volume)):
            found.append((pod.namespace, name))
    return found


def claims_on(node: str, view: View) -> list[tuple[str, str]]:
    """Return every claim whose volume or pod is on this node, sorted."""
    found = {(pod.namespace, claim) for pod in view.pods_on(node) for claim in pod.claims}
    found |= {claim for a in view.attachments_on(node) if (claim := base.claim_of(a, view))}
    return sorted(found)


def _nodes_of(volume: model.Volume, view: View) -> set[str]:
    """Return where a volume is attached or its claim's pods are, as this version of it has it."""
    found = {attachment.node for attachment in view.attachments_of(volume.name)}
    found |= {node.name for node in view.nodes_naming(volume)}
    for claim in view.claims_of(volume.name):
        found |= {pod.node for pod in view.pods_of(claim.namespace, claim.name)}
    return found - {""}


def _reason(node: model.Node | None) -> str:
    if node is None:
        return "NodeGone"
    match node.ready:
        case Ready.FALSE:
            return "NotReady"
        case Ready.UNKNOWN:
            return "Unreachable"
        case _:
            return base.OTHER


def _oldest_deletion(
    attachments: Iterable[model.Attachment], pods: Iterable[model.Pod]
) -> float | None:
    deletions = [*(a.deletion for a in attachments), *(pod.deletion for pod in pods)]
    return min((time for time in deletions if time is not None), default=None)


def _evidence(
    attachments: Iterable[model.Attachment], pods: Iterable[model.Pod], view: View
) -> Iterator[str]:
    for attachment in attachments:
        claim = base.claim_of(attachment, view)
        owner = f" of claim {claim[0]}/{claim[1]}" if claim else ""
        volume = attachment.volume or "(inline)"
        yield f"volume {volume}{owner} is attached there by {attachment.driver}"
    for pod in pods:
        state = "is being deleted" if pod.deletion is not None else f"is {pod.phase or 'there'}"
        yield f"pod {pod.namespace}/{pod.name} with a ReadWriteOnce claim {state} there"
