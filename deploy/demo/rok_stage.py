"""A node of Rok's with everything on it, for scenes and tests of its extension and removal.

Real: API server, its controllers and evictions, LVM and the file system of the snapshot space.
Played: Rok (`local.rok`), its Disk Manager's container (`local.rok_node`), EC2, the kubelet.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from demo import crafted, node_pods
from demo.ground import PATIENCE, Ground
from demo.line import ROOT
from local import rok_disks, rok_objects, tools, workloads
from local.csi import install_crds
from local.csi_objects import volume_name
from local.errors import LocalClusterError
from local.exec_face import ExecFace
from local.rok import Rok, Used
from local.rok_node import RokNode
from local.statuses import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from local.cluster import LocalCluster
    from local.rok import Pace

Json = Any
DISK_GIB, DISK_DEVICE = 2, "/dev/sdf"
EXTENTS = 160
"""Of 4 MiB: a snapshot space of 640 MiB, some 250 times smaller than in service."""
CHANGED = {"notebook": 230_400, "models": 65_536, "logs": 8_192}
"""Blocks of 4 KiB by claim: 900 MiB, which is too much, 256 and 32 MiB."""
USERS = ("notebook", "models")
"""Deployments, each with the claim of its name; the third claim is used by nobody."""
SNAPSHOT, SNAPSHOTTED = "notebook-nightly", "notebook"
COMPONENT = ROOT / "deploy" / "manifests" / "access" / "components" / "rok"
ACCOUNT = "system:serviceaccount:pvmedic:pvmedic-remediator"
ALLOWED = ("rights.yaml", "facts.yaml", "commands.yaml")
"""What ships for a remediator that repairs such nodes: rights, and which commands may run."""
REFUSED = "none of the commands of the remediator"


def settings(cluster: LocalCluster) -> dict[str, Json]:
    """Return the sections of a remediator that may repair such nodes; the rest is as it ships."""
    allowed = {"exec": {"namespace": rok_objects.SYSTEM}}
    return {"rok": allowed, "facts": node_pods.asked(cluster)}


def why_not() -> str:
    """Return why no such node can be had on this machine; empty when it can."""
    if reason := rok_disks.why_not():
        return reason
    return "" if node_pods.address() else "this machine has no address but loopback"


class RokStage:
    """The node, its machine, its disks, and Rok."""

    def __init__(
        self,
        ground: Ground,
        node: str,
        instance: str,
        container: RokNode,
        rok: Rok,
        face: ExecFace,
    ) -> None:
        """Take what `opened` has made."""
        self.ground = ground
        self.cluster = ground.cluster
        self.node = node
        self.instance = instance
        self.container = container
        self.disks = container.disks
        self.rok = rok
        self.face = face
        self.users = USERS
        self.scaling_group = _group(node)
        self.first_disks = {one.volume_id for one in self.cluster.cloud.attached(instance)}

    def ask_for_snapshot(self) -> None:
        """Ask for a snapshot of the volume that changed most, as a nightly job would."""
        ground = self.ground
        name = f"snapcontent-{ground.space}"
        source = {"persistentVolumeClaimName": SNAPSHOTTED}
        ground.apply(
            crafted.thing("VolumeSnapshot", ground.space, SNAPSHOT, spec={"source": source})
        )
        uid = ground.get("VolumeSnapshot", SNAPSHOT)["metadata"]["uid"]
        spec = {
            "driver": rok_objects.DRIVER,
            "deletionPolicy": "Delete",
            "source": {"volumeHandle": SNAPSHOTTED},
            "volumeSnapshotRef": {"namespace": ground.space, "name": SNAPSHOT, "uid": uid},
        }
        ground.apply(crafted.thing("VolumeSnapshotContent", ground.space, name, spec=spec))
        handle = {"snapshotHandle": f"{SNAPSHOTTED}-1", "readyToUse": False}
        ground.patch("volumesnapshotcontent", name, handle, status=True)
        status = {
            "boundVolumeSnapshotContentName": name,
            "creationTime": timestamp(time.time()),
            "readyToUse": False,
        }
        ground.patch("volumesnapshot", SNAPSHOT, status, status=True)

    def pinned(self) -> list[str]:
        """Return the volumes that can be used on this node only."""
        listed = (self.cluster.get("/api/v1/persistentvolumes") or {"items": []})["items"]
        return [one["metadata"]["name"] for one in listed if rok_objects.pinned(one, self.node)]

    def refuses_other_commands(self) -> bool:
        """Say whether the API server holds the remediator to the commands of its repair by now."""
        (manager,) = [one for one in self.pods() if one.startswith(f"{rok_objects.SYSTEM}/")]
        space, _, pod = manager.partition("/")
        words = f"command=id&stdout=true&container={rok_objects.CONTAINER}"
        where = f"/api/v1/namespaces/{space}/pods/{pod}/exec?{words}"
        try:
            # What is allowed comes before what kind of stream is spoken.
            self.cluster.kubectl(f"--as={ACCOUNT}", "create", "--raw", where, "-f", "-", stdin="{}")
        except LocalClusterError as refused:
            return REFUSED in str(refused)
        return False

    def pods(self) -> list[str]:
        """Return the pods on the node, as namespace/name."""
        where = f"/api/v1/pods?fieldSelector=spec.nodeName%3D{self.node}"
        metadata = [one["metadata"] for one in (self.cluster.get(where) or {"items": []})["items"]]
        return sorted(f"{one['namespace']}/{one['name']}" for one in metadata)


@contextmanager
def opened(
    cluster: LocalCluster,
    space: str,
    node: str,
    others: Sequence[str],
    *,
    tidy: bool = True,
    pace: Pace | None = None,
    used: Used = Used.LEAVES,
) -> Iterator[RokStage]:
    """Yield a node with Rok and its volumes beside the cluster's own, in a group with machines.

    `others` are the instances that stay in the group; the rest as in `Rok`. Raises
    LocalClusterError where `why_not`.
    """
    if reason := why_not():
        raise LocalClusterError(reason)
    tree = tools.ensure_lvm(print)
    install_crds(cluster)
    with ExitStack() as stack:
        instance = cluster.join(node)
        stack.callback(cluster.leave, node)
        if tidy:
            # The driver goes last: without it Kubernetes would attach volumes that nobody attaches.
            stack.callback(_away, cluster)
        # Its kubelet ends the pods that are left when the namespace goes.
        ground = stack.enter_context(Ground(cluster, space, (node,), tidy=tidy))
        cluster.cloud.group_around(_group(node), [instance, *others], smallest=len(others))
        cluster.cloud.add_disk(instance, DISK_GIB, DISK_DEVICE)
        disks = stack.enter_context(rok_disks.opened(tree, cluster.directory / f"{node}-disks"))
        own = next(one for one in cluster.cloud.attached(instance) if one.device == DISK_DEVICE)
        disks.make_group(own.serial, own.gib, EXTENTS)
        container = RokNode(disks, cluster.cloud, instance)
        face = stack.enter_context(ExecFace(cluster, container.played))
        cluster.apply(rok_objects.system(node))
        cluster.apply("---\n".join((COMPONENT / name).read_text() for name in ALLOWED))
        ground.register(node, rok_objects.DRIVER)
        told = {"path": str(disks.space.path), "lvm": list(disks.lvm.words), "disks": 1}
        stack.enter_context(node_pods.told_of(cluster, node, rok=told))
        changed = {(space, claim): blocks for claim, blocks in CHANGED.items()}
        context = cluster.control.ssl_context(cluster.control.admin)
        rok = stack.enter_context(
            Rok(cluster.server, context, node, disks.space, changed, pace, used=used)
        )
        _populate(ground, node)
        stage = RokStage(ground, node, instance, container, rok, face)
        ground.wait("a policy that holds", stage.refuses_other_commands)
        yield stage


def _group(node: str) -> str:
    return f"{node}-group"


def _populate(ground: Ground, node: str) -> None:
    """Make the volumes there, and who uses them."""
    space = ground.space
    for claim in CHANGED:
        volume, source = volume_name(space, claim), crafted.csi(rok_objects.DRIVER, claim)
        ground.apply(
            crafted.volume(space, volume, claim, rok_objects.ROK, source, node=node),
            crafted.claim(space, claim, rok_objects.ROK, volume=volume),
        )
    for claim in CHANGED:
        ground.until_phase("PersistentVolumeClaim", claim, "Bound")
    for name in USERS:
        ground.apply(workloads.deployment(space, name, name, node))
    wanted = [f"{space}/", f"{rok_objects.SYSTEM}/", f"{rok_objects.ROK}/{rok_objects.GUARD}"]
    stage_of = f"--field-selector=spec.nodeName={node},status.phase=Running"

    def run() -> bool:
        said = json.loads(ground.cluster.kubectl("get", "pods", "-A", stage_of, "-o", "json"))
        names = [
            f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in said["items"]
        ]
        return all(any(name.startswith(one) for name in names) for one in wanted)

    ground.wait(f"pods on {node}", run)


def _away(cluster: LocalCluster) -> None:
    """Take Rok's own away; whoever ran it is gone, so nobody ends its pods."""
    for space in (rok_objects.ROK, rok_objects.SYSTEM):
        gone = ("--ignore-not-found", "--wait=false")
        cluster.kubectl("-n", space, "delete", "daemonsets,poddisruptionbudgets", "--all", *gone)
        force = ("--force", "--grace-period=0")
        cluster.kubectl("-n", space, "delete", "pods", "--all", *force, "--ignore-not-found")
        cluster.kubectl("delete", "namespace", space, *gone)
    allowed = "\n---\n".join((COMPONENT / name).read_text() for name in ALLOWED)
    cluster.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=allowed)
    for kind, name in (("storageclass", rok_objects.ROK), ("csidriver", rok_objects.DRIVER)):
        cluster.kubectl("delete", kind, name, "--ignore-not-found")
    left = [f"/api/v1/namespaces/{space}" for space in (rok_objects.ROK, rok_objects.SYSTEM)]
    cluster.wait("Rok's namespaces gone", lambda: not any(map(cluster.get, left)), PATIENCE)
