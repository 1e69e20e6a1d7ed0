"""The recordings of real CSI components: complete, of the versions that are pinned, and trimmed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local import go_build
from local.csi_record import INTO, NAMES, trimmed, versions


def recorded(name: str) -> Any:  # noqa: ANN401 - whatever a file holds
    """Return what a file holds."""
    return json.loads((INTO / f"{name}.json").read_text())


def test_every_scene_has_its_recording_and_no_other_is_left() -> None:
    """A scene that is renamed takes its file with it."""
    assert sorted(path.stem for path in INTO.glob("*.json")) == sorted(NAMES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_recording_is_of_the_pinned_versions_and_has_two_looks(name: str) -> None:
    """Whoever changes a pin records again, or the truth is of something else."""
    found = recorded(name)
    assert found["scene"] == name
    assert found["versions"] == versions()
    first, last = found["looks"]
    assert first["at"] < last["at"]
    assert first["objects"]


@pytest.mark.parametrize("name", sorted(NAMES))
def test_objects_say_what_they_are(name: str) -> None:
    """Kind and version are there, as in a single read; lists leave them out."""
    for look in recorded(name)["looks"]:
        for item in (*look["objects"], *look["events"]):
            assert item["kind"]
            assert item["apiVersion"]


def test_versions_come_from_the_pins() -> None:
    """Every component is named with the version that it was built from."""
    assert versions() == {
        "kubernetes": go_build.KUBERNETES_VERSION,
        "external-attacher": "v4.13.0",
        "external-resizer": "v2.3.0",
        "external-snapshotter": "v8.7.0",
    }


def test_the_note_of_the_crds_names_the_pinned_version() -> None:
    """The files are copies from the module that go.mod pins."""
    pins = (go_build.CSI.path / "go.mod").read_text()
    note = (go_build.CSI.path / "crds" / "README.md").read_text()
    (line,) = [line for line in pins.splitlines() if "external-snapshotter/client" in line]
    assert f"`{line.split()[0]}` {line.split()[1]}" in note


def test_only_writers_of_a_claims_resources_are_kept() -> None:
    """Other objects lose all of managedFields, a claim what is not about its request."""
    fields: dict[str, Any] = {
        "f:spec": {"f:resources": {"f:requests": {"f:storage": {}}}, "f:volumeName": {}}
    }
    claim: dict[str, Any] = {
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "data",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "mine": "yes",
            },
            "managedFields": [
                {"manager": "a", "time": "t", "fieldsV1": fields},
                {"manager": "b", "fieldsV1": {"f:status": {}}},
                {"manager": "c"},
            ],
        },
    }
    kept = {
        "manager": "a",
        "time": "t",
        "fieldsV1": {"f:spec": {"f:resources": {"f:requests": {"f:storage": {}}}}},
    }
    assert trimmed(claim)["metadata"] == {
        "name": "data",
        "annotations": {"mine": "yes"},
        "managedFields": [kept],
    }
    pod = {**claim, "kind": "Pod"}
    assert trimmed(pod)["metadata"] == {"name": "data", "annotations": {"mine": "yes"}}
