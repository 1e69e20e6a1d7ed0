"""A pod deleted by force, on a real API server with the rights that ship: only the one meant.

Real: API server, its preconditions, the StatefulSet controller, the rights. Played: kubelets; the
node's is silent, so nobody confirms. The 6 minutes until Kubernetes detaches are not waited for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from exporter.observe import errors, model
from exporter.observe.model import Kind
from exporter.observe.objects import Objects
from exporter.observe.parse import wire
from exporter.observe.view import View
from local import workloads
from remediator.actuators.kubernetes import KubernetesActuator
from remediator.actuators.routed import Routed
from remediator.steps.base import Progress
from remediator.steps.pods import ForceDeletePod
from tests.cluster.test_seen_rights import api_of, ended

if TYPE_CHECKING:
    from tests.cluster.stage import Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

ACCOUNT = ("pvmedic", "pvmedic-remediator")


def pod_of(stage: Stage) -> model.Pod | None:
    """Return the StatefulSet's pod as the program reads it."""
    where = f"/api/v1/namespaces/{stage.space}/pods/db-0"
    body = stage.cluster.get(where)
    found = wire.one(Kind.POD, json.dumps(body).encode()) if body is not None else None
    assert found is None or isinstance(found, model.Pod)
    return found


def deleted(stage: Stage, step: ForceDeletePod, seen: model.Pod) -> str:
    """Do a step over a View of this pod; return what the API server has against it."""

    async def applied() -> list[str]:
        async with api_of(stage.cluster, *ACCOUNT) as api:
            try:
                node = await api.get(Kind.NODE, "", stage.node)
                await Routed(KubernetesActuator(api)).apply(step, View(Objects([seen, node]), 0.0))
            except errors.Conflict as error:
                return [str(error)]
        return []

    return "".join(ended(applied()))


def test_only_the_pod_that_is_meant_is_deleted_and_without_its_kubelet(stage: Stage) -> None:
    """Another uid is refused, an old version too; the right one is gone, its successor stays."""
    stage.allow_deleting_pods()
    stage.cluster.apply(workloads.stateful_set(stage.space, "db", stage.node))
    stage.wait("db-0 Running", lambda: stage.running() == {stage.node: 1})
    stage.cluster.players.die(stage.node)
    stage.cluster.kubectl("-n", stage.space, "delete", "pod", "db-0", "--wait=false")
    before = pod_of(stage)
    assert before is not None
    assert before.deletion is not None
    uid = stage.cluster.kubectl("get", "node", stage.node, "-o", "jsonpath={.metadata.uid}")
    step = ForceDeletePod(f"{stage.space}/db-0", before.uid, "r/u", stage.node, uid)

    other = "11111111-2222-3333-4444-555555555555"
    wrong = msgspec.structs.replace(step, uid=other)
    said = deleted(stage, wrong, msgspec.structs.replace(before, uid=other))
    assert other in said
    assert before.uid in said
    assert deleted(stage, step, msgspec.structs.replace(before, version="1")) != ""
    there = pod_of(stage)
    assert there is not None
    assert there.uid == before.uid

    assert deleted(stage, step, there) == ""
    stage.wait("a new db-0", lambda: (one := pod_of(stage)) is not None and one.uid != before.uid)
    after = pod_of(stage)
    assert after is not None
    assert step.observe(View(Objects([after]), 0.0)).progress is Progress.DONE
    assert "not the object that was planned for" in deleted(stage, step, after)
    assert pod_of(stage) is not None
