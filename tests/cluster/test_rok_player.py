"""The stage of Rok's scenes, by hand and without a repair: what is played is as Rok's pages say.

Real: cordon, scheduler, binder, disruption controller, evictions, LVM, the snapshot space.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from demo import rok_stage
from local.errors import LocalClusterError
from local.exec_face import Command
from local.rok import Used
from local.rok_disks import GROUP, VOLUME
from local.rok_node import BY_ID, NAMES
from local.rok_objects import GUARD, ROK

if TYPE_CHECKING:
    from demo.line import Line
    from demo.rok_stage import RokStage

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.soak,
    pytest.mark.timeout(150),
    pytest.mark.skipif(bool(rok_stage.why_not()), reason=rok_stage.why_not()),
]

NODE = "rok-player"
GIB, EXTENTS = 4, 1023
"""A disk, and how many of LVM's extents it has."""


def evict(stage: RokStage, space: str, pod: str) -> None:
    """Ask the API server to evict a pod; raises LocalClusterError with its refusal."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": space, "name": pod},
    }
    where = f"/api/v1/namespaces/{space}/pods/{pod}/eviction"
    stage.cluster.kubectl("create", "--raw", where, "-f", "-", stdin=json.dumps(eviction))


def by_hand(stage: RokStage) -> None:
    """Extend the node as an administrator would."""
    volume = stage.cluster.cloud.add_disk(stage.instance, GIB, "/dev/xvddz")
    device = f"{BY_ID}{volume.replace('-', '')}"
    extents = rok_stage.EXTENTS + EXTENTS
    for argv in (
        ("lvm", "pvcreate", device),
        ("lvm", "vgextend", GROUP, device),
        ("lvm", "lvextend", "--extents", str(extents), f"{GROUP}/{VOLUME}", device),
        ("resize2fs", NAMES[0]),
    ):
        assert asyncio.run(stage.container.played(Command("", "", "", argv), quiet)) == 0, argv


async def quiet(_channel: int, _body: bytes) -> None:
    """Hear nothing."""


def failed(stage: RokStage) -> set[tuple[str, str]]:
    """Return the kinds and claims of jobs that ran out of room so far."""
    return {(job.kind, job.claim[1]) for job in stage.rok.jobs if job.failed}


def test_volumes_leave_once_there_is_room_and_nobody_uses_them_and_the_guard_holds_till_then(
    line: Line,
) -> None:
    """Then the machine ends, its disks with it, and its Node goes."""
    cluster = line.cluster
    others = [cluster.cloud.run_instance()]
    with rok_stage.opened(cluster, NODE, NODE, others, used=Used.STAYS) as stage:
        wait, guard = stage.ground.wait, f"{GUARD}-{NODE}"
        stage.ask_for_snapshot()
        cluster.kubectl("cordon", NODE)
        unpinnings = {("PersistentVolumeClaim", claim) for claim in rok_stage.CHANGED}
        tried = {("VolumeSnapshot", "notebook"), *unpinnings}
        wait("jobs out of room", lambda: failed(stage) == tried)
        with pytest.raises(LocalClusterError, match="disruption budget"):
            evict(stage, ROK, guard)
        by_hand(stage)
        snapshot = ("VolumeSnapshot", rok_stage.SNAPSHOT)
        wait("the snapshot", lambda: stage.ground.status(*snapshot)["readyToUse"])
        used = {f"pv-{NODE}-notebook", f"pv-{NODE}-models"}
        wait("what nobody uses gone", lambda: set(stage.pinned()) == used)
        with pytest.raises(LocalClusterError, match="disruption budget"):
            evict(stage, ROK, guard)

        for pod in [one.partition("/")[2] for one in stage.pods() if one.startswith(f"{NODE}/")]:
            evict(stage, NODE, pod)
        wait("nothing pinned", lambda: not stage.pinned())
        running = ("get", "pods", "--field-selector=status.phase=Running", "-o", "name")
        wait("both elsewhere", lambda: len(stage.ground.kubectl(*running).split()) == 2)
        wait("a budget that allows it", lambda: _allowed(stage, guard) == 1)
        evict(stage, ROK, guard)
        wait("no guard", lambda: f"{ROK}/{guard}" not in stage.pods())

        disks = {one.volume_id for one in cluster.cloud.attached(stage.instance)}
        assert len(disks) == 3, "the root disk, the first one of Rok's, and the new one"
        cluster.cloud.terminate(stage.instance)
        wait("no Node", lambda: cluster.get(f"/api/v1/nodes/{NODE}") is None)
        assert not disks & set(cluster.cloud.disks())


def _allowed(stage: RokStage, name: str) -> int:
    path = f"/apis/policy/v1/namespaces/{ROK}/poddisruptionbudgets/{name}"
    found = stage.cluster.get(path)
    assert found is not None
    allowed: int = found["status"]["disruptionsAllowed"]
    return allowed
