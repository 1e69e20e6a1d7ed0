"""When the CSI programs are built anew, and what is asked of the objects that they serve."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from local import csi_objects, go_build
from local.volumes import FAULTY_DRIVER, attachable

if TYPE_CHECKING:
    from pathlib import Path


def test_a_change_of_the_drivers_source_builds_anew(tmp_path: Path) -> None:
    """Its Go files are in the stamp as the pins are; other files are not."""
    copy = tmp_path / "csi"
    shutil.copytree(go_build.CSI.path, copy)
    ours = go_build.stamp(go_build.CSI.path)
    assert go_build.stamp(copy) == ours
    (copy / "crds" / "README.md").write_text("another note")
    assert go_build.stamp(copy) == ours
    with (copy / "faulty-csi-driver" / "faults.go").open("a") as file:
        file.write("// changed\n")
    assert go_build.stamp(copy) != ours


def test_a_moved_source_file_builds_anew(tmp_path: Path) -> None:
    """The same text under another name is another program."""
    copy = tmp_path / "csi"
    shutil.copytree(go_build.CSI.path, copy)
    source = copy / "faulty-csi-driver" / "faults.go"
    source.rename(source.with_name("renamed.go"))
    assert go_build.stamp(copy) != go_build.stamp(go_build.CSI.path)


def test_everything_pinned_is_the_same_kubernetes_as_the_control_plane() -> None:
    """The sidecars ask for newer libraries; the replacements hold them at our version."""
    text = (go_build.CSI.path / "go.mod").read_text()
    replaced = [line.split()[-1] for line in text.splitlines() if "=>" in line]
    assert set(replaced) == {go_build.KUBERNETES_VERSION.replace("v1.", "v0.")}


@pytest.mark.parametrize("block", [False, True])
def test_a_claim_comes_with_its_volume_and_is_attachable(*, block: bool) -> None:
    """The played kubelets wait for the driver's volumes like for those of the other driver."""
    volume, claim = yaml.safe_load_all(csi_objects.claim("space", "data", block=block))
    assert volume["spec"]["volumeMode"] == ("Block" if block else "Filesystem")
    assert volume["spec"]["claimRef"]["name"] == claim["metadata"]["name"]
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    pod = {
        "metadata": {"namespace": "space"},
        "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]},
    }
    claims = {("space", "data"): {**claim, "status": {"phase": "Bound"}}}
    volumes = {("", volume["metadata"]["name"]): volume}
    unique = f"kubernetes.io/csi/{FAULTY_DRIVER}^{csi_objects.handle('space', 'data')}"
    assert attachable(pod, claims, volumes) == {volume["metadata"]["name"]: unique}


def test_a_snapshot_names_a_class_unless_it_asks_for_the_default() -> None:
    """An empty class name would be another thing than none."""
    named, default, content = (
        yaml.safe_load(text)["spec"]
        for text in (
            csi_objects.snapshot("space", "s", "data"),
            csi_objects.snapshot("space", "s", "data", None),
            csi_objects.snapshot("space", "s", content="c"),
        )
    )
    assert named["volumeSnapshotClassName"] == csi_objects.SNAPSHOT_CLASS
    assert "volumeSnapshotClassName" not in default
    assert default["source"] == {"persistentVolumeClaimName": "data"}
    assert content["source"] == {"volumeSnapshotContentName": "c"}
