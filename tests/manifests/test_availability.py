"""deploy/manifests when nodes die, are drained, and programs are replaced."""

import pytest

from remediator.app import PARKED_WITHIN
from tests.manifests.shipped import of


@pytest.mark.parametrize("name", ["pvmedic-exporter", "pvmedic-remediator"])
def test_the_node_that_dies_may_be_the_one_that_runs_us(name: str) -> None:
    """Two replicas on two nodes, never both drained, and a new one before an old one ends."""
    deployment = of("Deployment")["pvmedic", name]["spec"]
    assert deployment["replicas"] == 2
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    pod, ours = deployment["template"]["spec"], deployment["selector"]["matchLabels"]
    (apart,) = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert apart["podAffinityTerm"] == {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": ours},
    }
    (spread,) = pod["topologySpreadConstraints"]
    # Where only one node is left, a pod there is better than none.
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert spread["labelSelector"] == {"matchLabels": ours}
    budget = of("PodDisruptionBudget")["pvmedic", name]["spec"]
    assert budget == {"minAvailable": 1, "selector": {"matchLabels": ours}}


def test_the_quota_has_room_for_both_programs_in_the_worst_hour() -> None:
    """All replicas, one more of each in a roll-out, and as many that cannot end on dead nodes."""
    replicas = [each["spec"]["replicas"] for each in of("Deployment").values()]
    worst = sum(2 * count + 1 for count in replicas)
    assert int(of("ResourceQuota")["pvmedic", "pvmedic-critical-pods"]["spec"]["hard"]["pods"]) == (
        worst
    )


def test_a_replica_has_its_pods_name_and_the_time_to_park_its_step() -> None:
    """The grace period is longer than what app.py takes to end a step and give the Lease back."""
    pod = of("Deployment")["pvmedic", "pvmedic-remediator"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] >= PARKED_WITHIN + 2 * 5.0 + 5.0
    (container,) = pod["containers"]
    (name,) = container["env"]
    assert name == {
        "name": "PVMEDIC_IDENTITY",
        "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
    }
