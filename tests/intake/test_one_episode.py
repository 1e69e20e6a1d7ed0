"""One failure is one episode, whoever tells of it and however often, until it was seen gone long.

Intake, engine and store together; the API server behind them keeps the records.
"""

import asyncio

import pytest

from exporter.observe.model import Kind, Ready
from remediator import alert as alerts
from remediator.alert import Outcome
from remediator.case import Policy
from remediator.execution import Execution
from remediator.intake import Intake
from remediator.judgement import Judge
from remediator.pipeline import Pipeline
from remediator.record import Phase, name_of
from remediator.store import Store
from remediator.verification import Verification
from tests.intake.notifications import alert, body
from tests.intake.resources import Resources
from tests.story.fake_cluster import FakeCluster
from tests.story.objects import NAME, SIGNAL, SUBJECT

OBSERVING = Policy()
MINUTE = 60.0


class Replica:
    """One program over the API server: what it holds of the records is its own."""

    def __init__(self, api: Resources, cluster: FakeCluster) -> None:
        """Read the records, as a start does."""
        self._cluster = cluster
        self.store = Store(api)
        asyncio.run(self.store.load())
        judge = Judge(
            world=cluster,
            power=cluster,
            alerting=cluster,
            records=self.store,
            sinks=(),
            policy=OBSERVING,
            now=lambda: cluster.clock,
        )
        verification = Verification(cluster, judge)
        self.engine = Pipeline(
            cluster, self.store, judge, Execution(cluster, judge), verification, tuple
        )
        self.intake = Intake(self.store, self.engine.heard, lambda: cluster.clock)

    def take(self, status: str = "firing") -> Outcome:
        """Take a notification about the lost node."""
        (outcome,) = asyncio.run(self.intake.take(alerts.parse(body(alert(status)))))
        return outcome

    def lives(self, seconds: float) -> None:
        """Look at the newest record every 15 s for so long."""
        until = self._cluster.clock + seconds
        while self._cluster.clock < until:
            newest = self.store.newest(SIGNAL, SUBJECT)
            assert newest is not None
            asyncio.run(self.engine.tick(newest.name))
            self._cluster.clock += 15.0


class Line:
    """An API server, a cluster with a lost node, and replicas."""

    def __init__(self) -> None:
        self.api = Resources()
        self.cluster = FakeCluster(policy=OBSERVING)

    def replica(self) -> Replica:
        """Start one more; so is a restart."""
        return Replica(self.api, self.cluster)

    def gone(self) -> None:
        """Let the node report again."""
        self.cluster.change(self.cluster.node, ready=Ready.TRUE, ready_since=self.cluster.clock)

    def back(self) -> None:
        """Let the node be lost again."""
        since = self.cluster.clock - 5 * MINUTE
        self.cluster.change(self.cluster.node, ready=Ready.UNKNOWN, ready_since=since)

    @property
    def names(self) -> list[str]:
        """The records that there are."""
        return sorted(self.api.objects)


def test_an_alert_that_resolves_and_fires_again_within_ten_minutes_is_one_episode() -> None:
    """However often."""
    line = Line()
    one = line.replica()
    assert one.take() is Outcome.RECORDED
    for _ in range(5):
        one.lives(MINUTE)
        line.gone()
        assert one.take("resolved") is Outcome.RESOLVED
        one.lives(9 * MINUTE)
        line.back()
        assert one.take() is Outcome.KNOWN
        one.lives(MINUTE)
    assert line.names == [NAME]
    (kept,) = one.store.all()
    assert (kept.status.phase, kept.over) == (Phase.OBSERVED, False)


def test_after_looks_have_seen_it_gone_for_ten_minutes_the_next_alert_is_the_next_episode() -> None:
    """Whatever Alertmanager has said meanwhile."""
    line = Line()
    one = line.replica()
    one.take()
    line.gone()
    one.lives(9 * MINUTE)
    assert one.take() is Outcome.KNOWN
    one.lives(2 * MINUTE)
    line.back()
    assert one.take() is Outcome.RECORDED
    assert one.take() is Outcome.KNOWN
    assert line.names == [NAME, name_of(SIGNAL, SUBJECT, 2)]


def test_a_resolved_alert_alone_ends_nothing() -> None:
    """The failure is still seen."""
    line = Line()
    one = line.replica()
    one.take()
    one.take("resolved")
    one.lives(30 * MINUTE)
    assert one.take() is Outcome.KNOWN
    assert line.names == [NAME]


def test_what_cannot_be_seen_is_not_gone() -> None:
    """The ten minutes are of looks that saw it gone, one after the other."""
    line = Line()
    one = line.replica()
    one.take()
    line.gone()
    one.lives(MINUTE)
    line.cluster.unseen = {Kind.NODE: "403"}
    one.lives(30 * MINUTE)
    line.cluster.unseen = {}
    one.lives(MINUTE)
    assert one.take() is Outcome.KNOWN
    one.lives(10 * MINUTE)
    assert one.take() is Outcome.RECORDED


@pytest.mark.parametrize("often", [1, 5])
def test_restarts_go_on_with_the_same_episode(often: int) -> None:
    """What a program held in memory is not needed for it."""
    line = Line()
    line.replica().take()
    for _ in range(often):
        again = line.replica()
        assert again.take() is Outcome.KNOWN
        again.lives(MINUTE)
    assert line.names == [NAME]


def test_both_alertmanagers_of_a_pair_at_two_replicas_at_once_make_one_episode() -> None:
    """Neither replica has heard of the other's record yet: the API server decides."""
    line = Line()
    replicas = [line.replica(), line.replica()]
    notification = alerts.parse(body(alert(), alert()))

    async def both() -> list[list[Outcome]]:
        sent = (one.intake.take(notification) for one in replicas for _ in range(2))
        return await asyncio.gather(*sent)

    outcomes = [outcome for taken in asyncio.run(both()) for outcome in taken]
    assert outcomes.count(Outcome.RECORDED) == 1
    assert outcomes.count(Outcome.KNOWN) == 7
    assert line.names == [NAME]
    assert [one.store.newest(SIGNAL, SUBJECT) is not None for one in replicas] == [True, True]
