"""The observer: changes in, signals out, never from what cannot be seen."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.kube.watch_state import WatchState
from exporter.observe.listener import Seen
from exporter.observe.model import Change, Kind, Ready, Signal, SinceSource, Subject
from exporter.observe.observer import RETRY_SECONDS, SLICE, Observer
from exporter.observe.signals.base import Detector
from exporter.observe.view import View, Want

KINDS = (Kind.NODE, Kind.EVENT)


class NotReady:
    """A small detector: a node that is not Ready. Raises for the node named `boom`."""

    name = "not_ready"
    meaning = "A node is not Ready."
    since_sources = frozenset({SinceSource.OBJECT, SinceSource.FIRST_SEEN})
    patience = 0.0
    starts = frozenset({Kind.NODE})
    subject_labels = ("node",)
    named_labels: tuple[str, ...] = ()
    reasons = frozenset({"Other"})
    needs = frozenset({Kind.NODE})
    helps: frozenset[Kind] = frozenset()

    def __init__(self) -> None:
        self.decided: list[Subject] = []

    def suspects(self, obj: model.Object, view: View) -> Iterable[Subject]:
        """Name the node."""
        return self.touched(Change(None, obj), view)

    def touched(self, change: Change, view: View) -> Iterator[Subject]:
        """Name the node."""
        del view
        obj = change.new or change.old
        if isinstance(obj, model.Node):
            yield subject(obj.name)

    def reads(self, subject: Subject, view: View) -> Iterable[Want]:
        """Read nothing more."""
        del subject, view
        return ()

    def decide(self, subject: Subject, view: View) -> Signal | None:
        """Judge the Ready condition."""
        self.decided.append(subject)
        found = view.node(subject["node"])
        if found is None or found.ready is Ready.TRUE:
            return None
        if found.name == "boom":
            raise RuntimeError("boom")
        source = SinceSource.FIRST_SEEN if found.ready_since is None else SinceSource.OBJECT
        return Signal(self.name, subject, found.ready_since, source, "Other")


class Heard:
    """A Listener that keeps what holds."""

    def __init__(self) -> None:
        self.holds: dict[str, Seen] = {}
        self.counts: list[int | None] = []
        self.changes: list[Change] = []
        self.told = 0
        self.followed: list[tuple[Subject, bool]] = []

    def signal(self, detector: Detector, subject: Subject, seen: Seen | None) -> None:
        """Keep it, or forget it."""
        assert detector.name == "not_ready"
        self.told += 1
        if seen is None:
            del self.holds[subject["node"]]
        else:
            self.holds[subject["node"]] = seen

    def judged(self, detector: Detector, count: int | None, *, partly: bool = False) -> None:
        """Keep the count."""
        assert detector.name == "not_ready"
        assert not partly
        self.counts.append(count)

    def decided(
        self, detector: Detector, subject: Subject, signal: Signal | None, view: View
    ) -> None:
        """Keep that it was decided, and how."""
        assert detector.name == "not_ready"
        assert view.node(subject["node"]) is not None or signal is None
        self.followed.append((subject, signal is not None))

    def change(self, change: Change, view: View) -> None:
        """Keep the change."""
        assert isinstance(view, View)
        self.changes.append(change)

    def settled(self, view: View, turned: Collection[Kind] = ()) -> None:
        """Forget it."""


class Stage:
    """An observer with everything around it, and clocks moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.states = {kind: WatchState(kind, self.clock, self.clock) for kind in KINDS}
        self.heard = Heard()
        self.detector = NotReady()
        self.observer = Observer(
            [self.detector], self.states, self.heard, self.clock, tell=frozenset({Kind.EVENT})
        )

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    async def listed(self, *nodes: model.Node) -> None:
        """Take a list of nodes, and decide."""
        await self.observer.replace(Kind.NODE, nodes)
        self.states[Kind.NODE].listed = True
        self.states[Kind.NODE].progressed("list")
        await self.observer.decide()


@pytest.fixture
def stage() -> Stage:
    """Return a stage on which nothing was listed yet."""
    return Stage()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, at most ten seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- what is waited for has no event
            await asyncio.sleep(0.01)


def subject(name: str) -> Subject:
    """Return a node's subject."""
    return Subject((("node", name),))


def node(name: str, ready: Ready = Ready.FALSE, since: float | None = 5.0) -> model.Node:
    """Return a node, lost unless said otherwise."""
    return model.Node(name, name, "1", ready, since, "", "", {}, {}, ())


def event(uid: str) -> model.KubeEvent:
    """Return an Event."""
    return model.KubeEvent("d", uid, uid, "1", "R", "M", "c", "Pod", "d", "p", 1, 1.0)


def test_nothing_is_said_before_the_first_list(stage: Stage) -> None:
    """Unseen is not healthy: the count is withheld, and that is said."""

    async def run() -> None:
        stage.observer.put(node("a"))
        await stage.observer.decide()

    asyncio.run(run())
    assert stage.heard.counts == [None]
    assert not stage.detector.decided


def test_a_list_decides_everything(stage: Stage) -> None:
    """Signals with their times, and the count of them."""
    asyncio.run(stage.listed(node("a"), node("b", Ready.TRUE), node("c", since=6.0)))
    assert {name: seen.since for name, seen in stage.heard.holds.items()} == {"a": 5.0, "c": 6.0}
    assert stage.heard.counts[-1] == 2


def test_a_change_decides_only_what_it_touches(stage: Stage) -> None:
    """Not a pass over everything."""

    async def run() -> None:
        await stage.listed(node("a", Ready.TRUE), node("b", Ready.TRUE))
        stage.detector.decided.clear()
        stage.observer.put(node("a"))
        stage.observer.put(node("a", since=7.0))
        await stage.observer.decide()
        await stage.observer.decide()

    asyncio.run(run())
    assert stage.detector.decided == [subject("a")]
    assert stage.heard.holds["a"].since == 7.0


def test_a_signal_ends_when_its_object_recovers_or_goes(stage: Stage) -> None:
    """Both ways, and unknown removals are harmless."""

    async def run() -> None:
        await stage.listed(node("a"), node("b"))
        stage.observer.put(node("a", Ready.TRUE))
        stage.observer.remove(model.ref(node("b")))
        stage.observer.remove(model.ref(node("never")))
        await stage.observer.decide()

    asyncio.run(run())
    assert not stage.heard.holds
    assert stage.heard.counts[-1] == 0


def test_what_a_list_no_longer_has_is_gone(stage: Stage) -> None:
    """A removal during a gap of the watch."""

    async def run() -> None:
        await stage.listed(node("a"), node("b"))
        await stage.listed(node("b"))

    asyncio.run(run())
    assert set(stage.heard.holds) == {"b"}


def test_an_unchanged_signal_is_told_once(stage: Stage) -> None:
    """A re-list renders nothing anew."""

    async def run() -> None:
        await stage.listed(node("a"))
        await stage.listed(node("a"))

    asyncio.run(run())
    assert stage.heard.told == 1


def test_signals_are_withdrawn_while_a_needed_kind_is_unseen(stage: Stage) -> None:
    """After two minutes of silence; they come back with the sight, with the same time."""

    async def run() -> None:
        await stage.listed(node("a"), node("b", since=None))
        stage.now += 121
        await stage.observer.decide()
        assert not stage.heard.holds
        assert stage.heard.counts[-1] is None
        told = len(stage.heard.counts)
        await stage.observer.decide()
        assert len(stage.heard.counts) == told
        stage.states[Kind.NODE].progressed("watch")
        await stage.observer.decide()

    asyncio.run(run())
    assert {name: seen.since for name, seen in stage.heard.holds.items()} == {"a": 5.0, "b": 1000.0}
    assert stage.heard.counts[-1] == 2


def test_a_kind_that_is_not_needed_silences_nothing(stage: Stage) -> None:
    """Events were never listed."""
    asyncio.run(stage.listed(node("a")))
    assert Kind.EVENT in stage.observer.view().unseen
    assert set(stage.heard.holds) == {"a"}


def test_first_seen_is_kept_while_the_signal_holds(stage: Stage) -> None:
    """And forgotten with it."""

    async def run() -> None:
        await stage.listed(node("a", since=None))
        stage.now += 50
        stage.observer.put(msgspec.structs.replace(node("a", since=None), version="2"))
        await stage.observer.decide()
        assert stage.heard.holds["a"].since == 1000.0
        stage.observer.put(node("a", Ready.TRUE))
        await stage.observer.decide()
        stage.observer.put(node("a", since=None))
        await stage.observer.decide()
        assert stage.heard.holds["a"].since == 1050.0
        stage.observer.put(node("a", since=9.0))
        await stage.observer.decide()

    asyncio.run(run())
    assert stage.heard.holds["a"].since == 9.0


def test_a_detector_that_raises_loses_its_signals_and_is_asked_again(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """It never repeats what it said before; later it may be right again."""

    async def run() -> None:
        await stage.listed(node("a"))
        stage.observer.put(node("boom"))
        await stage.observer.decide()
        assert not stage.heard.holds
        assert stage.heard.counts[-1] is None
        stage.observer.remove(model.ref(node("boom")))
        await stage.observer.decide()
        assert not stage.heard.holds
        stage.now += RETRY_SECONDS
        await stage.observer.decide()

    asyncio.run(run())
    assert set(stage.heard.holds) == {"a"}
    assert "detector not_ready raised" in caplog.text


def test_one_that_raises_before_it_ever_judged_takes_back_what_it_said(stage: Stage) -> None:
    """What it showed of other subjects meanwhile would stay for ever."""

    async def run() -> None:
        await stage.observer.decide()
        assert stage.heard.counts == [None]
        await stage.listed(*(node(name) for name in "abcdef"), node("boom"))
        assert stage.heard.counts == [None, None]

    asyncio.run(run())
    assert not stage.heard.holds


def test_a_clock_that_is_set_back_silences_no_detector(stage: Stage) -> None:
    """What raised is asked again after its time, or at once when nobody knows how long that is."""

    async def run() -> None:
        await stage.listed(node("a"), node("boom"))
        stage.observer.remove(model.ref(node("boom")))
        stage.now -= 3600.0
        await stage.observer.decide()

    asyncio.run(run())
    assert set(stage.heard.holds) == {"a"}


def test_changes_of_the_kinds_asked_for_are_told_in_order(stage: Stage) -> None:
    """Arrival, change and removal, each with the version before."""

    async def run() -> None:
        stage.observer.put(event("e"))
        stage.observer.put(msgspec.structs.replace(event("e"), count=2))
        stage.observer.remove(model.ref(event("e")))
        stage.observer.put(node("a"))
        await stage.observer.decide()

    asyncio.run(run())
    counts = [
        tuple(obj.count if isinstance(obj, model.KubeEvent) else 0 for obj in (c.old, c.new))
        for c in stage.heard.changes
    ]
    assert counts == [(0, 1), (1, 2), (2, 0)]


def test_a_large_list_gives_way_to_other_tasks(stage: Stage) -> None:
    """A heartbeat beside it goes on."""

    async def run() -> int:
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(beat())
        await stage.listed(*(node(f"n{number}") for number in range(SLICE * 5)))
        task.cancel()
        return beats

    assert asyncio.run(run()) >= 10
    assert stage.heard.counts[-1] == SLICE * 5


def test_objects_are_counted_with_those_that_are_not_kept(stage: Stage) -> None:
    """A pod without claims is a count."""
    stage.observer.put(node("a"))
    stage.states[Kind.NODE].skipped = 3
    assert stage.observer.count(Kind.NODE) == 4


def test_the_running_observer_decides_by_itself(stage: Stage) -> None:
    """Soon after a change, and after silence without one."""

    async def run() -> None:
        await stage.listed(node("a"))
        task = asyncio.create_task(stage.observer.run())
        stage.observer.put(node("b"))
        await until(lambda: "b" in stage.heard.holds)
        stage.now += 121
        await until(lambda: stage.heard.counts[-1] is None)
        task.cancel()

    asyncio.run(run())
    assert not stage.heard.holds
