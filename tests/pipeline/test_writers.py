"""What goes over the wire to Kubernetes: the node's patch, and Events."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from exporter.observe.errors import Conflict, Forbidden, NotFound, ObserveError, Unauthorized
from exporter.observe.kube.access import Credentials
from exporter.observe.kube.api import GET_SECONDS, Api
from remediator.actuators.kubernetes import KubernetesActuator
from remediator.actuators.routed import Routed
from remediator.ports import Report
from remediator.record import HistoryEntry, Phase
from remediator.sinks import WAITING_EVENTS, KubeEvents
from remediator.world import PAUSE, KubernetesWorld
from tests.story.objects import DEAD, NAME, NOW, node, planned, record, step, view, view_of


class Nobody:
    """Credentials that nobody asks for."""

    async def credentials(self) -> Credentials:
        """Refuse."""
        raise Unauthorized("this client sends nothing over a network")


class Wire(Api):
    """Keeps what is sent and answers what it is told to."""

    def __init__(self, answer: bytes | ObserveError = b"{}") -> None:
        """Answer every request in the same way."""
        super().__init__(Nobody())
        self.answer = answer
        self.sent: list[tuple[str, str, str, Mapping[str, str], dict[str, object]]] = []

    async def send(
        self,
        method: str,
        where: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
        timeout: float = GET_SECONDS,  # noqa: ASYNC109 -- the client's own signature
    ) -> bytes:
        """Keep one request."""
        del timeout
        self.sent.append((method, where, content_type, params or {}, json.loads(body or b"{}")))
        if isinstance(self.answer, ObserveError):
            raise self.answer
        return self.answer


def test_a_step_is_one_merge_patch_bound_to_what_was_seen() -> None:
    """Bound by uid and resourceVersion; the writer has a name."""
    wire = Wire()
    asyncio.run(Routed(KubernetesActuator(wire)).apply(step(), view()))
    ((method, where, kind, params, body),) = wire.sent
    assert (method, where) == ("PATCH", f"/api/v1/nodes/{DEAD}")
    assert kind == "application/merge-patch+json"
    assert params == {"fieldManager": "pvmedic-remediator"}
    planned_write = step().act(view())
    assert planned_write is not None
    assert body == planned_write.body


@pytest.mark.parametrize("there", [(), (node(DEAD, uid="uid-new"),)], ids=["gone", "another"])
def test_a_step_for_a_node_that_is_not_the_planned_one_is_not_sent(there: tuple[()]) -> None:
    """A Conflict, before anything goes out."""
    wire = Wire()
    with pytest.raises(Conflict):
        asyncio.run(Routed(KubernetesActuator(wire)).apply(step(), view_of(*there)))
    assert wire.sent == []


def test_a_refusal_comes_back_as_it_is() -> None:
    """The engine decides what it means."""
    with pytest.raises(Forbidden):
        asyncio.run(
            Routed(KubernetesActuator(Wire(Forbidden("patch nodes")))).apply(step(), view())
        )


def report(phase: Phase, before: str, wrote: str = "") -> Report:
    """Return a report about a planned record."""
    entry = HistoryEntry(NOW, phase, "a sentence")
    return Report(record(phase=phase, plan=planned()), entry, before, wrote)


async def written(events: KubeEvents, wire: Wire, number: int) -> None:
    """Run until a number of Events went out."""
    task = asyncio.create_task(events.run())
    async with asyncio.timeout(10):
        while len(wire.sent) < number:  # noqa: ASYNC110 -- what is waited for is plain values
            await asyncio.sleep(0)
    task.cancel()


def test_a_change_of_phase_is_an_event_on_the_node_and_on_each_claim() -> None:
    """There `kubectl describe` shows it."""
    wire = Wire()
    events = KubeEvents(wire)
    events.take(report(Phase.BLOCKED, "Deferred"))
    asyncio.run(written(events, wire, 3))
    assert [where for _, where, *_ in wire.sent] == [
        "/api/v1/namespaces/default/events",
        "/api/v1/namespaces/web/events",
        "/api/v1/namespaces/web/events",
    ]
    first = wire.sent[0][4]
    assert first["reason"] == "PvmedicBlocked"
    assert first["type"] == "Warning"
    assert first["message"] == f"[pvmedic] {NAME}: a sentence"
    about = first["involvedObject"]
    assert isinstance(about, dict)
    assert (about["kind"], about["name"], about["uid"]) == ("Node", DEAD, f"uid-{DEAD}")
    named = [body["involvedObject"] for *_, body in wire.sent[1:]]
    assert [one["name"] for one in named if isinstance(one, dict)] == ["files", "rows"]


def test_a_write_is_an_event_of_its_own() -> None:
    """Even when the phase stays."""
    wire = Wire()
    events = KubeEvents(wire)
    events.take(report(Phase.RUNNING, "Running", wrote="put taint"))
    asyncio.run(written(events, wire, 3))
    assert wire.sent[0][4]["reason"] == "PvmedicWrote"
    assert wire.sent[0][4]["type"] == "Normal"


@pytest.mark.parametrize(
    ("phase", "before"), [(Phase.DEFERRED, "Deferred"), (Phase.CLEARED, "Running")]
)
def test_what_is_no_news_on_a_node_is_no_event(phase: Phase, before: str) -> None:
    """The record has it all the same."""
    wire = Wire()
    events = KubeEvents(wire)
    events.take(report(phase, before))
    events.take(report(Phase.BLOCKED, "Deferred"))
    asyncio.run(written(events, wire, 3))
    assert {body["reason"] for *_, body in wire.sent} == {"PvmedicBlocked"}


def test_events_that_cannot_be_written_stop_nothing() -> None:
    """Lost ones are lost, and so are those beyond the queue."""
    wire = Wire(Forbidden("create events"))
    events = KubeEvents(wire)
    for _ in range(WAITING_EVENTS):
        events.take(report(Phase.BLOCKED, "Deferred"))
    asyncio.run(written(events, wire, WAITING_EVENTS))
    assert len(wire.sent) == WAITING_EVENTS


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b'{"major":"1","minor":"36"}', (1, 36)),
        (b'{"major":"1","minor":"26+"}', (1, 26)),
        (b'{"major":"1","minor":""}', None),
        (b"<html>", None),
        (Forbidden("get /version"), None),
    ],
)
def test_the_servers_version_is_two_numbers_or_unknown(
    answer: bytes | ObserveError, expected: tuple[int, int] | None
) -> None:
    """Some clouds write a plus sign."""
    assert asyncio.run(KubernetesWorld(Wire(answer), "pvmedic").version()) == expected


def test_the_kill_switch_is_a_config_map_in_our_namespace() -> None:
    """There means on, not there means off, anything else is not known."""
    on, off, broken = Wire(), Wire(NotFound("404")), Wire(Forbidden("get configmaps"))
    assert asyncio.run(KubernetesWorld(on, "medic").paused()) is True
    assert asyncio.run(KubernetesWorld(off, "medic").paused()) is False
    assert asyncio.run(KubernetesWorld(broken, "medic").paused()) is None
    assert on.sent[0][:2] == ("GET", f"/api/v1/namespaces/medic/configmaps/{PAUSE}")
