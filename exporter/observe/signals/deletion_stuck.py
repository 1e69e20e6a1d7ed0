"""deletion_stuck: somebody asked to delete an object of storage, and it stays.

How it is recognised: a deletionTimestamp on a claim, a volume, a VolumeSnapshot or its content.
Finalizers hold it; which one, and who is behind it, is read off the objects (Kubernetes 1.11 to
1.36, external-snapshotter 3 to 8). A volume that is Released or Failed and is to be deleted at the
back end is `volume_release_failed`. Where no VolumeSnapshots are installed there are none.

Since: the deletionTimestamp. These objects have no grace period, so it is when somebody asked.

Kinds are independent: VolumeSnapshots that may not be read silence only their own two kinds.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.signals.reasons import deletion
from exporter.observe.signals.reasons.deletion import Held
from exporter.observe.view import View, Want

CLAIM, VOLUME = "persistentvolumeclaim", "persistentvolume"
SNAPSHOT, CONTENT = "volumesnapshot", "volumesnapshotcontent"


def subject_of(kind: str, namespace: str, name: str) -> Subject:
    """Return the subject for an object; `kind` is its resource's singular name."""
    return Subject((("kind", kind), ("namespace", namespace), ("name", name)))


class DeletionStuck:
    """Sees it.

    Reasons: InUse (a pod, or an attachment), BoundStill (volume to claim, content to snapshot),
    SnapshotSource, CloneSource, RestoreSource (something is being made from it), DeleteFailed (the
    back end), DriverFinalizer, ForeignFinalizer, NotRemoved (nothing is seen that it waits for).
    """

    name = "deletion_stuck"
    meaning = "An object of storage was deleted and does not go away."
    subject_labels = ("kind", "namespace", "name")
    named_labels = ("finalizer", "used_by")
    reasons = frozenset(
        {
            "InUse",
            "BoundStill",
            "SnapshotSource",
            "CloneSource",
            "RestoreSource",
            "DeleteFailed",
            "DriverFinalizer",
            "ForeignFinalizer",
            "NotRemoved",
            base.OTHER,
        }
    )
    since_sources = frozenset({SinceSource.OBJECT})
    patience = 300.0
    needs = frozenset({Kind.CLAIM, Kind.VOLUME})
    helps = frozenset({Kind.POD, Kind.ATTACHMENT, Kind.SNAPSHOT, Kind.SNAPSHOT_CONTENT, Kind.EVENT})
    starts = frozenset({Kind.CLAIM, Kind.VOLUME, Kind.SNAPSHOT, Kind.SNAPSHOT_CONTENT})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name an object that is to be deleted."""
        del view
        if getattr(obj, "deletion", None) is None:
            return ()
        return tuple(_own(obj))

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the object, and those that it may hold."""
        for obj in base.versions(change):
            yield from _own(obj)
            match obj:
                case model.Pod():
                    yield from (subject_of(CLAIM, obj.namespace, name) for name in obj.claims)
                case model.Claim() if obj.data_source is not None:
                    yield from _source(obj, obj.data_source)
                case model.Attachment() if obj.volume:
                    yield subject_of(VOLUME, "", obj.volume)
                case model.Snapshot():
                    yield subject_of(CLAIM, obj.namespace, obj.claim)
                    for one in view.contents_of(obj.namespace, obj.name):
                        yield subject_of(CONTENT, "", one.name)
                case model.SnapshotContent():
                    yield subject_of(SNAPSHOT, obj.snapshot_namespace, obj.snapshot_name)
                    for named in view.snapshots_naming(obj.name):
                        yield subject_of(SNAPSHOT, named.namespace, named.name)
                case model.KubeEvent() if obj.about_kind == "PersistentVolume":
                    yield subject_of(VOLUME, "", obj.about_name)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The object, and what its kind can be held by."""
        namespace, name = subject["namespace"], subject["name"]
        match subject["kind"]:
            case "persistentvolumeclaim":
                yield Want(Kind.CLAIM, namespace, name)
                yield Want(Kind.POD, namespace)
                yield Want(Kind.SNAPSHOT, namespace)
                yield Want(Kind.CLAIM)
            case "persistentvolume":
                yield Want(Kind.VOLUME, name=name)
                yield Want(Kind.ATTACHMENT)
                about = f"involvedObject.kind=PersistentVolume,involvedObject.name={name}"
                yield Want(Kind.EVENT, field_selector=about)
            case "volumesnapshot":
                yield Want(Kind.SNAPSHOT, namespace, name)
                yield Want(Kind.SNAPSHOT_CONTENT)
                yield Want(Kind.CLAIM)
            case "volumesnapshotcontent":
                yield Want(Kind.SNAPSHOT_CONTENT, name=name)
                content = view.snapshot_content(name)
                if content is not None and content.snapshot_name:
                    where = (content.snapshot_namespace, content.snapshot_name)
                    yield Want(Kind.SNAPSHOT, *where)
            case _:
                pass

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while an object with a deletionTimestamp is there."""
        found = _held(subject, view)
        if found is None:
            return None
        deletion_time, held = found
        return Signal(
            name=self.name,
            subject=subject,
            since=deletion_time,
            since_source=SinceSource.OBJECT,
            reason=held.reason,
            named=(("finalizer", held.finalizer), ("used_by", held.used_by)),
            evidence=(held.why,),
        )


def _own(obj: Object) -> Iterator[Subject]:
    match obj:
        case model.Claim():
            yield subject_of(CLAIM, obj.namespace, obj.name)
        case model.Volume():
            yield subject_of(VOLUME, "", obj.name)
        case model.Snapshot():
            yield subject_of(SNAPSHOT, obj.namespace, obj.name)
        case model.SnapshotContent():
            yield subject_of(CONTENT, "", obj.name)
        case _:
            pass


def _source(claim: model.Claim, source: model.DataSource) -> Iterator[Subject]:
    kind = {"PersistentVolumeClaim": CLAIM, "VolumeSnapshot": SNAPSHOT}.get(source.kind)
    if kind is not None:
        yield subject_of(kind, source.namespace or claim.namespace, source.name)


def _held(subject: Subject, view: View) -> tuple[float, Held] | None:
    namespace, name = subject["namespace"], subject["name"]
    match subject["kind"]:
        case "persistentvolumeclaim":
            claim = view.claim(namespace, name)
            if claim is not None and claim.deletion is not None:
                return (claim.deletion, deletion.claim(claim, view))
        case "persistentvolume" if not namespace:
            volume = view.volume(name)
            if volume is not None and volume.deletion is not None and not volume.undeleted:
                return (volume.deletion, deletion.volume(volume, view))
        case "volumesnapshot" if view.sees(Kind.SNAPSHOT):
            snapshot = view.snapshot(namespace, name)
            if snapshot is not None and snapshot.deletion is not None:
                return (snapshot.deletion, deletion.snapshot(snapshot, view))
        case "volumesnapshotcontent" if view.sees(Kind.SNAPSHOT_CONTENT) and not namespace:
            content = view.snapshot_content(name)
            if content is not None and content.deletion is not None:
                return (content.deletion, deletion.content(content, view))
        case _:
            pass
    return None
