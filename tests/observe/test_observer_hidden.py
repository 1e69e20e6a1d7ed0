"""The observer when part of the cluster goes out of sight, or a detector makes a mistake."""

import asyncio
from collections.abc import Iterable, Iterator

import pytest

from exporter.observe import model
from exporter.observe.model import Change, Kind, Subject
from exporter.observe.observer import Observer
from exporter.observe.signals.base import EVERYTHING, Detector
from exporter.observe.view import View
from tests.observe.test_observer import Heard, NotReady, Stage, event, node


@pytest.fixture
def stage() -> Stage:
    """Return a stage on which nothing was listed yet."""
    return Stage()


class Partial(NotReady):
    """Its subjects are nodes, which it needs, and what Events tell of, which it does not."""

    helps = frozenset({Kind.EVENT})
    starts = frozenset({Kind.NODE, Kind.EVENT})


class Partly(Heard):
    """A Listener that also keeps whether only a part was judged."""

    def __init__(self) -> None:
        super().__init__()
        self.partly: list[bool] = []

    def judged(self, detector: Detector, count: int | None, *, partly: bool = False) -> None:
        """Keep both."""
        del detector
        self.counts.append(count)
        self.partly.append(partly)


def test_what_only_helps_going_unseen_means_another_look_and_no_count_when_it_hides_subjects(
    stage: Stage,
) -> None:
    """What is seen goes on to hold; how many there are in all nobody knows."""
    heard, detector = Partly(), Partial()
    observer = Observer([detector], stage.states, heard, stage.clock)

    async def run() -> None:
        for kind, objects in ((Kind.NODE, [node("a")]), (Kind.EVENT, [])):
            await observer.replace(kind, objects)
            stage.states[kind].listed = True
            stage.states[kind].progressed("list")
        await observer.decide()
        assert (heard.counts, heard.partly) == ([1], [False])
        stage.now += 121.0
        stage.states[Kind.NODE].progressed("watch")
        decided = len(detector.decided)
        await observer.decide()
        assert len(detector.decided) == decided + 1
        assert (heard.counts[-1], heard.partly[-1]) == (None, True)
        assert set(heard.holds) == {"a"}
        stage.states[Kind.EVENT].progressed("watch")
        await observer.decide()
        assert (heard.counts[-1], heard.partly[-1]) == (1, False)

    asyncio.run(run())


class Clumsy(NotReady):
    """Raises for every change."""

    def suspects(self, obj: model.Object, view: View) -> Iterable[Subject]:
        """Name the node."""
        return NotReady().touched(Change(None, obj), view)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Raise."""
        raise RuntimeError(str(change) + str(view))


def test_a_detector_that_raises_for_a_change_looks_at_everything(stage: Stage) -> None:
    """The watch goes on, and what the change meant is seen."""
    observer = Observer([Clumsy()], stage.states, stage.heard, stage.clock)

    async def run() -> None:
        await observer.replace(Kind.NODE, ())
        stage.states[Kind.NODE].listed = True
        stage.states[Kind.NODE].progressed("list")
        await observer.decide()
        observer.put(node("a"))
        await observer.decide()

    asyncio.run(run())
    assert set(stage.heard.holds) == {"a"}


class Sweeping(NotReady):
    """Takes every Event to mean that any node may look different."""

    helps = frozenset({Kind.EVENT})

    def suspects(self, obj: model.Object, view: View) -> Iterable[Subject]:
        """Name the node."""
        return NotReady().touched(Change(None, obj), view)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name everything."""
        del change, view
        yield EVERYTHING


def test_a_change_that_may_mean_anything_is_one_mark(stage: Stage) -> None:
    """All that is suspect is decided anew, in a pass that gives way."""
    detector = Sweeping()
    observer = Observer([detector], stage.states, stage.heard, stage.clock)

    async def run() -> None:
        for kind, objects in ((Kind.NODE, [node("a"), node("b")]), (Kind.EVENT, [])):
            await observer.replace(kind, objects)
            stage.states[kind].listed = True
            stage.states[kind].progressed("list")
        await observer.decide()
        detector.decided.clear()
        observer.put(event("e"))
        await observer.decide()

    asyncio.run(run())
    assert {subject["node"] for subject in detector.decided} == {"a", "b"}
