"""Whatever the cluster looks like: no plan is carried out that breaks a rule which people rely on.

And without any one of the guards that is noticed here, whatever other tests say.
"""

import asyncio
from functools import cache

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from exporter.observe.model import Kind, Object
from exporter.observe.objects import Objects
from exporter.observe.view import View
from remediator import guards, verdicts
from remediator.guards import GUARDS
from remediator.record import Phase
from remediator.steps.pods import ForceDeletePod
from remediator.steps.taints import AddTaint
from tests.guards.test_gluster_gate import HEALING, OFFLINE, pool
from tests.story import objects as made
from tests.story.fake_cluster import FakeCluster
from tests.story.objects import AUTO, DEAD, NAME, NOW
from tests.story.rules import broken
from tests.story.states import AGAINST, SECOND, State, built, states

TICKS = 8
MANY, SOAK = 2000, 100_000


@cache
def usual_plan(server: tuple[int, int]) -> str:
    """Return the hash of the plan that is made for the usual state."""
    cluster = built(State(server=server))
    asyncio.run(cluster.engine().tick(NAME))
    plan = cluster.record().status.plan
    assert plan is not None
    return plan.hash


def lived(state: State, without: str = "") -> tuple[FakeCluster, list[str]]:
    """Let the engine do what it wants in a state; return what its writes broke as well."""
    cluster = built(state, usual_plan(state.server) if state.yes else "")
    cluster.guards = tuple(pair for pair in GUARDS if pair[0] != without)
    writing = [NAME]
    # The engine survives whatever is raised in a tick: what is found is held against it afterwards.
    found: list[str] = []

    def arrives() -> None:
        found.extend(broken(cluster, state, writing[0]))
        if state.replaced:
            cluster.change(cluster.node, uid="another-machine")

    cluster.before_write = arrives

    async def run() -> None:
        engine = cluster.engine()
        for _ in range(TICKS):
            rest = []
            for name in (NAME, SECOND) if state.second else (NAME,):
                writing[0] = name
                rest.append(await engine.tick(name))
            if len(cluster.writes) == len(rest):
                return
            cluster.clock += max(min(rest), 0.25)

    asyncio.run(run())
    return cluster, found


def carried_out(state: State) -> FakeCluster:
    """Hold all that was written in a state against the rules."""
    cluster, found = lived(state)
    assert found == []
    tainted = [step for step in cluster.writes if isinstance(step, AddTaint)]
    planned = [f"uid-{step.target}" for step in tainted]
    assert [step.uid for step in tainted] == planned
    assert not (state.replaced and DEAD in {step.target for step in tainted})
    forced = [step for step in cluster.writes if isinstance(step, ForceDeletePod)]
    assert not (tainted if state.server < (1, 26) else forced)
    return cluster


@pytest.mark.timeout(180)
@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(states())
def test_no_plan_is_carried_out_against_the_rules(state: State) -> None:
    """By the whole engine: looks, handler, guards, and a write that is bound to what was seen."""
    event("done" if carried_out(state).writes else "not done")


@pytest.mark.soak
@pytest.mark.timeout(5000)
@settings(max_examples=SOAK, deadline=None, suppress_health_check=list(HealthCheck))
@given(states())
def test_no_plan_of_a_hundred_thousand_is_carried_out_against_the_rules(state: State) -> None:
    """The same, many more times."""
    carried_out(state)


SERVERS = pytest.mark.parametrize("server", [(1, 36), (1, 22)])


@SERVERS
def test_the_usual_state_does_lead_to_a_write(server: tuple[int, int]) -> None:
    """Otherwise the tests above would prove nothing."""
    cluster = carried_out(State(server=server))
    assert cluster.writes
    assert cluster.tainted is (server >= (1, 26))


@SERVERS
@pytest.mark.parametrize("guard", AGAINST)
def test_the_rules_notice_each_guard_that_is_missing(guard: str, server: tuple[int, int]) -> None:
    """What the guard alone speaks against is in the states above, and breaks a rule without it."""
    for changes in AGAINST[guard]:
        state = msgspec.structs.replace(State(server=server), **changes)
        carried_out(state)
        assert lived(state, without=guard)[1], changes


class Limits(msgspec.Struct, frozen=True):
    """What a plan may say of itself that no handler says yet, and what the policy says to it."""

    creates: int = 0
    cap: int = 4096
    needs_yes: bool = False
    yes: str = ""
    gluster: str = ""


POOLS: dict[str, tuple[list[Object], bool]] = {
    "whole": (pool(), True),
    "heals pend": ([*pool(), HEALING], False),
    "a brick is down": ([*pool(), OFFLINE], False),
    "unseen": (pool(), False),
    "nothing is known": ([], False),
}
"""Gluster pools, and whether one node of them may be taken away."""

LIMITS = st.builds(
    Limits,
    creates=st.integers(0, 10_000),
    cap=st.integers(0, 10_000),
    needs_yes=st.booleans(),
    yes=st.sampled_from(["", "ann"]),
    gluster=st.sampled_from(["", *POOLS]),
)


def exceeded(limits: Limits) -> list[str]:
    """Name the guards that have to speak against a plan."""
    rules = {
        "capacity_cap": limits.creates > limits.cap,
        "approval": limits.needs_yes and not limits.yes,
        "gluster_gate": bool(limits.gluster) and not POOLS[limits.gluster][1],
    }
    return [guard for guard, wanted in rules.items() if wanted]


def let_through(limits: Limits, without: str = "") -> bool:
    """Whether all guards together let a plan begin."""
    objects, _ = POOLS.get(limits.gluster, ([], True))
    unseen = {Kind.GLUSTER_VOLUME: "no answer"} if limits.gluster == "unseen" else {}
    case = made.case(
        View(Objects([*made.scene(), *objects]), NOW, unseen),
        policy=msgspec.structs.replace(AUTO, capacity_cap=limits.cap),
    )
    plan = msgspec.structs.replace(
        made.plan(),
        creates=limits.creates,
        needs_yes=limits.needs_yes,
        gluster_nodes=("a",) if limits.gluster else (),
    )
    asked = tuple(pair for pair in GUARDS if pair[0] != without)
    said = guards.ask(made.question(case, plan=plan, approved=limits.yes), asked)
    return verdicts.outcome(said, "auto", "x").phase is Phase.RUNNING


@settings(max_examples=MANY // 2, deadline=None)
@given(LIMITS)
def test_no_plan_begins_beyond_its_limits(limits: Limits) -> None:
    """Neither more disk than allowed, nor without a yes, nor on a node that Gluster needs."""
    assert let_through(limits) is (not exceeded(limits))


@pytest.mark.parametrize(
    "limits",
    [
        Limits(creates=4097),
        Limits(needs_yes=True),
        *(Limits(gluster=name) for name, (_, whole) in POOLS.items() if not whole),
    ],
)
def test_the_limits_notice_each_guard_that_is_missing(limits: Limits) -> None:
    """Each is among those above, and passes without its guard."""
    (guard,) = exceeded(limits)
    assert not let_through(limits)
    assert let_through(limits, without=guard)


def test_no_guard_is_left_out_here() -> None:
    """A new one needs a state in which a rule is broken without it."""
    limited = {"capacity_cap", "approval", "gluster_gate"}
    assert {name for name, _ in GUARDS} == AGAINST.keys() | limited
