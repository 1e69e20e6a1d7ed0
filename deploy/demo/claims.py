"""Scene `claims`: what goes wrong with claims, their volumes, snapshots and attachments.

Kubernetes' own controllers and the real CSI sidecars speak; the driver behind them fails on
command. Only a provisioner cannot be had: what one would say and make is crafted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo import crafted
from demo.acts import Act, Figure, Play, Sight
from demo.ground import seconds
from local import csi_objects, workloads
from local.csi_objects import handle, volume_name
from local.volumes import FAULTY_DRIVER

if TYPE_CHECKING:
    from demo.ground import Ground
    from local.csi import Csi

EXPAND, CREATE = "ControllerExpandVolume", "CreateSnapshot"
PUBLISH, UNPUBLISH = "ControllerPublishVolume", "ControllerUnpublishVolume"
FULL = 'array "a-1": pool is 97% full'
PROVISIONER = f"{FAULTY_DRIVER}_provisioner-0"
NO_ROOM = (
    f'failed to provision volume with StorageClass "{csi_objects.STORAGE_CLASS}": rpc error:'
    " code = ResourceExhausted desc = insufficient free space in the pool"
)
CRAFTED = (
    "Crafted here, because it cannot be had: a provisioner (one Event, one volume). Real: API"
    " server, binder, attach/detach controller, protection controllers, csi-attacher, csi-resizer,"
    " csi-snapshotter, snapshot-controller. Played: the nodes' kubelets, and the CSI driver, which"
    " fails on command."
)
GROWN, ASKED = 2**30, 9 * 2**30


Pair = tuple[Act, Act]


def by_controllers(ground: Ground) -> list[Pair]:
    """Return what Kubernetes' own controllers do without any CSI part: failures, repairs."""
    return [_class_missing(ground), _release(ground), _lost(ground)]


def play(ground: Ground, csi: Csi) -> Play:
    """Return the scene on two nodes, for a driver that works."""
    acts = [
        _class_missing(ground),
        _no_room(ground),
        _expansion(ground, csi),
        _snapshot(ground, csi),
        _deletion(ground),
        _release(ground),
        _lost(ground),
        *_attachment(ground, csi),
    ]
    return Play(
        "Scene claims: claims that wait, do not grow, do not go; snapshots; a volume on two nodes",
        "In namespace shop eight things go wrong, one after the other.",
        CRAFTED,
        tuple(failure for failure, _ in acts if failure is not None),
        tuple(repair for _, repair in acts if repair is not None),
    )


def _class_missing(ground: Ground) -> Pair:
    space, name, missing = ground.space, "orders", f"{ground.space}-fast"
    where = {"namespace": space, "persistentvolumeclaim": name}
    sight = Sight(
        "claim_pending",
        {**where, "storageclass": missing, "reason": "ClassMissing"},
        ground.created("PersistentVolumeClaim", name),
    )

    def fail() -> None:
        ground.apply(crafted.claim(space, name, missing))

    def repair() -> None:
        source = crafted.csi(FAULTY_DRIVER, handle(space, name))
        made = crafted.volume(
            space, volume_name(space, name), name, missing, source, uid=_uid(ground, name)
        )
        ground.apply(crafted.storage_class(space, missing, "kubernetes.io/no-provisioner"), made)

    return (
        Act(f"claim {name} names a class that is not there", "real: the binder", fail, (sight,)),
        Act("a person makes the class and a volume", "real: the binder", repair, gone=(sight,)),
    )


def _no_room(ground: Ground) -> Pair:
    space, name = ground.space, "archive"
    sight = Sight(
        "claim_pending",
        {
            "namespace": space,
            "persistentvolumeclaim": name,
            "driver": FAULTY_DRIVER,
            "reason": "NoSpace",
        },
        ground.created("PersistentVolumeClaim", name),
    )

    def fail() -> None:
        ground.apply(csi_objects.unbound_claim(space, name))
        ground.until_phase("PersistentVolumeClaim", name, "Pending")
        ground.tell("PersistentVolumeClaim", name, "ProvisioningFailed", NO_ROOM, PROVISIONER)

    def repair() -> None:
        source = crafted.csi(FAULTY_DRIVER, handle(space, name))
        volume = volume_name(space, name)
        uid, storage_class = _uid(ground, name), csi_objects.STORAGE_CLASS
        ground.apply(crafted.volume(space, volume, name, storage_class, source, uid=uid))

    return (
        Act(f"claim {name} finds no room", "crafted: a provisioner's Event", fail, (sight,)),
        Act("there is room again", "crafted: a provisioner's volume", repair, gone=(sight,)),
    )


def _expansion(ground: Ground, csi: Csi) -> Pair:
    space, name = ground.space, "media"
    where = {"namespace": space, "persistentvolumeclaim": name}
    sight = Sight(
        "expansion_failed",
        {**where, "stage": "controller", "driver": FAULTY_DRIVER, "reason": "NoSpace"},
        lambda: _asked(ground, name),
    )
    shortfall = Figure("pvmedic_expansion_shortfall_bytes", where, ASKED - GROWN)

    def fail() -> None:
        csi.fail(EXPAND, "ResourceExhausted", FULL, volume=handle(space, name))
        ground.apply(csi_objects.claim(space, name, block=True))
        ground.until_phase("PersistentVolumeClaim", name, "Bound")
        request = {"spec": {"resources": {"requests": {"storage": str(ASKED)}}}}
        ground.patch("PersistentVolumeClaim", name, request)

    return (
        Act(
            f"claim {name} is to grow from 1 to 9 GiB",
            "real: csi-resizer; the driver answers ResourceExhausted",
            fail,
            (sight,),
            (shortfall,),
        ),
        Act(
            "the pool is extended",
            "real: csi-resizer tries again",
            lambda: csi.heal(EXPAND, handle(space, name)),
            gone=(sight,),
        ),
    )


def _snapshot(ground: Ground, csi: Csi) -> Pair:
    space, name, snapshot = ground.space, "mail", "nightly"
    sight = Sight(
        "snapshot_not_ready",
        {
            "namespace": space,
            "volumesnapshot": snapshot,
            "persistentvolumeclaim": name,
            "driver": FAULTY_DRIVER,
            "reason": "DriverError",
        },
        ground.created("VolumeSnapshot", snapshot),
    )

    def fail() -> None:
        csi.fail(CREATE, "Internal", "the array refuses", volume=handle(space, name))
        ground.apply(csi_objects.claim(space, name))
        ground.until_phase("PersistentVolumeClaim", name, "Bound")
        ground.apply(csi_objects.snapshot(space, snapshot, name))

    return (
        Act(
            f"snapshot {snapshot} of claim {name} fails",
            "real: csi-snapshotter; the driver answers Internal",
            fail,
            (sight,),
        ),
        Act(
            "the array takes snapshots again",
            "real: csi-snapshotter tries again",
            lambda: csi.heal(CREATE, handle(space, name)),
            gone=(sight,),
        ),
    )


def _deletion(ground: Ground) -> Pair:
    space, name, pod = ground.space, "cache", "cache-user"
    sight = Sight(
        "deletion_stuck",
        {
            "kind": "persistentvolumeclaim",
            "namespace": space,
            "name": name,
            "finalizer": "kubernetes.io/pvc-protection",
            "reason": "InUse",
        },
        ground.time("PersistentVolumeClaim", name, "metadata", "deletionTimestamp"),
    )

    def fail() -> None:
        ground.apply(
            csi_objects.claim(space, name), workloads.pod(space, pod, name, ground.nodes[0])
        )
        ground.until_phase("Pod", pod, "Running")
        ground.delete("pvc", name)

    return (
        Act(
            f"claim {name} is deleted while pod {pod} uses it",
            "real: pvc-protection",
            fail,
            (sight,),
        ),
        Act(f"pod {pod} is deleted, too", "", lambda: ground.delete("pod", pod), gone=(sight,)),
    )


def _release(ground: Ground) -> Pair:
    space, name = ground.space, "old-share"
    volume = volume_name(space, name)
    sight = Sight(
        "volume_release_failed",
        {
            "persistentvolume": volume,
            "namespace": space,
            "persistentvolumeclaim": name,
            "reason": "NoPlugin",
        },
        ground.time("PersistentVolume", volume, "status", "lastPhaseTransitionTime"),
    )

    def fail() -> None:
        nfs = {"nfs": {"server": "192.0.2.1", "path": "/exported"}}
        ground.apply(
            crafted.volume(space, volume, name, "", nfs, policy="Delete"),
            crafted.claim(space, name, "", volume=volume),
        )
        ground.until_phase("PersistentVolumeClaim", name, "Bound")
        ground.delete("pvc", name)

    return (
        Act(
            f"claim {name} is gone, and nobody can delete its volume",
            "real: kube-controller-manager (NFS, policy Delete)",
            fail,
            (sight,),
        ),
        Act(
            "a person deletes the volume",
            "",
            lambda: ground.delete("pv", volume),
            gone=(sight,),
        ),
    )


def _lost(ground: Ground) -> Pair:
    space, name = ground.space, "ledger"
    volume = volume_name(space, name)
    sight = Sight(
        "claim_lost",
        {"namespace": space, "persistentvolumeclaim": name, "persistentvolume": volume},
    )

    def fail() -> None:
        ground.apply(csi_objects.claim(space, name))
        ground.until_phase("PersistentVolumeClaim", name, "Bound")
        ground.delete("pv", volume)
        ground.patch("pv", volume, {"metadata": {"finalizers": None}})

    return (
        Act(
            f"the volume of claim {name} is removed by force",
            "real: the binder; no object says when, so the first sight counts",
            fail,
            (sight,),
        ),
        Act(f"claim {name} is given up", "", lambda: ground.delete("pvc", name), gone=(sight,)),
    )


def _attachment(ground: Ground, csi: Csi) -> tuple[tuple[Act | None, Act | None], ...]:
    space, name, first, second = ground.space, "db", "db-0", "db-1"
    volume, (here, there) = volume_name(space, name), ground.nodes[:2]
    stuck = Sight(
        "attachment_stuck",
        {
            "persistentvolume": volume,
            "namespace": space,
            "persistentvolumeclaim": name,
            "node": here,
            "driver": FAULTY_DRIVER,
            "operation": "detach",
        },
        lambda: _attachment_time(ground, volume, here, "deletionTimestamp"),
    )
    twice = Sight(
        "volume_attached_twice",
        {
            "persistentvolume": volume,
            "namespace": space,
            "persistentvolumeclaim": name,
            "node": here,
            "other_node": there,
            "reason": "DetachFailed",
        },
        lambda: _attachment_time(ground, volume, there, "creationTimestamp"),
    )

    def detach() -> None:
        ground.apply(csi_objects.claim(space, name), workloads.pod(space, first, name, here))
        ground.until_phase("Pod", first, "Running")
        csi.fail(UNPUBLISH, "Internal", "no path to the array", volume=handle(space, name))
        ground.delete("pod", first)

    def attach() -> None:
        ground.apply(workloads.pod(space, second, name, there))
        ground.until_phase("Pod", second, "Running")

    return (
        (
            Act(
                f"pod {first} ends, and its volume does not leave {here}",
                "real: csi-attacher; the driver answers Internal",
                detach,
                (stuck,),
            ),
            None,
        ),
        (
            Act(
                f"the next pod runs on {there}: one disk, two nodes",
                "real: attach/detach controller and csi-attacher; no Event complains",
                attach,
                (twice,),
            ),
            Act(
                "the path to the array is back",
                "real: csi-attacher tries again",
                lambda: csi.heal(UNPUBLISH, handle(space, name)),
                gone=(stuck, twice),
            ),
        ),
    )


def _uid(ground: Ground, claim: str) -> str:
    """Return a claim's uid: a volume that names it is bound at once, as a provisioner's is."""
    return str(ground.get("PersistentVolumeClaim", claim)["metadata"]["uid"])


def _attachment_time(ground: Ground, volume: str, node: str, field: str) -> float | None:
    text = ground.attachment(volume, node).get("metadata", {}).get(field)
    return seconds(text) if text else None


def _asked(ground: Ground, claim: str) -> float | None:
    """Return when the request was written last, as the API server noted it."""
    entries = ground.get("PersistentVolumeClaim", claim)["metadata"].get("managedFields", ())
    return max(
        (
            seconds(entry["time"])
            for entry in entries
            if "f:resources" in entry.get("fieldsV1", {}).get("f:spec", {})
        ),
        default=None,
    )
