"""A cluster of any size in memory, mostly healthy, with an observer over it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from exporter.observe import model
from exporter.observe.kube.watch_state import WatchState
from exporter.observe.model import Kind, Ready
from exporter.observe.observer import Observer
from tests.signals import made

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from exporter.observe.listener import Seen
    from exporter.observe.model import Change, Object, Signal, Subject
    from exporter.observe.signals.base import Detector
    from exporter.observe.view import View

NOW = 10_000.0
PODS_A_NODE = 100
SICK = 100
"""One of so many nodes is lost, one of so many claims waits."""


def cluster(pods: int) -> Iterator[Object]:
    """Yield all objects: for each pod a claim, a volume, and for every fifth an attachment."""
    nodes = max(1, pods // PODS_A_NODE)
    yield model.StorageClass("fast", made.DRIVER, waits=True, expandable=True)
    yield model.CsiDriver(made.DRIVER)
    for number in range(nodes):
        lost = number % SICK == SICK - 1
        yield made.node(_node(number), ready=Ready.UNKNOWN if lost else Ready.TRUE)
        yield model.CsiNode(_node(number), (made.DRIVER,))
    for number in range(pods):
        yield from of_pod(number)


def of_pod(number: int) -> Iterator[Object]:
    """Yield one pod with what is its own."""
    space, claim, volume = f"team-{number % 50}", f"data-{number}", f"pv-{number}"
    waits = number % SICK == SICK - 1
    yield made.pod(
        f"db-{number}",
        _node(number // PODS_A_NODE),
        namespace=space,
        phase="Running",
        claims=(claim,),
        starting=False,
    )
    yield made.claim(
        claim,
        namespace=space,
        volume="" if waits else volume,
        phase="Pending" if waits else "Bound",
        storage_class="fast",
        created=5.0,
    )
    if waits:
        return
    yield made.volume(
        volume,
        claim_namespace=space,
        claim_name=claim,
        claim_uid=f"uid-{claim}",
        storage_class="fast",
        reclaim_policy="Delete",
    )
    if number % 5 == 0:
        at = _node(number // PODS_A_NODE)
        yield made.attachment(at, name=f"csi-{number}", volume=volume)


def _node(number: int) -> str:
    return f"node-{number}"


def touched(obj: Object, number: int) -> Object:
    """Return an object in a newer version that says nothing new."""
    return msgspec.structs.replace(obj, version=f"new-{number}")


def changed(obj: Object, number: int) -> Object:
    """Return an object in a newer version that says something new, and nothing bad."""
    return msgspec.structs.replace(obj, version=f"new-{number}", created=6.0 + number)


class Deaf:
    """A Listener that counts what it hears of signals."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self.signals = 0

    def signal(self, detector: Detector, subject: Subject, seen: Seen | None) -> None:
        """Count it."""
        del detector, subject, seen
        self.signals += 1

    def judged(self, detector: Detector, count: int | None, *, partly: bool = False) -> None:
        """Forget it."""

    def decided(
        self, detector: Detector, subject: Subject, signal: Signal | None, view: View
    ) -> None:
        """Forget it."""

    def change(self, change: Change, view: View) -> None:
        """Forget it."""

    def settled(self, view: View, turned: Collection[Kind] = ()) -> None:
        """Forget it."""


def observer(detectors: Iterable[Detector], listener: Deaf) -> Observer:
    """Return an observer to which every kind was listed, and nothing is there yet."""
    states = {kind: WatchState(kind, lambda: NOW, lambda: NOW) for kind in Kind}
    for state in states.values():
        state.listed = True
        state.progressed("list")
    return Observer(detectors, states, listener, lambda: NOW)


async def filled(over: Observer, objects: Iterable[Object]) -> None:
    """Give an observer its lists."""
    by_kind = sorted(objects, key=lambda obj: model.KIND_OF[type(obj)])
    for kind, found in groupby(by_kind, key=lambda obj: model.KIND_OF[type(obj)]):
        await over.replace(kind, list(found))
