"""Puts the exporter together and runs it: one reflector a kind, one observer, one web face."""

import asyncio
import gc
import logging
import os
import random
import signal
import time

from exporter import collectors, state
from exporter.kit import build, logs
from exporter.kit.logs import fields
from exporter.kit.program import Start
from exporter.kit.reload import Reload, follow
from exporter.kit.web import About, Choice, Web
from exporter.observe.errors import ObserveError
from exporter.observe.kube.access import access
from exporter.observe.kube.api import Api
from exporter.observe.kube.reflector import Pace, Reflector
from exporter.observe.kube.version import version
from exporter.observe.kube.watch_state import WatchState
from exporter.observe.kubelets import Kubelets, Reader
from exporter.observe.memory import Memory
from exporter.observe.model import Kind
from exporter.observe.observer import Observer
from exporter.observe.parse import events, wire
from exporter.observe.signals import CLUSTER, READ
from exporter.server import Board, SelfMetrics
from exporter.settings import Settings

log = logging.getLogger(__name__)

ABOUT = About(
    "pvmedic exporter",
    build.our_version(),
    "Sees persistent-storage failures in a Kubernetes cluster. It changes nothing.",
    {"https://pvmedic.dev/": "documentation"},
)


COLLECT = (50_000, 20, 10)
"""How rarely the garbage collector looks.

What is kept are trees without cycles, so it finds next to nothing; with Python's own thresholds it
took a fifth of all time while a hundred thousand pods were listed.
"""
VERSION_SECONDS = 40.0
"""How often the API server is asked for its version: an upgrade takes longer.

As often as a quiet watch is renewed: with the time between two scrapes it must stay under the two
minutes after which the watch counts as stale.
"""


async def _follow_version(api: Api, state: WatchState, observer: Observer) -> None:
    while True:
        try:
            observer.put(await version(api))
        except ObserveError as error:
            log.info("the API server's version is unknown: %s", error)
            state.failed("get", error)
        else:
            state.listed = True
            state.progressed("get")
        await asyncio.sleep(VERSION_SECONDS)


async def run(start: Start[Settings]) -> None:
    """Run until SIGTERM or SIGINT.

    Raises ObserveError without an API server, OSError without a port.
    """
    gc.freeze()
    gc.set_threshold(*COLLECT)
    stop, settings = asyncio.Event(), start.settings
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    who = access(settings.kubernetes, os.environ)
    metrics = SelfMetrics()
    board = Board(metrics, time.time())
    watched = [kind for kind in wire.KINDS if kind in READ]
    states = {
        kind: WatchState(kind, time.time, time.monotonic)
        for kind in (*watched, Kind.SERVER, Kind.VOLUME_STATS)
    }
    observer = Observer(
        CLUSTER,
        states,
        board,
        time.time,
        tell=frozenset({Kind.EVENT}) | collectors.TOLD,
        follow=frozenset(collectors.FURTHER),
        memory=state.read(settings.state, time.time()) if settings.state else Memory(),
    )
    metrics.watch(states, observer)
    # Jitter between retries is no secret.
    pace = Pace(random.random, asyncio.sleep, time.monotonic)

    def apply(changed: Settings) -> None:
        logs.set_level(changed.log_level)
        board.limit(changed.series_limit)

    start.entrance.publish(metrics.registry)
    reload = Reload(start.source, settings, apply, metrics.registry, time.time)

    def not_ready() -> str:
        # Not the kubelets and the server's version: what they tell comes later, or never.
        waits = [states[kind].unseen() for kind in watched if not states[kind].settled()]
        return "; ".join(waits)

    board.limit(settings.series_limit)
    web = Web(settings.listen, ABOUT, board.pieces, not_ready)
    web.entrance, web.choice = start.entrance, Choice(board.collectors, board.chosen)
    asking = Reader(who, settings.kubelets)
    async with Api(who, metrics) as api, asking as kubelets, web:
        log.info("serving", extra=fields(address=str(web.address), kinds=watched))
        async with asyncio.TaskGroup() as group:
            follows = follow([reload, start.entrance])
            tasks = [group.create_task(observer.run()), group.create_task(follows)]
            for kind in watched:
                reflector = Reflector(
                    api, states[kind], observer, pace, events.SELECTORS.get(kind, "")
                )
                tasks.append(group.create_task(reflector.run()))
            tasks.append(group.create_task(_follow_version(api, states[Kind.SERVER], observer)))
            reading = Kubelets(
                kubelets.ask,
                observer,
                states[Kind.VOLUME_STATS],
                metrics,
                settings.kubelets,
                time.monotonic,
            )
            tasks.append(group.create_task(reading.run()))
            if settings.state is not None:
                tasks.append(group.create_task(state.keep(settings.state, observer.memory)))
            await stop.wait()
            log.info("stopping")
            for task in tasks:
                task.cancel()
