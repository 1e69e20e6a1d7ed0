"""A cordon on a real control plane: when somebody did it stands on the node.

Real: API server and the node life cycle controller, which writes the taint. Played: kubelets.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from exporter.observe import model
from exporter.observe.model import Kind, Ready
from exporter.observe.parse import wire
from remediator.node_loss.drains import UNSCHEDULABLE, cordoned

if TYPE_CHECKING:
    from tests.cluster.stage import Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]


def test_the_taint_of_a_cordon_has_the_time_by_which_a_drain_is_told_apart(stage: Stage) -> None:
    """Before the loss: it needs a yes. After it: it is how people keep a sick node empty."""
    cluster, began = stage.cluster, int(time.time())

    def node() -> model.Node:
        body = cluster.get(f"/api/v1/nodes/{stage.node}")
        found = wire.one(Kind.NODE, json.dumps(body).encode())
        assert isinstance(found, model.Node)
        return found

    cluster.kubectl("cordon", stage.node)
    try:
        stage.wait("the taint", lambda: node().taint(UNSCHEDULABLE) is not None)
        found = node()
        taint = found.taint(UNSCHEDULABLE)
        assert taint is not None
        assert taint.added is not None
        assert began <= taint.added <= time.time()
        later, before = (
            msgspec.structs.replace(found, ready=Ready.UNKNOWN, ready_since=taint.added + seconds)
            for seconds in (120.0, -120.0)
        )
        cordon = cordoned(later)
        assert cordon is not None
        assert "2 min before it was lost" in cordon.sentence
        assert cordoned(before) is None
    finally:
        cluster.kubectl("uncordon", stage.node)
