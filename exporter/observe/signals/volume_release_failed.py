"""volume_release_failed: a claim is gone, and its volume should be deleted too but is not.

How it is recognised: phase Released or Failed with reclaim policy Delete, or Failed with Recycle.
Retain keeps volumes by intent. Whether a claim of the same name is there now does not matter: the
volume belongs to the uid of the old one. Why: a VolumeAttachment still holds it, the newest Event
about it, or status.message. In-tree deletion (Kubernetes up to 1.26 and later) writes message and
Event once, so both show its first error; external-provisioner writes Events only, at each try. A
volume that nobody deletes says nothing at all.

Since: lastPhaseTransitionTime, which Kubernetes 1.28 brought; before, when it was first seen.
"""

from collections.abc import Iterable, Iterator, Mapping

from exporter.observe import model
from exporter.observe.model import Cause, Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.model.facts import DeleteFailed
from exporter.observe.signals import base
from exporter.observe.view import View, Want

ABOUT = "PersistentVolume"

_CAUSES: Mapping[Cause, str] = {
    Cause.UNREACHABLE: "Unreachable",
    Cause.TIMEOUT: "Unreachable",
    Cause.CLASS_MISSING: "ClassMissing",
    Cause.NO_PLUGIN: "NoPlugin",
    Cause.STILL_IN_USE: "StillInUse",
}


subject_of = base.volume_subject


class VolumeReleaseFailed:
    """Sees it.

    Reasons: StillInUse (attached, or the back end says so), Unreachable (the back end's API does
    not answer), ClassMissing (in-tree deletion reads the StorageClass), NoPlugin (Kubernetes has no
    code that deletes such a volume), DriverError (any other error), NobodyDeletes (no error, no
    message, no Event).
    """

    name = "volume_release_failed"
    meaning = "A volume whose claim is gone should be deleted and is not."
    subject_labels = ("persistentvolume",)
    named_labels = ("namespace", "persistentvolumeclaim", "storageclass", "driver")
    reasons = frozenset(
        {
            "StillInUse",
            "Unreachable",
            "ClassMissing",
            "NoPlugin",
            "DriverError",
            "NobodyDeletes",
            base.OTHER,
        }
    )
    since_sources = frozenset({SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 300.0
    needs = frozenset({Kind.VOLUME})
    helps = frozenset({Kind.ATTACHMENT, Kind.STORAGE_CLASS, Kind.EVENT})
    starts = frozenset({Kind.VOLUME})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name a volume that should be deleted or recycled."""
        del view
        if not isinstance(obj, model.Volume) or not obj.undeleted:
            return ()
        return (subject_of(obj.name),)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the volume that an object speaks of."""
        for obj in base.versions(change):
            match obj:
                case model.Volume():
                    yield subject_of(obj.name)
                case model.Attachment() if obj.volume:
                    yield subject_of(obj.volume)
                case model.KubeEvent() if obj.about_kind == ABOUT:
                    yield subject_of(obj.about_name)
                case model.StorageClass():
                    yield from (subject_of(v.name) for v in view.undeleted_of(obj.name))
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The volume; then its class, its attachments and Events about it."""
        name = subject["persistentvolume"]
        yield Want(Kind.VOLUME, name=name)
        volume = view.volume(name)
        if volume is None or not volume.undeleted:
            return
        yield Want(Kind.ATTACHMENT)
        about = f"involvedObject.kind={ABOUT},involvedObject.name={name}"
        yield Want(Kind.EVENT, field_selector=about)
        if volume.storage_class:
            yield Want(Kind.STORAGE_CLASS, name=volume.storage_class)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the volume is there although it should be deleted."""
        volume = view.volume(subject["persistentvolume"])
        if volume is None or not volume.undeleted:
            return None
        reason, why = _reason(volume, view)
        named = {
            "namespace": volume.claim_namespace,
            "persistentvolumeclaim": volume.claim_name,
            "storageclass": volume.storage_class,
            "driver": volume.driver,
        }
        return Signal(
            name=self.name,
            subject=subject,
            since=volume.phase_since,
            since_source=(
                SinceSource.FIRST_SEEN if volume.phase_since is None else SinceSource.OBJECT
            ),
            reason=reason,
            named=tuple((label, named[label]) for label in self.named_labels),
            evidence=(f"it is {volume.phase}, to be {_fate(volume)}", why),
        )


def _fate(volume: model.Volume) -> str:
    return "deleted" if volume.reclaim_policy == "Delete" else "recycled"


def _reason(volume: model.Volume, view: View) -> tuple[str, str]:
    for attachment in view.attachments_of(volume.name):
        if attachment.name:
            return ("StillInUse", f"it is still attached to node {attachment.node}")
    told = _told(volume, view)
    if told is not None:
        cause, text = told
        return (_CAUSES.get(cause, "DriverError"), text)
    if _class_is_missing(volume, view):
        return ("ClassMissing", f"StorageClass {volume.storage_class} is gone")
    if volume.phase == "Failed" or not view.sees(Kind.EVENT):
        return (base.OTHER, "nobody has said why")
    return ("NobodyDeletes", f"nobody has reported a try; is {volume.driver} still served?")


def _told(volume: model.Volume, view: View) -> tuple[Cause, str] | None:
    for event in reversed(base.events_since(volume.created, (ABOUT, "", volume.name), view)):
        if isinstance(event.fact, DeleteFailed):
            return (event.fact.cause, event.message)
    return (volume.failure.cause, volume.failure.text) if volume.failure is not None else None


def _class_is_missing(volume: model.Volume, view: View) -> bool:
    """Whether an in-tree volume's class is gone: some plugins cannot delete without it."""
    return (
        volume.in_tree
        and bool(volume.storage_class)
        and view.sees(Kind.STORAGE_CLASS)
        and view.storage_class(volume.storage_class) is None
    )
