"""The commands that make a claim anew, as they are pasted, on a real control plane.

Real: API server, binder, garbage collection, kubectl and a shell. Nobody has to provision: the
volume is one that an administrator made.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import partial
from typing import TYPE_CHECKING

import pytest

from exporter.observe import model
from exporter.observe.model import Kind
from exporter.observe.objects import Objects
from exporter.observe.parse import wire
from exporter.observe.view import View
from remediator.growth.policy import GIB
from remediator.growth.retain import procedure

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.stage import Json, Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]


def objects(space: str) -> list[Json]:
    """Return a claim of 10Gi that would grow, its class and its volume."""
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": f"{space}-fast"}
    csi = {"driver": "csi.example.com", "volumeHandle": space}
    return [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": f"{space}-fast"},
            "provisioner": "csi.example.com",
            "allowVolumeExpansion": True,
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"pv-{space}"},
            "spec": {
                **spec,
                "capacity": {"storage": "10Gi"},
                "persistentVolumeReclaimPolicy": "Delete",
                "claimRef": {"namespace": space, "name": "data"},
                "csi": csi,
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data", "namespace": space, "labels": {"app": "db"}},
            "spec": {
                **spec,
                "volumeName": f"pv-{space}",
                "resources": {"requests": {"storage": "10Gi"}},
            },
        },
    ]


def read(stage: Stage, kind: Kind, *names: str) -> model.Object:
    """Return an object as the program reads it."""
    text = stage.cluster.kubectl("get", str(kind), *names, "-o", "json")
    return wire.one(kind, text.encode())


def test_what_is_pasted_makes_the_claim_smaller_and_keeps_the_volume(
    stage: Stage, tmp_path: Path
) -> None:
    """Line by line, waiting where the comment says so; policy and labels are as they were."""
    space, cluster = stage.space, stage.cluster
    listed = {"apiVersion": "v1", "kind": "List", "items": objects(space)}
    cluster.apply(json.dumps(listed))
    ours = ("data", "-n", space)

    def claim() -> model.Claim:
        found = read(stage, Kind.CLAIM, *ours)
        assert isinstance(found, model.Claim)
        return found

    cluster.wait("the claim is Bound", lambda: claim().phase == "Bound", 30.0)
    larger = '{"spec":{"resources":{"requests":{"storage":"100Gi"}}}}'
    cluster.kubectl("patch", "pvc", *ours, "--type", "merge", "-p", larger)
    before, volume = claim(), read(stage, Kind.VOLUME, f"pv-{space}")
    assert before.growing
    assert isinstance(volume, model.Volume)

    programs = f"{cluster.tools.kubectl.parent}{os.pathsep}{os.environ['PATH']}"
    said = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "PATH": programs}

    def typed(line: str) -> str:
        return subprocess.run(
            ["/bin/bash", "-o", "pipefail", "-c", line],
            cwd=tmp_path,
            env=said,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()

    def prints(line: str, wanted: str) -> bool:
        return typed(line) == wanted

    above = ""
    for line in procedure(before, volume, View(Objects(), 0.0)).splitlines():
        if line.startswith("#"):
            above = line
            continue
        _, promised, wanted = above.partition("this prints: ")
        if promised:
            cluster.wait(above, partial(prints, line, wanted), 30.0)
        else:
            typed(line)

    after, kept = claim(), read(stage, Kind.VOLUME, f"pv-{space}")
    assert (after.requested, after.phase, after.volume) == (10 * GIB, "Bound", f"pv-{space}")
    assert after.uid != before.uid
    assert isinstance(kept, model.Volume)
    assert (kept.uid, kept.reclaim_policy) == (volume.uid, "Delete")
    assert "pvmedic.dev/reclaim-policy-before" not in cluster.kubectl(
        "get", "pv", f"pv-{space}", "-o", "json"
    )
    assert cluster.kubectl("get", "pvc", *ours, "-o", "jsonpath={.metadata.labels.app}") == "db"
