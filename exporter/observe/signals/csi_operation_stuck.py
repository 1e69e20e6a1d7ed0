"""csi_operation_stuck: a CSI driver refuses every new call for a volume, because an old one runs.

How it is recognised: the driver answers Aborted, in ceph-csi's words "an operation with the given
Volume ID ... already exists", while the object that asked still waits: a pod for its mount, a claim
for its volume or its growth, an attachment, a snapshot. The call that holds the lock hangs in one
plugin pod, mostly in the back end or in the kernel. The answer stands in Events, and in the errors
of VolumeAttachments and snapshots. A newer failure of another kind shows that the lock was let go;
a time-out does not, for it is how the first call ended for whoever waited.

Since: the first Event of the series (since_source event), when a snapshot's error was first
written, or when the attachment was asked for (object). It is normal for two or three minutes.
Events live an hour after their last repetition, and a mount, a growth or a new volume shows this in
no object: that history is lost where the exporter starts later.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from exporter.observe import model
from exporter.observe.model import Cause, Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.model.facts import (
    AttachFailed,
    Fact,
    MountFailed,
    ProvisionFailed,
    ResizeFailed,
    SnapshotFailed,
)
from exporter.observe.signals import base
from exporter.observe.view import View, Want

PROVISION, ATTACH, MOUNT = "Provision", "Attach", "Mount"
EXPAND, SNAPSHOT = "Expand", "Snapshot"

_SILENT = frozenset({Cause.OPERATION_PENDING, Cause.TIMEOUT})
"""Causes that do not show that the lock was let go."""
_FAILURES = MountFailed | AttachFailed | ProvisionFailed | ResizeFailed | SnapshotFailed

Reader = Callable[[Fact | None], Cause | None]


class _Refused(msgspec.Struct, frozen=True):
    """One kind of call that a driver refuses, and what says so."""

    operation: str
    driver: str
    since: float | None
    source: SinceSource
    text: str
    pod: str = ""
    node: str = ""


def subject_of(namespace: str, claim: str, driver: str) -> Subject:
    """Return the subject for a claim and the driver that refuses."""
    return Subject((("namespace", namespace), ("persistentvolumeclaim", claim), ("driver", driver)))


class CsiOperationStuck:
    """Sees it. Reasons: the operation that is refused; the oldest where there are several."""

    name = "csi_operation_stuck"
    meaning = "A CSI driver refuses every call for a volume, because an earlier one still runs."
    subject_labels = ("namespace", "persistentvolumeclaim", "driver")
    named_labels = ("persistentvolume", "pod", "node")
    reasons = frozenset({PROVISION, ATTACH, MOUNT, EXPAND, SNAPSHOT, base.OTHER})
    since_sources = frozenset({SinceSource.EVENT, SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 600.0
    needs = frozenset({Kind.EVENT, Kind.POD, Kind.CLAIM, Kind.VOLUME, Kind.ATTACHMENT})
    helps = frozenset({Kind.SNAPSHOT, Kind.SNAPSHOT_CONTENT})
    starts = frozenset({Kind.EVENT, Kind.ATTACHMENT, Kind.SNAPSHOT, Kind.SNAPSHOT_CONTENT})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the claims of whatever carries the driver's refusal."""
        if not _says_so(obj):
            return ()
        return list(_subjects(obj, view))

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the claims that an object speaks of, with every driver that they had."""
        for obj in base.versions(change):
            yield from _subjects(obj, view)
            if isinstance(obj, model.Volume):
                # Its claims may name it no longer with the driver of this version.
                for claim in view.claims_of(obj.name):
                    yield subject_of(claim.namespace, claim.name, obj.driver)

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The claim, its volume, pods, attachments and snapshots, with the Events of each."""
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        yield Want(Kind.CLAIM, namespace, name)
        yield Want(Kind.POD, namespace)
        yield Want(Kind.ATTACHMENT)
        yield Want(Kind.SNAPSHOT, namespace)
        yield Want(Kind.SNAPSHOT_CONTENT)
        yield _events("PersistentVolumeClaim", namespace, name)
        claim = view.claim(namespace, name)
        if claim is not None and claim.volume:
            yield Want(Kind.VOLUME, name=claim.volume)
        for pod in view.pods_of(namespace, name):
            yield _events("Pod", namespace, pod.name)
        for snapshot in view.snapshots_of(namespace, name):
            yield _events("VolumeSnapshot", namespace, snapshot.name)
            for content in view.contents_of(namespace, snapshot.name):
                # Events of what has no namespace are kept in this one.
                yield _events("VolumeSnapshotContent", "default", content.name)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the driver refuses a call that somebody still waits for."""
        claim = view.claim(subject["namespace"], subject["persistentvolumeclaim"])
        driver = subject["driver"]
        if claim is None or not driver:
            return None
        found = [one for one in _refused(claim, view) if one.driver == driver]
        if not found:
            return None
        first = min(found, key=_age)
        named = {"persistentvolume": claim.volume, "pod": first.pod, "node": first.node}
        return Signal(
            name=self.name,
            subject=subject,
            since=first.since,
            since_source=SinceSource.FIRST_SEEN if first.since is None else first.source,
            reason=first.operation,
            named=tuple((label, named[label]) for label in self.named_labels),
            evidence=tuple(dict.fromkeys(_sentence(one) for one in sorted(found, key=_age))),
        )


def _age(one: _Refused) -> tuple[float, str, str]:
    return (one.since if one.since is not None else float("inf"), one.operation, one.pod)


def _sentence(one: _Refused) -> str:
    who = f" for pod {one.pod} on node {one.node}" if one.pod else ""
    return f"driver {one.driver} refuses {one.operation}{who}: {one.text}"


def _events(kind: str, namespace: str, name: str) -> Want:
    about = f"involvedObject.kind={kind},involvedObject.name={name}"
    return Want(Kind.EVENT, namespace, field_selector=about)


def _says_so(obj: Object) -> bool:
    match obj:
        case model.KubeEvent(fact=fact):
            return isinstance(fact, _FAILURES) and fact.cause is Cause.OPERATION_PENDING
        case model.Attachment():
            return _pending(obj.attach_error)
        case model.Snapshot() | model.SnapshotContent():
            return _pending(obj.error)
        case _:
            return False


def _pending(failure: model.Failure | None) -> bool:
    return failure is not None and failure.cause is Cause.OPERATION_PENDING


def _subjects(obj: Object, view: View) -> Iterator[Subject]:
    """Name a claim with every driver that may be asked for it."""
    for claim in _claims(obj, view):
        drivers = {claim.provisioner, _driver(claim, view)}
        drivers |= {one.driver for one in view.attachments_of(claim.volume) if claim.volume}
        for snapshot in view.snapshots_of(claim.namespace, claim.name):
            contents = view.contents_of(claim.namespace, snapshot.name)
            drivers |= {content.driver for content in contents}
        if isinstance(obj, model.Attachment | model.SnapshotContent):
            drivers.add(obj.driver)
        if isinstance(obj, model.Snapshot):
            drivers |= {content.driver for content in view.contents_of(obj.namespace, obj.name)}
        for driver in drivers - {""}:
            yield subject_of(claim.namespace, claim.name, driver)


def _claims(obj: Object, view: View) -> Iterator[model.Claim]:
    match obj:
        case model.Claim():
            yield obj
        case model.Pod():
            yield from _named(obj.namespace, obj.claims, view)
        case model.Volume():
            yield from view.claims_of(obj.name)
        case model.Attachment() if obj.volume:
            yield from view.claims_of(obj.volume)
        case model.Snapshot():
            yield from _named(obj.namespace, (obj.claim,), view)
        case model.SnapshotContent():
            snapshot = view.snapshot(obj.snapshot_namespace, obj.snapshot_name)
            yield from _claims(snapshot, view) if snapshot is not None else ()
        case model.KubeEvent():
            about = _about(obj, view)
            yield from _claims(about, view) if about is not None else ()
        case _:
            pass


def _named(namespace: str, names: Iterable[str], view: View) -> Iterator[model.Claim]:
    for name in names:
        claim = view.claim(namespace, name)
        if claim is not None:
            yield claim


def _about(event: model.KubeEvent, view: View) -> Object | None:
    namespace, name = event.about_namespace, event.about_name
    match event.about_kind:
        case "Pod":
            return view.pod(namespace, name)
        case "PersistentVolumeClaim":
            return view.claim(namespace, name)
        case "VolumeSnapshot":
            return view.snapshot(namespace, name)
        case "VolumeSnapshotContent":
            return view.snapshot_content(name)
        case _:
            return None


def _driver(claim: model.Claim, view: View) -> str:
    volume = view.volume_of(claim)
    return volume.driver if volume is not None else claim.provisioner


def _refused(claim: model.Claim, view: View) -> Iterator[_Refused]:
    driver = _driver(claim, view)
    about = ("PersistentVolumeClaim", claim.namespace, claim.name)
    if claim.phase == "Pending":
        events = base.events_since(claim.created, about, view)
        yield from _series(events, PROVISION, driver, _of(ProvisionFailed))
    if claim.growing:
        events = base.events_since(claim.created, about, view)
        yield from _series(events, EXPAND, driver, _of(ResizeFailed))
    for pod in view.pods_of(claim.namespace, claim.name):
        yield from _on_pod(pod, claim, driver, view)
    for one in view.attachments_of(claim.volume) if claim.volume else ():
        error = one.attach_error
        if error is not None and _pending(error) and not one.attached and one.deletion is None:
            yield _Refused(
                ATTACH, one.driver, one.created, SinceSource.OBJECT, error.text, node=one.node
            )
    for snapshot in view.snapshots_of(claim.namespace, claim.name):
        if not snapshot.ready and snapshot.deletion is None:
            yield from _of_snapshot(snapshot, view)


def _on_pod(pod: model.Pod, claim: model.Claim, driver: str, view: View) -> Iterator[_Refused]:
    volumes = {claim.volume}
    pairs = zip(pod.claim_volumes, pod.claims, strict=False)
    volumes |= {volume for volume, name in pairs if name == claim.name}
    volumes -= {""}
    events = base.events_since(pod.created, ("Pod", pod.namespace, pod.name), view)
    found: list[_Refused] = []
    if pod.mounting:
        found += _series(events, MOUNT, driver, _of(MountFailed, volumes))
        found += _series(events, ATTACH, driver, _of(AttachFailed, volumes))
    if claim.growing and not pod.ended:
        found += _series(events, EXPAND, driver, _of(ResizeFailed, volumes))
    for one in found:
        yield msgspec.structs.replace(one, pod=pod.name, node=pod.node)


def _of_snapshot(snapshot: model.Snapshot, view: View) -> Iterator[_Refused]:
    for content in view.contents_of(snapshot.namespace, snapshot.name):
        events = base.events_since(
            content.created, ("VolumeSnapshotContent", "", content.name), view
        )
        about = ("VolumeSnapshot", snapshot.namespace, snapshot.name)
        events += base.events_since(snapshot.created, about, view)
        errors = [e for e in (content.error, snapshot.error) if e is not None and _pending(e)]
        if errors:
            whens = [error.when for error in errors if error.when is not None]
            since = min(whens, default=None)
            text = errors[0].text
            yield _Refused(SNAPSHOT, content.driver, since, SinceSource.OBJECT, text)
        elif content.error is None and snapshot.error is None:
            yield from _series(events, SNAPSHOT, content.driver, _of(SnapshotFailed))


def _of(kind: type, volumes: set[str] | None = None) -> Reader:
    """Return what reads the cause of a fact of this kind, about these volumes if it names any."""

    def cause(fact: Fact | None) -> Cause | None:
        if not isinstance(fact, kind) or not isinstance(fact, _FAILURES):
            return None
        volume = getattr(fact, "volume", "")
        if volumes is not None and volume and volume not in volumes:
            return None
        return fact.cause

    return cause


def _series(
    events: list[model.KubeEvent], operation: str, driver: str, read: Reader
) -> Iterator[_Refused]:
    """Return the series of refusals among Events, unless something newer shows that it is over."""
    causes = [(event, cause) for event in events if (cause := read(event.fact)) is not None]
    pending = [event for event, cause in causes if cause is Cause.OPERATION_PENDING]
    if not pending:
        return
    newest = max(_last(event) for event in pending)
    if any(cause not in _SILENT and _last(event) > newest for event, cause in causes):
        return
    begins = [e.first if e.first is not None else e.last for e in pending]
    since = min((begin for begin in begins if begin is not None), default=None)
    yield _Refused(operation, driver, since, SinceSource.EVENT, pending[-1].message)


def _last(event: model.KubeEvent) -> float:
    return event.last if event.last is not None else float("-inf")
