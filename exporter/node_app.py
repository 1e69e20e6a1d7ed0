"""The role `node`: looks at what only a node itself can show, publishes it, and tells who may ask.

A source a thing, one observer, one web face. It needs no list and no watch of the API.
"""

import logging
import socket
import time
from collections.abc import Iterator, Sequence

from exporter import collectors, serving, state
from exporter.kit import build
from exporter.kit.logs import fields
from exporter.kit.program import Start
from exporter.kit.web import About
from exporter.observe.memory import Memory
from exporter.observe.observer import Observer
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
MEMORY = "memory.json"
"""What was first seen, in the state directory."""


def sources(settings: NodeSettings, node: str) -> Sequence[Source]:
    """Return what this node is asked to look at."""
    del settings, node
    return ()


async def run(start: Start[NodeSettings]) -> None:
    """Run until SIGTERM or SIGINT. Raises OSError without a port."""
    stop, settings = serving.stop_asked(), start.settings
    node = settings.node or socket.gethostname()
    metrics = SelfMetrics(ROLE)
    board = Board(metrics, time.time(), collectors.NODE_FAMILIES)
    looked_at = sources(settings, node)
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
    lookings = [Looking(one, states, observer, metrics, time.monotonic) for one in looked_at]
    reload = serving.reloading(start, board, metrics)

    def not_ready() -> str:
        return "; ".join(one.unseen() for one in states.values() if not one.settled())

    web = serving.web_face(start, ABOUT, board, not_ready)
    async with web:
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
