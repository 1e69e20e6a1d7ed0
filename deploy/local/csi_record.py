"""Records what real CSI components write, for tests of parsers and detectors on recorded truth.

`PYTHONPATH=deploy python -m local.csi_record [SCENE ...]` plays the scenes of `csi_scenes` and
`csi_claim_scenes` on a cluster of its own and writes tests/observe/recorded/SCENE.json. All of them
take about 4 minutes, half of it for the Event that the controller manager writes only after 120 s.
A file holds

    {"scene": ..., "about": ..., "versions": {...}, "timings": ...,
     "looks": [{"at": "2026-...Z", "objects": [...], "events": [...]}, ...]}

The first look is at the moment at which the failure shows, the last one some time later, for what
moves meanwhile. Objects are as the API server gives them, without managedFields and kubectl's copy
of what was applied; only a claim keeps the entries of those who wrote `spec.resources`, for they
alone tell when it was asked to grow. Scenes of attachments have their two nodes with CSINodes, too;
the classes that are named are always there.
Names, uids and times fit together within a file, not between files.
"""

from __future__ import annotations

import json
import re
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local import go_build, tools
from local.cluster import LocalCluster
from local.csi import TIMINGS, Csi
from local.csi_claim_scenes import CLAIM_SCENES
from local.csi_scenes import SCENES, WITHOUT, without
from local.csi_stage import CsiStage
from local.errors import LocalClusterError
from local.statuses import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Object = dict[str, Any]
INTO = Path(__file__).parents[2] / "tests" / "observe" / "recorded"
LATER_SECONDS = 8.0
TOGETHER = {**SCENES, **CLAIM_SCENES}
NAMES = {*TOGETHER, *WITHOUT}
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def main(names: Iterable[str]) -> int:
    """Record the scenes of these names, or all; 0, or 1 with a sentence."""
    wanted = set(names) or NAMES
    if unknown := wanted - NAMES:
        print(f"no scene {', '.join(sorted(unknown))}; there are {', '.join(sorted(NAMES))}")
        return 1
    INTO.mkdir(exist_ok=True)
    try:
        with LocalCluster.start(tools.ensure(print)) as cluster, Csi.start(cluster) as csi:
            _record_all([name for name in TOGETHER if name in wanted], csi)
            for name in [name for name in WITHOUT if name in wanted]:
                _record_without(name, csi)
    except LocalClusterError as error:
        print(error)
        return 1
    return 0


def trimmed(item: Object) -> Object:
    """Return an object without managedFields but those that say who wrote a claim's resources."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
    if APPLIED in (annotations := metadata.get("annotations", {})):
        metadata["annotations"] = {key: annotations[key] for key in annotations if key != APPLIED}
    if item.get("kind") == "PersistentVolumeClaim":
        writers = [
            {**entry, "fieldsV1": {"f:spec": {"f:resources": spec["f:resources"]}}}
            for entry in item["metadata"].get("managedFields", ())
            if "f:resources" in (spec := entry.get("fieldsV1", {}).get("f:spec", {}))
        ]
        metadata["managedFields"] = writers
    return {**item, "metadata": metadata}


def versions() -> dict[str, str]:
    """Return the version of every component, from the pins that it was built with."""
    pins = (go_build.CSI.path / "go.mod").read_text()
    found = re.findall(r"kubernetes-csi/(external-\w+)/v\d+ (v\S+)", pins)
    return {"kubernetes": go_build.KUBERNETES_VERSION, **dict(found)}


def _record_all(names: list[str], csi: Csi) -> None:
    """Play scenes one after the other, and look again at each when all have been played."""
    looks: dict[str, list[Object]] = {}
    stages: dict[str, CsiStage] = {}
    with ExitStack() as open_stages:
        for name in names:
            # A node of their own for those who take the driver from a node.
            nodes = ("node-c", "node-a") if "node" in name else ("node-a", "node-b")
            stages[name] = open_stages.enter_context(CsiStage(csi, _space(name), *nodes))
            looks[name] = [_played(name, TOGETHER[name], stages[name])]
        time.sleep(LATER_SECONDS)
        for name, stage in stages.items():
            _write(name, TOGETHER[name], [*looks[name], _look(stage)])


def _record_without(name: str, csi: Csi) -> None:
    part, scene = WITHOUT[name]
    with CsiStage(csi, _space(name), "node-a", "node-b") as stage, without(csi, part):
        first = _played(name, scene, stage)
        time.sleep(LATER_SECONDS)
        _write(name, scene, [first, _look(stage)])


def _played(name: str, scene: Callable[[CsiStage], None], stage: CsiStage) -> Object:
    started = time.monotonic()
    scene(stage)
    print(f"  {name}: {time.monotonic() - started:.1f} s")
    return _look(stage)


def _look(stage: CsiStage) -> Object:
    objects = [*stage.everything(), *stage.classes()]
    if any(item["kind"] == "VolumeAttachment" for item in objects):
        objects += stage.nodes()
    return {
        "at": timestamp(time.time(), micro=True),
        "objects": [trimmed(item) for item in objects],
        "events": [trimmed(item) for item in stage.events()],
    }


def _write(name: str, scene: Callable[[CsiStage], None], looks: list[Object]) -> None:
    content = {
        "scene": name,
        "about": scene.__doc__,
        "versions": versions(),
        "timings": TIMINGS,
        "looks": looks,
    }
    (INTO / f"{name}.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


def _space(name: str) -> str:
    return name.replace("_", "-")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
