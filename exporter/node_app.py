"""The role `node`: looks at what only a node itself can show, publishes it, and tells who may ask.

A source a thing, one observer, one web face. It needs no list and no watch of the API.
"""

import logging
import os
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from exporter import collectors, facts_server, serving, state
from exporter.facts_server import Facts, FactsServer
from exporter.kit import build
from exporter.kit.logs import fields
from exporter.kit.program import Start
from exporter.kit.web import About
from exporter.observe.gluster import sources as gluster_sources
from exporter.observe.gluster_log import GlusterLogSource
from exporter.observe.kernel_log import KernelLog
from exporter.observe.kube.access import Access, access
from exporter.observe.kube.api import Api
from exporter.observe.kube.reviews import Reviews
from exporter.observe.memory import Memory
from exporter.observe.mounts import Mounts, Places
from exporter.observe.observer import Observer
from exporter.observe.rok import Rok
from exporter.observe.shell import Shell
from exporter.observe.shell.host import Host
from exporter.observe.shell.pod import ExecSettings, InPod
from exporter.observe.signals import NODE
from exporter.observe.sources import Looking, LookState, Source
from exporter.observe.volumes import Volumes
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
MEMORY, ROK, MOUNTS = "memory.json", "rok.json", "mounts.json"
"""In the state directory: what was first seen, Rok's volume group as made, what was writable."""


def sources(settings: NodeSettings, node: str, api: Api, who: Access) -> Sequence[Source]:
    """Return what this node is asked to look at."""
    state, root, gluster = settings.state, settings.host_root, settings.gluster

    def shell(pods: ExecSettings) -> Shell:
        if pods.namespace:
            return InPod(api, who, pods, node)
        return Host() if root == Path("/") else Host(("chroot", str(root)))

    def file(name: str) -> Path | None:
        return state / name if state is not None else None

    places = Places(mountinfo=root / "proc/1/mountinfo", root=root)
    inside = bool(gluster.exec.namespace)
    found: list[Source] = [
        Mounts(node, Volumes(api), places, state=file(MOUNTS)),
        Rok(node, settings.rok, shell(settings.rok.exec), file(ROK)),
        *gluster_sources(node, shell(gluster.exec), gluster, inside=inside, root=root),
        GlusterLogSource(node, settings.gluster_log, state, root=root),
    ]
    if settings.kernel_log is not None:
        found.append(KernelLog(node, settings.kernel_log, time.time, time.monotonic))
    return found


async def run(start: Start[NodeSettings]) -> None:
    """Run until SIGTERM or SIGINT. Raises OSError without a port."""
    stop, settings = serving.stop_asked(), start.settings
    node = settings.node or socket.gethostname()
    metrics = SelfMetrics(ROLE, node)
    board = Board(metrics, time.time(), collectors.NODE_FAMILIES)
    who = access(settings.kubernetes, os.environ)
    api = Api(who, metrics)
    looked_at = sources(settings, node, api, who)
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
