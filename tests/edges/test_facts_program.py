"""The exporter of the cluster as a program, and a node that tells it what it shows."""

import asyncio

from exporter.observe.kube.reviews import ACCESS, TOKENS
from exporter.observe.signals import CLUSTER
from tests.edges.fake_api_server import FakeApiServer, streamed
from tests.edges.test_exporter_program import COLLECTIONS, items, running
from tests.edges.test_facts_server import node
from tests.edges.test_reviews import ALLOWED, KNOWN

SLICES = "/apis/discovery.k8s.io/v1/namespaces/pvmedic/endpointslices"
SUCCESS = "pvmedic_collector_success"
HEARD = "pvmedic_node_facts_last_success_timestamp_seconds"
FAILED = "pvmedic_node_facts_request_failures_total"


def prepared(server: FakeApiServer) -> None:
    """Let the API server list nothing, and allow everybody."""
    for path in COLLECTIONS:
        server.json(path, items())
        server.answer(path, streamed(hold=True), watch=True)
    server.json(TOKENS, KNOWN, 201)
    server.json(ACCESS, ALLOWED, 201)


def test_a_node_is_found_asked_and_heard(server: FakeApiServer) -> None:
    """By its Service, over TLS; when there is no such right, that is counted, and nothing else."""
    prepared(server)

    async def run() -> None:
        async with node(server) as told:
            facts = (
                "facts: {namespace: pvmedic, service: pvmedic-node, server_name: node,"
                f" every: 1s, authority: '{server.directory}/authority.crt'}}\n"
            )
            async with running(server, facts) as program:
                await program.until((FAILED, "Garbage"), 1.0)
                end = {"nodeName": "a", "addresses": ["127.0.0.1"]}
                ports = [{"port": told.face.web.address.port}]
                server.json(SLICES, {"items": [{"endpoints": [end], "ports": ports}]})
                async with asyncio.timeout(15):
                    while (HEARD, "a") not in await program.samples():  # noqa: ASYNC110 -- over HTTP
                        await asyncio.sleep(0.02)
            count = "pvmedic_facts_requests_total"
            assert (told.face.registry.get_sample_value(count) or 0) >= 1

    asyncio.run(run())


def test_where_nobody_is_asked_nothing_is_said_to_be_unseen(server: FakeApiServer) -> None:
    """No node pods and no Heketi, as in most clusters: nobody is told of blindness for ever."""
    prepared(server)

    async def run() -> None:
        async with server.api(), running(server) as program:
            for one in CLUSTER:
                await program.until(("pvmedic_signals", one.name), 0.0)
            found = await program.samples()
            success = {key: value for key, value in found.items() if key[0] == SUCCESS}
            assert success == {(SUCCESS, one.name): 1.0 for one in CLUSTER}
            assert not any(name == HEARD for name, *_ in found)

    asyncio.run(run())
