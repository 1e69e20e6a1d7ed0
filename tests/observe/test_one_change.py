"""One object's change costs what it touches: no pass over everything, whatever the detector."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from exporter.observe import model
from exporter.observe.model import Change, Kind
from exporter.observe.objects import Objects
from exporter.observe.signals import DETECTORS
from exporter.observe.view import View
from tests.observe.large import Deaf, changed, cluster, filled, observer, of_pod, touched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.observe.model import Object, Signal, Subject
    from exporter.observe.signals.base import Detector

PODS = 300


class Counted:
    """A detector that remembers what it was asked."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.suspected = 0
        self.decided: set[Subject] = set()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever the detector has
        return getattr(self.detector, name)

    def suspects(self, obj: Object, view: View) -> Iterable[Subject]:
        """Count, and ask it."""
        self.suspected += 1
        return self.detector.suspects(obj, view)

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Remember, and ask it."""
        self.decided.add(subject)
        return self.detector.decide(subject, view)


def counted_after(detector: Detector, changes: list[Object]) -> Counted:
    """Return what one detector was asked for changes after everything was decided."""
    counted = Counted(detector)
    over = observer([counted], Deaf())

    async def run() -> None:
        await filled(over, cluster(PODS))
        await over.decide()
        counted.suspected = 0
        counted.decided.clear()
        for obj in changes:
            over.put(obj)
        await over.decide()

    asyncio.run(run())
    return counted


@pytest.mark.parametrize("detector", DETECTORS, ids=[one.name for one in DETECTORS])
def test_a_change_decides_what_it_touches_and_nothing_else(detector: Detector) -> None:
    """A pod, its claim, volume and attachment."""
    objects = Objects(cluster(PODS))
    for obj in of_pod(5):
        new = changed(obj, 1)
        counted = counted_after(detector, [new])
        subjects = set(detector.touched(Change(obj, new), View(objects, 0.0)))
        read = model.KIND_OF[type(obj)] in detector.needs | detector.helps
        assert counted.suspected == 0, "a full pass"
        assert counted.decided == (subjects if read else set())
        assert len(counted.decided) <= 10


@pytest.mark.parametrize("detector", DETECTORS, ids=[one.name for one in DETECTORS])
def test_a_version_that_says_nothing_new_decides_nothing(detector: Detector) -> None:
    """Heartbeats, annotations of others: most of what changes in a cluster."""
    counted = counted_after(detector, [touched(obj, 1) for obj in of_pod(5)])
    assert counted.decided == set()


@pytest.mark.parametrize("detector", DETECTORS, ids=[one.name for one in DETECTORS])
def test_the_first_pass_asks_each_object_once(detector: Detector) -> None:
    """However many kinds were listed before it."""
    counted = Counted(detector)
    over = observer([counted], Deaf())
    everything = list(cluster(PODS))

    async def run() -> None:
        await filled(over, everything)
        await over.decide()

    asyncio.run(run())
    started = sum(model.KIND_OF[type(obj)] in detector.starts for obj in everything)
    assert counted.suspected == started
    assert Kind.LEASE not in detector.starts
