"""Looking again: one subject, freshly read, judged by the exporter's own detector.

This is how the remediator sees. Nothing here remembers anything between two looks.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec

from exporter.observe import errors, model
from exporter.observe.kube.api import Api, Listing
from exporter.observe.kube.version import version
from exporter.observe.model import Kind, Object, Signal, Subject
from exporter.observe.objects import Objects
from exporter.observe.signals.base import Detector
from exporter.observe.view import View, Want

AT_ONCE = 8
"""Reads under way at one time, for one look."""

OPTIONAL = frozenset({Kind.SNAPSHOT, Kind.SNAPSHOT_CONTENT, Kind.SNAPSHOT_CLASS})
"""Kinds that are no part of Kubernetes: not installed means that there are none."""

AskKubelet = Callable[[model.Node], Awaitable[Sequence[Object]]]
"""Returns VolumeStats of a node's claims; raises ObserveError."""

ExtraReads = Callable[[Subject, View], Iterable[Want]]


class Look(msgspec.Struct, frozen=True):
    """What one fresh look gave. `signal` is None when it does not hold or could not be judged.

    `unseen` maps kinds that could not be read to the sentence why. Whoever acts on an absent signal
    asks it first: unseen is not healthy.
    """

    view: View
    signal: Signal | None
    unseen: Mapping[Kind, str]


def no_extra_reads(subject: Subject, view: View) -> Iterable[Want]:
    """Ask for nothing more than the detector does."""
    del subject, view
    return ()


async def no_kubelet(node: model.Node) -> Sequence[Object]:
    """Say that kubelets are not asked here."""
    raise errors.Unreachable(f"the kubelet of node {node.name} is not asked by this program")


async def look_again(
    api: Api,
    detector: Detector,
    subject: Subject,
    extra_reads: ExtraReads = no_extra_reads,
    clock: Callable[[], float] = time.time,
    kubelet: AskKubelet = no_kubelet,
) -> Look:
    """Read everything that decides this subject, and decide. Raises no ObserveError.

    `taken` of the View is when the first read began. An object that is not there is absent; any
    other failure makes its kind unseen, and a needed kind unseen means no judgement. A 404 on a
    list is such a failure, unless the kind is one that a cluster may do without.
    """
    taken = clock()
    objects = Objects()
    unseen: dict[Kind, str] = {}
    done: set[Want] = set()
    slots = asyncio.Semaphore(AT_ONCE)

    async def read(want: Want) -> None:
        try:
            async with slots:
                found = await _read(api, want, objects, kubelet)
        except errors.ObserveError as error:
            unseen.setdefault(want.kind, str(error))
        else:
            for obj in found:
                objects.put(obj)

    while True:
        view = View(objects, taken, unseen)
        wanted = {*detector.reads(subject, view), *extra_reads(subject, view)} - done
        if not wanted:
            break
        done |= wanted
        async with asyncio.TaskGroup() as group:
            for want in wanted:
                group.create_task(read(want))
    blind = bool(detector.needs & unseen.keys())
    return Look(view, None if blind else detector.decide(subject, view), unseen)


async def _read(api: Api, want: Want, objects: Objects, kubelet: AskKubelet) -> Sequence[Object]:
    try:
        if want.kind is Kind.SERVER:
            return [await version(api)]
        if want.kind is Kind.VOLUME_STATS:
            node = objects.get(Kind.NODE, "", want.name)
            return await kubelet(node) if isinstance(node, model.Node) else ()
        if want.kind in model.FACTS:
            raise errors.Unreachable(f"nodes are not asked for {want.kind} by this program")
        if want.name:
            return [await api.get(want.kind, want.namespace, want.name)]
        return _whole(await api.list(want.kind, want.namespace, want.field_selector))
    except errors.NotFound:
        return ()
    except errors.NotInstalled:
        if want.kind in OPTIONAL:
            return ()
        raise


def _whole(listing: Listing) -> Sequence[Object]:
    """Return all of a list: what cannot be read is not absent, it may be what decides."""
    for one in listing.unreadable:
        raise errors.Garbage(f"cannot read {one.name or 'one of the list'}: {one.error}")
    return listing.objects
