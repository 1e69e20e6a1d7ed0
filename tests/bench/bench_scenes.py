"""What each scene asks of the API server: calls and bytes, by verb and resource. Printed.

The remediator as it ships reaches a real control plane through a way that counts; what others ask
is not counted. From the failure to Settled, waiting for others among it, with the demo's times: a
look every second, where the shipped settings look every 15 s. Bytes are of bodies, unpacked.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from exporter.observe.kube.resources import asked
from tests.bench.figures import machine, tell
from tests.cluster import test_rwx as rwx
from tests.cluster.gate import Gate
from tests.cluster.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

    from demo.line import Line
    from tests.cluster.gate import Write

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

SHOWN = 8
OWN = ("remediations", "remediationapprovals")


class Unasked:
    """Lets every write pass."""

    def before(self, write: Write) -> bool:
        """Let it pass."""
        del write
        return True

    def after(self, write: Write, status: int) -> None:
        """Forget it."""


class Counted(Gate):
    """Counts calls and the bytes of bodies, both ways; a watch counts once, with all it brings."""

    def forget(self) -> None:
        """Begin anew."""
        self.calls, self.bytes = Counter[str](), Counter[str]()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        sent = len(await request.read())
        answer = await super()._answer(request)
        one = asked(request.method, request.path, watch="watch" in request.query)
        self.calls[f"{one.verb} {one.resource}"] += 1
        self.bytes[f"{one.verb} {one.resource}"] += sent + _length(answer)
        return answer


def _length(answer: web.StreamResponse) -> int:
    """Return the bytes of a body, sent or still to be sent."""
    body = getattr(answer, "body", None)
    return len(body) if isinstance(body, bytes) else answer.body_length


@pytest.fixture
def stage(line: Line) -> Iterator[Stage]:
    """One scene's part of a fresh cluster."""
    stage = Stage(line, "bench", *line.cluster.nodes[:2])
    stage.open()
    yield stage
    stage.close()


@pytest.fixture
def counted(stage: Stage) -> Iterator[Counted]:
    """Put the counter between the remediator and the API server."""
    gate = Counted(stage.cluster, Unasked())
    gate.forget()
    stage.start_remediator(kubernetes={"server": gate.url})
    yield gate
    stage.line.child("remediator").kill()
    gate.close()


def told(name: str, counted: Counted, began: float, size: int) -> None:
    """Print what a scene has asked for."""
    calls, moved = counted.calls, counted.bytes
    leases = sum(n for what, n in calls.items() if what.endswith(" leases"))
    writes = sum(n for what, n in calls.items() if what.split()[0] not in ("get", "list", "watch"))
    own = sum(n for what, n in calls.items() if what.split()[1].split("/")[0] in OWN)
    tell(
        f"\n{name}: {time.monotonic() - began:.0f} s, {calls.total()} calls with"
        f" {moved.total() / 1024:.0f} KiB; of them {writes} writes, {own} about records, {leases}"
        f" about Leases; the record has {size} bytes at the end. {machine()}"
    )
    for what, number in moved.most_common(SHOWN):
        tell(f"  {what:<36}{calls[what]:5d} calls {number / 1024:9.1f} KiB")


def size_of(line: Line) -> int:
    """Return how large the newest record is."""
    return len(str(line.remediations()[-1]))


def test_node_loss(stage: Stage, counted: Counted) -> None:
    """Two pods with volumes; the machine is off, the taint, pods elsewhere, the machine back."""
    stage.shop()
    counted.forget()
    began = time.monotonic()
    stage.cluster.cloud.stop(stage.instance)
    stage.until_phase("Holding")
    stage.power_cycle()
    stage.until_phase("Settled")
    told("node loss", counted, began, size_of(stage.line))


def test_rwx(stage: Stage, counted: Counted) -> None:
    """Five kinds of users are stopped; Rok speaks two seconds after nobody is left; all start."""
    rwx.begin(stage)
    counted.forget()
    began = time.monotonic()
    rwx.alert(stage)
    stage.wait("no pod left", lambda: not stage.pods())
    second = int(time.time()) + 2
    stage.wait("two seconds", lambda: time.time() >= second)
    rwx.clear(stage)
    stage.wait("Settled", lambda: rwx.status(stage).get("phase") == "Settled")
    told("rwx", counted, began, size_of(stage.line))
