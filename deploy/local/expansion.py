"""What a kubelet writes once it has grown a file system: the status of the claim. Pure.

Whether the volume may grow is csi-resizer's business; it leaves `NodeResizePending` behind.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
PENDING = "NodeResizePending"
OF_RESIZING = frozenset(
    {"Resizing", "FileSystemResizePending", "ControllerResizeError", "NodeResizeError"}
)
"""Conditions that go with an expansion's end."""


def waits_for_node(claim: Object) -> bool:
    """Say whether a claim's volume has grown, and only its file system has not."""
    statuses = claim.get("status", {}).get("allocatedResourceStatuses") or {}
    return bool(statuses.get("storage") == PENDING)


def grown(claim: Object, volume: Object) -> Object:
    """Return the patch by which a kubelet says that the file system is as large as its volume.

    It is bound to the version of the claim: what else was written meanwhile stands.
    """
    conditions = claim["status"].get("conditions") or ()
    return {
        "metadata": {"resourceVersion": claim["metadata"]["resourceVersion"]},
        "status": {
            "capacity": {"storage": volume["spec"]["capacity"]["storage"]},
            "allocatedResourceStatuses": {"storage": None},
            "conditions": [one for one in conditions if one["type"] not in OF_RESIZING],
        },
    }
