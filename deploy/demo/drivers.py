"""Scene `csi`: nodes that do not know their driver, mounts that fail, an operation that hangs.

The attach behind it is real: csi-attacher before a driver that fails on command. Ceph CSI and what
real kubelets say of mounts and of node plugins cannot be had: those words are crafted.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from demo import crafted
from demo.acts import Act, Play, Sight
from demo.ground import seconds, written
from local import csi_objects, workloads
from local.csi_objects import handle, volume_name
from local.volumes import FAULTY_DRIVER

if TYPE_CHECKING:
    from demo.ground import Ground, Object
    from demo.told import ToldNodes
    from local.csi import Csi

RBD = "rbd.csi.ceph.com"
PLUGIN = "csi-rbdplugin"
LABEL = "pvmedic.dev/ceph"
PUBLISH = "ControllerPublishVolume"
OLD_KERNEL, NEW_KUBELET, KUBELET = "3.10.0-1160.el7.x86_64", "v1.37.0", "v1.36.1"
REGISTRATION = f"--kubelet-registration-path=/var/lib/kubelet/plugins/{RBD}/csi.sock"
REFUSED = (
    "Registration process failed with error: RegisterPlugin error -- plugin registration failed"
    " with err: error updating CSINode object with CSI driver node info: the server could not find"
    " the requested resource"
)
WRONG_FS = (
    'MountVolume.MountDevice failed for volume "{volume}" : rpc error: code = Internal desc ='
    " mount failed: exit status 32 Output: mount: wrong fs type, bad option, bad superblock on"
    " /dev/rbd0, missing codepage or helper program, or other error"
)
DAMAGED = (
    'MountVolume.MountDevice failed for volume "{volume}" : rpc error: code = Internal desc ='
    " 'fsck' found errors on device /dev/sdb but could not correct them"
)
CRAFTED = (
    "Crafted here, because it cannot be had: what kubelets say of mounts and node plugins, and Ceph"
    " CSI (a DaemonSet whose containers never run, one attachment). Real: API server, scheduler,"
    " DaemonSet and attach/detach controller, csi-attacher. Played: heartbeats, and the CSI driver"
    " behind csi-attacher, which fails on command."
)


class Places:
    """The told nodes of this scene: the plugin crashes on one, skew on the next, mounts fail."""

    def __init__(self, told: ToldNodes, space: str) -> None:
        """Register them."""
        self.told = told
        self.crashing, self.newer, self.older = (
            f"{space}-{name}" for name in ("crashing", "newer", "older")
        )
        told.add(self.crashing)
        told.add(self.newer, kubeletVersion=NEW_KUBELET)
        told.add(self.older, kernelVersion=OLD_KERNEL)


def play(ground: Ground, csi: Csi, places: Places) -> Play:
    """Return the scene."""
    pairs = (
        _crash_loop(ground, places),
        _skew(ground, places),
        _wrong_file_system(ground, places),
        _damaged(ground, places),
        _stuck(ground, csi),
    )
    return Play(
        "Scene csi: drivers that are not registered, mounts that fail, an operation that hangs",
        f"Node {places.crashing}: a node plugin crashes. {places.newer}: its kubelet is newer than"
        f" the API server. {places.older}: Linux {OLD_KERNEL.partition('-')[0]}.",
        CRAFTED,
        (_deploy(ground, places), *(failure for failure, _ in pairs)),
        tuple(repair for _, repair in pairs),
    )


def by_kubelets(ground: Ground, places: Places) -> tuple[Act, ...]:
    """Return the failures that need no CSI part."""
    pairs = (_crash_loop(ground, places), _wrong_file_system(ground, places))
    return (_deploy(ground, places), *(failure for failure, _ in pairs))


def plugin_pod(ground: Ground, node: str) -> str:
    """Return the name of the node plugin's pod on a node, empty without one."""
    found = ground.kubectl(
        *("get", "pods", "-l", f"app={PLUGIN}", f"--field-selector=spec.nodeName={node}"),
        *("-o", "jsonpath={.items[*].metadata.name}"),
    )
    return found.strip()


def _deploy(ground: Ground, places: Places) -> Act:
    def do() -> None:
        nodes = (places.crashing, places.newer, places.older)
        for node in nodes:
            ground.cluster.kubectl("label", "--overwrite", "node", node, f"{LABEL}={ground.space}")
        ground.apply(crafted.driver(ground.space, RBD, attach=True), _daemon_set(ground.space))
        for node in nodes:
            ground.wait(f"the plugin on {node}", partial(plugin_pod, ground, node))
        ground.register(places.older, RBD)
        _running(ground, places, places.older)

    return Act(
        "Ceph CSI's node plugin is deployed to three nodes",
        f"real: the DaemonSet; crafted: it runs and is registered on {places.older} only",
        do,
    )


def _crash_loop(ground: Ground, places: Places) -> tuple[Act, Act]:
    node = places.crashing
    sight = _unregistered(ground, node, "CrashLoop")

    def fail() -> None:
        waits = {"waiting": {"reason": "CrashLoopBackOff"}}
        _say_of_plugin(ground, places, node, waits, "panic: runtime error", restarts=7)

    def repair() -> None:
        ground.register(node, RBD)
        _running(ground, places, node)

    return (
        Act(f"the node plugin on {node} crashes", "crafted: its pod's status", fail, (sight,)),
        Act(f"the plugin on {node} runs", "crafted: its CSINode lists it", repair, gone=(sight,)),
    )


def _skew(ground: Ground, places: Places) -> tuple[Act, Act]:
    node = places.newer
    sight = _unregistered(ground, node, "VersionSkew")

    def fail() -> None:
        waits = {"waiting": {"reason": "CrashLoopBackOff"}}
        _say_of_plugin(ground, places, node, waits, REFUSED, restarts=4)

    def repair() -> None:
        places.told.say_of_node(node, {"nodeInfo": {"kubeletVersion": KUBELET}})
        ground.register(node, RBD)
        _running(ground, places, node)

    return (
        Act(
            f"kubelet {NEW_KUBELET} on {node} asks for an API that there is not",
            "crafted: the registrar's last words",
            fail,
            (sight,),
        ),
        Act(f"the kubelet on {node} is as old as the rest", "crafted", repair, gone=(sight,)),
    )


def _wrong_file_system(ground: Ground, places: Places) -> tuple[Act, Act]:
    space, name, pod, node = ground.space, "catalog", "catalog-0", places.older
    volume = volume_name(space, name)
    sight = _mount(ground, name, pod, node, RBD, "XfsUnsupported")

    def fail() -> None:
        ground.apply(
            crafted.volume(space, volume, name, "rbd", crafted.csi(RBD, name, "xfs")),
            crafted.claim(space, name, "rbd", volume=volume),
            crafted.pod(space, pod, name, node),
        )
        ground.wait("an attachment", lambda: ground.attachment(volume, node))
        attachment = ground.attachment(volume, node)["metadata"]["name"]
        ground.patch("volumeattachment", attachment, {"attached": True}, status=True)
        _refuse_mount(ground, places, pod, WRONG_FS.format(volume=volume))

    return (
        Act(
            f"Linux on {node} cannot mount a file system made by ceph-csi 2.1.0",
            "crafted: attachment, FailedMount; kernel and image version say which cause",
            fail,
            (sight,),
        ),
        _mounted(ground, places, pod, sight),
    )


def _damaged(ground: Ground, places: Places) -> tuple[Act, Act]:
    space, name, pod, node = ground.space, "wiki", "wiki-0", places.older
    volume = volume_name(space, name)
    sight = _mount(ground, name, pod, node, FAULTY_DRIVER, "FilesystemDamaged")

    def fail() -> None:
        ground.register(node, FAULTY_DRIVER)
        ground.apply(csi_objects.claim(space, name), crafted.pod(space, pod, name, node))
        ground.wait(
            "the attachment",
            lambda: ground.attachment(volume, node).get("status", {}).get("attached"),
        )
        _refuse_mount(ground, places, pod, DAMAGED.format(volume=volume))

    return (
        Act(
            f"a volume is attached to {node}, and its file system is damaged",
            "real: csi-attacher attached it; crafted: the kubelet's FailedMount",
            fail,
            (sight,),
        ),
        _mounted(ground, places, pod, sight),
    )


def _stuck(ground: Ground, csi: Csi) -> tuple[Act, Act]:
    space, name, pod, node = ground.space, "queue", "queue-0", ground.nodes[0]
    volume = volume_name(space, name)
    where = {"namespace": space, "persistentvolumeclaim": name, "driver": FAULTY_DRIVER}

    def began() -> float | None:
        text = ground.attachment(volume, node).get("metadata", {}).get("creationTimestamp")
        return seconds(text) if text else None

    sights = (
        Sight("csi_operation_stuck", {**where, "node": node, "reason": "Attach"}, began),
        Sight(
            "attachment_stuck",
            {**where, "node": node, "operation": "attach", "reason": "OperationPending"},
            began,
        ),
    )

    def fail() -> None:
        text = f"an operation with the given Volume ID {handle(space, name)} already exists"
        csi.fail(PUBLISH, "Aborted", text, volume=handle(space, name))
        ground.apply(csi_objects.claim(space, name), workloads.pod(space, pod, name, node))

    return (
        Act(
            "the driver refuses every call for a volume: an old one still hangs",
            "real: csi-attacher; the driver answers Aborted",
            fail,
            sights,
        ),
        Act(
            "the old call ends",
            "real: csi-attacher tries again",
            lambda: csi.heal(PUBLISH, handle(space, name)),
            gone=sights,
        ),
    )


def _unregistered(ground: Ground, node: str, reason: str) -> Sight:
    def began() -> float | None:
        """Return the latest of: the node Ready, the plugin made, the CSINode's list written."""
        made = ground.created("Pod", plugin_pod(ground, node))()
        times = (ground.ready(node), made, written(ground.get("CSINode", node)))
        return max(time for time in times if time is not None)

    return Sight(
        "csi_driver_unregistered",
        {"node": node, "driver": RBD, "namespace": ground.space, "reason": reason},
        began,
    )


def _mount(ground: Ground, claim: str, pod: str, node: str, driver: str, reason: str) -> Sight:
    volume = volume_name(ground.space, claim)

    labels = {
        "namespace": ground.space,
        "pod": pod,
        "persistentvolumeclaim": claim,
        "persistentvolume": volume,
        "driver": driver,
        "node": node,
        "reason": reason,
    }
    return Sight("mount_failing", labels, ground.mount_began(pod, volume, node))


def _refuse_mount(ground: Ground, places: Places, pod: str, text: str) -> None:
    placed = ground.scheduled(pod)() or time.time()
    places.told.say_of_pod(ground.space, pod, crafted.mounting(placed))
    ground.tell("Pod", pod, "FailedMount", text, "kubelet")


def _mounted(ground: Ground, places: Places, pod: str, sight: Sight) -> Act:
    def do() -> None:
        places.told.run(ground.space, pod)

    return Act(f"pod {pod} gets its volume", "crafted: its status", do, gone=(sight,))


def _running(ground: Ground, places: Places, node: str) -> None:
    places.told.run(ground.space, plugin_pod(ground, node))


def _say_of_plugin(
    ground: Ground, places: Places, node: str, state: Object, last: str, *, restarts: int
) -> None:
    ended: Object = {"terminated": {"exitCode": 255, "reason": "Error", "message": last}}
    more: Object = {"restartCount": restarts} | ({"lastState": ended} if last else {})
    status = {"phase": "Running", "containerStatuses": [crafted.container("main", state, **more)]}
    places.told.say_of_pod(ground.space, plugin_pod(ground, node), status)


def _daemon_set(space: str) -> str:
    labels = {"app": PLUGIN}
    registry = {"path": "/var/lib/kubelet/plugins_registry", "type": "Directory"}
    spec = {
        "nodeSelector": {LABEL: space},
        "containers": [
            {"name": "main", "image": "cephcsi/cephcsi:v2.1.0", "args": [REGISTRATION]},
        ],
        "volumes": [{"name": "registry", "hostPath": registry}],
        "terminationGracePeriodSeconds": 1,
    }
    template = {"metadata": {"labels": labels}, "spec": spec}
    body = {"selector": {"matchLabels": labels}, "template": template}
    return crafted.thing("DaemonSet", space, PLUGIN, spec=body)
