"""snapshot_space_exhausted: a node has no room for the changed data of its volumes' next snapshots.

How it is recognised (Rok; seed 000): a job on a VolumeSnapshot, or on a claim whose volume is to
leave its node, failed with errno 28 and a KCQ of space allocation. `JobFailed` names no job and
the text of a repeat is the same, so the newest JobFailed of an object decides; a job that runs
after it changes nothing. It is over when the snapshot is ready or given up, when a later snapshot
of the claim is ready, when the volume has left the node, or when a later job failed for another
reason; for a claim also when the cordon that asked for it is lifted. The node is the one that the
volume's affinity names, else the newest job's worker.

Changed data: what the newest job of the claim that says so was about to copy. A job that already
failed to clone the old snapshot says nothing, so an earlier one on the same object is taken.

Since: the first JobFailed of an unbroken row. These Events are remembered, but a restart forgets
what is older than an hour, and so this signal, unless the VolumeSnapshot carries the error itself
(since: when that was written). Whether the space is too small for ever or only until old snapshots
are collected is told by the node's sizes, which its own exporter shows: see
`reasons.snapshot_space`. Without them the failure is seen all the same, its reason is Unknown.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model, rok_jobs
from exporter.observe.model import (
    Cause,
    Change,
    Kind,
    KubeEvent,
    Object,
    Signal,
    SinceSource,
    Subject,
)
from exporter.observe.model.facts import RokCopy, RokJobFailed, RokJobStarted, RokUnpin
from exporter.observe.rok_jobs import Changed, Failed
from exporter.observe.signals import base
from exporter.observe.signals.reasons import snapshot_space
from exporter.observe.view import View, Want

FORMS = {"0x8A": "copy", "0xC3": "clone"}
"""What a job was doing, by its SCSI command: WRITE16, ROK_CLONE_FISK."""


subject_of = base.node_subject


class SnapshotSpaceExhausted:
    """Sees it. The reason is whether the space will ever be enough.

    `form` is what the newest failed job was doing: copy, clone, other.
    """

    name = "snapshot_space_exhausted"
    meaning = "Snapshots fail for want of space for changed data on a node."
    subject_labels = ("node",)
    named_labels = ("form",)
    reasons = snapshot_space.REASONS | {base.OTHER}
    since_sources = frozenset({SinceSource.EVENT, SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 600.0
    needs = frozenset({Kind.EVENT, Kind.SNAPSHOT, Kind.CLAIM, Kind.VOLUME})
    helps = frozenset({Kind.NODE, Kind.ROK_SPACE})
    starts = frozenset({Kind.EVENT, Kind.SNAPSHOT})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the node of a job that failed for space, or that says how much has changed."""
        match obj:
            case KubeEvent(fact=RokCopy()) | KubeEvent(fact=RokJobFailed(no_space=True)):
                return _about(obj, view)
            case model.Snapshot(error=model.Failure(cause=Cause.NO_SPACE)) if not obj.ready:
                return _on(rok_jobs.nodes_of_claim((obj.namespace, obj.claim), view))
            case _:
                return ()

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the nodes that a volume, or what is about it, is on or was on."""
        for obj in base.versions(change):
            match obj:
                case model.Node() | model.RokSpace():
                    yield subject_of(obj.name)
                case KubeEvent(fact=RokJobStarted() | RokUnpin() | RokCopy() | RokJobFailed()):
                    yield from _on(rok_jobs.workers([obj]))
                    yield from _about(obj, view)
                case model.Snapshot():
                    events = view.events_of("VolumeSnapshot", obj.namespace, obj.name)
                    claim = (obj.namespace, obj.claim)
                    yield from _on(rok_jobs.workers(events))
                    yield from _on(rok_jobs.nodes_of_claim(claim, view))
                case model.Claim():
                    yield from _on(rok_jobs.nodes_of_claim((obj.namespace, obj.name), view))
                case model.Volume(driver=model.ROK):
                    yield from _on(rok_jobs.nodes_of_volume(obj, view))
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """Node, sizes and all volumes, then claims and snapshots of its own, then their Events."""
        node = subject["node"]
        yield Want(Kind.NODE, name=node)
        if view.node(node) is not None:
            # Of a node that is gone nobody is left to ask.
            yield Want(Kind.ROK_SPACE, name=node)
        yield Want(Kind.VOLUME)
        for volume in (*view.rok_on(node), *view.rok_on("")):
            namespace, name = volume.claim_namespace, volume.claim_name
            if not name:
                continue
            yield Want(Kind.CLAIM, namespace, name)
            yield Want(Kind.SNAPSHOT, namespace)
            yield _events_of("PersistentVolumeClaim", namespace, name)
            for snapshot in view.snapshots_of(namespace, name):
                yield _events_of("VolumeSnapshot", namespace, snapshot.name)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while a job on one of the node's volumes has failed for space."""
        node = subject["node"]
        failed = rok_jobs.failures_on(node, view)
        if not failed:
            return None
        changes, space = rok_jobs.changes_on(node, view), view.rok_space(node)
        needed = snapshot_space.need(changes, (one.claim for one in failed))
        unseen = view.unseen.get(Kind.ROK_SPACE, "")
        newest = max(failed, key=lambda one: (one.when, one.what))
        since, source = min(
            ((one.since, one.source) for one in failed if one.since is not None),
            default=(None, SinceSource.FIRST_SEEN),
        )
        return Signal(
            name=self.name,
            subject=subject,
            since=since,
            since_source=source,
            reason=snapshot_space.reason(needed, space, rok_jobs.largest_on(node, view)),
            named=(("form", FORMS.get(newest.opcode, "other")),),
            evidence=(*_evidence(failed, changes), *snapshot_space.evidence(space, unseen)),
        )


def _about(event: KubeEvent, view: View) -> list[Subject]:
    """Return the nodes of the volume that an Event of a job is about."""
    namespace, name = event.about_namespace, event.about_name
    if event.about_kind == "VolumeSnapshot":
        snapshot = view.snapshot(namespace, name)
        name = snapshot.claim if snapshot is not None else ""
    elif event.about_kind != "PersistentVolumeClaim":
        return []
    return _on(rok_jobs.nodes_of_claim((namespace, name), view))


def _on(nodes: Iterable[str]) -> list[Subject]:
    return [subject_of(node) for node in nodes]


def _events_of(kind: str, namespace: str, name: str) -> Want:
    selector = f"involvedObject.kind={kind},involvedObject.name={name}"
    return Want(Kind.EVENT, namespace, field_selector=selector)


def _evidence(failed: list[Failed], changes: list[Changed]) -> Iterator[str]:
    for one in failed:
        opcode = one.opcode or "(not said)"
        read = f"; read the log of pod {one.logs_in}, container csi-node" if one.logs_in else ""
        yield f"{one.what} failed for want of space at SCSI command {opcode}{read}"
    for change in changes:
        size = f"{'at most ' if change.reported else ''}{change.bytes} bytes"
        yield f"claim {'/'.join(change.claim)}: {size} changed since its last snapshot"
    for namespace, name in sorted({one.claim for one in failed} - {one.claim for one in changes}):
        yield f"claim {namespace}/{name}: how much changed is not known, its Events are gone"
    if changes:
        total = sum(change.bytes for change in changes)
        yield f"changed data that is known on this node: {total} bytes together"
