"""Cluster states by chance: one in which a repair is right, and whatever speaks against it.

Most of each state is usual, or nothing would ever be done. Nothing here says what may be done.
"""

from collections.abc import Mapping
from datetime import time

import msgspec
from hypothesis import strategies as st

from exporter.observe import model
from exporter.observe.model import Kind, Lease, Ready, Subject
from remediator.case import SWITCH
from remediator.node_lease import name_of as lease_of
from remediator.orders import Decision, Order
from remediator.ports import Told
from remediator.record import Phase, Record, name_of
from remediator.schedule import Freeze, Window
from tests.story import objects as made
from tests.story.fake_cluster import FakeCluster
from tests.story.objects import AUTO, DEAD, LIVE, NAME, NOW, SIGNAL, SPARE, SUBJECT, record
from tests.story.old_cluster import SET, OldCluster

SPACE = "medik8s-leases"
SECOND = name_of(SIGNAL, Subject((("node", SPARE),)), 1)
"""The record of the other node that may be lost, too."""
RELEASED = NOW - 30.0
CLOSED = Window(("mon",), time(22), time(4), "UTC")
"""NOW is a Friday morning."""


class Other(msgspec.Struct, frozen=True):
    """Another record: its phase, when it acted last, and what it works on.

    node: empty for none. ours: whether it touches our claims. same: whether it is an episode of
    before of our own subject. released: whether a person has let go of it.
    """

    phase: Phase = Phase.SETTLED
    acted: float | None = None
    node: str = LIVE
    ours: bool = False
    same: bool = False
    released: bool = False
    signal: str = SIGNAL


class State(msgspec.Struct, frozen=True):
    """A cluster, its cloud, its records and its people; what is not named is as it mostly is.

    local: how a volume lives on the node. opted: what carries our label, and its word. yes: the
    plan that somebody has said yes to. holder: who holds the node's Lease. server: the version of
    Kubernetes; an old one has pods deleted by force.
    """

    ready: Ready = Ready.UNKNOWN
    power: str = "stopped"
    hibernated: bool = False
    account: str = "123456789012"
    local: str = ""
    twice: bool = False
    unseen: frozenset[Kind] = frozenset()
    replaced: bool = False
    second: bool = False
    more_nodes: int = 10
    more_lost: int = 0
    others: tuple[Other, ...] = ()
    concurrency: int = 2
    per_handler: int = 3
    overall: int = 6
    radius: float = 0.5
    breaker: int = 3
    mode: str = "auto"
    yes: str = ""
    pause: bool | None = False
    unheard: str = ""
    ahead: float | None = 0.0
    opted: tuple[str, str] = ("", "")
    opt_in: bool = False
    heard: float = NOW - 1.0
    told: Told | str | None = None
    blocking: frozenset[str] = frozenset()
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    holder: str = ""
    server: tuple[int, int] = (1, 36)


WRONG = Other(Phase.FAILED, None, "", ours=True)
BLOCKS = frozenset({"EtcdDown"})
Changes = Mapping[str, object]

AGAINST: Mapping[str, tuple[Changes, ...]] = {
    "mode": ({"mode": "approve"}, {"mode": "approve", "yes": "another"}),
    "kill_switch": ({"pause": True}, {"pause": None}),
    "people": ({"unheard": "403"},),
    "clocks": ({"ahead": None}, {"ahead": 31.0}, {"ahead": -400.0}),
    "breaker": (
        {"others": (WRONG,) * 3},
        {"others": (msgspec.structs.replace(WRONG, phase=Phase.UNSETTLED),), "breaker": 1},
        {"others": (msgspec.structs.replace(WRONG, released=True),) * 3, "heard": NOW - 45.0},
    ),
    "opt_out": tuple(
        {"opted": (what, "disabled")} for what in ("label", "node", "namespace", "claim")
    ),
    "opt_in": ({"opt_in": True}, {"opt_in": True, "opted": ("claim", "enabled")}),
    "alert_freshness": ({"heard": NOW - 6 * 3600.0},),
    "silence": ({"told": Told(silence="3f2a: hands off")}, {"told": "Alertmanager is away"}),
    "blocking_alerts": ({"blocking": BLOCKS}, {"blocking": BLOCKS, "told": Told(BLOCKS)}),
    "maintenance_window": ({"windows": (CLOSED,)},),
    "freeze": ({"freezes": (Freeze(NOW - 60.0, NOW + 3600.0, "the sale"),)},),
    "cooldown": ({"others": (Other(acted=NOW - 10.0, same=True),)},),
    "rate": (
        {"others": (Other(acted=NOW - 3000.0),), "per_handler": 1},
        {"others": (Other(acted=NOW - 3000.0, signal="multi_attach"),), "overall": 1},
    ),
    "concurrency": ({"others": (Other(Phase.RUNNING, node=""),), "concurrency": 1},),
    "one_node": ({"others": (Other(Phase.VERIFYING, node=LIVE),)}, {"second": True}),
    "related": ({"others": (Other(Phase.RUNNING, node="", ours=True),)},),
    "node_lease": ({"holder": "node-healthcheck"},),
    "attached_twice": ({"twice": True},),
    "blast_radius": (
        {"others": (Other(Phase.HOLDING), Other(Phase.HOLDING, node="more-0")), "radius": 0.0},
    ),
    "cluster_health": ({"more_lost": 8}, {"more_nodes": 0, "more_lost": 0, "second": True}),
    "fencing_proof": (
        *({"power": power} for power in ("running", "stopping", "shutting-down")),
        {"hibernated": True},
    ),
}
"""By guard: what it alone speaks against, in the usual state."""

FURTHER: tuple[Changes, ...] = (
    *({"ready": ready} for ready in (Ready.TRUE, Ready.FALSE)),
    {"power": "terminated"},
    {"account": "999999999999"},
    *({"local": how} for how in ("on_node", "hostname")),
    *({"unseen": frozenset({kind})} for kind in (Kind.NODE, Kind.ATTACHMENT, Kind.POD)),
    *({"unseen": frozenset({kind})} for kind in (Kind.VOLUME, Kind.CLAIM, Kind.NAMESPACE)),
    {"unseen": frozenset({Kind.LEASE})},
    {"replaced": True},
    {"ahead": 29.0},
    {"mode": "observe"},
    {"mode": "approve", "yes": "this"},
    {"opt_in": True, "opted": ("namespace", "enabled")},
    {"blocking": BLOCKS, "told": Told(frozenset({"Watchdog"}))},
    {"holder": f"pvmedic/{NAME}"},
)
"""What the handler, the look or the write speak against, and what nobody does."""

OTHERS = st.builds(
    Other,
    phase=st.sampled_from([Phase.RUNNING, Phase.VERIFYING, Phase.HOLDING, Phase.SETTLED])
    | st.sampled_from([Phase.FAILED, Phase.UNSETTLED, Phase.DEFERRED]),
    acted=st.sampled_from([None, NOW - 10.0, NOW - 3000.0, NOW - 7200.0]),
    node=st.sampled_from(["", LIVE, "more-0", "more-1"]),
    ours=st.booleans(),
    same=st.booleans(),
    released=st.booleans(),
    signal=st.sampled_from([SIGNAL, "multi_attach"]),
)
NUMBERS: Mapping[str, st.SearchStrategy[object]] = {
    "more_nodes": st.integers(0, 30),
    "others": st.just(()) | st.lists(OTHERS, max_size=3).map(tuple),
    "concurrency": st.integers(1, 4),
    "per_handler": st.integers(1, 3),
    "overall": st.integers(1, 4),
    "radius": st.sampled_from([0.0, 0.1, 0.5]),
    "breaker": st.integers(1, 3),
    "server": st.sampled_from([(1, 36), (1, 22)]),
}
CHANGES = st.sampled_from([*(one for many in AGAINST.values() for one in many), *FURTHER])
BUDGETS = st.fixed_dictionaries({}, optional=dict(NUMBERS))


@st.composite
def states(draw: st.DrawFn) -> State:
    """Return the usual state with other numbers, and up to three things that are otherwise."""
    fields = dict(draw(BUDGETS))
    for change in draw(st.lists(CHANGES, max_size=3)):
        fields |= change
    return msgspec.structs.replace(State(), **fields)


def built(state: State, planned: str = "") -> FakeCluster:
    """Return the cluster of a state; `planned` is the hash of the plan that is made in it."""
    policy = msgspec.structs.replace(
        AUTO,
        mode=state.mode,
        concurrency=state.concurrency,
        rate_per_handler=state.per_handler,
        rate_overall=state.overall,
        blast_radius=state.radius,
        breaker=state.breaker,
        opt_in=state.opt_in,
        blocking_alerts=state.blocking,
        windows=state.windows,
        freezes=state.freezes,
        medik8s_leases=SPACE if state.holder else "",
    )
    cluster = OldCluster(policy=policy)
    cluster.server = state.server
    cluster.pause, cluster.unheard, cluster.alertmanager = state.pause, state.unheard, state.told
    cluster.ahead = state.ahead
    _place(cluster, state)
    _opt(cluster, *state.opted)
    cluster.unseen = dict.fromkeys(state.unseen, "403")
    plan = msgspec.structs.replace(made.planned(), hash=planned) if planned else None
    cluster.open(record(plan=plan, last_alert_at=state.heard))
    if state.yes:
        cluster.orders = [_yes(planned if state.yes == "this" else state.yes)]
    if state.second:
        _lose_another(cluster, state)
    for number, other in enumerate(state.others):
        cluster.open(_record(number, other))
    return cluster


def _place(cluster: FakeCluster, state: State) -> None:
    cluster.change(cluster.node, ready=state.ready)
    machine = cluster.machine
    machine.state, machine.hibernated = state.power, state.hibernated  # type: ignore[assignment]
    machine.account = state.account
    for number in range(state.more_nodes):
        ready = Ready.UNKNOWN if number < state.more_lost else Ready.TRUE
        cluster.put(made.node(f"more-{number}", ready))
    if state.local == "on_node":
        cluster.put(made.volume("rows", on_node=True))
    if state.local == "hostname":
        term = model.NodeTerm("kubernetes.io/hostname", "In", (DEAD,), False)  # noqa: FBT003
        cluster.put(made.volume("rows", affinity=(term,)))
    if state.twice:
        cluster.put(made.attachment("rows", LIVE))
    if state.holder:
        cluster.put(Lease(SPACE, lease_of(DEAD), "1", NOW, state.holder, 3600))


def _opt(cluster: FakeCluster, what: str, word: str) -> None:
    said, node = {SWITCH: word}, cluster.node
    if what == "label":
        cluster.change(node, labels={**node.labels, **said})
    if what == "node":
        cluster.change(node, annotations=said)
    if what == "namespace":
        cluster.put(made.namespace(annotations=said))
    if what == "claim":
        cluster.put(made.claim("rows", annotations=said))


def _lose_another(cluster: FakeCluster, state: State) -> None:
    """Let a second node be lost with a volume of its own, as provably dead as the first one."""
    cluster.put(made.node(SPARE, Ready.UNKNOWN))
    cluster.put(made.lease(SPARE))
    for one in (made.claim("logs"), made.volume("logs"), made.attachment("logs", SPARE)):
        cluster.put(one)
    cluster.put(made.pod("log-0", "logs", SPARE, owner=SET))
    cluster.machines[made.instance_id(SPARE)].state = "stopped"
    cluster.open(record(subject=Subject((("node", SPARE),)), last_alert_at=state.heard))


def _yes(plan_hash: str) -> Order:
    return Order("yes", "uid-yes", NAME, f"uid-{NAME}", Decision.APPROVE, "ann", NOW, plan_hash)


def _record(number: int, other: Other) -> Record:
    touches = (
        *((f"node {other.node}",) if other.node else ()),
        "claim web/rows" if other.ours else f"claim web/other-{number}",
    )
    plan = msgspec.structs.replace(made.planned(other.node or LIVE), touches=touches)
    subject = SUBJECT if other.same else Subject((("node", f"{other.node}-{number}"),))
    return record(
        number + 2,
        subject,
        other.signal,
        phase=other.phase,
        acted_at=other.acted,
        plan=plan,
        phase_since=NOW - 120.0,
        released_at=RELEASED if other.released else None,
    )
