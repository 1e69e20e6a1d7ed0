"""Whatever the cluster looks like: no plan is carried out that breaks a rule which people rely on.

The rules are told here once more, from the cluster and the records alone and apart from the guards.
"""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from exporter.observe import model
from exporter.observe.model import Kind, Ready, Subject
from exporter.observe.signals.base import lost
from exporter.observe.view import View
from remediator import guards, verdicts
from remediator.record import ACTING, Phase, PlanRecord, Record
from remediator.steps.taints import AddTaint
from tests.story import objects as made
from tests.story.fake_cluster import FakeCluster
from tests.story.objects import AUTO, DEAD, LIVE, NAME, NOW, SPARE, planned, record
from tests.story.test_no_taint_without_proof import proof

OUT = frozenset({*ACTING, Phase.HOLDING})
TICKS = 8
MANY, SOAK = 1500, 100_000


class Other(msgspec.Struct, frozen=True):
    """Another record: its phase, when it acted last, and whether it touches our claims."""

    phase: Phase
    acted: float | None
    node: str
    ours: bool


class State(msgspec.Struct, frozen=True):
    """A cluster, its cloud and its records. Most of each is usual, or nothing would be done."""

    ready: Ready
    power: str
    hibernated: bool
    account: str
    local: str
    twice: bool
    unseen: frozenset[Kind]
    replaced: bool
    more_nodes: int
    more_lost: int
    others: tuple[Other, ...]
    concurrency: int
    per_handler: int
    overall: int
    radius: float


def mostly(usual: object, *rest: object) -> st.SearchStrategy[object]:
    """Return the usual value three times of four."""
    return st.sampled_from([usual] * 3 * len(rest) + list(rest))


OTHERS = st.builds(
    Other,
    phase=st.sampled_from([Phase.RUNNING, Phase.VERIFYING, Phase.HOLDING, Phase.SETTLED]),
    acted=st.sampled_from([None, NOW - 10.0, NOW - 3000.0, NOW - 7200.0]),
    node=st.sampled_from([LIVE, SPARE, "more-0", "more-1"]),
    ours=st.booleans(),
)
STATES = st.builds(
    State,
    ready=mostly(Ready.UNKNOWN, Ready.TRUE, Ready.FALSE),
    power=mostly("stopped", "running", "stopping", "terminated", "shutting-down"),
    hibernated=mostly(False, True),  # noqa: FBT003 -- values of a field
    account=mostly("123456789012", "999999999999"),
    local=mostly("", "on_node", "hostname"),
    twice=mostly(False, True),  # noqa: FBT003 -- same
    unseen=mostly(
        frozenset(),
        *(frozenset({kind}) for kind in (Kind.NODE, Kind.ATTACHMENT, Kind.POD, Kind.VOLUME)),
        *(frozenset({kind}) for kind in (Kind.CLAIM, Kind.NAMESPACE)),
    ),
    replaced=mostly(False, True),  # noqa: FBT003 -- same
    more_nodes=st.integers(0, 30),
    more_lost=mostly(0, 1, 8),
    others=st.lists(OTHERS, max_size=3).map(tuple),
    concurrency=st.integers(1, 4),
    per_handler=st.integers(1, 3),
    overall=st.integers(1, 4),
    radius=st.sampled_from([0.0, 0.1, 0.5]),
)


def built(state: State) -> FakeCluster:
    """Return the cluster of a state."""
    policy = msgspec.structs.replace(
        AUTO,
        concurrency=state.concurrency,
        rate_per_handler=state.per_handler,
        rate_overall=state.overall,
        blast_radius=state.radius,
    )
    cluster = FakeCluster(policy=policy)
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
    cluster.unseen = dict.fromkeys(state.unseen, "403")
    cluster.open(record())
    for number, other in enumerate(state.others):
        cluster.open(_record(number, other))
    return cluster


def _record(number: int, other: Other) -> Record:
    plan = planned(other.node)
    if not other.ours:
        plan = msgspec.structs.replace(plan, used_claims=(f"web/other-{number}",))
    subject = Subject((("node", f"{other.node}-{number}"),))
    return record(subject=subject, phase=other.phase, acted_at=other.acted, plan=plan)


def broken(cluster: FakeCluster, state: State) -> Iterator[str]:
    """Name the rules that a taint on the dead node would break now."""
    policy, now = cluster.policy, cluster.clock
    view = View(cluster.objects, now)
    others = [one for one in cluster.all() if one.name != NAME]
    acted = [at for one in others if (at := one.status.acted_at) and at > now - policy.rate_window]
    acting = [one for one in others if one.status.phase in ACTING]
    out = {DEAD, *(node for one in others if one.status.phase in OUT for node in _nodes(one))}
    nodes = view.nodes()
    rules = {
        "the node is lost": not lost(cluster.node),
        "proof": not proof(cluster.answers, now, policy),
        "its machine has no power": state.power not in ("stopped", "terminated"),
        "nothing is unseen": bool(state.unseen),
        "no volume lives there": bool(state.local),
        "no volume has two writers": state.twice,
        "rate": len(acted) >= min(policy.rate_per_handler, policy.rate_overall),
        "concurrency": len(acting) >= policy.concurrency,
        "one node at a time": any(_nodes(one) - {DEAD} for one in acting),
        "not what another is at work on": any(_shares(one) for one in acting),
        "blast radius": len(out) > max(2, int(policy.blast_radius * len(nodes))),
        "not a third is down": 3 * sum(map(lost, nodes)) > len(nodes),
    }
    return (rule for rule, violated in rules.items() if violated)


def _nodes(one: Record) -> set[str]:
    plan: PlanRecord | None = one.status.plan
    return {step.target for step in plan.steps} if plan is not None else set()


def _shares(one: Record) -> bool:
    plan = one.status.plan
    return plan is not None and bool({"web/files", "web/rows"} & set(plan.used_claims))


def lived(state: State) -> FakeCluster:
    """Let the engine do what it wants in a state; hold its write against the rules."""
    cluster = built(state)
    planned_for = cluster.node.uid
    # The engine survives whatever is raised in a tick: what is found is held against it afterwards.
    found: list[str] = []

    def arrives() -> None:
        found.extend(broken(cluster, state))
        if state.replaced:
            cluster.change(cluster.node, uid="another-machine")

    cluster.before_write = arrives

    async def run() -> None:
        engine = cluster.engine()
        for _ in range(TICKS):
            if cluster.writes:
                return
            cluster.clock += max(await engine.tick(NAME), 0.25)

    asyncio.run(run())
    assert found == []
    tainted = [step for step in cluster.writes if isinstance(step, AddTaint)]
    assert not (tainted and state.replaced)
    assert all(step.uid == planned_for == cluster.node.uid for step in tainted)
    return cluster


@pytest.mark.timeout(180)
@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(STATES)
def test_no_plan_is_carried_out_against_the_rules(state: State) -> None:
    """By the whole engine: looks, handler, guards, and a write that is bound to what was seen."""
    event("done" if lived(state).writes else "not done")


@pytest.mark.soak
@pytest.mark.timeout(5000)
@settings(max_examples=SOAK, deadline=None, suppress_health_check=list(HealthCheck))
@given(STATES)
def test_no_plan_of_a_hundred_thousand_is_carried_out_against_the_rules(state: State) -> None:
    """The same, many more times."""
    lived(state)


def test_the_usual_state_does_lead_to_a_taint() -> None:
    """Otherwise the tests above would prove nothing."""
    usual = State(
        ready=Ready.UNKNOWN,
        power="stopped",
        hibernated=False,
        account="123456789012",
        local="",
        twice=False,
        unseen=frozenset(),
        replaced=False,
        more_nodes=10,
        more_lost=0,
        others=(),
        concurrency=1,
        per_handler=1,
        overall=1,
        radius=0.1,
    )
    assert lived(usual).tainted


@settings(max_examples=MANY, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_no_plan_creates_more_than_the_cap(creates: int, cap: int) -> None:
    """Of all guards together, whatever both numbers are."""
    plan = msgspec.structs.replace(made.plan(), creates=creates)
    case = made.case(policy=msgspec.structs.replace(AUTO, capacity_cap=cap))
    said = guards.ask(made.question(case, plan=plan))
    phase = verdicts.outcome(said, "auto", "x").phase
    assert phase is (Phase.RUNNING if creates <= cap else Phase.BLOCKED)
