"""Since when a claim fills up, by kubelets that are played: one that is silent changes no age."""

import asyncio
from collections.abc import Collection

import pytest

from exporter.observe import errors, model
from exporter.observe.kube.watch_state import WatchState
from exporter.observe.kubelets import Kubelets, KubeletSettings
from exporter.observe.listener import Seen
from exporter.observe.memory import FirstSeen, Memory
from exporter.observe.model import Change, Kind, Object, Signal, Subject, VolumeStats
from exporter.observe.observer import Observer
from exporter.observe.rounds import STALE_ROUNDS
from exporter.observe.signals.base import Detector
from exporter.observe.signals.volume_filling import VolumeFilling, subject_of
from exporter.observe.view import View
from tests.signals import made

DATA = subject_of("web", "data")
BEGAN, NOW = 400.0, 1000.0
FULL = VolumeStats("web", "data", "a", 1.0, 100, 1, 99, None, None)
WELL = VolumeStats("web", "data", "a", 1.0, 100, 50, 50, None, None)
RUNNING = made.pod(phase="Running", starting=False)
WORLD: list[Object] = [made.node(), made.node("b"), RUNNING, made.claim(), made.volume()]


class Restarted:
    """An exporter that has just been started again: who listens, who answers, and the time."""

    def __init__(self, *, remembered: bool = True) -> None:
        detector = VolumeFilling()
        kinds = detector.needs | detector.helps
        first = FirstSeen(detector.name, DATA, BEGAN)
        self.now = NOW
        self.states = {kind: WatchState(kind, self.clock, self.clock) for kind in kinds}
        self.holds: dict[Subject, float] = {}
        self.says: dict[str, tuple[VolumeStats, ...] | None] = {"a": (FULL,), "b": ()}
        memory = Memory((first,) if remembered else ())
        self.observer = Observer([detector], self.states, self, self.clock, memory=memory)
        self.kubelets = Kubelets(
            self.ask,
            self.observer,
            self.states[Kind.VOLUME_STATS],
            self,
            KubeletSettings(),
            self.clock,
        )

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    async def ask(self, node: model.Node) -> tuple[VolumeStats, ...]:
        """Answer for a kubelet."""
        found = self.says[node.name]
        if found is None:
            raise errors.Unreachable("no answer in time")
        return found

    async def start(self, *objects: Object) -> None:
        """List everything, and more."""
        for kind in self.states.keys() - {Kind.VOLUME_STATS}:
            mine = [one for one in (*WORLD, *objects) if model.KIND_OF[type(one)] is kind]
            await self.observer.replace(kind, mine)
            self.states[kind].listed = True
            self.states[kind].progressed("list")
        for _ in range(2):
            await self.round()

    async def round(self) -> None:
        """Ask who is due, and decide."""
        await asyncio.gather(*(self.kubelets.one(one) for one in self.kubelets.due()))
        await self.observer.decide()

    async def later(self, seconds: float = 60.0) -> None:
        """Let time pass; ask again, twice, for what was tried is told the next time."""
        self.now += seconds
        for state in self.states.values():
            state.progressed("watch")
        await self.round()

    def signal(self, detector: Detector, subject: Subject, seen: Seen | None) -> None:
        """Keep since when it holds."""
        del detector
        if seen is None:
            self.holds.pop(subject)
        else:
            self.holds[subject] = seen.since

    def judged(self, detector: Detector, count: int | None, *, partly: bool = False) -> None:
        """Hear a count."""

    def decided(
        self, detector: Detector, subject: Subject, signal: Signal | None, view: View
    ) -> None:
        """Hear a decision."""

    def change(self, change: Change, view: View) -> None:
        """Hear a change."""

    def settled(self, view: View, turned: Collection[Kind] = ()) -> None:
        """Hear that all was heard."""

    def kubelet(self, node: str, failure: str) -> None:
        """Hear of an answer."""

    def kubelet_gone(self, node: str) -> None:
        """Hear that a node is no longer asked."""


@pytest.mark.parametrize("other", [(), None], ids=["another answers", "nobody answers"])
def test_a_first_round_in_vain_makes_nothing_younger(other: tuple[()] | None) -> None:
    """After a restart under load; the next round sees that it is as full as before."""

    async def run() -> None:
        one = Restarted()
        one.says = {"a": None, "b": other}
        await one.start()
        assert one.holds == {}
        one.says["a"] = (FULL,)
        await one.later()
        assert one.holds == {DATA: BEGAN}

    asyncio.run(run())


def test_a_kubelet_that_is_silent_for_long_makes_nothing_younger() -> None:
    """What it said is dropped, and what is unseen is not over."""

    async def run() -> None:
        one = Restarted()
        await one.start()
        one.says["a"] = None
        for _ in range(2 * STALE_ROUNDS):
            await one.later()
        assert one.holds == {}
        one.says["a"] = (FULL,)
        await one.later()
        assert one.holds == {DATA: BEGAN}

    asyncio.run(run())


def test_what_is_seen_well_begins_anew() -> None:
    """A kubelet says that there is room again; later it is full once more."""

    async def run() -> None:
        one = Restarted()
        one.says["a"] = (WELL,)
        await one.start()
        one.says["a"] = (FULL,)
        await one.later()
        assert one.holds == {DATA: NOW + 60.0}

    asyncio.run(run())


@pytest.mark.parametrize("phase", ["Succeeded", "Pending"])
def test_what_nobody_mounts_begins_anew(phase: str) -> None:
    """No kubelet would tell of it: its pod has ended, or is another that has not begun."""

    async def run() -> None:
        one = Restarted()
        one.says["a"] = None
        await one.start(made.pod(phase=phase, starting=phase == "Pending"))
        one.observer.put(RUNNING)
        one.says["a"] = (FULL,)
        await one.later()
        assert one.holds == {DATA: NOW + 60.0}

    asyncio.run(run())


def test_what_is_remembered_goes_with_its_claim() -> None:
    """Nothing is kept for ever."""

    async def run() -> None:
        one = Restarted()
        one.says["a"] = None
        await one.start()
        assert one.observer.memory().first_seen
        one.observer.remove(model.ref(made.claim()))
        await one.later()
        assert not one.observer.memory().first_seen

    asyncio.run(run())
