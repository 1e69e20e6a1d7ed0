"""Scene `rok`: a node of Rok is drained, and its snapshot space is too small for what changed.

Rok cannot be had: its Events, its volumes and its VolumeSnapshot are crafted. The sizes of the
space are real, of a file system of this machine, told by a real exporter in the role `node`; how
much has changed is chosen to fit them.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from demo import crafted, node_pods
from demo.acts import Act, Figure, Play, Sight
from demo.rwx import ROK, SPEAKER
from local import rok_texts
from local.csi_objects import volume_name
from local.rok_texts import BLOCK, CLONE, WRITE
from local.statuses import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.ground import Ground

CHANGED = {"notebook": 52_424_704, "models": 13_107_200, "logs": 1_310_720}
"""Changed blocks of 4 KiB by claim where no sizes are known: 200, 50 and 5 GiB."""
SHARES = {"models": 19, "logs": 1}
"""Of a hundred parts; the notebook has the rest."""
LEAST_GAP = 2**28
"""Bytes between what is available and the size, so that others may write there meanwhile."""
SNAPSHOT = "models-nightly"
JOBS = {
    "notebook": "26143f83-791b-4496-a180-c6c279184657",
    "models": "493cb10c-6110-46b4-8bb8-cd017bce9f14",
    "logs": "0e6ed9c1-3c2b-4a54-9a50-22a3ba6c5b0f",
}
POD = "rok-csi-node-ndlvl"
CRAFTED = (
    "Crafted here, because it cannot be had: Rok (its Events, its volumes, the status of its"
    " VolumeSnapshot). Real: API server, cordon, binder"
)
UNTOLD = (
    ". No node tells here how large its snapshot space is, so the reason is Unknown: this machine"
    " has no address but loopback, or no file system that is a little full."
)


@dataclass(frozen=True)
class Room:
    """A file system that stands for a snapshot space: where it is, its sizes in bytes."""

    path: Path
    size: int
    available: int

    def told(self) -> str:
        """Say whose sizes these are."""
        sizes = f"{self.size / 2**30:.1f} GiB, {self.available / 2**30:.1f} available"
        return (
            f", and the sizes: those of the file system of {self.path} ({sizes}), told by an"
            " exporter in the role node."
        )

    def changed(self) -> dict[str, int]:
        """Return blocks by claim that are more than is available, and no more than it holds."""
        total = (self.size + self.available) // 2 // BLOCK
        parts = {claim: total * share // 100 for claim, share in SHARES.items()}
        return {"notebook": total - sum(parts.values()), **parts}

    def too_much(self) -> int:
        """Return blocks that it never holds."""
        return (self.size + 2**30) // BLOCK


def room(here: Path) -> Room | None:
    """Return a file system whose sizes can be told here, and leave some room for the scene."""
    found = max((_measured(path) for path in (here, Path("/"))), key=_gap)
    return found if node_pods.address() and _gap(found) >= LEAST_GAP else None


def _measured(path: Path) -> Room:
    found = os.statvfs(path)
    return Room(path, found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)


def _gap(one: Room) -> int:
    return one.size - one.available


def play(ground: Ground, told: Room | None = None) -> Play:
    """Return the scene on one node; without `told` nobody knows the sizes."""
    space, node = ground.space, ground.nodes[0]
    began = ground.first_event("PersistentVolumeClaim", "notebook", "JobFailed")
    blocks = told.changed() if told is not None else CHANGED
    more = {**blocks, "notebook": told.too_much()} if told is not None else blocks
    first = "CollectionPending" if told is not None else "Unknown"
    last = "ExtensionNeeded" if told is not None else "Unknown"

    def sight(form: str, reason: str) -> Sight:
        labels = {"node": node, "form": form, "reason": reason}
        return Sight("snapshot_space_exhausted", labels, began)

    def changed(found: Mapping[str, int]) -> tuple[Figure, ...]:
        each = (
            Figure(
                "pvmedic_volume_changed_bytes",
                {"namespace": space, "persistentvolumeclaim": claim, "node": node},
                number * BLOCK,
            )
            for claim, number in found.items()
        )
        total = sum(found.values()) * BLOCK
        required = Figure("pvmedic_snapshot_space_required_bytes", {"node": node}, total)
        if told is None:
            return (*each, required)
        labels = {"node": node, "estimator": "copied"}
        ratio = Figure("pvmedic_snapshot_space_changed_ratio", labels, total / told.size)
        return (*each, required, ratio)

    def give_up() -> None:
        ground.patch("volumesnapshot", SNAPSHOT, {"readyToUse": True}, status=True)

    grown = (
        Act(
            "meanwhile more changes than the whole space holds, and the job fails again",
            "crafted: rok-csi's Events",
            lambda: _fail_again(ground, node, more["notebook"]),
            (sight("copy", last),),
            changed(more),
        ),
    )
    return Play(
        "Scene rok: a node has no room for the changed data of its volumes' snapshots",
        f"Three volumes live on {node}; it is drained, so that each needs a snapshot at once.",
        CRAFTED + (told.told() if told is not None else UNTOLD),
        (
            Act(
                f"a person cordons {node}, and Rok unpins its volumes",
                "real: the cordon; crafted: rok-csi's Events on three claims",
                lambda: _cordon(ground, node),
            ),
            Act(
                "jobs count what changed since the last snapshots",
                "crafted: rok-csi's Events",
                lambda: _count(ground, node, blocks),
                figures=changed(blocks),
            ),
            Act(
                "the first job runs out of space while it copies",
                f"crafted: JobFailed, SCSI command {WRITE}",
                lambda: _fail(ground, "PersistentVolumeClaim", "notebook", WRITE),
                (sight("copy", first),),
            ),
            Act(
                f"VolumeSnapshot {SNAPSHOT} cannot even clone the old one",
                f"crafted: JobFailed, SCSI command {CLONE}",
                lambda: _fail_snapshot(ground, node),
                (sight("clone", first),),
                changed(blocks),
            ),
            *(grown if told is not None else ()),
        ),
        (
            Act(
                f"VolumeSnapshot {SNAPSHOT} is ready",
                "crafted: the VolumeSnapshot's status",
                give_up,
                (sight("copy", last),),
            ),
            Act(
                f"a person lifts the cordon of {node}",
                "real: the cordon; Rok stops unpinning",
                lambda: _uncordon(ground, node),
                gone=(sight("copy", last),),
            ),
        ),
    )


def _say(ground: Ground, kind: str, name: str, reason: str, text: str) -> None:
    ground.tell(kind, name, reason, text, SPEAKER, warning=reason == "JobFailed")


def _cordon(ground: Ground, node: str) -> None:
    space = ground.space
    ground.apply(crafted.driver(space, ROK, attach=False))
    for claim in CHANGED:
        volume, source = volume_name(space, claim), crafted.csi(ROK, claim)
        ground.apply(
            crafted.volume(space, volume, claim, "rok", source, node=node),
            crafted.claim(space, claim, "rok", volume=volume),
        )
    for claim in CHANGED:
        ground.until_phase("PersistentVolumeClaim", claim, "Bound")
    ground.cluster.kubectl("cordon", node)
    for claim in CHANGED:
        volume = volume_name(space, claim)
        marking = rok_texts.marking(space, claim, volume, node)
        _say(ground, "PersistentVolumeClaim", claim, "INFO", marking)
        unpinning = rok_texts.unpinning(claim, volume, node)
        _say(ground, "PersistentVolumeClaim", claim, "INFO", unpinning)


def _uncordon(ground: Ground, node: str) -> None:
    ground.cluster.kubectl("uncordon", node)


def _count(ground: Ground, node: str, changed: Mapping[str, int]) -> None:
    for claim, blocks in changed.items():
        _start(ground, "PersistentVolumeClaim", claim, claim, node)
        text = rok_texts.about_to_copy(blocks)
        _say(ground, "PersistentVolumeClaim", claim, "PROGRESS", text)


def _start(ground: Ground, kind: str, name: str, claim: str, node: str) -> None:
    _say(ground, kind, name, "JobStarted", rok_texts.started(JOBS[claim], node))


def _fail(ground: Ground, kind: str, name: str, command: str) -> None:
    _say(ground, kind, name, "JobFailed", rok_texts.failed(command, POD))


def _next_second() -> None:
    """Wait for it: Events have whole seconds, and of two in one nobody knows which is newer."""
    began = int(time.time())
    while int(time.time()) == began:
        time.sleep(0.02)


def _fail_again(ground: Ground, node: str, blocks: int) -> None:
    _next_second()
    _count(ground, node, {"notebook": blocks})
    _next_second()
    _fail(ground, "PersistentVolumeClaim", "notebook", WRITE)


def _fail_snapshot(ground: Ground, node: str) -> None:
    _next_second()
    space, content = ground.space, f"snapcontent-{ground.space}"
    source = {"persistentVolumeClaimName": "models"}
    ground.apply(crafted.thing("VolumeSnapshot", space, SNAPSHOT, spec={"source": source}))
    reference = {"namespace": space, "name": SNAPSHOT}
    spec = {
        "driver": ROK,
        "deletionPolicy": "Delete",
        "source": {"volumeHandle": "models"},
        "volumeSnapshotRef": {**reference, "uid": _uid(ground)},
    }
    ground.apply(crafted.thing("VolumeSnapshotContent", space, content, spec=spec))
    status = {
        "boundVolumeSnapshotContentName": content,
        "creationTime": timestamp(time.time()),
        "readyToUse": False,
    }
    ground.patch("volumesnapshot", SNAPSHOT, status, status=True)
    made = {"snapshotHandle": "models-1", "readyToUse": False}
    ground.patch("volumesnapshotcontent", content, made, status=True)
    _start(ground, "VolumeSnapshot", SNAPSHOT, "models", node)
    _fail(ground, "VolumeSnapshot", SNAPSHOT, CLONE)


def _uid(ground: Ground) -> str:
    return str(ground.get("VolumeSnapshot", SNAPSHOT)["metadata"]["uid"])
