"""What outlives its Event, and what outlives us: remembered as long as its object is there."""

import asyncio
from collections.abc import Collection

import msgspec

from exporter.observe import memory, model
from exporter.observe.kube.watch_state import WatchState
from exporter.observe.listener import Seen
from exporter.observe.memory import FirstSeen, Memory, Remembered
from exporter.observe.model import Change, Kind, KubeEvent, Object, Signal, Subject
from exporter.observe.model.facts import MultiAttachBlocked, RokJobStarted, RwxRecovering
from exporter.observe.observer import Observer
from exporter.observe.signals.base import Detector
from exporter.observe.view import View
from tests.observe.test_observer import NotReady, node, subject
from tests.signals import made

WARNED = RwxRecovering("pv-backing", "pv-data")


class Deaf:
    """A Listener that hears since when, and nothing else."""

    def __init__(self) -> None:
        self.since: dict[Subject, float] = {}

    def signal(self, detector: Detector, subject: Subject, seen: Seen | None) -> None:
        """Keep the time."""
        del detector
        self.since.pop(subject, None)
        if seen is not None:
            self.since[subject] = seen.since

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


class Life:
    """An observer from its start to its end."""

    def __init__(self, remembered: Memory | None = None, now: float = 1000.0) -> None:
        kinds = (Kind.NODE, Kind.EVENT, Kind.CLAIM)
        self.states = {kind: WatchState(kind, lambda: now, lambda: now) for kind in kinds}
        self.heard = Deaf()
        self.observer = Observer(
            [NotReady()], self.states, self.heard, lambda: now, memory=remembered
        )

    def lists(self, kind: Kind, *objects: Object) -> None:
        """Take a list, and decide."""

        async def run() -> None:
            await self.observer.replace(kind, objects)
            self.states[kind].listed = True
            self.states[kind].progressed("list")
            await self.observer.decide()

        asyncio.run(run())

    def events(self) -> list[KubeEvent]:
        """Return the Events about the claim."""
        return self.observer.view().events_of("PersistentVolumeClaim", "web", "data")


def test_an_event_that_only_says_what_happened_outlives_its_hour() -> None:
    """Kubernetes deletes it, by a watch or between two lists; its claim is still there."""
    for relisted in (False, True):
        life = Life()
        life.lists(Kind.CLAIM, made.claim())
        told = made.event(made.claim(), WARNED)
        life.lists(Kind.EVENT, told)
        if relisted:
            life.lists(Kind.EVENT)
        else:
            life.observer.remove(model.ref(told))
        assert life.events() == [told]
        assert life.observer.memory().events == (told,)


def test_an_event_that_only_explains_an_object_goes_with_its_hour() -> None:
    """The object says itself what is wrong."""
    life = Life()
    life.lists(Kind.CLAIM, made.claim())
    life.lists(Kind.EVENT, made.event(made.claim(), MultiAttachBlocked("pv")))
    life.lists(Kind.EVENT)
    assert life.events() == []


def test_what_is_remembered_goes_with_its_object() -> None:
    """And with it only what is remembered: an Event that is there goes when Kubernetes says so."""
    life = Life()
    life.lists(Kind.CLAIM, made.claim())
    gone, there = (made.event(made.claim(), WARNED, name=f"data.{n}") for n in (1, 2))
    life.lists(Kind.EVENT, gone, there)
    life.observer.remove(model.ref(gone))
    life.lists(Kind.CLAIM)
    assert life.events() == [there]
    life.observer.remove(model.ref(there))
    assert life.events() == []
    assert life.observer.memory() == Memory()


def test_an_event_that_comes_back_is_no_longer_remembered() -> None:
    """A list that was short of it was wrong."""
    life = Life()
    life.lists(Kind.CLAIM, made.claim())
    told = made.event(made.claim(), WARNED)
    life.lists(Kind.EVENT, told)
    life.lists(Kind.EVENT)
    life.lists(Kind.EVENT, msgspec.structs.replace(told, count=2))
    assert life.observer.memory().events == ()
    assert [event.count for event in life.events()] == [2]


def test_another_run_goes_on_where_the_last_one_ended() -> None:
    """The Event is still known, and what was first seen then is as old as it is."""
    first = Life(now=1000.0)
    first.lists(Kind.CLAIM, made.claim())
    first.lists(Kind.EVENT, made.event(made.claim(), WARNED))
    first.lists(Kind.EVENT)
    first.lists(Kind.NODE, node("a", since=None))
    left = first.observer.memory()
    assert left.first_seen == (FirstSeen("not_ready", subject("a"), 1000.0),)

    written = msgspec.json.encode(left)
    second = Life(msgspec.json.decode(written, type=Memory), now=5000.0)
    second.lists(Kind.EVENT)
    second.lists(Kind.CLAIM, made.claim())
    second.lists(Kind.NODE, node("a", since=None), node("b", since=None))
    assert second.heard.since == {subject("a"): 1000.0, subject("b"): 5000.0}
    assert len(second.events()) == 1


def test_what_healed_while_nobody_looked_is_not_remembered() -> None:
    """The node is Ready and the claim is gone."""
    left = Memory((FirstSeen("not_ready", subject("a"), 1.0),), (made.event(made.claim(), WARNED),))
    life = Life(left)
    life.lists(Kind.NODE)
    life.lists(Kind.CLAIM)
    assert life.observer.memory() == Memory()
    assert life.events() == []


def test_memory_is_bounded_and_lets_the_oldest_go() -> None:
    """About one object, and in all."""
    kept = Remembered()
    for number in range(memory.MOST_OF_ONE + 3):
        gone = kept.add(made.event(made.claim(), WARNED, name=f"e{number}"))
        assert len(gone) == (number >= memory.MOST_OF_ONE)
    assert next(event.name for event in kept) == "e3"
    names = kept.of(model.ref(made.claim()))
    assert len(names) == memory.MOST_OF_ONE
    for name in names:
        kept.forget(name)
    assert list(kept) == []
    assert kept.of(model.ref(made.claim())) == []


def test_what_is_said_often_does_not_put_out_what_is_said_once() -> None:
    """A claim whose jobs run every hour waits for days for its users to go."""
    kept = Remembered()
    kept.add(made.event(made.claim(), WARNED, name="warned"))
    for number in range(memory.MOST_OF_ONE + 5):
        kept.add(made.event(made.claim(), RokJobStarted("job", "a"), name=f"e{number}"))
    names = [name.name for name in kept.of(model.ref(made.claim()))]
    assert "warned" in names
    assert len(names) == memory.MOST_OF_ONE + 1
    assert {event.name for event in kept} == set(names)


def test_an_event_about_nothing_is_not_kept() -> None:
    """Its object has no name, or is of a kind that nobody looks at."""
    kept = Remembered()
    assert kept.add(made.event(made.claim(), WARNED, about_name="")) == []
    assert kept.add(made.event(made.claim(), WARNED, about_kind="Widget")) == []
    assert list(kept) == []
