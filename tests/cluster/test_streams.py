"""Streaming lists of a real API server: the same objects as pages, and a watch from there."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from exporter.observe.kube.access import Where, access
from exporter.observe.kube.api import Api, Listing
from exporter.observe.model import Kind, ref
from exporter.observe.parse import wire
from local.background import CLOSING_SECONDS

if TYPE_CHECKING:
    from demo.line import Line

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]


class Asked:
    """A Tally that remembers verbs."""

    def __init__(self) -> None:
        self.verbs: list[str] = []

    def request(self, resource: str, verb: str) -> None:
        """Remember it."""
        assert resource == Kind.NODE
        self.verbs.append(verb)

    def failure(self, resource: str, verb: str, reason: str) -> None:
        """Say so."""
        raise AssertionError((resource, verb, reason))

    def undecodable(self, resource: str) -> None:
        """Say so."""
        raise AssertionError(resource)


def test_a_streaming_list_is_the_list(line: Line) -> None:
    """With etcd that reports progress, it is neither refused nor replaced by pages."""
    directory = line.cluster.service_account("pvmedic", "pvmedic-exporter")
    where = Where(server=line.cluster.server, service_account_directory=directory)
    asked = Asked()

    async def run() -> tuple[Listing, Listing]:
        async with Api(access(where, {}), asked) as api:
            streamed, paged = await api.list(Kind.NODE, stream=True), await api.list(Kind.NODE)
            async with aclosing(api.watch(Kind.NODE, streamed.version, seconds=2)) as items:
                # Accepted from this version, and ended by time, not as too old.
                assert await anext(items) is None
                assert all([isinstance(item, wire.Put | wire.Bookmark) async for item in items])
        # A watch that is left takes a moment to say goodbye over TLS.
        await asyncio.sleep(CLOSING_SECONDS)
        return streamed, paged

    streamed, paged = asyncio.run(run())
    assert asked.verbs == ["watch", "list", "watch"]
    assert {ref(obj) for obj in streamed.objects} == {ref(obj) for obj in paged.objects}
    assert len(streamed.objects) >= len(line.cluster.nodes)
    assert streamed.version
    assert not streamed.unreadable
