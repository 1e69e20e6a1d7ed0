"""What nodes show, told by our own pods on them, each node for itself. Nothing is decided here.

Every pod behind the headless Service is asked in turn for the kinds that somebody here reads, and
answers in a few bytes while it has not looked again. A node that does not answer is asked in a lane
of its own; what it told last goes when it is too old, and only that node is unseen then. A kind is
unseen when no node sees it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from exporter.observe import errors, model
from exporter.observe.model import Kind, Object, Ref
from exporter.observe.node_pods import FactsSettings, Said
from exporter.observe.parse.endpoints import NodePod
from exporter.observe.rounds import Rounds
from exporter.observe.sources import LookState

log = logging.getLogger(__name__)

SLICE = 200
"""Objects put before other tasks get their turn."""


class Cluster(Protocol):
    """Where answers go: the observer."""

    def put(self, obj: Object) -> None:
        """Take one object."""
        ...

    def remove(self, name: Ref) -> None:
        """Forget one object."""
        ...


class Heard(Protocol):
    """Counts answers."""

    def facts(self, node: str, failure: str) -> None:
        """One node pod answered, or failed for this reason."""
        ...

    def facts_gone(self, node: str) -> None:
        """A node is no longer asked."""
        ...

    def node_pods(self, service: str, *, found: bool) -> None:
        """The pods behind a service were looked for."""
        ...


class Asks(Protocol):
    """Asks node pods: a Reader."""

    async def pods(self) -> dict[str, NodePod]:
        """Return them by node."""
        ...

    async def ask(
        self, pod: NodePod, kinds: Iterable[Kind], *, mark: str = "", fresh: bool = False
    ) -> Said | None:
        """Ask one."""
        ...


class _Held(msgspec.Struct):
    """What is held of one node."""

    mark: str = ""
    objects: dict[Ref, Object] = msgspec.field(default_factory=dict)
    sees: frozenset[Kind] = frozenset()


class NodeFacts:
    """Asks all of them, for ever. `states` are of the kinds that are asked for."""

    def __init__(
        self,
        reader: Asks,
        cluster: Cluster,
        states: Mapping[Kind, LookState],
        heard: Heard,
        settings: FactsSettings,
        steady: Callable[[], float],
    ) -> None:
        self.pods: dict[str, NodePod] | None = None
        """Whom to ask; None: not known yet."""
        self._reader = reader
        self._cluster = cluster
        self._states = states
        self._heard = heard
        self._settings = settings
        self._service = f"{settings.namespace}/{settings.service}"
        self._held: dict[str, _Held] = {}
        self._why: dict[Kind, str] = {}
        self._tried = False
        self._said = ""
        self._rounds = Rounds[NodePod, Said | None](self, settings.every, steady)

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._find())
            group.create_task(self._rounds.run())

    async def _find(self) -> None:
        while True:
            await self.find()
            await asyncio.sleep(self._settings.every)

    async def find(self) -> None:
        """Learn whom to ask; in vain, those that were known are asked on."""
        sentence = ""
        try:
            self.pods = await self._reader.pods()
        except errors.ObserveError as error:
            sentence = str(error)
            self._heard.facts("", error.reason)
            if self.pods is None:
                self._unseen(sentence)
        else:
            sentence = "" if self.pods else f"there is no pod behind service {self._service}"
        self._heard.node_pods(self._service, found=not sentence)
        if sentence and sentence != self._said:
            log.warning("node pods are not found: %s", sentence)
        self._said = sentence

    async def round(self) -> None:
        """Ask those that are due, and wait for them."""
        await asyncio.gather(*(self._rounds.one(*one) for one in self._rounds.due()))

    def whom(self) -> Mapping[str, NodePod] | None:
        """Return the node pods."""
        return self.pods

    async def ask(self, one: NodePod) -> Said | None:
        """Ask one, for what is not known yet."""
        held = self._held.get(one.node)
        mark = held.mark if held is not None else ""
        return await self._reader.ask(one, self._states, mark=mark)

    async def took(self, name: str, answer: Said | None) -> None:
        """Take what a node told, and forget what it tells no more."""
        self._heard.facts(name, "")
        if answer is not None:
            held = self._held.setdefault(name, _Held())
            # A mark only once all of it is taken.
            held.mark = ""
            told = answer.answer.kinds
            held.sees = frozenset(kind for kind, one in told.items() if not one.unseen)
            self._why |= {kind: one.unseen for kind, one in told.items() if one.unseen}
            new = {model.ref(obj): obj for one in told.values() for obj in one.objects}
            old, held.objects = held.objects, new
            for gone in old.keys() - new.keys():
                self._cluster.remove(gone)
            changed = [obj for ref, obj in new.items() if old.get(ref) != obj]
            for number, obj in enumerate(changed):
                self._cluster.put(obj)
                if number % SLICE == SLICE - 1:
                    await asyncio.sleep(0)
            held.mark = answer.mark
        self._settle()

    def failed(self, name: str, error: errors.ObserveError, *, first: bool, stale: bool) -> None:
        """Count it; what was told stands until it is stale."""
        if first:
            log.warning("%s; what that node shows is unseen when this lasts", error)
        self._heard.facts(name, error.reason)
        self._why |= dict.fromkeys(self._states, str(error))
        if stale or name not in self._held:
            self._drop(name)
            self._settle()

    def late(self, name: str) -> None:
        """What a node told is too old, and it has not been asked in vain again yet."""
        if name in self._held:
            self._why |= dict.fromkeys(self._states, f"node {name} has not answered for long")
            self._drop(name)
            self._settle()

    def left(self, name: str) -> None:
        """Forget a node."""
        self._drop(name)
        self._heard.facts_gone(name)
        self._settle()

    def tried(self, *, nobody: bool) -> None:
        """Each was asked once: what is known now is what there is."""
        if nobody:
            self._unseen(f"there is no pod behind service {self._service}")
        elif not self._tried:
            self._tried = True
            self._settle()

    def _settle(self) -> None:
        """Say of each kind whether any node sees it, once all have been asked."""
        if not self._tried or not self.pods:
            return
        for kind, state in self._states.items():
            if any(kind in held.sees for held in self._held.values()):
                state.looked()
            else:
                state.failed(self._why.get(kind, f"no node tells of {kind}"))

    def _unseen(self, sentence: str) -> None:
        for state in self._states.values():
            state.failed(sentence)

    def _drop(self, node: str) -> None:
        held = self._held.pop(node, None)
        for ref in held.objects if held is not None else ():
            self._cluster.remove(ref)
