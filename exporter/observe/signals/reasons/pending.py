"""What stands between a Pending claim and its volume, as a reason and the sentence that shows it.

`claim_pending` decides whether something is wrong; here is only why. Objects come first: what they
forbid does not get better by trying. Then what the newest Event says of a try, then what silence
means.
"""

from collections.abc import Iterator, Mapping

from exporter.observe import model
from exporter.observe.model import Cause, Kind
from exporter.observe.model.facts import (
    BindFailed,
    Binding,
    ProvisionFailed,
    ProvisionStarted,
    ProvisionWaits,
)
from exporter.observe.signals.base import OTHER
from exporter.observe.view import View

CLAIM, SNAPSHOT = "PersistentVolumeClaim", "VolumeSnapshot"
STATIC = "kubernetes.io/no-provisioner"
"""The provisioner of classes whose volumes somebody makes by hand."""
IN_TREE = "kubernetes.io/"

Found = tuple[str, str]
"""A reason, and the sentence that shows it."""

_CAUSES: Mapping[Cause, str] = {
    Cause.NO_SPACE: "NoSpace",
    Cause.QUOTA: "QuotaExceeded",
    Cause.NO_PLUGIN: "DriverMissing",
}
_BINDINGS: Mapping[Binding, str] = {
    Binding.NO_VOLUME: "NoMatchingVolume",
    Binding.TAKEN: "VolumeTaken",
    Binding.MISMATCH: "VolumeMismatch",
}


def class_of(claim: model.Claim, view: View) -> model.StorageClass | None:
    """Return the class that a claim names."""
    return view.storage_class(claim.storage_class) if claim.storage_class else None


def users(claim: model.Claim, view: View) -> list[model.Pod]:
    """Return the pods that want a claim: neither ended nor on their way out."""
    pods = view.pods_of(claim.namespace, claim.name)
    return [pod for pod in pods if not pod.ended and pod.deletion is None]


def reason(
    claim: model.Claim,
    klass: model.StorageClass | None,
    events: list[model.KubeEvent],
    view: View,
) -> Found:
    """Say why a claim is Pending; `events` are those about it, oldest first."""
    found = _named_volume(claim, view) or _source(claim, klass, view) or _no_class(claim, view)
    if found is not None:
        return found
    told = _told(events)
    if told is None or told[0] == "ProvisioningFailed":
        vague = _source_may_be_why(claim, view, fails=told is not None)
        told = vague or told
    return told or _silent(claim, klass, events, view)


def _named_volume(claim: model.Claim, view: View) -> Found | None:
    if not claim.volume or not view.sees(Kind.VOLUME):
        return None
    volume = view.volume(claim.volume)
    if volume is None:
        return ("VolumeMissing", f"it names volume {claim.volume}, which does not exist")
    owner = (volume.claim_namespace, volume.claim_name)
    other = owner != (claim.namespace, claim.name)
    if volume.claim_name and (other or volume.claim_uid not in ("", claim.uid)):
        namesake = "" if other else ", an earlier claim of this name"
        state = f"is {volume.phase or 'there'} and belongs to claim {owner[0]}/{owner[1]}"
        return ("VolumeTaken", f"volume {volume.name} {state}{namesake}")
    misfits = list(_misfits(claim, volume))
    if misfits:
        return ("VolumeMismatch", f"volume {volume.name} does not fit: {', '.join(misfits)}")
    return None


def _misfits(claim: model.Claim, volume: model.Volume) -> Iterator[str]:
    asked, there = claim.requested, volume.capacity
    if asked is not None and there is not None and there < asked:
        yield f"it has {there} bytes, the claim asks for {asked}"
    if claim.block != volume.block:
        yield "its volumeMode differs"
    if lacking := sorted(set(claim.access_modes) - set(volume.access_modes)):
        yield f"it cannot be {', '.join(lacking)}"
    if (claim.storage_class or "") != volume.storage_class:
        yield f"its class is {volume.storage_class or '(none)'}"


def _source(claim: model.Claim, klass: model.StorageClass | None, view: View) -> Found | None:
    """Return what forbids to make the claim from its source, by the provisioner's own rules."""
    source = claim.data_source
    if source is None or claim.volume or source.kind not in (CLAIM, SNAPSHOT):
        return None
    namespace = source.namespace or claim.namespace
    if source.kind == CLAIM:
        return _source_claim(claim, klass, view.claim(namespace, source.name), view)
    if not view.sees(Kind.SNAPSHOT):
        return None
    return _source_snapshot(claim, klass, view.snapshot(namespace, source.name), view)


def _source_claim(
    claim: model.Claim,
    klass: model.StorageClass | None,
    source: model.Claim | None,
    view: View,
) -> Found | None:
    if source is None:
        return ("SourceMissing", "the claim that it is to be a clone of does not exist")
    title = f"source claim {source.namespace}/{source.name}"
    if source.deletion is not None:
        return ("SourceMissing", f"{title} is being deleted")
    if source.phase != "Bound":
        return ("SourceNotBound", f"{title} is {source.phase or 'not Bound'}")
    if source.block != claim.block:
        return ("SourceModeDiffers", f"{title} has another volumeMode")
    size = source.requested if source.requested is not None else source.capacity
    if claim.requested is not None and size is not None and size > claim.requested:
        return ("SourceTooLarge", f"{title} has {size} bytes, asked for are {claim.requested}")
    volume = view.volume_of(source)
    return _other_driver(title, volume.driver if volume is not None else "", klass)


def _source_snapshot(
    claim: model.Claim,
    klass: model.StorageClass | None,
    source: model.Snapshot | None,
    view: View,
) -> Found | None:
    if source is None:
        return ("SnapshotMissing", "the VolumeSnapshot that it is to be made from does not exist")
    title = f"VolumeSnapshot {source.namespace}/{source.name}"
    if source.deletion is not None:
        return ("SnapshotMissing", f"{title} is being deleted")
    if source.ready is not True:
        return ("SnapshotNotReady", f"{title} is not ready to use")
    size = source.restore_size
    if claim.requested is not None and size is not None and size > claim.requested:
        return ("SourceTooLarge", f"{title} has {size} bytes, asked for are {claim.requested}")
    content = view.snapshot_content(source.bound_content) if source.bound_content else None
    return _other_driver(title, content.driver if content is not None else "", klass)


def _other_driver(title: str, driver: str, klass: model.StorageClass | None) -> Found | None:
    wanted = klass.provisioner if klass is not None else ""
    # A class of an in-tree name may be served by the CSI driver that took over from it.
    if not driver or not wanted or wanted == driver or wanted.startswith(IN_TREE):
        return None
    return ("SourceClassDiffers", f"{title} is of driver {driver}, the class of {wanted}")


def _no_class(claim: model.Claim, view: View) -> Found | None:
    if claim.volume or claim.storage_class == "":
        return None
    if claim.storage_class:
        there = view.storage_class(claim.storage_class) is not None
        missing = f"StorageClass {claim.storage_class} does not exist"
        return None if there else ("ClassMissing", missing)
    if any(klass.default for klass in view.storage_classes()):
        return None
    return ("ClassMissing", "it names no StorageClass, and none is the default")


def _told(events: list[model.KubeEvent]) -> Found | None:
    """Return what the newest Event about a failed try says."""
    for event in reversed(events):
        match event.fact:
            case ProvisionFailed(orphan=True) | ProvisionFailed(cause=Cause.CLASS_MISSING):
                # Of an earlier try: the class is there by now.
                continue
            case ProvisionFailed(cause=cause):
                return (_CAUSES.get(cause, "ProvisioningFailed"), event.message)
            case BindFailed(kind=kind):
                return (_BINDINGS[kind], event.message)
            case _:
                continue
    return None


def _source_may_be_why(claim: model.Claim, view: View, *, fails: bool) -> Found | None:
    source = claim.data_source
    if source is None or claim.volume or source.kind not in (CLAIM, SNAPSHOT):
        return None
    if source.namespace not in ("", claim.namespace):
        unread = "whether a ReferenceGrant there allows it is not read"
        where = f"its source is in namespace {source.namespace}"
        return ("SourceInOtherNamespace", f"{where}; {unread}")
    cloned = view.claim(claim.namespace, source.name) if source.kind == CLAIM else None
    if fails and cloned is not None and cloned.storage_class != claim.storage_class:
        name = cloned.storage_class or "(none)"
        return ("SourceClassDiffers", f"provisioning fails, and the source's class is {name}")
    return None


def _silent(
    claim: model.Claim,
    klass: model.StorageClass | None,
    events: list[model.KubeEvent],
    view: View,
) -> Found:
    """Return what can be said of a claim about which nobody has reported an error."""
    facts = [event.fact for event in events]
    if claim.volume:
        return (OTHER, f"volume {claim.volume} is not bound to it yet")
    if klass is None or klass.provisioner == STATIC:
        return ("NoMatchingVolume", "volumes of its class are made by hand, and none fits")
    if klass.waits and not claim.selected_node and not any(p.node for p in users(claim, view)):
        return ("PodUnscheduled", "its class waits for a pod's node, and no pod has one")
    if any(isinstance(fact, ProvisionStarted) for fact in facts):
        return ("StillProvisioning", f"{klass.provisioner} has taken it up and said no more")
    waits = claim.provisioner or any(isinstance(fact, ProvisionWaits) for fact in facts)
    if waits and view.sees(Kind.EVENT):
        known = view.csi_driver(klass.provisioner) is not None
        hint = "" if known else "; no CSIDriver has this name"
        return ("NobodyProvisions", f"{klass.provisioner} has not taken it up{hint}")
    return (OTHER, "nobody has said why")
