"""One real pool for all tests here; each leaves it as whole as it found it.

Its volumes: `rep3` (replica 3, server quorum on) and `arb` (with an arbiter).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.observe.gluster_safety import safeties
from local import namespaces, tools
from local.gluster import GlusterPool
from tests.gluster.eyes import Eyes

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONS = {
    "cluster.server-quorum-type": "server",
    "network.ping-timeout": "3",  # ships: 42 s
}


@pytest.fixture(scope="session")
def started() -> Iterator[GlusterPool]:
    """Start the pool once, at DEBUG, so that every lock is a line of its log."""
    if reason := namespaces.why_not():
        pytest.skip(f"a real GlusterFS pool: {reason}")
    with GlusterPool.start(tools.ensure_gluster(print), "DEBUG") as pool:
        pool.create("rep3", "replica", "3")
        pool.create("arb", "replica", "3", "arbiter", "1")
        for option, value in OPTIONS.items():
            pool.set("rep3", option, value)
        yield pool


@pytest.fixture
def pool(started: GlusterPool) -> Iterator[GlusterPool]:
    """Return the pool, and wait until every node of it may be taken away again."""
    yield started
    started.mend()  # for the next test, when this one has not come to its end
    with Eyes(started) as eyes:

        def whole() -> bool:
            return all(one.safe for one in safeties(eyes.view()).values())

        if not whole():
            eyes.until("a whole pool", whole)
