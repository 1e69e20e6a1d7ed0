"""medik8s' node Lease on a real API server, with the component's own rights."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from demo.line import ROOT

if TYPE_CHECKING:
    from tests.cluster.stage import Json, Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

SPACE = "medik8s-leases"
COMPONENT = ROOT / "deploy" / "manifests" / "access" / "components" / "medik8s" / "lease.yaml"


def test_a_node_is_left_to_who_works_on_it_and_taken_and_given_back(stage: Stage) -> None:
    """Deferred, with the holder's name; then taken, held while we owe, and free at the end."""
    cluster, name = stage.cluster, f"node-{stage.node}"
    cluster.apply(
        json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    )
    cluster.apply(COMPONENT.read_text())
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    spec = {"holderIdentity": "nhc", "leaseDurationSeconds": 3600, "renewTime": now}
    held = {"metadata": {"name": name, "namespace": SPACE}, "spec": spec}
    cluster.apply(json.dumps({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", **held}))

    def lease() -> Json:
        found = cluster.get(f"/apis/coordination.k8s.io/v1/namespaces/{SPACE}/leases/{name}")
        return found["spec"] if found is not None else {}

    stage.start_remediator(medik8s_leases=SPACE)
    stage.shop()
    cluster.cloud.stop(stage.instance)
    stage.until_phase("Deferred", f"node_lease: nhc works on node {stage.node}")
    assert not stage.touched()
    cluster.kubectl("-n", SPACE, "delete", "lease", name)
    stage.until_phase("Holding")
    (record,) = stage.records()
    assert lease()["holderIdentity"] == f"pvmedic/{record['metadata']['name']}"
    stage.power_cycle()
    stage.until_phase("Settled")
    stage.wait("the Lease given back", lambda: lease() and "holderIdentity" not in lease())
