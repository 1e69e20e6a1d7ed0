"""A node's Lease: taken before the first write, renewed, given back; nothing without it."""

import asyncio

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.errors import Conflict, Forbidden
from exporter.observe.view import View
from remediator.actuators.kubernetes import KubernetesActuator
from remediator.actuators.node_leases import NodeLeases
from remediator.actuators.routed import Routed
from remediator.errors import Deposed
from remediator.node_lease import DURATION, holder_of
from remediator.record import LedgerEntry, Phase, StepState
from tests.pipeline.test_writers import Wire
from tests.story.objects import DEAD, NAME, NOW, planned, record, scene, step, view_of

SPACE = "medik8s-leases"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{SPACE}/leases"
US = holder_of(NAME)
DONE = msgspec.structs.replace(
    planned(),
    steps=tuple(msgspec.structs.replace(one, state=StepState.DONE) for one in planned().steps),
)
OWED = LedgerEntry("AddTaint", DEAD, NOW, f"uid-{DEAD}")


def lease(holder: str, renewed: float = NOW - 10.0, seconds: int = DURATION) -> model.Lease:
    """Return the dead node's Lease."""
    return model.Lease(SPACE, f"node-{DEAD}", "7", renewed, holder, seconds)


def seen(*leases: model.Lease) -> View:
    """Return the scene with these Leases."""
    return view_of(*scene(), *leases)


class Bench:
    """The actuator over a wire that keeps what is sent."""

    def __init__(self, space: str = SPACE) -> None:
        self.wire = Wire()
        self.deposed = False
        inner = Routed(KubernetesActuator(self.wire))
        self.leases = NodeLeases(inner, self.wire, space, lambda: NOW, self.fence)

    def fence(self) -> None:
        """Refuse when another leads."""
        if self.deposed:
            raise Deposed("not ours")

    @property
    def sent(self) -> list[tuple[str, str]]:
        """What was sent where."""
        return [(method, where) for method, where, *_ in self.wire.sent]

    def apply(self, *leases: model.Lease) -> None:
        """Do the step."""
        asyncio.run(self.leases.apply(step(), seen(*leases)))

    def tend(self, *leases: model.Lease, **status: object) -> None:
        """Tend a record."""
        asyncio.run(self.leases.tend(record(**status), seen(*leases)))  # type: ignore[arg-type]


NODE = ("PATCH", f"/api/v1/nodes/{DEAD}")


def test_the_lease_is_made_before_the_node_is_touched() -> None:
    """It goes with the node, names the record, and says how long."""
    bench = Bench()
    bench.apply()
    assert bench.sent == [("POST", LEASES), NODE]
    made = bench.wire.sent[0][4]
    assert made["spec"] == {
        "holderIdentity": US,
        "leaseDurationSeconds": DURATION,
        "renewTime": "2027-01-15T08:00:00.000000Z",
        "acquireTime": "2027-01-15T08:00:00.000000Z",
    }
    assert made["metadata"] == {
        "name": f"node-{DEAD}",
        "namespace": SPACE,
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "Node", "name": DEAD, "uid": f"uid-{DEAD}"}
        ],
    }


@pytest.mark.parametrize("there", [lease(""), lease("nhc", NOW - DURATION - 1.0)])
def test_one_that_nobody_holds_any_more_is_taken_over(there: model.Lease) -> None:
    """Bound to the version that was looked at; who else takes it meanwhile wins."""
    bench = Bench()
    bench.apply(there)
    assert bench.sent == [("PATCH", f"{LEASES}/node-{DEAD}"), NODE]
    assert bench.wire.sent[0][4]["metadata"] == {"resourceVersion": "7"}


def test_a_node_that_somebody_else_has_is_not_touched() -> None:
    """Whatever the guard had said a moment before."""
    bench = Bench()
    with pytest.raises(Conflict, match=f"nhc works on node {DEAD}"):
        bench.apply(lease("nhc"))
    assert bench.sent == []


def test_a_lease_that_may_not_be_taken_is_no_lease() -> None:
    """The missing right is named, and the node is not touched."""
    bench = Bench()
    bench.wire.answer = Forbidden("create leases")
    with pytest.raises(Forbidden, match="create leases"):
        bench.apply()
    assert bench.sent == [("POST", LEASES)]


def test_who_does_not_lead_takes_none() -> None:
    """And touches no node."""
    bench = Bench()
    bench.deposed = True
    with pytest.raises(Deposed):
        bench.apply()
    assert bench.sent == []


def test_where_nobody_shares_nodes_there_is_none() -> None:
    """The setting is empty by default."""
    bench = Bench(space="")
    bench.apply()
    bench.tend(phase=Phase.SETTLED, plan=planned())
    assert bench.sent == [NODE]


@pytest.mark.parametrize(
    "status",
    [
        {"phase": Phase.HOLDING, "plan": planned(), "ledger": (OWED,)},
        {"phase": Phase.VERIFYING, "plan": DONE},
    ],
    ids=["owes", "acts"],
)
def test_it_is_renewed_while_the_record_acts_or_owes(status: dict[str, object]) -> None:
    """Long before it runs out, and not at every look."""
    bench = Bench()
    bench.tend(lease(US, NOW - DURATION / 2 + 1.0), **status)
    assert bench.sent == []
    bench.tend(lease(US, NOW - DURATION / 2), **status)
    assert bench.sent == [("PATCH", f"{LEASES}/node-{DEAD}")]
    assert "acquireTime" not in msgspec.json.encode(bench.wire.sent[0][4]).decode()


def test_it_is_given_back_once_nothing_is_owed() -> None:
    """Others may take it at once; one that is not ours is left alone."""
    bench = Bench()
    bench.tend(lease("nhc"), phase=Phase.SETTLED, plan=planned())
    bench.tend(phase=Phase.SETTLED, plan=planned())
    assert bench.sent == []
    bench.tend(lease(US), phase=Phase.SETTLED, plan=planned())
    assert bench.sent == [("PATCH", f"{LEASES}/node-{DEAD}")]
    assert bench.wire.sent[0][4]["spec"] == {"holderIdentity": None, "leaseDurationSeconds": 1}


def test_a_record_that_waits_takes_none() -> None:
    """A plan that only waits holds no node."""
    bench = Bench()
    bench.tend(phase=Phase.DEFERRED, plan=planned())
    bench.tend(phase=Phase.DEFERRED)
    assert bench.sent == []


def test_what_cannot_be_renewed_stops_nothing() -> None:
    """The look goes on; the next write asks again."""
    bench = Bench()
    bench.wire.answer = Forbidden("patch leases")
    bench.tend(lease(US), phase=Phase.SETTLED, plan=planned())
    assert bench.sent == [("PATCH", f"{LEASES}/node-{DEAD}")]
