"""Whatever a node and its cloud do, in whatever order: no taint without the whole proof."""

import asyncio
from collections.abc import Callable, Mapping

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from exporter.observe.errors import Throttled, Unreachable
from exporter.observe.model import Kind, Ready
from exporter.observe.parse.instance import InstanceReading
from remediator.case import Policy
from remediator.record import HELD
from remediator.steps.taints import AddTaint
from tests.story.fake_cluster import FakeCluster, Killed
from tests.story.objects import AUTO, NAME, record


def stop(cluster: FakeCluster) -> None:
    """Stop the instance."""
    cluster.machine.state, cluster.machine.hibernated = "stopped", False


def start(cluster: FakeCluster) -> None:
    """Start the instance: a new launch."""
    cluster.machine.state, cluster.machine.launched = "running", cluster.clock


def hibernate(cluster: FakeCluster) -> None:
    """Stop it with its memory kept."""
    cluster.machine.state, cluster.machine.hibernated = "stopped", True


def change_hands(cluster: FakeCluster) -> None:
    """Let another account own an instance of this id."""
    cluster.machine.account = "999999999999"


def ready(cluster: FakeCluster) -> None:
    """Let the kubelet report."""
    cluster.change(cluster.node, ready=Ready.TRUE, ready_since=cluster.clock)


def silent(cluster: FakeCluster) -> None:
    """Let the node be given up."""
    cluster.change(cluster.node, ready=Ready.UNKNOWN, ready_since=cluster.clock)


def comes_back_at_the_write(cluster: FakeCluster) -> None:
    """Let the kubelet report between our look and our write, once."""

    def come_back() -> None:
        cluster.before_write = None
        ready(cluster)

    cluster.before_write = come_back


def blind(cluster: FakeCluster) -> None:
    """Let nodes be unreadable."""
    cluster.unseen = {Kind.NODE: "403"}


def seeing(cluster: FakeCluster) -> None:
    """Let everything be readable, the cloud too."""
    cluster.unseen = {}
    cluster.power_fails = None


def cloud_down(cluster: FakeCluster) -> None:
    """Let the cloud not answer."""
    cluster.power_fails = Throttled("slow down")


def lost_answer(cluster: FakeCluster) -> None:
    """Let the next write land without an answer."""
    cluster.refusals = [(Unreachable("timed out"), True)]


def killed(cluster: FakeCluster) -> None:
    """Kill the program at the next point."""
    cluster.deaths = {cluster.points + 1}


def nothing(cluster: FakeCluster) -> None:
    """Only time passes."""
    del cluster


HAPPENINGS: Mapping[str, Callable[[FakeCluster], None]] = {
    happening.__name__: happening
    for happening in (
        nothing,
        stop,
        start,
        hibernate,
        change_hands,
        ready,
        silent,
        comes_back_at_the_write,
        blind,
        seeing,
        cloud_down,
        lost_answer,
        killed,
    )
}


def proof(answers: list[InstanceReading], now: float, policy: Policy) -> bool:
    """Say, from the cloud's answers alone and apart from the guard, whether a taint is allowed."""
    run: list[InstanceReading] = []
    for answer in reversed(answers):
        dead = answer.state in ("stopped", "terminated") and not answer.hibernated
        same = not run or (answer.launched, answer.account) == (run[0].launched, run[0].account)
        if not dead or not same:
            break
        run.append(answer)
    return (
        len(run) >= 2
        and now - run[0].read_at <= policy.proof_age
        and run[0].read_at - run[-1].read_at >= policy.proof_gap
    )


async def live(happenings: list[tuple[str, int, float]]) -> FakeCluster:
    """Let things happen between ticks; hold each new taint against the cloud's answers."""
    cluster = FakeCluster(policy=msgspec.structs.replace(AUTO, proof_gap=30.0, proof_age=60.0))
    cluster.open(record())
    engine, seen = cluster.engine(), 0
    for name, ticks, seconds in happenings:
        HAPPENINGS[name](cluster)
        for _ in range(ticks):
            try:
                await engine.tick(NAME)
            except Killed:
                engine = cluster.engine()
            added = [step for step in cluster.writes if isinstance(step, AddTaint)]
            for _ in added[seen:]:
                assert proof(cluster.answers, cluster.clock, cluster.policy), cluster.answers
            seen = len(added)
            cluster.clock += seconds
    return cluster


STEPS = st.lists(
    st.tuples(
        st.sampled_from(sorted(HAPPENINGS)),
        st.integers(1, 4),
        st.sampled_from([0.5, 1.0, 14.9, 29.5, 30.0, 61.0, 90.0]),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=400, deadline=None)
@given(STEPS)
def test_no_sequence_of_happenings_leads_to_a_taint_without_proof(
    happenings: list[tuple[str, int, float]],
) -> None:
    """Two readings that say off, a gap apart, nothing else between, the last one fresh."""
    cluster = asyncio.run(live(happenings))
    event("tainted" if cluster.writes else "not tainted")
    assert len([step for step in cluster.writes if isinstance(step, AddTaint)]) <= 1
    if cluster.phase() in HELD:
        assert not cluster.tainted or cluster.record().owes


def test_a_plain_sequence_does_lead_to_a_taint() -> None:
    """Otherwise the test above would prove nothing."""
    cluster = asyncio.run(live([("nothing", 4, 30.0)]))
    assert cluster.tainted
