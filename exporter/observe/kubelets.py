"""Kubelets, asked directly (`/stats/summary`, right: get nodes/stats), each for itself.

Every node that runs pods with claims is asked in turn. One that does not answer is asked in a lane
of its own, so that slow and dead kubelets never delay the rest; what it said last is dropped when
it is too old, and only its own claims are unseen then. Never through the API server's node proxy:
that right would run commands.
"""

import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Protocol, Self

import aiohttp
import msgspec

from exporter.kit.described import setting
from exporter.kit.values import Duration
from exporter.observe import errors, model
from exporter.observe.kube import failures
from exporter.observe.kube.access import Access, Credentials
from exporter.observe.kube.answers import body_of
from exporter.observe.kube.resources import Asked
from exporter.observe.kube.watch_state import WatchState
from exporter.observe.model import Object, Ref, VolumeStats
from exporter.observe.parse import summary
from exporter.observe.rounds import Rounds

log = logging.getLogger(__name__)

PORT = 10250
LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes. A summary has about 3 KB a pod."""
RAREST = 90.0
"""Seconds between two questions: after two minutes without an answer nothing would be seen."""
ASKED = Asked("get", "nodes/stats", "", "")


class KubeletSettings(msgspec.Struct, frozen=True):
    """The section `kubelets`."""

    every: Annotated[
        Duration, setting("How often each kubelet is asked for its volumes.", unit="duration")
    ] = Duration(60)
    timeout: Annotated[
        Duration, setting("How long one kubelet may take to answer.", unit="duration")
    ] = Duration(10)
    authority: Annotated[
        Path | None,
        setting("The CA that signs the kubelets' certificates; without it, the cluster's own."),
    ] = None
    verify: Annotated[
        bool,
        setting(
            "Whether a kubelet must prove who it is. Without it our token can be stolen by whoever"
            " answers at a node's address; many clusters have self-signed kubelets, though."
        ),
    ] = True

    def problems(self) -> Iterable[tuple[str, str]]:
        """Name what contradicts."""
        if not 1.0 <= self.every <= RAREST:
            yield ("every", f"must be at least 1s and at most {RAREST:.0f}s, or they are unseen")
        if self.timeout <= 0:
            yield ("timeout", "must be more than 0s")


class Cluster(Protocol):
    """Where answers go, and what is known: the observer."""

    def nodes_with_claims(self) -> list[model.Node] | None:
        """Return the nodes on which pods with claims run; None: not known yet."""
        ...

    def stats_of(self, node: str) -> list[VolumeStats]:
        """Return what is held of a node's kubelet."""
        ...

    def holder_of(self, namespace: str, claim: str) -> str | None:
        """Return the node whose word about a claim is held."""
        ...

    def put(self, obj: Object) -> None:
        """Take one object."""
        ...

    def remove(self, name: Ref) -> None:
        """Forget one object."""
        ...


class Heard(Protocol):
    """Counts answers."""

    def kubelet(self, node: str, failure: str) -> None:
        """One kubelet answered, or failed for this reason."""
        ...

    def kubelet_gone(self, node: str) -> None:
        """A node is no longer asked."""
        ...


class Reader:
    """Asks one kubelet. Used as `async with Reader(...) as reader`."""

    def __init__(self, access: Access, settings: KubeletSettings) -> None:
        self._access = access
        self._settings = settings
        self.largest = LARGEST_ANSWER
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | bool | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, node: model.Node) -> tuple[VolumeStats, ...]:
        """Return what a node's kubelet says of its claims; raises ObserveError."""
        if self._session is None:
            raise RuntimeError("the reader is used as `async with Reader(...) as reader`")
        if not node.address:
            raise errors.Unreachable(f"node {node.name} has no address")
        who = await self._access.credentials()
        host = f"[{node.address}]" if ":" in node.address else node.address
        url = f"https://{host}:{node.kubelet_port or PORT}/stats/summary"
        limit = aiohttp.ClientTimeout(total=self._settings.timeout)
        sent = {"Authorization": who.authorization} if who.authorization else {}
        asked = Asked(ASKED.verb, ASKED.resource, "", node.name)
        tls = self._trusted(who)
        with failures.translated(asked):
            async with self._session.get(
                url, headers=sent, timeout=limit, ssl=tls, allow_redirects=False
            ) as answer:
                body = await body_of(answer, self.largest, asked)
            return summary.stats(node.name, body)

    def _trusted(self, who: Credentials) -> ssl.SSLContext | bool:
        if not self._settings.verify:
            return False
        if self._settings.authority is None:
            if isinstance(who.tls, ssl.SSLContext) and who.tls.verify_mode is ssl.CERT_NONE:
                # A kubeconfig says this of its API server, not of whoever is at a node's address.
                raise errors.Unauthorized(
                    "a kubelet gets no token, because the API server's certificate is not verified"
                    " either: name kubelets.authority, or set kubelets.verify to false"
                )
            return who.tls
        if self._tls is None:
            try:
                self._tls = ssl.create_default_context(cafile=self._settings.authority)
            except (OSError, ssl.SSLError) as error:
                why = f"the kubelets' CA {self._settings.authority} cannot be read: {error}"
                raise errors.Unauthorized(why) from error
        return self._tls


class Kubelets:
    """Asks all of them, for ever. `ask` raises ObserveError."""

    def __init__(
        self,
        ask: Callable[[model.Node], Awaitable[tuple[VolumeStats, ...]]],
        cluster: Cluster,
        state: WatchState,
        heard: Heard,
        settings: KubeletSettings,
        steady: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._cluster = cluster
        self._state = state
        self._heard = heard
        self._rounds = Rounds[model.Node, tuple[VolumeStats, ...]](self, settings.every, steady)

    async def run(self) -> None:
        """Ask until cancelled."""
        await self._rounds.run()

    def due(self) -> list[model.Node]:
        """Return the nodes to ask now, and forget those that are not to be asked any more."""
        return [node for _, node in self._rounds.due()]

    async def one(self, node: model.Node) -> None:
        """Ask one node."""
        await self._rounds.one(node.name, node)

    def whom(self) -> Mapping[str, model.Node] | None:
        """Return the nodes that run pods with claims."""
        known = self._cluster.nodes_with_claims()
        return None if known is None else {node.name: node for node in known}

    async def ask(self, one: model.Node) -> tuple[VolumeStats, ...]:
        """Ask one node's kubelet."""
        return await self._ask(one)

    async def took(self, name: str, answer: tuple[VolumeStats, ...]) -> None:
        """Take what a kubelet said, and forget what it says no more."""
        self._state.progressed("get")
        self._heard.kubelet(name, "")
        names = set()
        for stats in answer:
            names.add((stats.namespace, stats.name))
            held = self._cluster.holder_of(stats.namespace, stats.name)
            # A claim that several nodes mount is told of by one of them, always the same.
            if held is None or held >= name or not self._rounds.knows(held):
                self._cluster.put(stats)
        for stats in self._cluster.stats_of(name):
            if (stats.namespace, stats.name) not in names:
                self._cluster.remove(model.ref(stats))

    def failed(self, name: str, error: errors.ObserveError, *, first: bool, stale: bool) -> None:
        """Count it; what was said stands until it is stale."""
        if first:
            log.warning("%s; its volumes are unseen when this lasts", error)
        if not self._rounds.answering:
            # What some refuse is unseen there; all are unseen only when nobody answers.
            self._state.failed("get", error)
        self._heard.kubelet(name, error.reason)
        if stale:
            self._drop(name)

    def late(self, name: str) -> None:
        """What a kubelet said is too old, and it has not been asked in vain again yet."""
        self._drop(name)

    def left(self, name: str) -> None:
        """Forget a node."""
        self._drop(name)
        self._heard.kubelet_gone(name)

    def tried(self, *, nobody: bool) -> None:
        """What is known now is all that there is."""
        if nobody:
            self._state.progressed("get")
        self._state.listed = True

    def _drop(self, node: str) -> None:
        for stats in self._cluster.stats_of(node):
            self._cluster.remove(model.ref(stats))
