"""snapshot_not_ready: a VolumeSnapshot cannot be restored from, and perhaps never will be.

How it is recognised (snapshot.storage.k8s.io v1 and v1beta1; recorded with snapshot-controller and
csi-snapshotter 8.7): `readyToUse` is not true. Why, from state first: nobody has touched it (no
status and no finalizer: no snapshot-controller runs); its source claim is gone or unbound; its
class is gone, or it names none and its driver has no default; the content it names is gone or is
another snapshot's; its content has an empty status (no csi-snapshotter for the driver). Then what
its error says, and its content's; then their Events. The error is the last one, not the current
one: `readyToUse: true` wins over it. Without any of these the driver is at work: InProgress, which
takes minutes to hours where snapshots are uploaded.

Since: creation, which a restart keeps; when the error was first written is evidence. A snapshot
that is being deleted is deletion_stuck's. Without the CRDs there are none, which is normal.
"""

from collections.abc import Iterable, Iterator, Mapping

from exporter.observe import model
from exporter.observe.model import (
    Cause,
    Change,
    Failure,
    Kind,
    Object,
    Signal,
    SinceSource,
    Subject,
)
from exporter.observe.model.facts import SnapshotFailed, SnapshotFault
from exporter.observe.signals import base
from exporter.observe.view import View, Want

IN_PROGRESS = "InProgress"

_CAUSES: Mapping[Cause, str] = {
    Cause.TIMEOUT: "Timeout",
    Cause.NO_SPACE: "NoSpace",
    Cause.QUOTA: "NoSpace",
    Cause.OPERATION_PENDING: "OperationPending",
}
"""What an error of the driver is called; others are DriverError."""

_FAULTS: Mapping[SnapshotFault, str] = {
    SnapshotFault.SOURCE_MISSING: "SourceMissing",
    SnapshotFault.SOURCE_NOT_BOUND: "SourceNotBound",
    SnapshotFault.CLASS_MISSING: "ClassMissing",
    SnapshotFault.CONTENT_MISSING: "ContentMissing",
    SnapshotFault.MISBOUND: "Misbound",
}

_ABOUT: Mapping[SnapshotFault, Kind] = {
    SnapshotFault.SOURCE_MISSING: Kind.CLAIM,
    SnapshotFault.SOURCE_NOT_BOUND: Kind.CLAIM,
    SnapshotFault.CLASS_MISSING: Kind.SNAPSHOT_CLASS,
    SnapshotFault.CONTENT_MISSING: Kind.SNAPSHOT_CONTENT,
}
"""The kind whose objects say the same, and sooner."""

_LAST_YEAR = 2.0**35
"""No clock shows this: a time from outside may be anything."""


def subject_of(namespace: str, snapshot: str) -> Subject:
    """Return the subject for a VolumeSnapshot."""
    return Subject((("namespace", namespace), ("volumesnapshot", snapshot)))


class SnapshotNotReady:
    """Sees it.

    Reasons: NoController, SourceMissing, SourceNotBound, ClassMissing, ContentMissing, Misbound,
    NoSidecar (from state); Timeout, NoSpace, OperationPending, DriverError (from the driver's
    error); InProgress (nothing is wrong that can be seen).
    """

    name = "snapshot_not_ready"
    meaning = "A VolumeSnapshot is not ready to be used."
    subject_labels = ("namespace", "volumesnapshot")
    named_labels = ("persistentvolumeclaim", "driver", "volumesnapshotclass")
    reasons = frozenset(
        {
            "NoController",
            "NoSidecar",
            "DriverError",
            IN_PROGRESS,
            base.OTHER,
            *_CAUSES.values(),
            *_FAULTS.values(),
        }
    )
    since_sources = frozenset({SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 600.0
    needs = frozenset({Kind.SNAPSHOT})
    helps = frozenset(
        {Kind.SNAPSHOT_CONTENT, Kind.SNAPSHOT_CLASS, Kind.CLAIM, Kind.VOLUME, Kind.EVENT}
    )
    starts = frozenset({Kind.SNAPSHOT})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name a VolumeSnapshot that is not ready."""
        del view
        if not isinstance(obj, model.Snapshot) or obj.ready or obj.deletion is not None:
            return ()
        return (subject_of(obj.namespace, obj.name),)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the snapshots that an object speaks of."""
        for obj in base.versions(change):
            match obj:
                case model.Snapshot():
                    yield subject_of(obj.namespace, obj.name)
                case model.SnapshotContent():
                    yield subject_of(obj.snapshot_namespace, obj.snapshot_name)
                    yield from _subjects(view.snapshots_naming(obj.name))
                case model.SnapshotClass():
                    yield from _subjects(view.unready_of(obj.name))
                    yield from _subjects(view.unready_of(""))
                case model.Claim():
                    yield from _subjects(view.snapshots_of(obj.namespace, obj.name))
                case model.Volume():
                    for claim in view.claims_of(obj.name):
                        yield from _subjects(view.snapshots_of(claim.namespace, claim.name))
                case model.KubeEvent(fact=SnapshotFailed()):
                    yield from _about(obj, view)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The snapshot, then what it names, and their Events."""
        namespace, name = subject["namespace"], subject["volumesnapshot"]
        yield Want(Kind.SNAPSHOT, namespace, name)
        yield Want(Kind.SNAPSHOT_CONTENT)
        yield Want(Kind.SNAPSHOT_CLASS)
        yield _events_of("VolumeSnapshot", namespace, name)
        snapshot = view.snapshot(namespace, name)
        if snapshot is None:
            return
        for content in _contents(snapshot, view):
            yield _events_of("VolumeSnapshotContent", "", content.name)
        if snapshot.claim:
            yield Want(Kind.CLAIM, namespace, snapshot.claim)
            claim = view.claim(namespace, snapshot.claim)
            if claim is not None and claim.volume:
                yield Want(Kind.VOLUME, name=claim.volume)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the snapshot is not ready and not on its way out."""
        snapshot = view.snapshot(subject["namespace"], subject["volumesnapshot"])
        if snapshot is None or snapshot.ready or snapshot.deletion is not None:
            return None
        content = _content(snapshot, view)
        named = {
            "persistentvolumeclaim": snapshot.claim,
            "driver": _driver(snapshot, content, view),
            "volumesnapshotclass": _class_name(snapshot, content),
        }
        since = snapshot.created
        return Signal(
            name=self.name,
            subject=subject,
            since=since,
            since_source=SinceSource.FIRST_SEEN if since is None else SinceSource.OBJECT,
            reason=_reason(snapshot, content, view),
            named=tuple((label, named[label]) for label in self.named_labels),
            evidence=tuple(_evidence(snapshot, content)),
        )


def _reason(snapshot: model.Snapshot, content: model.SnapshotContent | None, view: View) -> str:
    if not snapshot.touched:
        return "NoController"
    error = _error(snapshot, content)
    if content is None:
        found = _by_state(snapshot, view) or _by_event(snapshot, view)
        return found or (IN_PROGRESS if error is None else _CAUSES.get(error.cause, base.OTHER))
    if error is not None:
        return _CAUSES.get(error.cause, "DriverError")
    # Who wrote an Event is there, though its status never arrived.
    return IN_PROGRESS if content.touched else _driver_said(content, view) or "NoSidecar"


def _by_state(snapshot: model.Snapshot, view: View) -> str:
    """Return what is missing for a content to be made or found; empty: nothing that is seen."""
    wanted = snapshot.content or snapshot.bound_content
    if wanted and view.sees(Kind.SNAPSHOT_CONTENT):
        return "Misbound" if view.snapshot_content(wanted) is not None else "ContentMissing"
    if snapshot.claim and view.sees(Kind.CLAIM):
        claim = view.claim(snapshot.namespace, snapshot.claim)
        if claim is None:
            return "SourceMissing"
        if not claim.volume or claim.phase == "Pending":
            return "SourceNotBound"
    return "ClassMissing" if not wanted and _class_missing(snapshot, view) else ""


def _class_missing(snapshot: model.Snapshot, view: View) -> bool:
    """Whether the class is not there, or none is named and the source's driver has no default."""
    if not view.sees(Kind.SNAPSHOT_CLASS):
        return False
    if snapshot.snapshot_class:
        return view.snapshot_class(snapshot.snapshot_class) is None
    volume = _source_volume(snapshot, view)
    if volume is None:
        return False
    classes = view.snapshot_classes()
    return not any(one.default and one.driver == volume.driver for one in classes)


def _by_event(snapshot: model.Snapshot, view: View) -> str:
    """Return what the newest Event says of a kind that we cannot see; what we see is newer."""
    told = _told("VolumeSnapshot", snapshot.namespace, snapshot.name, snapshot.uid, view)
    for fact in told:
        kind = _ABOUT.get(fact.fault)
        if fact.fault in _FAULTS and (kind is None or not view.sees(kind)):
            return _FAULTS[fact.fault]
    return ""


def _driver_said(content: model.SnapshotContent, view: View) -> str:
    """Return what the driver's csi-snapshotter said last of a content."""
    told = _told("VolumeSnapshotContent", "", content.name, content.uid, view)
    return next((_CAUSES.get(fact.cause, "DriverError") for fact in told), "")


def _told(kind: str, namespace: str, name: str, uid: str, view: View) -> list[SnapshotFailed]:
    """Return what Events say of an object, newest first."""
    events = view.events_of(kind, namespace, name)
    facts = [event.fact for event in reversed(events) if event.about_uid in ("", uid)]
    return [fact for fact in facts if isinstance(fact, SnapshotFailed)]


def _error(snapshot: model.Snapshot, content: model.SnapshotContent | None) -> Failure | None:
    """Return the error of the snapshot, else its content's; a lost write is none."""
    errors = (snapshot.error, content.error if content is not None else None)
    return next((e for e in errors if e is not None and e.cause is not Cause.CONFLICT), None)


def _contents(snapshot: model.Snapshot, view: View) -> list[model.SnapshotContent]:
    """Return the contents that may be the snapshot's: named by it, or naming it."""
    names = {snapshot.content, snapshot.bound_content} - {""}
    named = [one for name in sorted(names) if (one := view.snapshot_content(name)) is not None]
    return named + view.contents_of(snapshot.namespace, snapshot.name)


def _content(snapshot: model.Snapshot, view: View) -> model.SnapshotContent | None:
    """Return the snapshot's own content: both sides name each other, as far as they say."""
    for content in _contents(snapshot, view):
        whose = (content.snapshot_namespace, content.snapshot_name)
        named = {snapshot.content, snapshot.bound_content, ""}
        if (
            whose == (snapshot.namespace, snapshot.name)
            and content.snapshot_uid in ("", snapshot.uid)
            and (content.name in named or named == {""})
        ):
            return content
    return None


def _source_volume(snapshot: model.Snapshot, view: View) -> model.Volume | None:
    claim = view.claim(snapshot.namespace, snapshot.claim) if snapshot.claim else None
    return view.volume_of(claim) if claim is not None else None


def _driver(snapshot: model.Snapshot, content: model.SnapshotContent | None, view: View) -> str:
    if content is not None and content.driver:
        return content.driver
    named = view.snapshot_class(snapshot.snapshot_class) if snapshot.snapshot_class else None
    if named is not None:
        return named.driver
    volume = _source_volume(snapshot, view)
    return volume.driver if volume is not None else ""


def _class_name(snapshot: model.Snapshot, content: model.SnapshotContent | None) -> str:
    return snapshot.snapshot_class or (content.snapshot_class if content is not None else "")


def _about(event: model.KubeEvent, view: View) -> list[Subject]:
    """Return the snapshots that an Event is about, itself or through their content."""
    if event.about_kind == "VolumeSnapshot":
        return [subject_of(event.about_namespace, event.about_name)]
    if event.about_kind != "VolumeSnapshotContent":
        return []
    content = view.snapshot_content(event.about_name)
    if content is None:
        return []
    return [subject_of(content.snapshot_namespace, content.snapshot_name)]


def _subjects(snapshots: Iterable[model.Snapshot]) -> list[Subject]:
    return [subject_of(snapshot.namespace, snapshot.name) for snapshot in snapshots]


def _events_of(kind: str, namespace: str, name: str) -> Want:
    selector = f"involvedObject.kind={kind},involvedObject.name={name}"
    return Want(Kind.EVENT, namespace, field_selector=selector)


def _evidence(snapshot: model.Snapshot, content: model.SnapshotContent | None) -> Iterator[str]:
    source = f"claim {snapshot.namespace}/{snapshot.claim}" if snapshot.claim else ""
    yield f"made from {source or f'content {snapshot.content}'}"
    if content is not None:
        yield f"its content is {content.name}"
    error = _error(snapshot, content)
    if error is not None:
        known = error.when is not None and 0 <= error.when < _LAST_YEAR
        when = f", first written at {model.rfc3339(error.when or 0)}" if known else ""
        yield f"its last error{when}: {error.text}"
