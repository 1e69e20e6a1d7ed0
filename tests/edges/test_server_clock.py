"""How far apart clocks are, from the Date of answers: never more than is known for sure."""

import asyncio
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.observe.kube.server_clock import ServerClock
from tests.edges.fake_api_server import FakeApiServer

THEN = 1_800_000_000.0
NODE = "/api/v1/nodes/a"


def heard(server: float, sent: float, received: float) -> float | None:
    """Return what one answer tells that the server made at this time of its own."""
    clock = ServerClock()
    clock.heard(formatdate(server, usegmt=True), sent, received)
    return clock.ahead


@given(
    ahead=st.floats(-1e6, 1e6),
    there=st.floats(0.0, 60.0),
    back=st.floats(0.0, 60.0),
    at=st.floats(THEN, THEN + 10.0),
)
def test_it_never_says_more_than_there_is(
    ahead: float, there: float, back: float, at: float
) -> None:
    """However long an answer took: it is sure, or it is 0; and a quick one tells to a second."""
    found = heard(at, at - there + ahead, at + back + ahead)
    assert found is not None
    assert abs(found) <= abs(ahead) + 1e-3
    assert found * ahead >= 0.0
    assert abs(found) >= abs(ahead) - there - back - 1.001


@pytest.mark.parametrize("date", ["", "soon", "Thu, 99 Nov 2026 00:00:00 GMT"])
def test_a_date_that_is_none_changes_nothing(date: str) -> None:
    """Before any other nobody knows; afterwards what was known stands."""
    clock = ServerClock()
    clock.heard(date, THEN, THEN)
    assert clock.ahead is None
    clock.heard(formatdate(THEN, usegmt=True), THEN + 60.0, THEN + 60.0)
    clock.heard(date, THEN, THEN)
    assert clock.ahead == 59.0


@pytest.mark.parametrize("status", [200, 403, 500])
def test_every_answer_tells_it(server: FakeApiServer, status: int) -> None:
    """A refusal, too."""
    server.json(NODE, {}, status, Date="Thu, 26 Nov 2020 08:00:00 GMT")

    async def run() -> float | None:
        async with server.api() as api, asyncio.timeout(20):
            assert api.clock.ahead is None
            await asyncio.gather(api.send("GET", NODE), return_exceptions=True)
            return api.clock.ahead

    ahead = asyncio.run(run())
    assert ahead is not None
    assert ahead > 86400.0
