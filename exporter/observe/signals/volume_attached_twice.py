"""volume_attached_twice: a volume of one node at a time is attached to two nodes at once.

How it is recognised (seen on Kubernetes 1.36 with csi-attacher 4.13): two VolumeAttachments of one
ReadWriteOnce or ReadWriteOncePod volume, on different nodes, say `attached: true`; for an in-tree
volume two Nodes name it in status.volumesAttached. One failed detach is enough: the controller is
then unsure about the first node and attaches to the second within a second, with no Event at all.
A move without failures never shows it, since the first attachment goes before the second comes: so
there is nothing to wait for. Since: creation of the attachment that made it two. A third one does
not make it younger.

This only reports. Whether a repair may go on beside it is not decided here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

subject_of = base.volume_subject


class VolumeAttachedTwice:
    """Sees it.

    Reasons: NodeLost (one of the nodes is NotReady or gone), DetachFailed (one attachment is being
    deleted or its detach failed), BothWanted (pods on two of the nodes use the claim).
    """

    name = "volume_attached_twice"
    meaning = "A volume that goes to one node at a time is attached to two nodes at once."
    subject_labels = ("persistentvolume",)
    named_labels = ("namespace", "persistentvolumeclaim", "driver", "node", "other_node")
    reasons = frozenset({"NodeLost", "DetachFailed", "BothWanted", base.OTHER})
    since_sources = frozenset({SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 0.0
    needs = frozenset({Kind.ATTACHMENT, Kind.VOLUME, Kind.NODE})
    helps = frozenset({Kind.POD})
    starts = frozenset({Kind.ATTACHMENT, Kind.NODE})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the volumes of an attachment, or of a node's status, that are in two places."""
        match obj:
            case model.Attachment(attached=True) if obj.volume:
                return _in_two_places((obj.volume,), view)
            case model.Node() if obj.attached:
                named = {v.name for unique in obj.attached for v in view.named_by(unique)}
                return _in_two_places(named, view)
            case _:
                return ()

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the volumes that an object speaks of."""
        for obj in base.versions(change):
            match obj:
                case model.Volume():
                    yield subject_of(obj.name)
                case model.Attachment() if obj.volume:
                    yield subject_of(obj.volume)
                case model.Node() if base.node_moved(change):
                    yield from (subject_of(name) for name in base.volumes_on(obj, view))
                case model.Pod():
                    for claim in obj.claims:
                        found = view.volumes_of(obj.namespace, claim)
                        # Who uses a volume matters only while it is in two places.
                        yield from _in_two_places((volume.name for volume in found), view)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The volume and the attachments, then their nodes and the pods of the claim's namespace.

        Only the nodes themselves say where an in-tree volume is.
        """
        name = subject["persistentvolume"]
        yield Want(Kind.VOLUME, name=name)
        yield Want(Kind.ATTACHMENT)
        volume = view.volume(name)
        if volume is None:
            return
        if volume.in_tree:
            yield Want(Kind.NODE)
        for attachment in view.attachments_of(name):
            if attachment.node:
                yield Want(Kind.NODE, name=attachment.node)
        if volume.claim_name:
            yield Want(Kind.POD, volume.claim_namespace)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while two nodes at least have the volume."""
        volume = view.volume(subject["persistentvolume"])
        if volume is None or not volume.exclusive:
            return None
        held = _attached(volume, view)
        if len(held) < 2:  # noqa: PLR2004 -- two is what this is about
            return None
        first, second = held[0], held[1]
        since = second.created
        named = {
            "namespace": volume.claim_namespace,
            "persistentvolumeclaim": volume.claim_name,
            "driver": volume.driver,
            "node": first.node,
            "other_node": second.node,
        }
        users = {
            attachment.node: [
                pod.name
                for pod in view.pods_of(volume.claim_namespace, volume.claim_name)
                if pod.node == attachment.node and not pod.ended
            ]
            for attachment in held
        }
        return Signal(
            name=self.name,
            subject=subject,
            since=since,
            since_source=SinceSource.FIRST_SEEN if since is None else SinceSource.OBJECT,
            reason=_reason(held, users, view),
            named=tuple((label, named[label]) for label in self.named_labels),
            evidence=tuple(_evidence(attachment, users, view) for attachment in held),
        )


def _in_two_places(volumes: Iterable[str], view: View) -> list[Subject]:
    return [subject_of(name) for name in volumes if len(view.attachments_of(name)) > 1]


def _attached(volume: model.Volume, view: View) -> list[model.Attachment]:
    """Return one attachment for each node that has the volume, oldest first.

    Those without a time come last, by node: labels must not depend on the order of a list.
    """
    spelled = _spelled(volume, view)
    found: dict[str, model.Attachment] = {}
    for attachment in sorted(view.attachments_of(volume.name), key=_age):
        if not attachment.attached or not attachment.node:
            continue
        if attachment.name or spelled in _names_on(attachment.node, volume, view):
            found.setdefault(attachment.node, attachment)
    return list(found.values())


def _spelled(volume: model.Volume, view: View) -> str:
    """Return how most nodes' statuses spell this in-tree volume.

    Two disks may share the last part of their names (data stores, resource groups), and a volume is
    found by that part. Every node spells one disk alike, so another spelling is another disk.
    """
    names = Counter(
        name for node in view.nodes_naming(volume) for name in _names_on(node.name, volume, view)
    )

    def likely(name: str) -> tuple[bool, int, str]:
        return (name.endswith(volume.handle), names[name], name)

    return max(names, key=likely, default="")


def _names_on(node: str, volume: model.Volume, view: View) -> set[str]:
    holder = view.node(node)
    names = holder.attached if holder is not None else ()
    return {unique for unique in names if model.attach_name(unique) == volume.attach_name}


def _age(attachment: model.Attachment) -> tuple[float, str, str]:
    created = attachment.created if attachment.created is not None else float("inf")
    return (created, attachment.node, attachment.name)


def _detach_failed(attachment: model.Attachment) -> bool:
    return attachment.deletion is not None or attachment.detach_error is not None


def _reason(held: list[model.Attachment], users: dict[str, list[str]], view: View) -> str:
    if any(base.lost(view.node(attachment.node)) for attachment in held):
        return "NodeLost"
    if any(_detach_failed(attachment) for attachment in held):
        return "DetachFailed"
    return "BothWanted" if sum(map(bool, users.values())) > 1 else base.OTHER


def _evidence(attachment: model.Attachment, users: dict[str, list[str]], view: View) -> str:
    parts = [f"attached to node {attachment.node}"]
    if base.lost(view.node(attachment.node)):
        parts.append("which is not Ready or gone")
    parts += [f"where pod {name} uses it" for name in users[attachment.node]]
    if attachment.deletion is not None:
        parts.append("its detachment has been asked for")
    if attachment.detach_error is not None:
        parts.append(f"the last try to detach failed: {attachment.detach_error.text}")
    return ", ".join(parts)
