"""What a node shows, told to accounts of a real API server: those that may, and nobody else."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from exporter.facts_server import PATH, Counts, Facts, FactsServer
from exporter.observe import errors
from exporter.observe.kube.access import Access, Where, access
from exporter.observe.kube.api import Api
from exporter.observe.kube.reviews import Reviews
from exporter.observe.model import Kind
from exporter.observe.node_pods import FactsSettings, Reader, Said
from exporter.observe.parse.endpoints import NodePod
from exporter.observe.sources import Looking, LookState
from exporter.settings import FactsServing
from local.background import CLOSING_SECONDS
from tests.edges.test_facts_server import LOOKED, Deaf, Played
from tests.kit.authority import Authority
from tests.kit.served import Served, put

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from demo.line import Line
    from local.cluster import LocalCluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

SPACE = "pvmedic-node"
SERVICE = "facts-test"
NAME = f"{SERVICE}.{SPACE}.svc"
ADDRESS = "192.0.2.1"
"""Nobody's; loopback is none that an EndpointSlice may name."""


@pytest.fixture
def cluster(line: Line) -> Iterator[LocalCluster]:
    """Return the cluster, with an EndpointSlice of a Service of one node pod."""
    about = {"namespace": SPACE, "name": SERVICE}
    body = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**about, "labels": {"kubernetes.io/service-name": SERVICE}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ADDRESS], "nodeName": "a", "conditions": {"ready": True}}],
        "ports": [{"name": "facts", "port": 9821}],
    }
    line.cluster.apply(json.dumps(body))
    yield line.cluster
    line.cluster.kubectl("-n", SPACE, "delete", "endpointslice", SERVICE)


def account(cluster: LocalCluster, name: str, space: str = "") -> Access:
    """Return what an account has in its pod."""
    space = space or (SPACE if name == "pvmedic-node" else "pvmedic")
    directory = cluster.service_account(space, name)
    return access(Where(server=cluster.server, service_account_directory=directory), {})


class Node:
    """A node that tells, and how it is asked."""

    def __init__(self, cluster: LocalCluster, authority: Authority, face: Served) -> None:
        self._cluster = cluster
        self._settings = FactsSettings(SPACE, SERVICE, authority.certificate)
        self._face = face

    async def ask(self, who: Access) -> Said | None:
        """Ask as somebody."""
        async with Api(who) as api, Reader(api, who, self._settings) as reader:
            return await reader.ask(NodePod("a", "127.0.0.1", self._face.web.address.port), LOOKED)

    async def pods(self, who: Access) -> dict[str, NodePod]:
        """Find the node pods as somebody."""
        async with Api(who) as api, Reader(api, who, self._settings) as reader:
            return await reader.pods()


@asynccontextmanager
async def node(
    cluster: LocalCluster, directory: Path, who: Access, audience: str = ""
) -> AsyncIterator[Node]:
    """Serve what a node shows, checking callers as this account."""
    authority = Authority(directory)
    pair, file = authority.issue(NAME), directory / "web.yaml"
    put(file, f"tls_server_config: {{cert_file: {pair.certificate}, key_file: {pair.key}}}\n")
    face, source = Served(file), Played()
    loop = asyncio.get_running_loop()
    facts = Facts("a", {kind: LookState(kind, loop.time) for kind in LOOKED}, Deaf())
    looking = Looking(source, dict(facts.states), facts, Deaf(), loop.time)
    async with Api(who) as api:
        reviews = Reviews(api, PATH, audience, loop.time)
        counts = Counts(face.registry)
        FactsServer(facts, reviews, [looking], FactsServing(), counts).serve(face.web)
        await looking.now()
        async with face.web:
            yield Node(cluster, authority, face)
            await asyncio.sleep(CLOSING_SECONDS)


def test_only_who_may_is_told_what_a_node_shows(
    cluster: LocalCluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By the rights that ship: the exporter's account is, the remediator's and a stranger's not."""
    for name in ("node", "blind"):
        (tmp_path / name).mkdir()

    async def run() -> None:
        exporter = account(cluster, "pvmedic-exporter")
        async with node(cluster, tmp_path / "node", account(cluster, "pvmedic-node")) as found:
            assert await found.pods(exporter) == {"a": NodePod("a", ADDRESS, 9821)}
            said = await found.ask(exporter)
            assert said is not None
            assert len(said.answer.kinds[Kind.GLUSTERD].objects) == 1
            for who in ("pvmedic-remediator", "pvmedic-node", "default"):
                with pytest.raises(errors.Forbidden, match=r"get facts a: not allowed \(403\)"):
                    await found.ask(account(cluster, who))
            with pytest.raises(errors.Forbidden, match="list endpointslices in namespace pvmedic"):
                await found.pods(account(cluster, "pvmedic-node"))
        stranger = account(cluster, "default")
        async with node(cluster, tmp_path / "blind", stranger) as found:
            with pytest.raises(errors.ServerFailed, match="503"):
                await found.ask(exporter)
        assert "create tokenreviews at cluster scope: not allowed (403)" in caplog.text

    asyncio.run(run())


def test_a_token_for_one_audience_is_none_for_another(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    """One made for node pods opens nothing at the API server, and the reverse."""
    made = tmp_path / "account"
    for name in ("account", "narrow", "wide"):
        (tmp_path / name).mkdir()
    plain = cluster.service_account("pvmedic", "pvmedic-exporter")
    (made / "ca.crt").write_bytes((plain / "ca.crt").read_bytes())
    token = cluster.kubectl(
        "-n", "pvmedic", "create", "token", "pvmedic-exporter", "--audience=pvmedic-facts"
    )
    (made / "token").write_text(token)
    narrow = access(Where(server=cluster.server, service_account_directory=made), {})

    async def run() -> None:
        checks, wide = account(cluster, "pvmedic-node"), account(cluster, "pvmedic-exporter")
        async with node(cluster, tmp_path / "narrow", checks, "pvmedic-facts") as found:
            assert await found.ask(narrow) is not None
            with pytest.raises(errors.Unauthorized):
                await found.ask(wide)
            with pytest.raises(errors.Unauthorized):
                await found.pods(narrow)
        async with node(cluster, tmp_path / "wide", checks) as found:
            with pytest.raises(errors.Unauthorized):
                await found.ask(narrow)

    asyncio.run(run())
