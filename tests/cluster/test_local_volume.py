"""A lost node with a volume that lives on it is refused; long enough for an exporter restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.line import answers
from local import workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.conftest import Stages
    from tests.cluster.stage import Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def lost(stages: Stages) -> Iterator[Stage]:
    """Stop the instance of a node whose pod has a volume on the node itself."""
    with stages() as stage:
        stage.cluster.apply(
            workloads.node_local_claim(stage.space, "disk", stage.node)
            + workloads.pod(stage.space, "uses", "disk", stage.node)
        )
        stage.wait("the pod", lambda: stage.running() == {stage.node: 1})
        stage.cluster.cloud.stop(stage.instance)
        yield stage


def test_a_node_with_a_volume_of_its_own_is_never_tainted(lost: Stage) -> None:
    """Declined with the volume's name and the reason, although the instance is stopped."""
    declined = lost.until_phase("Declined")
    assert declined["message"].startswith(f"volume pv-{lost.space}-disk ")
    assert f"lives on node {lost.node} itself" in declined["message"]
    lost.look_on()
    assert not lost.touched()
    assert lost.status()["phase"] == "Declined"


def test_a_restarted_exporter_says_the_same_since_and_the_alert_goes_on(lost: Stage) -> None:
    """Killed and started again in the middle of an incident, it publishes the same time."""
    lost.wait("the alert", lambda: lost.alerts("PvmedicNodeLostWithVolumes"))
    (fired,) = lost.alerts("PvmedicNodeLostWithVolumes")
    since = lost.since()
    assert since is not None

    lost.line.child("exporter").kill()
    lost.line.start_exporter()
    lost.wait("the exporter", lambda: answers(f"{lost.line.exporter}/readyz"))
    lost.wait("the series", lambda: lost.since() is not None)
    assert lost.since() == since
    scraped = lost.value("exporter", "pvmedic_build_info", role="cluster")
    assert scraped == 1
    (still,) = lost.alerts("PvmedicNodeLostWithVolumes")
    assert still["startsAt"] == fired["startsAt"]
