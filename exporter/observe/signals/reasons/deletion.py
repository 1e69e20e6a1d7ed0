"""What holds an object that somebody asked to delete: a finalizer, whose, and who is behind it.

Most telling first: something that uses the object, then a deletion at the back end that does not
succeed, then a finalizer about which only its name is known.
"""

from collections.abc import Iterable, Iterator

import msgspec

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.model.facts import DeleteFailed
from exporter.observe.signals.base import OTHER, events_since
from exporter.observe.view import View

CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
VOLUME_PROTECTION = "kubernetes.io/pv-protection"
SNAPSHOTS = "snapshot.storage.kubernetes.io/"
CLAIM_AS_SOURCE = SNAPSHOTS + "pvc-as-source-protection"
SNAPSHOT_AS_SOURCE = SNAPSHOTS + "volumesnapshot-as-source-protection"
SNAPSHOT_BOUND = SNAPSHOTS + "volumesnapshot-bound-protection"
CONTENT_BOUND = SNAPSHOTS + "volumesnapshotcontent-bound-protection"
CLONING = "provisioner.storage.kubernetes.io/cloning-protection"
ATTACHER = "external-attacher/"
DELETERS = ("external-provisioner.volume.kubernetes.io/finalizer", "kubernetes.io/pv-controller")
"""Put on volumes since Kubernetes 1.23, until the back end has deleted them."""

_OURS = (CLAIM_PROTECTION, VOLUME_PROTECTION, *DELETERS[1:])
_DRIVERS = (ATTACHER, *DELETERS[:1], "provisioner.storage.kubernetes.io/")


class Held(msgspec.Struct, frozen=True):
    """Why an object stays. `used_by` is `<kind>/<name>`, with the namespace if that is another."""

    reason: str
    finalizer: str
    used_by: str
    why: str


def claim(obj: model.Claim, view: View) -> Held:
    """Say what holds a claim."""
    return next(_claim(obj, view))


def volume(obj: model.Volume, view: View) -> Held:
    """Say what holds a volume."""
    return next(_volume(obj, view))


def snapshot(obj: model.Snapshot, view: View) -> Held:
    """Say what holds a VolumeSnapshot."""
    return next(_snapshot(obj, view))


def content(obj: model.SnapshotContent, view: View) -> Held:
    """Say what holds a VolumeSnapshotContent."""
    return next(_content(obj, view))


def _claim(obj: model.Claim, view: View) -> Iterator[Held]:
    if CLAIM_PROTECTION in obj.finalizers:
        # Ended pods hold it as well; one that has no node yet does not.
        pods = [pod for pod in view.pods_of(obj.namespace, obj.name) if pod.node]
        for pod in sorted(pods, key=lambda p: (p.ended, p.deletion is not None, p.name)):
            state = "has ended but is still there" if pod.ended else f"uses it on node {pod.node}"
            yield Held("InUse", CLAIM_PROTECTION, f"pod/{pod.name}", f"pod {pod.name} {state}")
    if CLAIM_AS_SOURCE in obj.finalizers:
        for one in view.snapshots_of(obj.namespace, obj.name):
            if one.ready is not True:
                why = f"VolumeSnapshot {one.name} of it is not finished"
                yield Held("SnapshotSource", CLAIM_AS_SOURCE, f"volumesnapshot/{one.name}", why)
    if CLONING in obj.finalizers:
        clones = view.made_from("PersistentVolumeClaim", obj.namespace, obj.name)
        yield from _copies("CloneSource", CLONING, obj.namespace, clones)
    yield from _rest(obj.finalizers, sees_users=view.sees(Kind.POD))


def _volume(obj: model.Volume, view: View) -> Iterator[Held]:
    bound = next((f for f in obj.finalizers if f in (VOLUME_PROTECTION, *DELETERS)), "")
    if obj.phase == "Bound" and bound:
        owner = f"{obj.claim_namespace}/{obj.claim_name}"
        why = f"it is still bound to claim {owner}"
        yield Held("BoundStill", bound, f"persistentvolumeclaim/{owner}", why)
    attacher = next((f for f in obj.finalizers if f.startswith(ATTACHER)), "")
    if attacher:
        for one in view.attachments_of(obj.name):
            if one.name:
                why = f"it is attached to node {one.node}"
                yield Held("InUse", attacher, f"volumeattachment/{one.name}", why)
    deleter = next((f for f in obj.finalizers if f in DELETERS), "")
    if deleter:
        for text in _failures(obj, view):
            yield Held("DeleteFailed", deleter, "", text)
    yield from _rest(obj.finalizers)


def _failures(obj: model.Volume, view: View) -> Iterator[str]:
    for event in reversed(events_since(obj.created, ("PersistentVolume", "", obj.name), view)):
        if isinstance(event.fact, DeleteFailed):
            yield event.message
    if obj.failure is not None:
        yield obj.failure.text


def _snapshot(obj: model.Snapshot, view: View) -> Iterator[Held]:
    if SNAPSHOT_AS_SOURCE in obj.finalizers:
        copies = view.made_from("VolumeSnapshot", obj.namespace, obj.name)
        yield from _copies("RestoreSource", SNAPSHOT_AS_SOURCE, obj.namespace, copies)
    if SNAPSHOT_BOUND in obj.finalizers:
        bound = view.snapshot_content(obj.bound_content) if obj.bound_content else None
        named = view.contents_of(obj.namespace, obj.name)
        for one in [bound, *named]:
            if one is not None and one.deletion is not None:
                user = f"volumesnapshotcontent/{one.name}"
                why = f"{one.driver} has not deleted the snapshot of content {one.name}"
                yield Held("DeleteFailed", SNAPSHOT_BOUND, user, why)
    yield from _rest(obj.finalizers)


def _content(obj: model.SnapshotContent, view: View) -> Iterator[Held]:
    owner = view.snapshot(obj.snapshot_namespace, obj.snapshot_name)
    here = CONTENT_BOUND in obj.finalizers
    if here and owner is not None and obj.snapshot_uid in ("", owner.uid):
        name = f"{owner.namespace}/{owner.name}"
        if owner.deletion is None:
            why = f"VolumeSnapshot {name} still wants it"
            yield Held("BoundStill", CONTENT_BOUND, f"volumesnapshot/{name}", why)
    if here and obj.deletion_policy == "Delete":
        said = f": {obj.error.text}" if obj.error is not None else ""
        why = f"{obj.driver} has not deleted the snapshot at the back end{said}"
        yield Held("DeleteFailed", CONTENT_BOUND, "", why)
    yield from _rest(obj.finalizers)


def _copies(
    reason: str, finalizer: str, namespace: str, copies: Iterable[model.Claim]
) -> Iterator[Held]:
    for copy in copies:
        if copy.phase == "Pending":
            name = copy.name if copy.namespace == namespace else f"{copy.namespace}/{copy.name}"
            why = f"claim {name} is being made from it"
            yield Held(reason, finalizer, f"persistentvolumeclaim/{name}", why)


def _rest(finalizers: tuple[str, ...], *, sees_users: bool = True) -> Iterator[Held]:
    """Judge finalizers by their names alone; at the very end there is always an answer."""
    own = [f for f in finalizers if f in _OURS or f.startswith(SNAPSHOTS)]
    drivers = [f for f in finalizers if f.startswith(_DRIVERS)]
    for name in drivers:
        yield Held("DriverFinalizer", name, "", f"the driver's {name} has not let go")
    for name in finalizers:
        if name not in own and name not in drivers:
            why = f"{name} belongs to somebody else's controller"
            yield Held("ForeignFinalizer", name, "", why)
    for name in own:
        if name == CLAIM_PROTECTION and not sees_users:
            yield Held(OTHER, name, "", "whether a pod uses it cannot be seen")
        yield Held("NotRemoved", name, "", f"nothing is seen that {name} would wait for")
    yield Held(OTHER, "", "", "it has no finalizer")
