"""What every serving role of the exporter does alike, from its start to SIGTERM.

What a role looks at, and what it publishes, is its own.
"""

import asyncio
import gc
import logging
import signal
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import TypeVar

from exporter.kit import logs
from exporter.kit.program import Start
from exporter.kit.reload import Reload, follow
from exporter.kit.web import About, Choice, NotReady, Web
from exporter.server import Board, SelfMetrics
from exporter.settings import Serving

log = logging.getLogger(__name__)

COLLECT = (50_000, 20, 10)
"""How rarely the garbage collector looks.

What is kept are trees without cycles, so it finds next to nothing; with Python's own thresholds it
took a fifth of all time while a hundred thousand pods were listed.
"""


def stop_asked() -> asyncio.Event:
    """Return what is set on SIGTERM and SIGINT; the garbage collector is set as well."""
    gc.freeze()
    gc.set_threshold(*COLLECT)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


S = TypeVar("S", bound=Serving)
Work = Coroutine[None, None, object]


def web_face(start: Start[S], about: About, board: Board, not_ready: NotReady) -> Web:
    """Return the web face over what a board publishes."""
    web = Web(start.settings.listen, about, board.pieces, not_ready)
    web.entrance, web.choice = start.entrance, Choice(board.collectors, board.chosen)
    return web


def reloading(start: Start[S], board: Board, metrics: SelfMetrics) -> Work:
    """Follow the settings and the web configuration; what both roles can change at once."""

    def apply(changed: S) -> None:
        logs.set_level(changed.log_level)
        board.limit(changed.series_limit)

    board.limit(start.settings.series_limit)
    start.entrance.publish(metrics.registry)
    reload = Reload(start.source, start.settings, apply, metrics.registry, time.time)
    return follow([reload, start.entrance])


async def until(stop: asyncio.Event, work: Callable[[], Iterable[Work]]) -> None:
    """Do all of the work beside each other until asked to stop."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work()]
        await stop.wait()
        log.info("stopping")
        for task in tasks:
            task.cancel()
