"""Puts the exporter together and runs it: one reflector a kind, one observer, one web face."""

import asyncio
import logging
import os
import random
import time
from collections.abc import Iterable, Iterator

from exporter import collectors, serving, state
from exporter.kit import build
from exporter.kit.logs import fields
from exporter.kit.program import Start
from exporter.kit.web import About
from exporter.observe import node_pods
from exporter.observe.errors import ObserveError
from exporter.observe.heketi import Heketis
from exporter.observe.kube.access import access
from exporter.observe.kube.api import Api
from exporter.observe.kube.reflector import Pace, Reflector
from exporter.observe.kube.version import version
from exporter.observe.kube.watch_state import WatchState
from exporter.observe.kubelets import Kubelets, Reader
from exporter.observe.memory import Memory
from exporter.observe.model import FACTS, Kind
from exporter.observe.node_facts import NodeFacts
from exporter.observe.node_pods import NOT_ASKED, FactsSettings
from exporter.observe.observer import Observer
from exporter.observe.parse import events, wire
from exporter.observe.signals import CLUSTER, READ
from exporter.observe.signals.base import Detector
from exporter.observe.sources import Looking, LookState
from exporter.server import Board, SelfMetrics
from exporter.settings import Settings

log = logging.getLogger(__name__)

ABOUT = About(
    "pvmedic exporter",
    build.our_version(),
    "Sees persistent-storage failures in a Kubernetes cluster. It changes nothing.",
    {"https://pvmedic.dev/": "documentation"},
)


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


def _told(settings: FactsSettings) -> dict[Kind, LookState]:
    """Return how well is seen what only nodes show; not at all where they are not asked."""
    kinds = READ.union(*(one.kinds for one in collectors.DERIVED)) & FACTS
    states = {kind: LookState(kind, time.time) for kind in sorted(kinds)}
    if not settings.service:
        for one in states.values():
            one.failed(NOT_ASKED)
    return states


def judged(detectors: Iterable[Detector], settings: FactsSettings) -> list[Detector]:
    """Leave out what only nodes can show where they are not asked: that is no blindness.

    Else every install without node pods would be told for ever that something is unseen.
    """
    asked = bool(settings.service)
    return [one for one in detectors if asked or not FACTS & (one.needs | one.starts)]


async def run(start: Start[Settings]) -> None:
    """Run until SIGTERM or SIGINT.

    Raises ObserveError without an API server, OSError without a port.
    """
    stop, settings = serving.stop_asked(), start.settings
    who = access(settings.kubernetes, os.environ)
    metrics = SelfMetrics()
    board = Board(metrics, time.time())
    watched = [kind for kind in wire.KINDS if kind in READ]
    states = {
        kind: WatchState(kind, time.time, time.monotonic)
        for kind in (*watched, Kind.SERVER, Kind.VOLUME_STATS)
    }
    told = _told(settings.facts)
    looked = {kind: LookState(kind, time.time) for kind in Heketis.kinds}
    observer = Observer(
        judged(CLUSTER, settings.facts),
        {**states, **told, **looked},
        board,
        time.time,
        tell=frozenset({Kind.EVENT}) | collectors.TOLD,
        follow=frozenset(collectors.FURTHER),
        memory=state.read(settings.state, time.time()) if settings.state else Memory(),
    )
    metrics.watch(states, observer)
    heketis = Heketis(settings.heketi, observer.view, time.time)
    looking = Looking(heketis, looked, observer, metrics, time.monotonic)
    # Jitter between retries is no secret.
    pace = Pace(random.random, asyncio.sleep, time.monotonic)

    reload = serving.reloading(start, board, metrics)

    def not_ready() -> str:
        # Not the kubelets and the server's version: what they tell comes later, or never.
        waits = [states[kind].unseen() for kind in watched if not states[kind].settled()]
        return "; ".join(waits)

    web = serving.web_face(start, ABOUT, board, not_ready)
    asking = Reader(who, settings.kubelets)
    async with (
        Api(who, metrics) as api,
        asking as kubelets,
        node_pods.Reader(api, who, settings.facts) as pods,
        web,
    ):
        log.info("serving", extra=fields(address=str(web.address), kinds=watched))

        def work() -> Iterator[serving.Work]:
            yield observer.run()
            yield reload
            for kind in watched:
                selector = events.SELECTORS.get(kind, "")
                yield Reflector(api, states[kind], observer, pace, selector).run()
            yield _follow_version(api, states[Kind.SERVER], observer)
            reading = Kubelets(
                kubelets.ask,
                observer,
                states[Kind.VOLUME_STATS],
                metrics,
                settings.kubelets,
                time.monotonic,
            )
            yield reading.run()
            if settings.facts.service:
                yield NodeFacts(pods, observer, told, metrics, settings.facts, time.monotonic).run()
            yield looking.run()
            if settings.state is not None:
                yield state.keep(settings.state, observer.memory)

        await serving.until(stop, work)
