"""The extension of a node killed before and after every write: one disk, and the same end."""

import pytest

from exporter.observe.errors import Unreachable
from remediator.record import Phase
from tests.pipeline.people import until
from tests.story.rok_cluster import (
    RokCluster,
)
from tests.story.rok_played import (
    DONE,
    approved,
    at_step,
    end_of,
    grows,
    survive,
)


@pytest.mark.parametrize("outage", [1.0, 16.0, 90.0], ids=["restarted", "taken over", "away"])
def test_killed_anywhere_it_comes_to_the_same_end(outage: float) -> None:
    """Before and after every write: one volume, one attachment, one extension, one removal."""
    whole = RokCluster()
    survive(whole, Phase.SETTLED, outage)
    assert whole.rok.calls == DONE
    for point in range(1, whole.points + 1):
        cluster = RokCluster()
        cluster.deaths = {point}
        survive(cluster, Phase.SETTLED, outage)
        assert end_of(cluster) == end_of(whole), point


def test_killed_anywhere_while_it_is_taken_back_it_comes_to_the_same_end() -> None:
    """Nothing is detached or deleted twice, and nothing stays."""

    def played(*deaths: int) -> RokCluster:
        cluster = RokCluster()
        cluster.deaths = set(deaths)
        looked = cluster.after_look

        def write_more() -> None:
            if cluster.rok.calls.count("DeleteWithMachine") and not cluster.rok.labels:
                grows(cluster)

        cluster.after_look = write_more
        survive(cluster, Phase.FAILED, 16.0)
        assert looked is None
        return cluster

    whole = played()
    for point in range(1, whole.points + 1):
        assert end_of(played(point)) == end_of(whole), point


def test_a_call_that_got_no_answer_makes_no_second_disk() -> None:
    """It landed all the same: looks tell."""
    cluster = RokCluster()
    engine = approved(cluster)
    at_step(cluster, engine, "MakeDisk")
    cluster.refusals = [(Unreachable("no answer"), True)]
    until(cluster, engine, Phase.SETTLED)
    assert cluster.rok.calls == DONE
