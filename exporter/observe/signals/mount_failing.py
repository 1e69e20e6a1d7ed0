"""mount_failing: a pod is placed, its volumes are there, and its kubelet does not get one mounted.

How it is recognised, from state: the pod is Pending on a Ready node, none of its containers has
started, its claim's volume is attached to this node or needs no attaching, and
PodReadyToStartContainers (Kubernetes 1.29 and newer) is false. Events say which volume and why, and
alone tell an older cluster's mount from its image pull: without the condition and without an Event
nothing is said, which leaves Kubernetes 1.28 blind, where time-outs have no Event any more.

One failure is told once. Nothing is said where another node holds the volume (`multi_attach`),
where its VolumeAttachment is being made or removed (`attachment_stuck`), on a node that is lost,
nor where the sandbox or a waiting reason shows that mounting is behind the pod. Claims that no
Event names are named only while none names another volume. NotAttached: there is not even a
VolumeAttachment, and nothing else explains it.

Since: the latest of PodScheduled, the node's readiness and the last change of the VolumeAttachment,
which is when it was attached: no mount can have failed before. That an attachment is not there has
no time, so NotAttached counts from when it was first seen. Up to three minutes are normal: device,
file system check and ownership.

What mount(8) calls a wrong file system type may be anything. Where the node's kernel log is read,
its own line says what it was. Without it, XfsDuplicateUuid and XfsUnsupported are candidates, by
versions, and need a volume whose file system is XFS. Reflink (0x4) is known to Linux since 4.9;
ceph-csi 2.1.0 made file systems with it, 2.1.1 and newer mount clones with `nouuid`.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from exporter.observe import model
from exporter.observe.model import Cause, Change, Kind, Object, Ready, Signal, SinceSource, Subject
from exporter.observe.model.facts import AttachFailed, MountFailed, SandboxFailed
from exporter.observe.model.versions import version
from exporter.observe.signals import base
from exporter.observe.signals.reasons import kernel, xfs
from exporter.observe.view import View, Want

UNEXPLAINED = "Unexplained"
"""The reason where no Event says one."""

_XFS = frozenset({Cause.WRONG_FS_TYPE, Cause.XFS_DUPLICATE_UUID, Cause.XFS_UNSUPPORTED})
_KERNEL_KNOWS = _XFS | {Cause.OTHER}
"""Causes for which the node's kernel is asked."""
_VAGUE = (Cause.OTHER, Cause.TIMEOUT, Cause.OPERATION_PENDING)
"""Causes that say little, least telling first: any other one of the same volume comes before."""


def subject_of(namespace: str, pod: str, claim: str) -> Subject:
    """Return the subject for a pod and one of its claims."""
    return Subject((("namespace", namespace), ("pod", pod), ("persistentvolumeclaim", claim)))


class MountFailing:
    """Sees it. Reasons: the causes of error texts, and Unexplained."""

    name = "mount_failing"
    meaning = "A pod waits on a node that does not get its volume mounted."
    subject_labels = ("namespace", "pod", "persistentvolumeclaim")
    named_labels = ("persistentvolume", "driver", "node")
    reasons = frozenset({*(cause.value for cause in Cause), UNEXPLAINED})
    since_sources = frozenset({SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 180.0
    needs = frozenset({Kind.NODE, Kind.ATTACHMENT, Kind.VOLUME, Kind.CLAIM, Kind.POD})
    helps = frozenset({Kind.EVENT, Kind.CSI_DRIVER, Kind.KERNEL_FAULT})
    starts = frozenset({Kind.POD})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the claims of a pod that waits."""
        del view
        if not isinstance(obj, model.Pod) or not obj.mounting or not obj.claims:
            return ()
        return _of(obj)

    def touched(  # noqa: C901 -- a table
        self, change: Change, view: View
    ) -> Iterator[Subject]:
        """Name the pods that an object speaks of, with their claims."""
        for obj in base.versions(change):
            match obj:
                case model.Pod():
                    yield from _of(obj)
                    if obj.plugin is not None:
                        yield from _waiting_on(obj.node, view)
                case model.Claim():
                    yield from _users(obj.namespace, obj.name, view)
                case model.Volume():
                    yield from _users_of(obj.name, view)
                case model.Attachment():
                    yield from _users_of(obj.volume, view)
                case model.KubeEvent(about_kind="Pod"):
                    pod = view.pod(obj.about_namespace, obj.about_name)
                    yield from _of(pod) if pod is not None else ()
                case model.Node() if _moved(change):
                    yield from _waiting_on(obj.name, view)
                    for volume in base.volumes_on(obj, view):
                        yield from _users_of(volume, view)
                case model.KernelFault():
                    yield from _waiting_on(obj.node, view)
                case model.CsiDriver() if _requires_anew(change):
                    yield from _all_waiting(view)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The pod, its Events, claim and node; then volume, attachments, driver and plugins.

        The node's kernel only when an Event says what it would know better.
        """
        namespace, name = subject["namespace"], subject["pod"]
        yield Want(Kind.POD, namespace, name)
        yield Want(Kind.CLAIM, namespace, subject["persistentvolumeclaim"])
        about = f"involvedObject.kind=Pod,involvedObject.name={name}"
        yield Want(Kind.EVENT, namespace, field_selector=about)
        yield Want(Kind.ATTACHMENT)
        claim = view.claim(namespace, subject["persistentvolumeclaim"])
        if claim is not None and claim.volume:
            yield Want(Kind.VOLUME, name=claim.volume)
        volume = view.volume_of(claim) if claim is not None else None
        pod = view.pod(namespace, name)
        if pod is not None and pod.node:
            yield Want(Kind.NODE, name=pod.node)
            if any(_for_kernel(event) for event in view.events_of("Pod", namespace, name)):
                yield Want(Kind.KERNEL_FAULT, name=pod.node)
        if volume is None or pod is None:
            return
        if volume.in_tree:
            yield Want(Kind.NODE)
        elif volume.driver:
            yield Want(Kind.CSI_DRIVER, name=volume.driver)
        if volume.fs_type == "xfs" and pod.node:
            yield Want(Kind.POD, field_selector=f"spec.nodeName={pod.node}")

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal while the pod waits for this mount and for nothing else."""
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        pod, claim = view.pod(namespace, subject["pod"]), view.claim(namespace, name)
        volume = view.volume_of(claim) if claim is not None else None
        if pod is None or claim is None or volume is None or name not in pod.claims:
            return None
        node = view.node(pod.node)
        if not pod.mounting or node is None or node.ready is not Ready.TRUE:
            return None
        there = view.attachments_of(volume.name)
        if volume.exclusive and any(one.node and one.node != pod.node for one in there):
            return None
        here = [one for one in there if one.node == pod.node]
        if any(not one.attached or one.deletion is not None for one in here):
            return None
        events = base.events_since(pod.created, ("Pod", namespace, pod.name), view)
        if here or not _must_attach(volume, view):
            why = _mount_cause(pod, name, volume, events)
        else:
            why = _attach_cause(volume, events)
        if why is None:
            return None
        proof = _kernel(why, volume, node, view)
        refined = proof.cause if proof else _xfs(why.cause, claim, volume, node, view)
        since = None if refined == Cause.NOT_ATTACHED and not here else _since(pod, node, here)
        named = {"persistentvolume": volume.name, "driver": volume.driver, "node": pod.node}
        return Signal(
            name=self.name,
            subject=subject,
            since=since,
            since_source=SinceSource.FIRST_SEEN if since is None else SinceSource.OBJECT,
            reason=str(refined),
            named=tuple((label, named[label]) for label in self.named_labels),
            evidence=(
                *_evidence(pod, volume, refined, why.text, view),
                *_said(node, refined, volume, proof, view),
            ),
        )


class _Why(NamedTuple):
    """Why a mount fails, as far as Events tell: with the text, the device in it, and its time."""

    cause: str
    text: str = ""
    device: str = ""
    when: float | None = None


def _of(pod: model.Pod) -> list[Subject]:
    return [subject_of(pod.namespace, pod.name, claim) for claim in pod.claims]


def _users(namespace: str, claim: str, view: View) -> Iterator[Subject]:
    for pod in view.pods_of(namespace, claim):
        yield subject_of(namespace, pod.name, claim)


def _users_of(volume: str, view: View) -> Iterator[Subject]:
    for claim in view.claims_of(volume) if volume else ():
        yield from _users(claim.namespace, claim.name, view)


def _waiting_on(node: str, view: View) -> Iterator[Subject]:
    for pod in view.pods_on(node) if node else ():
        yield from _of(pod) if pod.waiting else ()


def _all_waiting(view: View) -> Iterator[Subject]:
    for pod in view.pods():
        yield from _of(pod) if pod.waiting else ()


def _moved(change: Change) -> bool:
    old, new = change.old, change.new
    if not isinstance(old, model.Node) or not isinstance(new, model.Node):
        return True
    return base.node_moved(change) or (old.ready_since, old.kernel_version) != (
        new.ready_since,
        new.kernel_version,
    )


def _requires_anew(change: Change) -> bool:
    old, new = change.old, change.new
    if not isinstance(old, model.CsiDriver) or not isinstance(new, model.CsiDriver):
        return True
    return old.attach_required != new.attach_required


def _must_attach(volume: model.Volume, view: View) -> bool:
    """Whether only a VolumeAttachment lets a node mount this volume, as far as we can see."""
    if volume.in_tree or not volume.driver or not view.sees(Kind.CSI_DRIVER):
        return False
    driver = view.csi_driver(volume.driver)
    return driver is None or driver.attach_required


def _attach_cause(volume: model.Volume, events: list[model.KubeEvent]) -> _Why:
    for event in reversed(events):
        if isinstance(event.fact, AttachFailed) and event.fact.volume == volume.name:
            return _Why(event.fact.cause, event.message)
    return _Why(Cause.NOT_ATTACHED)


def _mount_cause(
    pod: model.Pod, claim: str, volume: model.Volume, events: list[model.KubeEvent]
) -> _Why | None:
    """Return why this claim's mount fails; None where another thing explains the wait."""
    names = {volume.name}
    names |= {pod_volume for pod_volume, c in _pod_volumes(pod) if c == claim}
    mine: list[_Why] = []
    unnamed: list[_Why] = []
    others = False
    for event in events:
        fact = event.fact
        others = others or isinstance(fact, SandboxFailed)
        if not isinstance(fact, MountFailed):
            continue
        why = _Why(fact.cause, event.message, fact.device, event.last)
        named = {fact.volume, *fact.unmounted} - {""}
        if named & names:
            mine.append(why)
        elif named:
            others = True
        else:
            unnamed.append(why)
    if mine:
        return _most_telling(mine)
    if others:
        return None
    if unnamed:
        return _most_telling(unnamed)
    return _Why(UNEXPLAINED) if pod.sandbox is False else None


def _pod_volumes(pod: model.Pod) -> Iterator[tuple[str, str]]:
    return zip(pod.claim_volumes, pod.claims, strict=False)


def _most_telling(found: list[_Why]) -> _Why:
    """Return the newest cause that says something: a time-out and its echoes follow any failure."""

    def rank(one: _Why) -> int:
        return _VAGUE.index(Cause(one.cause)) if one.cause in _VAGUE else len(_VAGUE)

    return max(reversed(found), key=rank)


def _for_kernel(event: model.KubeEvent) -> bool:
    return isinstance(event.fact, MountFailed) and event.fact.cause in _KERNEL_KNOWS


def _kernel(
    why: _Why, volume: model.Volume, node: model.Node, view: View
) -> model.KernelFault | None:
    """Return what the node's kernel said of it, where that explains more."""
    if why.cause not in _KERNEL_KNOWS:
        return None
    return kernel.proof(view.faults_on(node.name), why.device, volume.fs_type, why.when)


def _xfs(cause: str, claim: model.Claim, volume: model.Volume, node: model.Node, view: View) -> str:
    if cause not in _XFS:
        return cause
    if volume.fs_type != "xfs":
        return Cause.WRONG_FS_TYPE
    if cause != Cause.WRONG_FS_TYPE:
        return cause
    plugin = xfs.ceph_csi(volume.driver, node.name, view)
    return xfs.by_versions(
        version(node.kernel_version), plugin, cloned=claim.data_source is not None
    )


def _since(pod: model.Pod, node: model.Node, here: list[model.Attachment]) -> float | None:
    waiting = pod.scheduled if pod.scheduled is not None else pod.created
    if waiting is None:
        return None
    later = [node.ready_since, *(one.written for one in here), *(one.created for one in here)]
    return max([waiting, *(time for time in later if time is not None)])


def _evidence(
    pod: model.Pod, volume: model.Volume, reason: str, text: str, view: View
) -> Iterator[str]:
    yield f"pod {pod.namespace}/{pod.name} waits on node {pod.node} for volume {volume.name}"
    if text:
        yield f"Kubernetes: {text}"
    elif reason == UNEXPLAINED:
        yield "no Event says why; the kubelet's log on that node does"
    elif reason == Cause.NOT_ATTACHED:
        yield f"no VolumeAttachment of {volume.name} names node {pod.node}"
    if not view.sees(Kind.EVENT):
        yield "Events cannot be read, so another cause is not ruled out"


def _said(
    node: model.Node,
    reason: str,
    volume: model.Volume,
    proof: model.KernelFault | None,
    view: View,
) -> Iterator[str]:
    if proof is not None:
        yield f"the kernel of node {node.name}, {proof.count} times: {proof.text}"
    elif reason in (Cause.XFS_DUPLICATE_UUID, Cause.XFS_UNSUPPORTED):
        yield (
            f"the volume is XFS and node {node.name} runs Linux {node.kernel_version or 'unknown'};"
            " only the kernel's line on that node proves the cause"
        )
        found = xfs.ceph_csi(volume.driver, node.name, view)
        if found is not None:
            yield f"the node's plugin is ceph-csi {'.'.join(map(str, found))}"
