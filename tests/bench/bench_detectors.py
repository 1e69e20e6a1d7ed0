"""What deciding costs as a cluster grows: everything once, and one object's change.

All detectors over 1x, 10x and 100x objects in memory; one of a hundred nodes and claims is sick.
BENCH_PODS is the largest number of pods. Printed, not judged: a ratio of 1 is linear.
"""

from __future__ import annotations

import asyncio
import gc
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from exporter.observe.signals import DETECTORS
from exporter.serving import COLLECT
from tests.bench.figures import machine, spread, tell
from tests.bench.seeded import pods_asked
from tests.observe.large import Deaf, changed, cluster, filled, observer, of_pod, touched

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.observe.model import Object
    from exporter.observe.observer import Observer

pytestmark = pytest.mark.timeout(1200)

GROWTH = (100, 10, 1)
PASSES = 3
CHANGES = 2000
BURST = 100
"""Changes that are decided together: a tenth of a second at a thousand a second."""


class Cost(NamedTuple):
    """Seconds of processor time for one object."""

    objects: int
    listed: float
    decided: list[float]
    changes: list[float]
    quiet: list[float]


def test_deciding_as_objects_grow() -> None:
    """Print the cost of one object at each size, and what it is of the smallest size's."""
    tell(f"\nall {len(DETECTORS)} detectors: min, median, max. {machine()}")
    thresholds = gc.get_threshold()
    gc.set_threshold(*COLLECT)
    try:
        costs = [asyncio.run(cost(pods_asked() // part)) for part in GROWTH]
    finally:
        gc.set_threshold(*thresholds)
    for one in costs:
        tell(f"  {one.objects:,} objects")
        tell(f"    taking a list     {one.listed * 1e6:8.2f} us an object")
        everything = [value * 1e6 for value in one.decided]
        tell(f"    everything once   {spread(everything, 'us an object')}")
        change = [value * 1e6 for value in one.changes]
        tell(f"    one change        {spread(change, 'us')}")
        quiet = [value * 1e6 for value in one.quiet]
        tell(f"    that says nothing {spread(quiet, 'us')}")
    first, last = costs[0], costs[-1]
    times = last.objects / first.objects
    tell(f"  {times:.0f} times the objects: what one object costs is")
    tell(f"    everything once   {min(last.decided) / min(first.decided):.2f} of what it was")
    tell(f"    one change        {min(last.changes) / min(first.changes):.2f} of what it was")


async def cost(pods: int) -> Cost:
    """Measure one size."""
    objects = list(cluster(pods))
    listener = Deaf()
    over = observer(DETECTORS, listener)
    listed = await spent(filled(over, objects))
    decided = []
    for _ in range(PASSES):
        decided.append(await spent(over.decide()) / len(objects))
        # A list again is what makes everything be looked at.
        for detector in DETECTORS:
            await over.replace(min(detector.starts), [])
        await filled(over, objects)
    await over.decide()
    quiet = await bursts(over, pods, touched)
    changes = await bursts(over, pods, changed)
    return Cost(len(objects), listed / len(objects), decided, changes, quiet)


async def bursts(over: Observer, pods: int, how: Callable[[Object, int], Object]) -> list[float]:
    """Return what one change of each burst costs."""
    rounds = range(CHANGES // BURST)
    return [await spent(burst(over, pods, number, how)) / BURST for number in rounds]


async def burst(
    over: Observer, pods: int, number: int, how: Callable[[Object, int], Object]
) -> None:
    """Change some pods and claims all over the cluster, none of them for the worse, and decide."""
    for step in range(BURST):
        which = (number * BURST + step) * 7919 % pods
        of_one = list(of_pod(which))
        over.put(how(of_one[step % 2], number))
    await over.decide()


async def spent(work: object) -> float:
    """Return the processor time that some work takes."""
    began = time.process_time()
    await work  # type: ignore[misc]
    return time.process_time() - began
