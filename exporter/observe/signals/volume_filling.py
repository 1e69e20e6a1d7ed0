"""volume_filling: a claim's file system is nearly full, in bytes or in inodes.

How it is recognised: the kubelet of a node that mounts it says so in `/stats/summary` (Kubernetes
1.8 to 1.36). Block volumes have no file system; a volume of which nothing was measured yet, or
that nobody may write to, is not judged. Nothing says since when: the time is when we first saw it,
which the state file keeps over a restart, and over a kubelet's silence.

The alert of the kubernetes-mixin (KubePersistentVolumeFillingUp) reads the same numbers through
Prometheus; this signal is for the remediator, which must look again without it.
"""

from collections.abc import Iterable, Iterator

from exporter.observe import model
from exporter.observe.model import Change, Kind, Object, Signal, SinceSource, Subject
from exporter.observe.signals import base
from exporter.observe.view import View, Want

FREE_BYTES_RATIO = 0.10
FREE_INODES_RATIO = 0.05
"""A file system grows by what it holds: inodes run out later and more suddenly."""


subject_of = base.claim_subject


class VolumeFilling:
    """Sees it. Reasons: Bytes, Inodes."""

    name = "volume_filling"
    meaning = "The file system of a claim is nearly full."
    subject_labels = ("namespace", "persistentvolumeclaim")
    named_labels = ("persistentvolume", "node", "driver")
    reasons = frozenset({"Bytes", "Inodes", base.OTHER})
    since_sources = frozenset({SinceSource.FIRST_SEEN})
    patience = 60.0
    needs = frozenset({Kind.CLAIM, Kind.POD, Kind.NODE, Kind.VOLUME_STATS})
    helps = frozenset({Kind.VOLUME})
    starts = frozenset({Kind.VOLUME_STATS})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the claim of a file system that is nearly full."""
        del view
        if not isinstance(obj, model.VolumeStats) or not _reason(obj):
            return ()
        return (subject_of(obj.namespace, obj.name),)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the claim that an object speaks of."""
        for obj in base.versions(change):
            match obj:
                case model.VolumeStats() | model.Claim():
                    yield subject_of(obj.namespace, obj.name)
                case model.Pod():
                    yield from (subject_of(obj.namespace, claim) for claim in obj.claims)
                case model.Node():
                    for pod in view.pods_on(obj.name):
                        yield from (subject_of(pod.namespace, claim) for claim in pod.claims)
                case model.Volume():
                    for claim in view.claims_of(obj.name):
                        yield subject_of(claim.namespace, claim.name)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The claim and its volume, who mounts it, and what their kubelets say."""
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        yield Want(Kind.CLAIM, namespace, name)
        claim = view.claim(namespace, name)
        if claim is None:
            return
        if claim.volume:
            yield Want(Kind.VOLUME, name=claim.volume)
        yield Want(Kind.POD, namespace)
        for node in {pod.node for pod in view.pods_of(namespace, name) if pod.node}:
            yield Want(Kind.NODE, name=node)
            if view.node(node) is not None:
                yield Want(Kind.VOLUME_STATS, name=node)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while too little is free."""
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        claim, stats = view.claim(namespace, name), view.volume_stats(namespace, name)
        reason = _reason(stats) if stats is not None else ""
        if claim is None or stats is None or not reason or claim.block:
            return None
        # What was measured for a pod that is gone is not measured any more.
        pods = view.pods_of(namespace, name)
        if view.node(stats.node) is None or all(pod.node != stats.node for pod in pods):
            return None
        if set(claim.access_modes) == {"ReadOnlyMany"}:
            return None
        volume = view.volume_of(claim)
        return Signal(
            name=self.name,
            subject=subject,
            since=None,
            since_source=SinceSource.FIRST_SEEN,
            reason=reason,
            named=(
                ("persistentvolume", claim.volume),
                ("node", stats.node),
                ("driver", volume.driver if volume is not None else ""),
            ),
            evidence=(
                f"{stats.available} of {stats.capacity} bytes are free",
                f"{stats.inodes_free} of {stats.inodes} inodes are free",
            ),
        )

    def unsure(self, subject: Subject, view: View) -> bool:
        """Whether a kubelet should tell of it and does not: a pod that runs mounts the claim."""
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        if view.claim(namespace, name) is None:
            return False
        pods = [pod for pod in view.pods_of(namespace, name) if pod.phase == "Running"]
        nodes = {pod.node for pod in pods if view.node(pod.node) is not None}
        stats = view.volume_stats(namespace, name)
        return bool(nodes) and (stats is None or stats.node not in nodes)


def _reason(stats: model.VolumeStats) -> str:
    if _short(stats.available, stats.capacity, FREE_BYTES_RATIO):
        return "Bytes"
    return "Inodes" if _short(stats.inodes_free, stats.inodes, FREE_INODES_RATIO) else ""


def _short(free: int | None, size: int | None, ratio: float) -> bool:
    # Some file systems (btrfs, CephFS) have no fixed number of inodes and say 0.
    return free is not None and size is not None and size > 0 and free < size * ratio
