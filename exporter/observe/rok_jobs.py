"""Rok's jobs on a node's volumes, as its Events tell of them: what failed, how much has changed.

Values in, values out, for the detector and the collector of snapshot_space_exhausted; the texts
are read in `parse.rok`. A job's Events name no job, and the same text again is the same Event with
a later time, so jobs are told apart by the JobStarted before them.
"""

from collections.abc import Iterable, Iterator

import msgspec

from exporter.observe import model
from exporter.observe.model import Cause, Kind, KubeEvent, SinceSource
from exporter.observe.model.facts import RokCopy, RokJobFailed, RokJobStarted, RokUnpin
from exporter.observe.view import View

CORDONED = "NodeCordoned"
"""The reason of unpinning that ends with the cordon."""

Key = tuple[str, str]
"""Namespace and name of a claim."""

_NEVER = float("-inf")


class Changed(msgspec.Struct, frozen=True):
    """A claim's data that changed since its last snapshot, as a job of Rok said at `when`.

    `reported`: an upper bound, from the storage device's larger blocks.
    """

    claim: Key
    bytes: int
    reported: bool
    when: float

    @property
    def estimator(self) -> str:
        """How the bytes are known, as a label's value."""
        return "reported" if self.reported else "copied"


class Failed(msgspec.Struct, frozen=True):
    """What holds now: jobs on `what` fail for space, last at `when`.

    `opcode` and `logs_in` are the last one's, empty where they are not known.
    """

    claim: Key
    what: str
    when: float
    since: float | None
    source: SinceSource
    opcode: str = ""
    logs_in: str = ""


def changes_on(node: str, view: View) -> list[Changed]:
    """Return what is known of the changed data on a node: at most one figure per claim.

    It is what the newest job that says so was about to copy, on the claim or on a VolumeSnapshot of
    it. What came before a snapshot that is ready now is not changed any more.
    """
    found = [_changed(claim, node, view) for claim in claims_on(node, view)]
    return [one for one in found if one is not None]


def failures_on(node: str, view: View) -> list[Failed]:
    """Return the jobs on a node's volumes that failed for want of space and are not over."""
    return [one for claim in claims_on(node, view) for one in _failures(claim, node, view)]


def claims_on(node: str, view: View) -> list[Key]:
    """Return the claims whose Rok volume lives on this node."""
    volumes = view.rok_on(node) if node else []
    volumes += [one for one in view.rok_on("") if node and _newest_worker(_key(one), view) == node]
    claims = {_key(volume): volume.name for volume in volumes if volume.claim_name}
    return sorted(
        claim
        for claim, volume in claims.items()
        if (found := view.claim(*claim)) is not None and found.volume == volume
    )


def largest_on(node: str, view: View) -> int:
    """Return the capacity of the largest Rok volume on this node that a claim uses; 0: unknown."""
    bound = (view.claim(*claim) for claim in claims_on(node, view))
    volumes = (view.volume_of(one) for one in bound if one is not None)
    return max((one.capacity or 0 for one in volumes if one is not None), default=0)


def nodes_of_claim(claim: Key, view: View) -> list[str]:
    """Return every node that the claim's Rok volume may live on."""
    return [node for one in view.volumes_of(*claim) for node in nodes_of_volume(one, view)]


def nodes_of_volume(volume: model.Volume, view: View) -> list[str]:
    """Return the node of its affinity, else every node on which a job of its claim began."""
    if volume.driver != model.ROK or not volume.affinity:
        return []
    if volume.pinned_to:
        return [volume.pinned_to]
    return workers(_all_events(_key(volume), view))


def workers(events: Iterable[KubeEvent]) -> list[str]:
    """Return the nodes that Events of jobs and of unpinning name."""
    facts = [event.fact for event in events]
    return [f.node for f in facts if isinstance(f, RokJobStarted | RokUnpin) and f.node]


def _key(volume: model.Volume) -> Key:
    return (volume.claim_namespace, volume.claim_name)


def _failures(claim: Key, node: str, view: View) -> Iterator[Failed]:
    done = _last_success(claim, view)
    events = _unpinning(claim, node, view)
    found = _failure(claim, f"unpinning of claim {claim[0]}/{claim[1]}", events, node, done)
    if found is not None:
        yield found
    for snapshot in _unfinished(claim, view):
        what = f"VolumeSnapshot {snapshot.namespace}/{snapshot.name}"
        events = _events("VolumeSnapshot", snapshot, view)
        found = _failure(claim, what, events, node, done)
        if found is not None:
            yield found
        elif snapshot.error is not None and not any(_is_failed(event) for event in events):
            yield from _by_error(claim, what, snapshot)


def _failure(
    claim: Key, what: str, events: list[KubeEvent], node: str, done: float
) -> Failed | None:
    """Return the failure that the newest JobFailed tells of, if it is for space and here."""
    failed = [event for event in events if _is_failed(event)]
    if not failed or _when(failed[-1]) < done:
        return None
    newest = failed[-1]
    before = [event for event in events if _when(event) <= _when(newest)]
    if not isinstance(newest.fact, RokJobFailed) or not newest.fact.no_space:
        return None
    if workers(before)[-1:] not in ([], [node]):
        return None
    row: list[KubeEvent] = []
    floor = done
    for event in reversed(failed):
        if not isinstance(event.fact, RokJobFailed) or not event.fact.no_space:
            floor = max(floor, _when(event))
            break
        row.append(event)
    times = [time for event in row if (time := _first(event, floor)) is not None]
    return Failed(
        claim,
        what,
        _when(newest),
        min(times, default=None),
        SinceSource.EVENT,
        newest.fact.opcode,
        newest.fact.logs_in,
    )


def _by_error(claim: Key, what: str, snapshot: model.Snapshot) -> Iterator[Failed]:
    """Return the failure that the VolumeSnapshot itself carries, when no Event tells of one."""
    error = snapshot.error
    if error is not None and error.cause is Cause.NO_SPACE:
        when = error.when if error.when is not None else snapshot.created
        yield Failed(claim, what, when or 0.0, when, SinceSource.OBJECT)


def _changed(claim: Key, node: str, view: View) -> Changed | None:
    stories = [_events("VolumeSnapshot", one, view) for one in _unfinished(claim, view)]
    stories.append(_unpinning(claim, node, view))
    if not any(stories):
        # Nearly always: nobody has asked for a snapshot.
        return None
    done = _last_success(claim, view)
    found = [one for events in stories if (one := _copied(claim, events, node, done)) is not None]
    return max(found, key=lambda one: (one.when, not one.reported, one.bytes), default=None)


def _copied(claim: Key, events: list[KubeEvent], node: str, done: float) -> Changed | None:
    """Return the newest figure; within one job what it copies wins over what was reported."""
    found: Changed | None = None
    worker, begins = "", True
    for event in events:
        if isinstance(event.fact, RokJobStarted):
            worker, begins = event.fact.node, True
        if not isinstance(event.fact, RokCopy) or _when(event) < done:
            continue
        if begins or found is None or found.reported or not event.fact.reported:
            here = not worker or worker == node
            fact, begins = event.fact, False
            size = max(0, fact.changed_bytes)
            found = Changed(claim, size, fact.reported, _when(event)) if here else None
    return found


def _unpinning(claim: Key, node: str, view: View) -> list[KubeEvent]:
    """Return the claim's own Events, while somebody wants its volume off its node."""
    bound = view.claim(*claim)
    events = _events("PersistentVolumeClaim", bound, view) if bound is not None else []
    return [] if not events or _stays(events, node, view) else events


def _stays(events: list[KubeEvent], node: str, view: View) -> bool:
    """Whether nobody wants the claim's volume off its node any more: its cordon was lifted."""
    there = view.node(node)
    if there is None or there.unschedulable or not view.sees(Kind.NODE):
        return False
    reasons = [e.fact.reason for e in events if isinstance(e.fact, RokUnpin) and e.fact.reason]
    return bool(reasons) and reasons[-1] == CORDONED


def _unfinished(claim: Key, view: View) -> list[model.Snapshot]:
    found = view.snapshots_of(*claim)
    return [one for one in found if not one.ready and one.deletion is None]


def _last_success(claim: Key, view: View) -> float:
    """Return when the claim's newest ready snapshot was asked for: what came before is over."""
    ready = [one.created for one in view.snapshots_of(*claim) if one.ready]
    return max((time for time in ready if time is not None), default=_NEVER)


def _events(kind: str, about: model.Claim | model.Snapshot, view: View) -> list[KubeEvent]:
    """Return an object's Events, those of an earlier one of its name left out."""
    found = view.events_of(kind, about.namespace, about.name)
    return [event for event in found if event.about_uid in ("", about.uid)]


def _is_failed(event: KubeEvent) -> bool:
    return isinstance(event.fact, RokJobFailed)


def _when(event: KubeEvent) -> float:
    return event.last if event.last is not None else 0.0


def _first(event: KubeEvent, floor: float) -> float | None:
    """Return when an Event began; one that goes on from before `floor` began again since."""
    return event.first if event.first is not None and event.first > floor else event.last


def _newest_worker(claim: Key, view: View) -> str:
    """Return the node of the claim's newest job, on itself or on a VolumeSnapshot of it."""
    events = _all_events(claim, view)
    named = workers(sorted(events, key=lambda event: (_when(event), event.name)))
    return named[-1] if named else ""


def _all_events(claim: Key, view: View) -> list[KubeEvent]:
    found = view.events_of("PersistentVolumeClaim", *claim)
    for snapshot in view.snapshots_of(*claim):
        found += view.events_of("VolumeSnapshot", snapshot.namespace, snapshot.name)
    return found
