"""Keeps the latest objects and what the detectors say of them; tells a Listener what changed.

An object's change only marks subjects; they are decided a moment later, together, in one task that
gives way to others. Reading the API server is the reflectors' part, publishing is the Listener's.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from exporter.observe import model
from exporter.observe.listener import KindState, Listener, Seen
from exporter.observe.memory import SPELLED, FirstSeen, Memory, Remembered, about, latches
from exporter.observe.model import Change, Kind, KubeEvent, Object, Ref, Subject
from exporter.observe.objects import Objects
from exporter.observe.signals.base import EVERYTHING, Detector, Unsure
from exporter.observe.view import View

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.1
"""Changes come in bursts: one decision for all of a burst."""
CHECK_SECONDS = 1.0
"""Silence has no event of its own, so what is unseen is checked this often."""
RETRY_SECONDS = 30.0
"""A detector that raised is asked again, over everything, after this."""
SLICE = 200
"""Subjects or objects handled before other tasks get their turn: a few milliseconds."""


class _Desk:
    """What is pending and what holds, for one detector."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.unsure = detector.unsure if isinstance(detector, Unsure) else _sure
        self.kinds = detector.needs | detector.helps
        self.dirty: set[Subject] = set()
        self.everything = True
        self.holds: dict[Subject, Seen] = {}
        self.first_seen: dict[Subject, float] = {}
        self.judges: bool | None = None
        self.hidden: frozenset[Kind] = frozenset()
        self.silent_until = float("-inf")


class Observer:
    """The Sink of the reflectors.

    `run` decides. `tell` are kinds whose every change the Listener hears, `follow` detectors whose
    every decision it hears. `memory` is what an earlier run remembered.
    """

    def __init__(
        self,
        detectors: Iterable[Detector],
        states: Mapping[Kind, KindState],
        listener: Listener,
        clock: Callable[[], float],
        tell: frozenset[Kind] = frozenset(),
        follow: frozenset[str] = frozenset(),
        memory: Memory | None = None,
    ) -> None:
        memory = memory or Memory()
        self._objects = Objects(memory.events)
        self._remembered = Remembered()
        for event in memory.events:
            self._remembered.add(event)
        self._marking = View(self._objects, 0.0)
        self._desks = [_Desk(detector) for detector in detectors]
        for desk in self._desks:
            ours = (one for one in memory.first_seen if one.signal == desk.detector.name)
            desk.first_seen = {one.subject: one.since for one in ours}
        self._follow = follow
        self._states = states
        self._listener = listener
        self._clock = clock
        self._tell = tell
        self._told: list[Change] = []
        self._hidden = frozenset(self._unseen())
        self._replacing: set[Kind] = set()
        self._wake = asyncio.Event()

    def view(self) -> View:
        """Return what is known now; valid until the caller next awaits."""
        return View(self._objects, self._clock(), self._unseen())

    def count(self, kind: Kind) -> int:
        """Return how many objects of a kind are there, those that are not kept included."""
        return self._objects.count(kind) + self._states[kind].skipped

    def nodes_with_claims(self) -> list[model.Node] | None:
        """Return the Ready nodes to which pods with claims are bound; None: not known yet."""
        if not all(self._states[kind].listed for kind in (Kind.NODE, Kind.POD)):
            return None
        return self._marking.nodes_with_claims()

    def stats_of(self, node: str) -> list[model.VolumeStats]:
        """Return what is held of a node's kubelet."""
        found = self._objects.indexed("stats_of", "", node)
        return [obj for obj in found if isinstance(obj, model.VolumeStats)]

    def holder_of(self, namespace: str, claim: str) -> str | None:
        """Return the node whose word about a claim is held."""
        found = self._objects.get(Kind.VOLUME_STATS, namespace, claim)
        return found.node if isinstance(found, model.VolumeStats) else None

    def memory(self) -> Memory:
        """Return what another run would not know."""
        seen = (
            FirstSeen(desk.detector.name, subject, since)
            for desk in self._desks
            for subject, since in desk.first_seen.items()
        )
        return Memory(tuple(seen), tuple(self._remembered))

    def put(self, obj: Object) -> None:
        """Take one object in its newest version."""
        self._mark(Change(self._objects.put(obj), obj))
        if isinstance(obj, KubeEvent):
            self._remembered.forget(model.ref(obj))

    def remove(self, name: Ref) -> None:
        """Forget one object, and what was remembered about it.

        An Event that says what no object shows stays as long as what it is about.
        """
        old = self._objects.get(name.kind, name.namespace, name.name)
        if isinstance(old, KubeEvent) and latches(old) and self._there(about(old)):
            for gone in self._remembered.add(old):
                self._drop(gone)
            return
        self._drop(name)
        if name.kind in SPELLED:
            for event in self._remembered.of(name):
                self._remembered.forget(event)
                self._drop(event)

    def _there(self, name: Ref | None) -> bool:
        if name is None:
            return False
        state = self._states.get(name.kind)
        # What has not been listed yet may well be there.
        if state is None or not state.listed:
            return state is not None
        return self._held(name)

    def _held(self, name: Ref) -> bool:
        return self._objects.get(name.kind, name.namespace, name.name) is not None

    def _drop(self, name: Ref) -> None:
        old = self._objects.remove(name)
        if old is not None:
            self._mark(Change(old, None))

    async def replace(
        self, kind: Kind, objects: Sequence[Object], spared: Collection[Ref] = ()
    ) -> None:
        """Take all objects of a kind; what is known of `spared` stands.

        Gives way to other tasks in between. Whoever reads this kind looks at everything afterwards,
        once, and until then at nothing: what holds goes on.
        """
        self._replacing.add(kind)
        for desk in self._desks:
            desk.everything = desk.everything or kind in desk.kinds
        try:
            for number, name in enumerate(await self._gone(kind, objects, spared)):
                self.remove(name)
                await _give_way(number)
            for begin in range(0, len(objects), SLICE):
                for obj in objects[begin : begin + SLICE]:
                    self.put(obj)
                await asyncio.sleep(0)
        finally:
            self._replacing.discard(kind)
        for event in list(self._remembered):
            # What an earlier run remembered may be about an object that went in between.
            owner = about(event)
            if owner is not None and owner.kind is kind and not self._held(owner):
                self._remembered.forget(model.ref(event))
                self._drop(model.ref(event))
        for desk in self._desks:
            # One that was at it when this began has seen half of it.
            desk.everything = desk.everything or kind in desk.kinds
        self._wake.set()

    async def _gone(
        self, kind: Kind, objects: Sequence[Object], spared: Collection[Ref]
    ) -> list[Ref]:
        """Return what is held and not listed, giving way: a list may have 100,000 objects."""
        if not self._objects.count(kind):
            return []
        names = set(spared)
        for number, obj in enumerate(objects):
            names.add(model.ref(obj))
            await _give_way(number)
        gone: list[Ref] = []
        for number, held in enumerate(list(self._objects.of(kind))):
            if (name := model.ref(held)) not in names:
                gone.append(name)
            await _give_way(number)
        return gone

    async def run(self) -> None:
        """Decide what changed, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            else:
                await asyncio.sleep(GATHER_SECONDS)
            self._wake.clear()
            await self.decide()

    async def decide(self) -> None:
        """Decide all that is pending."""
        told, self._told = self._told, []
        for number, change in enumerate(told):
            self._listener.change(change, self.view())
            await _give_way(number)
        unseen = frozenset(self._unseen())
        turned, self._hidden = unseen ^ self._hidden, unseen
        if told or turned:
            self._listener.settled(self.view(), turned)
        for desk in self._desks:
            # A clock that was set back must not silence it for longer.
            if 0.0 < desk.silent_until - self._clock() <= RETRY_SECONDS:
                continue
            hidden = desk.kinds & self._unseen().keys()
            if hidden & desk.detector.needs:
                self._withdraw(desk)
                continue
            if self._waits(desk):
                continue
            # What was decided with these kinds in sight may look different without them.
            desk.everything = desk.everything or hidden != desk.hidden
            desk.hidden = hidden
            try:
                await self._decide(desk)
            except Exception:
                # One detector's mistake must not silence the others, and must not go unnoticed
                # either.
                log.exception("detector %s raised; its signals are withdrawn", desk.detector.name)
                desk.silent_until = self._clock() + RETRY_SECONDS
                # What it said before it raised is published already, though it may never have
                # judged to the end.
                desk.judges = None
                self._withdraw(desk)

    def _waits(self, desk: _Desk) -> bool:
        """Whether more is about to be known: a list being taken, or at first a list under way.

        Kubelets are not waited for, one of them is always slow, nor is the server's version.
        """
        if not desk.kinds.isdisjoint(self._replacing):
            return True
        if desk.judges:
            return False
        helps = desk.detector.helps - {Kind.VOLUME_STATS, Kind.SERVER}
        return not all(self._states[kind].settled() for kind in helps if kind in self._states)

    def _unseen(self) -> dict[Kind, str]:
        return {kind: why for kind, state in self._states.items() if (why := state.unseen())}

    def _mark(self, change: Change) -> None:
        obj = change.new if change.new is not None else change.old
        if obj is None:
            return
        kind = model.KIND_OF[type(obj)]
        listed, told = kind in self._replacing, kind in self._tell
        if listed and not told:
            # Whoever reads it looks at everything when the list is taken.
            return
        if change.old is not None and change.new is not None and _alike(change.old, change.new):
            return
        if told:
            self._told.append(change)
        if listed:
            return
        for desk in self._desks:
            # Whoever looks at everything anyway needs no marks.
            if kind not in desk.kinds or desk.everything:
                continue
            try:
                desk.dirty.update(desk.detector.touched(change, self._marking))
                if EVERYTHING in desk.dirty:
                    desk.dirty.discard(EVERYTHING)
                    desk.everything = True
            except Exception:
                # Whoever follows this kind must go on, and nothing that this change means be lost.
                log.exception("detector %s raised; it looks at everything", desk.detector.name)
                desk.everything = True
        self._wake.set()

    def _withdraw(self, desk: _Desk) -> None:
        for subject in list(desk.holds):
            self._listener.signal(desk.detector, subject, None)
        desk.holds.clear()
        desk.dirty.clear()
        desk.everything = True
        if desk.judges is not False:
            desk.judges = False
            self._listener.judged(desk.detector, None)

    async def _decide(self, desk: _Desk) -> None:
        if desk.everything:
            # First, so that what changes while this pass gives way is marked for the next one.
            desk.everything = False
            desk.dirty.update(desk.holds, desk.first_seen)
            await self._mark_everything(desk)
        elif not desk.dirty and desk.judges:
            return
        subjects, desk.dirty = desk.dirty, set()
        view = self.view()
        for number, subject in enumerate(subjects):
            self._decide_one(desk, subject, view)
            if await _give_way(number):
                view = self.view()
        desk.judges = True
        # Some of its subjects cannot be seen: what holds of the others is said, a count is not.
        partly = bool(desk.hidden & desk.detector.starts)
        self._listener.judged(desk.detector, None if partly else len(desk.holds), partly=partly)

    async def _mark_everything(self, desk: _Desk) -> None:
        suspects, view, dirty = desk.detector.suspects, self._marking, desk.dirty
        for kind in sorted(desk.detector.starts):
            objects = list(self._objects.of(kind))
            for begin in range(0, len(objects), SLICE):
                for obj in objects[begin : begin + SLICE]:
                    found = suspects(obj, view)
                    if found:
                        dirty.update(found)
                await asyncio.sleep(0)

    def _decide_one(self, desk: _Desk, subject: Subject, view: View) -> None:
        signal = desk.detector.decide(subject, view)
        if desk.detector.name in self._follow:
            self._listener.decided(desk.detector, subject, signal, view)
        if signal is None:
            # Unseen is not over: what is seen again later is as old as it was.
            if subject in desk.first_seen and not desk.unsure(subject, view):
                del desk.first_seen[subject]
            if desk.holds.pop(subject, None) is not None:
                self._listener.signal(desk.detector, subject, None)
            return
        if signal.since is not None:
            since = signal.since
            desk.first_seen.pop(subject, None)
        else:
            since = desk.first_seen.setdefault(subject, self._clock())
        seen = Seen(signal, since)
        if desk.holds.get(subject) != seen:
            desk.holds[subject] = seen
            self._listener.signal(desk.detector, subject, seen)


def _sure(subject: Subject, view: View) -> bool:
    """Return that what is not said does not hold."""
    del subject, view
    return False


def _alike(old: Object, new: Object) -> bool:
    """Whether only the version is another: most changes are of what nobody here reads."""
    return msgspec.structs.replace(new, version=old.version) == old


async def _give_way(number: int) -> bool:
    if number % SLICE == SLICE - 1:
        await asyncio.sleep(0)
        return True
    return False
