"""Our own pods on the nodes: where they are, and one question to one of them (`/facts`).

Over TLS, the certificate verified against a CA and a name that the settings give, because a token
goes there. How often, and what comes of an answer, is not known here.
"""

import asyncio
import ssl
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote

import aiohttp
import msgspec

from exporter.kit.described import setting
from exporter.kit.values import Duration
from exporter.observe import errors
from exporter.observe.kube import failures
from exporter.observe.kube.access import Access
from exporter.observe.kube.answers import body_of
from exporter.observe.kube.api import Api
from exporter.observe.kube.resources import Asked
from exporter.observe.look import Fresh
from exporter.observe.model import Kind, Object
from exporter.observe.parse import endpoints, node_answer
from exporter.observe.parse.endpoints import NodePod
from exporter.observe.parse.node_answer import Answer
from exporter.observe.rounds import AT_ONCE

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes. A node of 5,500 volumes tells 10 MB."""
RAREST = 300.0
FRESH_TIMES = 2.0
"""How many times longer than any other a fresh answer may take."""
NOT_ASKED = (
    "nodes are not asked for what they show: name facts.namespace and facts.service in the settings"
)


class FactsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `facts` of who asks."""

    namespace: Annotated[str, setting("The namespace of the Service before our node pods.")] = ""
    service: Annotated[
        str, setting("Its name; it is headless. Empty: nodes are not asked for what they show.")
    ] = ""
    authority: Annotated[
        Path | None, setting("The CA that signs the node pods' certificates; needed to ask.")
    ] = None
    server_name: Annotated[
        str, setting("The name in their certificates. Empty: SERVICE.NAMESPACE.svc.")
    ] = ""
    token: Annotated[
        Path | None,
        setting(
            "A file with a token made for the node pods alone (their setting `facts.audience`)."
            " Without it they get the one that the API server gets."
        ),
    ] = None
    every: Annotated[Duration, setting("How often each node pod is asked.", unit="duration")] = (
        Duration(30)
    )
    timeout: Annotated[
        Duration,
        setting(
            "How long one may take to answer; twice as long for a fresh look.", unit="duration"
        ),
    ] = Duration(10)

    def problems(self) -> Iterable[tuple[str, str]]:
        """Name what contradicts."""
        if bool(self.service) != bool(self.namespace):
            yield ("service", "is named with its namespace: give both or neither")
        if self.service and self.authority is None:
            yield ("authority", "must be named: nobody gets a token who cannot prove who it is")
        if not 1.0 <= self.every <= RAREST:
            yield ("every", f"must be at least 1s and at most {RAREST:.0f}s")
        if self.timeout <= 0:
            yield ("timeout", "must be more than 0s")


class Said(msgspec.Struct, frozen=True):
    """An answer, and the mark by which the next question names it."""

    answer: Answer
    mark: str


class Reader:
    """Finds the node pods and asks one. Used as `async with Reader(...) as reader`."""

    def __init__(self, api: Api, access: Access, settings: FactsSettings) -> None:
        self._api = api
        self._access = access
        self._settings = settings
        self.largest = LARGEST_ANSWER
        self._session: aiohttp.ClientSession | None = None
        self._tls: tuple[tuple[int, int], ssl.SSLContext] | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def pods(self) -> dict[str, NodePod]:
        """Return the node pods by node; raises ObserveError."""
        namespace, service = self._settings.namespace, self._settings.service
        space = f"namespaces/{quote(namespace, safe='')}"
        params = {
            "labelSelector": f"kubernetes.io/service-name={service}",
            "resourceVersion": "0",  # what the API server has in memory
        }
        try:
            slices = f"/apis/discovery.k8s.io/v1/{space}/endpointslices"
            body = await self._api.send("GET", slices, params=params)
        except errors.NotInstalled:
            # Kubernetes < 1.21. The right is another one there: get endpoints.
            body = await self._api.send("GET", f"/api/v1/{space}/endpoints/{quote(service)}")
            with failures.translated(Asked("get", "endpoints", namespace, service)):
                return endpoints.pods_of_endpoints(body)
        with failures.translated(Asked("list", "endpointslices", namespace, "")):
            return endpoints.pods(body)

    async def ask(
        self, pod: NodePod, kinds: Iterable[Kind], *, mark: str = "", fresh: bool = False
    ) -> Said | None:
        """Return what a node tells of these kinds; None: as when it gave this mark.

        Raises ObserveError.
        """
        if self._session is None:
            raise RuntimeError("the reader is used as `async with Reader(...) as reader`")
        host = f"[{pod.address}]" if ":" in pod.address else pod.address
        wanted = sorted(kinds)
        query = "&".join([*(f"kind={kind}" for kind in wanted), *(["fresh=1"] if fresh else [])])
        sent = {"Authorization": await self._authorization()}
        if mark:
            sent["If-None-Match"] = mark
        times = FRESH_TIMES if fresh else 1.0
        asked = Asked("get", "facts", "", pod.node)
        with failures.translated(asked):
            async with self._session.get(
                f"https://{host}:{pod.port}/facts?{query}",
                headers=sent,
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout * times),
                ssl=self._trusted(),
                server_hostname=self._name(),
                allow_redirects=False,
            ) as answer:
                if mark and answer.status == HTTPStatus.NOT_MODIFIED:
                    return None
                body = await body_of(answer, self.largest, asked)
            found = node_answer.read(body, pod.node, wanted)
            return Said(found, answer.headers.get("ETag", ""))

    async def fresh(self, node: str, kinds: frozenset[Kind]) -> Fresh:
        """Let a node, or all of them, look again now. Raises ObserveError without their addresses.

        A node that does not answer makes all kinds unseen, though what the others told is there.
        """
        pods = await self.pods()
        whom = [pods[node]] if node in pods else [] if node else list(pods.values())
        if not whom:
            who = f"on node {node}" if node else "on any node"
            raise errors.Unreachable(f"{self._service()} has no pod {who}: nothing is told")
        objects: list[Object] = []
        unseen: dict[Kind, str] = {}
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(pod: NodePod) -> None:
            try:
                async with slots:
                    said = await self.ask(pod, kinds, fresh=True)
            except errors.ObserveError as error:
                unseen.update(dict.fromkeys(kinds, str(error)))
                return
            for kind, told in said.answer.kinds.items() if said is not None else ():
                objects.extend(told.objects)
                if told.unseen:
                    unseen[kind] = told.unseen

        await asyncio.gather(*map(one, whom))
        return Fresh(objects, unseen)

    def _service(self) -> str:
        return f"service {self._settings.namespace}/{self._settings.service}"

    def _name(self) -> str:
        return self._settings.server_name or (
            f"{self._settings.service}.{self._settings.namespace}.svc"
        )

    async def _authorization(self) -> str:
        if self._settings.token is None:
            return (await self._access.credentials()).authorization
        try:
            token = self._settings.token.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = f"the token for node pods {self._settings.token} cannot be read: {error}"
            raise errors.Unauthorized(why) from error
        return f"Bearer {token}"

    def _trusted(self) -> ssl.SSLContext:
        """Return what verifies node pods; read again when the file is another."""
        path = self._settings.authority
        if path is None:
            raise errors.Unauthorized("no CA of the node pods is named: facts.authority")
        try:
            found = path.stat()
            mark = (found.st_ino, found.st_mtime_ns)
            if self._tls is None or self._tls[0] != mark:
                self._tls = (mark, ssl.create_default_context(cafile=path))
        except (OSError, ssl.SSLError) as error:
            why = f"the node pods' CA {path} cannot be read: {error}"
            raise errors.Unauthorized(why) from error
        return self._tls[1]
