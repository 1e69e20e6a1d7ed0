"""Looking again: one subject, freshly read, judged by the exporter's own detector.

This is how the remediator sees. Nothing here remembers anything between two looks.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec

from exporter.observe import errors, model
from exporter.observe.kube.api import Api, Listing
from exporter.observe.kube.resources import RESOURCES
from exporter.observe.kube.version import version
from exporter.observe.model import Kind, Object, Signal, Subject
from exporter.observe.objects import Objects
from exporter.observe.shared_lists import AskList
from exporter.observe.signals.base import Detector
from exporter.observe.view import View, Want

AT_ONCE = 8
"""Reads under way at one time, for one look."""

TRIES = 3
"""Times that one thing is read before it is unseen, where asking again may help."""

PAUSE = 0.25
"""Seconds before the second try, and twice that before the third."""

PATIENCE = 3.0
"""Seconds from a look's beginning after which nothing is tried again: a look is of one moment."""

PASSING = (errors.Unreachable, errors.Throttled, errors.ServerFailed)
"""What may be over a moment later."""

OPTIONAL = frozenset(
    {
        Kind.SNAPSHOT,
        Kind.SNAPSHOT_CONTENT,
        Kind.SNAPSHOT_CLASS,
        Kind.DEPLOYMENT_CONFIG,
        Kind.NOTEBOOK,
        Kind.WORKFLOW,
        Kind.CRON_WORKFLOW,
        Kind.ROLLOUT,
        Kind.SCALED_OBJECT,
        Kind.ATTESTATION,
        Kind.NETWORK_FENCE,
    }
)
"""Kinds that are no part of Kubernetes: not installed means that there are none."""

AskKubelet = Callable[[model.Node], Awaitable[Sequence[Object]]]
"""Returns VolumeStats of a node's claims; raises ObserveError."""


class Fresh(msgspec.Struct, frozen=True):
    """What nodes told when they looked again, and why what is `unseen` is."""

    objects: Sequence[Object]
    unseen: Mapping[Kind, str]


AskNodes = Callable[[str, frozenset[Kind]], Awaitable[Fresh]]
"""Lets a node, or with an empty name all of them, look again at some kinds; raises ObserveError."""

AskOther = Callable[[Want, Objects], Awaitable[Sequence[Object]]]
"""Reads what is neither the API's nor a node exporter's, by what was read before; ObserveError."""

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


async def no_nodes(node: str, kinds: frozenset[Kind]) -> Fresh:
    """Say that nodes are not asked here."""
    del node
    named = ", ".join(sorted(kinds))
    raise errors.Unreachable(f"nodes are not asked for {named} by this program")


class Beside(msgspec.Struct, frozen=True):
    """Who is asked beside the API server.

    lists: who is asked for lists instead of it, by looks that lead to nothing. others: who reads
    the kinds that are no resources of the API and no facts of a node's exporter.
    """

    kubelet: AskKubelet = no_kubelet
    nodes: AskNodes = no_nodes
    lists: AskList | None = None
    others: Mapping[Kind, AskOther] = {}


ALONE = Beside()
"""Nobody is asked but the API server."""


async def look_again(
    api: Api,
    detector: Detector,
    subject: Subject,
    extra_reads: ExtraReads = no_extra_reads,
    clock: Callable[[], float] = time.time,
    beside: Beside = ALONE,
) -> Look:
    """Read everything that decides this subject, and decide. Raises no ObserveError.

    `taken` of the View is when the first read began. An object that is not there is absent; any
    other failure makes its kind unseen, and a needed kind unseen means no judgement. A 404 on a
    list is such a failure, unless the kind is one that a cluster may do without.
    """
    taken = clock()
    fresh = _Fresh(api, beside)
    done: set[Want] = set()
    while True:
        view = View(fresh.objects, taken, fresh.unseen)
        wanted = {*detector.reads(subject, view), *extra_reads(subject, view)} - done
        if not wanted:
            break
        done |= wanted
        await fresh.read(wanted)
    blind = bool(detector.needs & fresh.unseen.keys())
    return Look(view, None if blind else detector.decide(subject, view), fresh.unseen)


class _Fresh:
    """What one look has read so far."""

    def __init__(self, api: Api, beside: Beside) -> None:
        self.objects = Objects()
        self.unseen: dict[Kind, str] = {}
        self._api = api
        self._beside = beside
        self._list = beside.lists or api.list
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._until = time.monotonic() + PATIENCE

    async def read(self, wanted: Iterable[Want]) -> None:
        """Read all of these."""
        told: dict[str, set[Kind]] = {}
        async with asyncio.TaskGroup() as group:
            for want in wanted:
                if want.kind in model.FACTS:
                    told.setdefault(want.name, set()).add(want.kind)
                else:
                    group.create_task(self._one(want))
            # One question a node, however many kinds: it looks once for all of them.
            for node, kinds in told.items():
                group.create_task(self._told(node, frozenset(kinds)))

    async def _one(self, want: Want) -> None:
        try:
            found = await self._tried(want)
        except errors.ObserveError as error:
            self.unseen.setdefault(want.kind, str(error))
        else:
            for obj in found:
                self.objects.put(obj)

    async def _tried(self, want: Want) -> Sequence[Object]:
        """Read it, again where that may help: one answer that was lost must not blind a look."""
        for number in range(1, TRIES):
            try:
                async with self._slots:
                    return await self._read(want)
            except PASSING as error:
                pause = getattr(error, "retry_after", None) or PAUSE * number
                if time.monotonic() + pause > self._until:
                    raise
                await asyncio.sleep(pause)
        async with self._slots:
            return await self._read(want)

    async def _told(self, node: str, kinds: frozenset[Kind]) -> None:
        try:
            async with self._slots:
                found = await self._beside.nodes(node, kinds)
        except errors.ObserveError as error:
            found = Fresh((), dict.fromkeys(kinds, str(error)))
        for kind, why in found.unseen.items():
            self.unseen.setdefault(kind, why)
        for obj in found.objects:
            self.objects.put(obj)

    async def _read(self, want: Want) -> Sequence[Object]:
        try:
            if want.kind is Kind.SERVER:
                return [await version(self._api)]
            if want.kind is Kind.VOLUME_STATS:
                node = self.objects.get(Kind.NODE, "", want.name)
                return await self._beside.kubelet(node) if isinstance(node, model.Node) else ()
            if (other := self._beside.others.get(want.kind)) is not None:
                return await other(want, self.objects)
            if want.kind not in RESOURCES:
                raise errors.Unreachable(f"{want.kind} is nothing that this program asks for")
            if want.name:
                return [await self._api.get(want.kind, want.namespace, want.name)]
            return _whole(await self._list(want.kind, want.namespace, want.field_selector))
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
