"""A dry run: the same judgement as the engine's, over nothing that is kept, leaving no trace."""

import asyncio

import pytest

from exporter.observe.model import Kind, Ready
from remediator.case import Policy
from remediator.dry_run import DryRun, dry_run, named
from remediator.judgement import Judge
from remediator.ports import Told
from remediator.record import Phase, Record, Seen
from tests.story.fake_cluster import FakeCluster, carry_on
from tests.story.objects import AUTO, DEAD, NAME, SIGNAL, record


class Asked(FakeCluster):
    """A cluster whose Alertmanager is asked about records that there are none of, too."""

    async def told(self, record: Record) -> Told | str | None:
        """Answer alike whatever it is about."""
        del record
        return self.alertmanager


def run(cluster: FakeCluster) -> DryRun:
    """Ask what would be done about the dead node."""
    judge = Judge(
        world=cluster,
        power=cluster,
        alerting=cluster,
        records=cluster,
        sinks=(cluster,),
        policy=cluster.policy,
        now=lambda: cluster.clock,
    )
    asked = named(SIGNAL, {"node": DEAD})
    assert not isinstance(asked, str)
    return asyncio.run(dry_run(cluster, judge, cluster, asked))


def test_a_subject_without_a_record_is_judged_as_if_its_alert_had_just_come() -> None:
    """Every guard is asked, and the first reading says that a second one is due."""
    cluster = Asked()
    found = run(cluster)
    assert (found.seen, found.phase, found.remediation) == (Seen.PRESENT, Phase.DEFERRED, "")
    assert found.plan is not None
    said = {one.guard: one.verdict for one in found.verdicts}
    assert said.pop("fencing_proof") == "Deferred"
    assert set(said.values()) == {"Allowed"}
    assert "the second reading is due" in found.sentence


def test_nothing_is_written_recorded_or_reported() -> None:
    """Nor is a record that there is looked at, and its proof is no nearer."""
    cluster = Asked()
    cluster.open(record())
    before = dict(cluster.kept)
    for _ in range(3):
        assert run(cluster).remediation == NAME
        cluster.clock += 60.0
    assert cluster.kept == before
    assert cluster.writes == []
    assert cluster.reports == []


def test_a_record_that_waits_is_judged_with_what_it_has() -> None:
    """Its proof counts: what is said is what its next look would say."""
    cluster = Asked(policy=Policy(mode="approve"))
    cluster.open(record())
    engine = cluster.engine()
    asyncio.run(carry_on(cluster, engine, lambda: cluster.phase() is Phase.AWAITING_APPROVAL))
    found = run(cluster)
    assert (found.remediation, found.phase) == (NAME, Phase.AWAITING_APPROVAL)
    kept = cluster.record().status.plan
    assert found.plan is not None
    assert kept is not None
    assert found.plan.hash == kept.hash


def test_what_is_not_there_would_be_cleared() -> None:
    """The node is well."""
    cluster = Asked(policy=AUTO)
    cluster.change(cluster.node, ready=Ready.TRUE)
    found = run(cluster)
    assert (found.seen, found.phase, found.plan) == (Seen.GONE, Phase.CLEARED, None)


def test_what_cannot_be_seen_is_said() -> None:
    """And is no plan."""
    cluster = Asked()
    cluster.unseen = {Kind.POD: "not allowed"}
    found = run(cluster)
    assert (found.seen, found.phase, found.plan) == (Seen.UNSEEN, Phase.DEFERRED, None)
    assert found.unseen == {Kind.POD: "not allowed"}
    assert "not allowed" in found.sentence


@pytest.mark.parametrize(
    ("signal", "subject", "why"),
    [
        ("nothing", {"node": DEAD}, "there is no failure 'nothing'"),
        ("multi_attach", {"namespace": "a"}, "nothing repairs it"),
        (SIGNAL, {}, "the subject of node_lost_with_volumes is node=..."),
        (SIGNAL, {"node": DEAD, "pod": "x"}, "node=..."),
        (SIGNAL, {"node": ""}, "node=..."),
    ],
)
def test_who_asks_for_what_is_not_there_is_told_what_is(
    signal: str, subject: dict[str, str], why: str
) -> None:
    """A label too many or too few is a mistake."""
    found = named(signal, subject)
    assert isinstance(found, str)
    assert why in found
