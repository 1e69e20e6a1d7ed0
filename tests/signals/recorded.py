"""Objects and Events as real controllers wrote them, read as the exporter reads them."""

import json
from pathlib import Path
from typing import Any

from exporter.observe.model import Kind, Object
from exporter.observe.parse import wire

FOLDER = Path(__file__).parents[1] / "observe" / "recorded"

KINDS = {
    "Node": Kind.NODE,
    "Pod": Kind.POD,
    "PersistentVolumeClaim": Kind.CLAIM,
    "PersistentVolume": Kind.VOLUME,
    "VolumeAttachment": Kind.ATTACHMENT,
    "Event": Kind.EVENT,
    "StorageClass": Kind.STORAGE_CLASS,
    "CSINode": Kind.CSI_NODE,
    "CSIDriver": Kind.CSI_DRIVER,
    "VolumeSnapshot": Kind.SNAPSHOT,
    "VolumeSnapshotContent": Kind.SNAPSHOT_CONTENT,
    "VolumeSnapshotClass": Kind.SNAPSHOT_CLASS,
}


def look(scene: str, number: int = -1) -> list[Object]:
    """Return what one look of a scene saw: the last one unless told."""
    seen = json.loads((FOLDER / f"{scene}.json").read_text())["looks"][number]
    found = [_read(item) for item in (*seen["objects"], *seen["events"])]
    return [obj for obj in found if wire.kept(obj)]


def _read(item: dict[str, Any]) -> Object:
    return wire.one(KINDS[item["kind"]], json.dumps(item).encode())
