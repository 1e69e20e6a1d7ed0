"""What pvmedic sees of the pool: the real sources of its three nodes, and what follows from them.

One loop of its own, so that a test reads like a story. Nothing is done to the pool here.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

from exporter.kit.values import Duration
from exporter.observe import errors, gluster
from exporter.observe.full_pass import judge
from exporter.observe.gluster_log import GlusterLogSettings, GlusterLogSource
from exporter.observe.model import Glusterd, GlusterLog, GlusterSpace, GlusterVolume, Kind
from exporter.observe.objects import Objects
from exporter.observe.shell.host import Host
from exporter.observe.signals import NODE
from exporter.observe.view import View
from local.errors import LocalClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from exporter.observe.model import Object, Signal
    from exporter.observe.sources import Source
    from local.gluster import GlusterPool
    from local.gluster_node import GlusterNode

T = TypeVar("T")
ON_THE_POOL = [pytest.mark.gluster, pytest.mark.timeout(240)]
"""The marks of every test here: they share one pool, and busy machines are waited for."""
TIMEOUT = 2.5
"""Seconds that a command of gluster may take here: a frozen glusterd is waited for."""


class Eyes:
    """Sources with what they remember, of all nodes or some; `look` before anything is asked."""

    def __init__(self, pool: GlusterPool, *nodes: GlusterNode) -> None:
        """Begin with the logs as they are now."""
        self.pool = pool
        self._runner = asyncio.Runner()
        self._sources = {node.name: _sources(node) for node in nodes or pool.nodes}
        self._objects: tuple[Object, ...] = ()
        self._unseen: dict[Kind, str] = {}
        self.look()

    def __enter__(self) -> Self:
        """Return them, having looked once."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the loop."""
        self._runner.close()

    def look(self) -> None:
        """Ask every source of every node once."""
        self._runner.run(self._look())

    def view(self) -> View:
        """Return all that was seen by the last look."""
        return View(Objects(self._objects), time.time(), self._unseen)

    def signals(self, name: str) -> list[Signal]:
        """Return the signals of a name that hold, by the last look."""
        detectors = [one for one in NODE if one.name == name]
        assert detectors, f"no detector {name}"
        found = judge(detectors, Objects(self._objects), {}, time.time())
        return [finding.signal for finding in found.findings]

    def glusterd(self, node: GlusterNode) -> Glusterd:
        """Return the glusterd of a node."""
        return next(one for one in self._of(Glusterd) if one.name == node.name)

    def away(self, node: GlusterNode) -> set[str]:
        """Return the peers that a node does not reach."""
        return {peer.hostname for peer in self.glusterd(node).peers if not peer.connected}

    def log(self, node: GlusterNode) -> GlusterLog:
        """Return what a node's log has told."""
        return next(one for one in self._of(GlusterLog) if one.name == node.name)

    def space(self, node: GlusterNode) -> GlusterSpace:
        """Return a node's file systems."""
        return next(one for one in self._of(GlusterSpace) if one.name == node.name)

    def volume(self, node: GlusterNode, name: str) -> GlusterVolume:
        """Return a volume as the glusterd of a node knows it."""
        return next(
            one for one in self._of(GlusterVolume) if one.node == node.name and one.name == name
        )

    def heals(self, node: GlusterNode, volume: str) -> int | None:
        """Return how many entries the node's brick of a volume has for others."""
        bricks = self.volume(node, volume).bricks
        return next(one.heal_pending for one in bricks if one.local)

    def until(self, what: str, true: Callable[[], object], seconds: float = 30.0) -> None:
        """Look until something is seen; raises when it is not."""

        def looked() -> object:
            self.look()
            return true()

        try:
            self.pool.wait(what, looked, seconds)
        except LocalClusterError as error:
            raise AssertionError(
                f"{error}; unseen: {self._unseen}; seen: {self._objects}"
            ) from error

    def _of(self, kind: type[T]) -> list[T]:
        return [one for one in self._objects if isinstance(one, kind)]

    async def _look(self) -> None:
        found: list[Object] = []
        self._unseen = {}
        looks = [one for sources in self._sources.values() for one in sources]
        for source, told in zip(looks, await asyncio.gather(*map(_told, looks)), strict=True):
            if isinstance(told, str):
                self._unseen.update(dict.fromkeys(source.kinds, told))
            else:
                found += told
        self._objects = tuple(found)


async def _told(source: Source) -> Sequence[Object] | str:
    try:
        return await source.look()
    except errors.ObserveError as error:
        return str(error)


def _sources(node: GlusterNode) -> tuple[Source, ...]:
    shell = Host([str(word) for word in node.space.command(())])
    settings = gluster.GlusterSettings(timeout=Duration(TIMEOUT))
    log = GlusterLogSource(node.name, GlusterLogSettings(), root=node.root)
    return (*gluster.sources(node.name, shell, settings, root=node.root), log)
