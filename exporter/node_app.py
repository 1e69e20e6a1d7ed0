"""The role `node`: looks at what only a node itself can show, publishes it, and tells who may ask.

A source a thing, one observer, one web face. It needs no list and no watch of the API.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence

from exporter import collectors, facts_server, serving, state
from exporter.facts_server import Facts, FactsServer
from exporter.kit import build
from exporter.kit.logs import fields
from exporter.kit.program import Start
from exporter.kit.web import About
from exporter.observe.kube.access import access
from exporter.observe.kube.api import Api
from exporter.observe.kube.reviews import Reviews
from exporter.observe.memory import Memory
from exporter.observe.observer import Observer
from exporter.observe.rok import Rok
from exporter.observe.shell import Shell
from exporter.observe.shell.host import Host
from exporter.observe.shell.pod import ExecSettings, InPod
from exporter.observe.signals import NODE
from exporter.observe.sources import Looking, LookState, Source
from exporter.server import NODE as ROLE
from exporter.server import Board, SelfMetrics
from exporter.settings import NodeSettings

log = logging.getLogger(__name__)

ABOUT = About(
    "pvmedic exporter, node",
    build.our_version(),
    "Sees storage failures that only a node itself can show. It changes nothing.",
    {"https://pvmedic.dev/": "documentation"},
)
MEMORY, ROK = "memory.json", "rok.json"
"""What was first seen, and Rok's volume group as it was made, in the state directory."""

Shells = Callable[[ExecSettings], Shell]
"""Returns where commands run: in the pods that are named, else on this host."""


def sources(settings: NodeSettings, node: str, shells: Shells) -> Sequence[Source]:
    """Return what this node is asked to look at."""
    state = settings.state
    return (Rok(node, settings.rok, shells(settings.rok.exec), state / ROK if state else None),)


async def run(start: Start[NodeSettings]) -> None:
    """Run until SIGTERM or SIGINT. Raises OSError without a port."""
    stop, settings = serving.stop_asked(), start.settings
    node = settings.node or socket.gethostname()
    metrics = SelfMetrics(ROLE)
    board = Board(metrics, time.time(), collectors.NODE_FAMILIES)
    who = access(settings.kubernetes, os.environ)
    api = Api(who, metrics)

    def shells(pods: ExecSettings) -> Shell:
        return InPod(api, who, pods, node) if pods.namespace else Host()

    looked_at = sources(settings, node, shells)
    kinds = frozenset(kind for one in looked_at for kind in one.kinds)
    states = {kind: LookState(kind, time.time) for kind in kinds}
    detectors = [one for one in NODE if one.needs <= kinds]
    memory = settings.state / MEMORY if settings.state else None
    observer = Observer(
        detectors,
        states,
        board,
        time.time,
        tell=collectors.TOLD & kinds,
        follow=frozenset(collectors.FURTHER),
        memory=state.read(memory, time.time()) if memory else Memory(),
    )
    metrics.watch(states, observer)
    facts = Facts(node, states, observer)
    lookings = [Looking(one, states, facts, metrics, time.monotonic) for one in looked_at]
    reload = serving.reloading(start, board, metrics)

    def not_ready() -> str:
        return "; ".join(one.unseen() for one in states.values() if not one.settled())

    web = serving.web_face(start, ABOUT, board, not_ready)
    reviews = Reviews(api, facts_server.PATH, settings.facts.audience, time.monotonic)
    counts = facts_server.Counts(metrics.registry)
    FactsServer(facts, reviews, lookings, settings.facts, counts).serve(web)
    async with api, web:
        names = [one.name for one in looked_at]
        log.info("serving", extra=fields(address=str(web.address), node=node, sources=names))

        def work() -> Iterator[serving.Work]:
            yield observer.run()
            yield reload
            for one in lookings:
                yield one.run()
            if memory is not None:
                yield state.keep(memory, observer.memory)

        await serving.until(stop, work)
