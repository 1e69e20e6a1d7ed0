"""claim_pending: a claim has no volume although somebody wants it, and why.

How it is recognised: phase Pending. Under a StorageClass that waits for its first consumer nothing
is wrong until a pod wants the claim. The reason is decided from objects first: the volume that the
claim names, what it is to be made from, its class. Then come Events of the newest try: they live an
hour and are repeated while the provisioner tries. Read in Kubernetes 1.5 to 1.36 and
external-provisioner 1.0 to 6.3.

Since: the claim's creation; for a class that waits, the creation of the earliest pod that wants it.

Whether a source in another namespace is allowed stands in a ReferenceGrant, which is not read. That
a source's class differs stopped being forbidden, so it is a reason only where provisioning fails.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.model.facts import ProvisionFailed
from exporter.observe.signals import base
from exporter.observe.signals.reasons import pending
from exporter.observe.signals.reasons.pending import CLAIM, SNAPSHOT
from exporter.observe.view import View, Want

subject_of = base.claim_subject


class ClaimPending:
    """Sees it.

    Reasons beyond the plain ones: NoMatchingVolume (only made by hand, and none fits), VolumeTaken
    and VolumeMismatch (the volume that it names), SourceClassDiffers (another driver, or another
    class and provisioning fails), PodUnscheduled (a class that waits, a pod that has no node),
    StillProvisioning (taken up, no error yet), NobodyProvisions (no provisioner has taken it up).
    """

    name = "claim_pending"
    meaning = "A claim that is wanted has no volume."
    subject_labels = ("namespace", "persistentvolumeclaim")
    named_labels = ("storageclass", "driver")
    reasons = frozenset(
        {
            "ClassMissing",
            "NoMatchingVolume",
            "VolumeMissing",
            "VolumeTaken",
            "VolumeMismatch",
            "SourceMissing",
            "SourceNotBound",
            "SourceInOtherNamespace",
            "SourceClassDiffers",
            "SourceModeDiffers",
            "SourceTooLarge",
            "SnapshotMissing",
            "SnapshotNotReady",
            "NoSpace",
            "QuotaExceeded",
            "DriverMissing",
            "ProvisioningFailed",
            "PodUnscheduled",
            "StillProvisioning",
            "NobodyProvisions",
            base.OTHER,
        }
    )
    since_sources = frozenset({SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 300.0
    needs = frozenset({Kind.CLAIM, Kind.STORAGE_CLASS, Kind.POD})
    helps = frozenset(
        {Kind.VOLUME, Kind.SNAPSHOT, Kind.SNAPSHOT_CONTENT, Kind.CSI_DRIVER, Kind.EVENT}
    )
    starts = frozenset({Kind.CLAIM})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name a Pending claim."""
        del view
        if not isinstance(obj, model.Claim) or obj.phase != "Pending":
            return ()
        return (subject_of(obj.namespace, obj.name),)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the claims that an object speaks of, and those that are made from it."""
        for obj in base.versions(change):
            match obj:
                case model.Claim():
                    yield from _claim_and_clones(obj, view)
                case model.Pod():
                    yield from (subject_of(obj.namespace, claim) for claim in obj.claims)
                case model.Volume():
                    for claim in view.claims_of(obj.name):
                        yield from _claim_and_clones(claim, view)
                case model.KubeEvent() if obj.about_kind == CLAIM:
                    yield subject_of(obj.about_namespace, obj.about_name)
                case model.StorageClass() | model.CsiDriver():
                    yield from _of_class(obj, view)
                case model.Snapshot() | model.SnapshotContent():
                    yield from _of_snapshot(obj, view)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The claim, classes, pods and Events; then the volume that it names and its source."""
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        yield Want(Kind.CLAIM, namespace, name)
        yield Want(Kind.STORAGE_CLASS)
        yield Want(Kind.POD, namespace)
        about = f"involvedObject.kind={CLAIM},involvedObject.name={name}"
        yield Want(Kind.EVENT, namespace, field_selector=about)
        claim = view.claim(namespace, name)
        if claim is None:
            return
        if claim.volume:
            yield Want(Kind.VOLUME, name=claim.volume)
        klass = pending.class_of(claim, view)
        if klass is not None and klass.provisioner:
            yield Want(Kind.CSI_DRIVER, name=klass.provisioner)
        yield from _source_reads(claim, view)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the claim is Pending and, if its class waits, a pod wants it."""
        claim = view.claim(subject["namespace"], subject["persistentvolumeclaim"])
        if claim is None or claim.phase != "Pending" or claim.deletion is not None:
            return None
        klass = pending.class_of(claim, view)
        since = claim.created
        if klass is not None and klass.waits and not claim.volume:
            users = pending.users(claim, view)
            if not users:
                return None
            wanted = min((pod.created for pod in users if pod.created is not None), default=None)
            since = wanted if wanted is None or since is None else max(wanted, since)
        events = base.events_since(claim.created, (CLAIM, claim.namespace, claim.name), view)
        reason, why = pending.reason(claim, klass, events, view)
        named = {
            "storageclass": claim.storage_class or "",
            "driver": klass.provisioner if klass is not None else claim.provisioner,
        }
        left = [e.message for e in events if isinstance(e.fact, ProvisionFailed) and e.fact.orphan]
        return Signal(
            name=self.name,
            subject=subject,
            since=since,
            since_source=SinceSource.FIRST_SEEN if since is None else SinceSource.OBJECT,
            reason=reason,
            named=tuple((label, named[label]) for label in self.named_labels),
            evidence=(why, *(f"a volume was left at the back end: {text}" for text in left)),
        )


def _claim_and_clones(claim: model.Claim, view: View) -> Iterator[Subject]:
    yield subject_of(claim.namespace, claim.name)
    yield from base.claim_subjects(view.made_from(CLAIM, claim.namespace, claim.name))


def _of_class(obj: model.StorageClass | model.CsiDriver, view: View) -> Iterator[Subject]:
    if isinstance(obj, model.StorageClass):
        yield from base.claim_subjects(view.pending_of(obj.name))
        yield from base.claim_subjects(view.pending_of(""))
        return
    for klass in view.storage_classes():
        if klass.provisioner == obj.name:
            yield from base.claim_subjects(view.pending_of(klass.name))


def _of_snapshot(obj: model.Snapshot | model.SnapshotContent, view: View) -> Iterator[Subject]:
    if isinstance(obj, model.Snapshot):
        yield from base.claim_subjects(view.made_from(SNAPSHOT, obj.namespace, obj.name))
        return
    for one in view.snapshots_naming(obj.name):
        yield from base.claim_subjects(view.made_from(SNAPSHOT, one.namespace, one.name))


def _source_reads(claim: model.Claim, view: View) -> Iterator[Want]:
    source = claim.data_source
    if source is None:
        return
    namespace = source.namespace or claim.namespace
    if source.kind == CLAIM:
        yield Want(Kind.CLAIM, namespace, source.name)
        found = view.claim(namespace, source.name)
        if found is not None and found.volume:
            yield Want(Kind.VOLUME, name=found.volume)
    elif source.kind == SNAPSHOT:
        yield Want(Kind.SNAPSHOT, namespace, source.name)
        snapshot = view.snapshot(namespace, source.name)
        if snapshot is not None and snapshot.bound_content:
            yield Want(Kind.SNAPSHOT_CONTENT, name=snapshot.bound_content)
