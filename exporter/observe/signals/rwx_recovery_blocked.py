"""rwx_recovery_blocked: a lost ReadWriteMany volume came back read-only and waits for its users.

How it is recognised (Rok; seed 001), per claim: rok-csi warns on the claim that it recovers the
volume from its latest snapshot (stage warned); it refuses every new mount, which the kubelet says
on the pod (stage refused: FailedMount, "Cannot publish recovered RWX volume"); and once all pods
that used the volume are gone it says so on the claim. Only that Event, newer than the last warning
and refusal, ends it - or a mount that worked: a pod placed after the last warning has started, and
nobody from before it is left. Events come late, twice, out of order or not at all; each counts by
its own time. An Event about another volume or an earlier claim of this name is not ours.

Users are the pods that hold the volume, Terminating ones and those on lost nodes too; a pod that
waits for its mount is none. The warning's access-server volume is Rok's own: act on the claim that
has the Event.

Since: the first warning after the last "are gone", else the first refusal. The kubelet repeats a
refusal every two minutes for as long as a pod waits, so that one survives a restart; a warning
alone is remembered only as long as our own notes are kept.
"""

from collections.abc import Iterable, Iterator

import msgspec

from exporter.observe import model
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
from exporter.observe.model.facts import MountFailed, RwxClear, RwxRecovering
from exporter.observe.signals import base
from exporter.observe.view import View, Want

_NEVER = float("-inf")

FEW = 4
"""So many pods that have not started are asked about one by one: each question costs the API server
a walk over all Events of the namespace. Of more, all refused mounts are read at once.
"""
REFUSALS = ("FailedMount", "FailedMapVolume")
"""Reasons of the Events in which a kubelet says why a mount failed."""


class _Story(msgspec.Struct, frozen=True):
    """The Events of one claim's recovery that count: after the last "are gone"."""

    warnings: tuple[KubeEvent, ...]
    refusals: tuple[KubeEvent, ...]
    cleared: float

    @property
    def warned(self) -> float:
        """When rok-csi warned last; where that is not known nothing can be newer."""
        times = [event.last for event in self.warnings if event.last is not None]
        known = bool(times) and len(times) == len(self.warnings)
        return max(times) if known else float("inf")


subject_of = base.claim_subject


class RwxRecoveryBlocked:
    """Sees it.

    Reasons: Recovering (warned, no mount refused yet), Blocked (a pod's mount is refused),
    UsersGone (nobody holds it any more, and Rok has not said yet that it is clear).
    """

    name = "rwx_recovery_blocked"
    meaning = "A recovered ReadWriteMany volume stays read-only until every user has let go of it."
    subject_labels = ("namespace", "persistentvolumeclaim")
    named_labels = ("persistentvolume", "stage")
    reasons = frozenset({"Recovering", "Blocked", "UsersGone", base.OTHER})
    since_sources = frozenset({SinceSource.EVENT, SinceSource.FIRST_SEEN})
    patience = 0.0
    needs = frozenset({Kind.EVENT, Kind.CLAIM, Kind.POD})
    helps: frozenset[Kind] = frozenset()
    starts = frozenset({Kind.EVENT})

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Name the claim of a warning, and the claims of a pod whose mount was refused."""
        match obj:
            case KubeEvent(fact=RwxRecovering()):
                return [subject_of(obj.about_namespace, obj.about_name)]
            case KubeEvent(fact=MountFailed(cause=Cause.RECOVERED_RWX_VOLUME)):
                pod = view.pod(obj.about_namespace, obj.about_name)
                return _of_pod(pod) if pod is not None else []
            case _:
                return ()

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the claims that an object speaks of."""
        for obj in base.versions(change):
            match obj:
                case model.Claim():
                    yield subject_of(obj.namespace, obj.name)
                case model.Pod():
                    yield from _of_pod(obj)
                case KubeEvent(fact=RwxRecovering() | RwxClear()):
                    yield subject_of(obj.about_namespace, obj.about_name)
                case KubeEvent(fact=MountFailed()):
                    yield from self.suspects(obj, view)
                case _:
                    pass

    def reads(self, subject: Subject, view: View) -> Iterator[Want]:
        """The claim and its Events, its pods, and the Events of those that may wait for a mount."""
        namespace, name = subject["namespace"], subject["persistentvolumeclaim"]
        yield Want(Kind.CLAIM, namespace, name)
        yield Want(Kind.POD, namespace)
        yield _events_of("PersistentVolumeClaim", namespace, name)
        pods = [pod for pod in view.pods_of(namespace, name) if _may_be_refused(pod)]
        for pod in pods if len(pods) <= FEW else ():
            yield _events_of("Pod", namespace, pod.name)
        for reason in REFUSALS if len(pods) > FEW else ():
            about = f"involvedObject.kind=Pod,reason={reason}"
            yield Want(Kind.EVENT, namespace, field_selector=about)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Return the signal from the first warning or refusal until the volume is clear."""
        claim = view.claim(subject["namespace"], subject["persistentvolumeclaim"])
        if claim is None or not claim.volume:
            return None
        story = _story(claim, view)
        if not story.warnings and not story.refusals:
            return None
        holders = users(claim, view)
        if _mounted_again(story, holders):
            return None
        told = story.warnings or story.refusals
        times = [time for event in told if (time := _began(event, story)) is not None]
        return Signal(
            name=self.name,
            subject=subject,
            since=min(times, default=None),
            since_source=SinceSource.EVENT if times else SinceSource.FIRST_SEEN,
            reason=_reason(story, holders),
            named=(
                ("persistentvolume", claim.volume),
                ("stage", "refused" if story.refusals else "warned"),
            ),
            evidence=tuple(_evidence(claim, story, holders)),
        )


def users(claim: model.Claim, view: View) -> list[model.Pod]:
    """Return the pods that hold the claim's volume: on a node, not ended, not waiting for it."""
    story = _story(claim, view)
    refused = {event.about_name for event in story.refusals}
    return [
        pod
        for pod in view.pods_of(claim.namespace, claim.name)
        if pod.node and not pod.ended and not (pod.starting and _waits(pod, refused, story.warned))
    ]


def _waits(pod: model.Pod, refused: set[str], warned: float) -> bool:
    """Whether a pod that has not started waits for this: refused, or placed after the warning."""
    return pod.name in refused or (pod.scheduled is not None and pod.scheduled > warned)


def _story(claim: model.Claim, view: View) -> _Story:
    events = [
        event
        for event in view.events_of("PersistentVolumeClaim", claim.namespace, claim.name)
        if event.about_uid in ("", claim.uid)
    ]
    clears = [_last(event) for event in events if _names(event, RwxClear, claim)]
    cleared = max(clears, default=_NEVER)
    warnings = (event for event in events if _names(event, RwxRecovering, claim))
    return _Story(
        tuple(event for event in warnings if _last(event) > cleared),
        tuple(event for event in _refusals(claim, view) if _last(event) > cleared),
        cleared,
    )


def _names(event: KubeEvent, kind: type[RwxClear | RwxRecovering], claim: model.Claim) -> bool:
    """Whether an Event says this of the claim's own volume; a cut text may not name it."""
    return isinstance(event.fact, kind) and event.fact.volume in ("", claim.volume)


def _refusals(claim: model.Claim, view: View) -> list[KubeEvent]:
    """Return what was refused to pods that wait still: one that started had its mount."""
    return [
        event
        for pod in view.pods_of(claim.namespace, claim.name)
        if _may_be_refused(pod)
        for event in view.events_of("Pod", pod.namespace, pod.name)
        if event.about_uid in ("", pod.uid) and _refuses(event, claim)
    ]


def _may_be_refused(pod: model.Pod) -> bool:
    """Whether what was said of its mount counts still."""
    return pod.starting and not pod.ended


def _refuses(event: KubeEvent, claim: model.Claim) -> bool:
    fact = event.fact
    return (
        isinstance(fact, MountFailed)
        and fact.cause is Cause.RECOVERED_RWX_VOLUME
        and fact.volume == claim.volume
    )


def _mounted_again(story: _Story, holders: list[model.Pod]) -> bool:
    """Whether a mount after the last warning worked and everybody from before is gone."""
    if story.refusals or not holders:
        return False
    warned = story.warned
    return all(
        not pod.starting and pod.scheduled is not None and pod.scheduled > warned for pod in holders
    )


def _reason(story: _Story, holders: list[model.Pod]) -> str:
    if not holders:
        return "UsersGone"
    return "Blocked" if story.refusals else "Recovering"


def _last(event: KubeEvent) -> float:
    return event.last if event.last is not None else 0.0


def _began(event: KubeEvent, story: _Story) -> float | None:
    """Return when an Event began; one that goes on from before the last end began again since."""
    return event.first if event.first is not None and event.first > story.cleared else event.last


def _of_pod(pod: model.Pod) -> list[Subject]:
    return [subject_of(pod.namespace, claim) for claim in pod.claims]


def _events_of(kind: str, namespace: str, name: str) -> Want:
    selector = f"involvedObject.kind={kind},involvedObject.name={name}"
    return Want(Kind.EVENT, namespace, field_selector=selector)


def _evidence(claim: model.Claim, story: _Story, holders: list[model.Pod]) -> Iterator[str]:
    if story.warnings:
        yield f"volume {claim.volume} was rolled back to its latest snapshot, and is read-only"
    for name in sorted({event.about_name for event in story.refusals}):
        yield f"pod {claim.namespace}/{name} waits: its mount is refused until all users are gone"
    for pod in holders:
        going = ", Terminating" if pod.deletion is not None else ""
        yield f"pod {pod.namespace}/{pod.name} on node {pod.node} holds it still{going}"
    if not holders:
        yield "no pod holds it any more; Rok has not said yet that it can be used again"
