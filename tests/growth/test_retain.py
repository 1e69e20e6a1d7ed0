"""The commands that make a claim anew: in an order that loses nothing, as kubectl reads them."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from remediator.growth.policy import GIB
from remediator.growth.retain import procedure
from tests.growth.made import claim, pod, view, volume

SAVED: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {
        "name": "data",
        "namespace": "web",
        "uid": "uid-data",
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "finalizers": ["kubernetes.io/pvc-protection"],
        "labels": {"app": "db"},
        "annotations": {
            "team": "blue",
            "pv.kubernetes.io/bind-completed": "yes",
            "pv.kubernetes.io/bound-by-controller": "yes",
        },
    },
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "volumeMode": "Filesystem",
        "volumeName": "pv-data",
        "dataSource": {"kind": "PersistentVolumeClaim", "name": "other"},
        "dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "other"},
        "resources": {"requests": {"storage": "100Gi"}},
    },
    "status": {"phase": "Bound", "capacity": {"storage": "10Gi"}},
}


def lines(policy: str = "Delete", **fields: object) -> list[str]:
    """Return the procedure for a claim with 10Gi that asks for 100Gi."""
    one = claim(requested=100 * GIB)
    text = procedure(one, volume(reclaim_policy=policy, **fields), view(pod("StatefulSet/db")))
    return text.splitlines()


def commands(found: list[str]) -> list[str]:
    """Return the lines that are typed."""
    return [line for line in found if not line.startswith("#")]


def at(found: list[str], *parts: str) -> int:
    """Return where the one line with all these parts is."""
    (place,) = [n for n, line in enumerate(found) if all(part in line for part in parts)]
    return place


def test_the_claim_goes_only_after_the_policy_is_proven_and_the_claim_saved() -> None:
    """And the policy is given back only when the new claim is Bound."""
    found = lines()
    order = [
        at(found, "# Stop StatefulSet/db in web"),
        at(
            found, "patch pv pv-data -p", '"Retain"', '"pvmedic.dev/reclaim-policy-before":"Delete"'
        ),
        at(found, "# Go on only if this prints: Retain uid-pv uid-data"),
        at(found, "-o yaml > web-data.yaml"),
        at(found, "delete --raw /api/v1/namespaces/web/persistentvolumeclaims/data"),
        at(found, "wait --for=delete pvc/data"),
        at(found, "# Go on only if this prints: Released"),
        at(found, "patch pv pv-data --type json"),
        at(found, "kubectl create -f -"),
        at(found, "# Go on when this prints: Bound pv-data"),
        at(found, "patch pv pv-data -p", '"persistentVolumeReclaimPolicy":"Delete"'),
        at(found, "# Start again StatefulSet/db in web"),
    ]
    assert order == sorted(order)


def test_above_each_command_stands_what_to_look_at() -> None:
    """Nobody types the next one blindly."""
    found = lines()
    typed = [n for n, line in enumerate(found) if not line.startswith("#")]
    assert all(found[n - 1].startswith("# ") for n in typed)


def test_a_volume_that_is_retained_anyway_keeps_its_policy() -> None:
    """There is nothing to write down and nothing to restore."""
    assert not any("patch pv pv-data -p" in line for line in lines("Retain"))
    assert any("prints: Retain" in line for line in lines("Retain"))


def test_what_is_deleted_and_changed_is_bound_to_the_claim_that_was_seen() -> None:
    """Another claim of the same name is not deleted, nor is its volume let go."""
    found = commands(lines())
    sent = json.loads(shlex.split(found[at(found, "delete --raw")])[1])
    assert sent["preconditions"] == {"uid": "uid-data"}
    patch = json.loads(shlex.split(found[at(found, "--type json")])[-1])
    assert patch == [
        {"op": "test", "path": "/spec/claimRef/uid", "value": "uid-data"},
        {"op": "remove", "path": "/spec/claimRef/uid"},
        {"op": "remove", "path": "/spec/claimRef/resourceVersion"},
    ]


@pytest.mark.parametrize(
    ("large", "size"), [(10, "10Gi"), (9, "9Gi"), (100, "10Gi"), (None, "10Gi")]
)
def test_the_new_claim_asks_for_no_more_than_the_volume_has(large: int | None, size: str) -> None:
    """Otherwise it would never be Bound; nor for more than the claim had."""
    found = commands(lines(capacity=large * GIB if large is not None else None))
    assert f'"storage":"{size}"' in found[at(found, "kubectl create")]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
def test_kubectl_makes_the_saved_claim_a_new_one(tmp_path: Path) -> None:
    """The same labels and spec, smaller, without source, and without what says that it is Bound."""
    (tmp_path / "web-data.yaml").write_text(json.dumps(SAVED))
    found = commands(lines())
    made = found[at(found, "kubectl create")].partition(" | ")[0]
    done = subprocess.run(
        shlex.split(made), cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60
    )
    new = json.loads(done.stdout)
    assert new["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "volumeMode": "Filesystem",
        "volumeName": "pv-data",
        "resources": {"requests": {"storage": "10Gi"}},
    }
    assert new["metadata"].keys() - {"creationTimestamp"} == {
        "name",
        "namespace",
        "labels",
        "annotations",
    }
    assert new["metadata"]["annotations"] == {"team": "blue"}
    assert not new.get("status")


def test_the_runbook_has_the_same_commands() -> None:
    """With names to be filled in: who follows the page does what the refusal says."""
    page = Path(__file__).parents[2] / "alerts" / "runbooks" / "expansion_failed.md"
    names = {"namespace": "NAMESPACE", "name": "CLAIM", "uid": "CLAIM_UID", "volume": "VOLUME"}
    told = procedure(claim(**names), volume(name="VOLUME", uid="VOLUME_UID"), view())
    assert "".join(f"  {line}\n" for line in told.splitlines()) in page.read_text()
