"""What a played kubelet says of a claim whose volume has grown."""

from __future__ import annotations

from typing import Any

from local.expansion import grown, waits_for_node

Object = dict[str, Any]
VOLUME: Object = {"spec": {"capacity": {"storage": "12Gi"}}}


def claim(status: str) -> Object:
    """Return a claim as csi-resizer leaves it, with a condition of somebody else."""
    conditions = [{"type": kind} for kind in ("FileSystemResizePending", "Modifying")]
    return {
        "metadata": {"resourceVersion": "7"},
        "status": {
            "capacity": {"storage": "10Gi"},
            "allocatedResourceStatuses": {"storage": status} if status else None,
            "conditions": conditions,
        },
    }


def test_only_a_volume_that_has_grown_waits_for_its_node() -> None:
    """Not while the resizer works, nor after it was refused, nor without any expansion."""
    assert waits_for_node(claim("NodeResizePending"))
    others = ("ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInfeasible")
    assert not any(waits_for_node(claim(status)) for status in ("", *others))
    assert not waits_for_node({})


def test_the_claim_has_what_its_volume_has_and_nothing_pending() -> None:
    """Bound to the version that was seen; conditions of others stay."""
    patch = grown(claim("NodeResizePending"), VOLUME)
    assert patch["metadata"] == {"resourceVersion": "7"}
    assert patch["status"] == {
        "capacity": {"storage": "12Gi"},
        "allocatedResourceStatuses": {"storage": None},
        "conditions": [{"type": "Modifying"}],
    }
