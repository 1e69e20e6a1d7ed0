"""What the CLI reads, and its patience with a server that has just started."""

import asyncio

import pytest

from exporter.observe.errors import Throttled
from remediator import store
from remediator.cli.cluster import PATIENT_TRIES, remediation, remediations
from tests.cli.scripted import Scripted, wire
from tests.story.objects import NAME, record

BUSY = Throttled("list remediations: too many requests (429): storage is (re)initializing", 0.001)


def test_a_server_that_asks_for_patience_is_given_some() -> None:
    """An API server that has just got a new kind says 429 at its first lists."""
    api = Scripted(record())
    api.on(f"GET {store.PATH}", BUSY, BUSY, {"items": [wire(record())]})
    found, unreadable = asyncio.run(remediations(api))
    assert ([one.record.name for one in found], unreadable) == ([NAME], [])


def test_patience_has_an_end() -> None:
    """Then the person hears what the server says."""
    api = Scripted(record())
    api.on(f"GET {store.PATH}/{NAME}", BUSY)
    with pytest.raises(Throttled, match="initializing"):
        asyncio.run(remediation(api, NAME))
    assert len(api.sent) == PATIENT_TRIES + 1
