"""Looking again: one subject, freshly read, judged by the exporter's own detector.

This is how the remediator sees. Nothing here remembers anything between two looks.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from exporter.observe import errors
from exporter.observe.kube.api import Api
from exporter.observe.model import Kind, Object, Signal, Subject
from exporter.observe.objects import Objects
from exporter.observe.signals.base import Detector
from exporter.observe.view import View, Want

AT_ONCE = 8
"""Reads under way at one time, for one look."""

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


async def look_again(
    api: Api,
    detector: Detector,
    subject: Subject,
    extra_reads: ExtraReads = no_extra_reads,
    clock: Callable[[], float] = time.time,
) -> Look:
    """Read everything that decides this subject, and decide. Raises no ObserveError.

    `taken` of the View is when the first read began. An object that is not there is absent; any
    other failure makes its kind unseen, and a needed kind unseen means no judgement. A 404 on a
    list is such a failure: every kind that is read here is part of Kubernetes.
    """
    taken = clock()
    objects = Objects()
    unseen: dict[Kind, str] = {}
    done: set[Want] = set()
    slots = asyncio.Semaphore(AT_ONCE)

    async def read(want: Want) -> None:
        try:
            async with slots:
                found = await _read(api, want)
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


async def _read(api: Api, want: Want) -> Sequence[Object]:
    try:
        if want.name:
            return [await api.get(want.kind, want.namespace, want.name)]
        found = await api.list(want.kind, want.namespace, want.field_selector)
    except errors.NotFound:
        return ()
    if found.unreadable:
        # Whoever acts on what is not there must know that it was looked for.
        message = f"{len(found.unreadable)} of the {want.kind} cannot be read: "
        raise errors.Garbage(message + found.unreadable[0].error)
    return found.objects
