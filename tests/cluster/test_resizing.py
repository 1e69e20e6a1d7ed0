"""volume_filling and expansion_failed on a real control plane, with a resizer that resizes.

Real: API server, quota controller, csi-resizer, the rights that ship, the command of the person who
says yes. Played: kubelets, who say how full a volume is and grow its file system; the storage,
which makes volumes up to a size and refuses larger ones.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from demo.person import APPROVER, Person
from local import csi_objects
from local.csi_objects import handle
from local.csi_scenes import CLAIM, EXPAND, POD, without
from local.csi_stage import CsiStage
from local.kubelet_face import GIB, KubeletFace
from local.volumes import FAULTY_DRIVER
from remediator.growth.policy import CEILING, GROWN_AT, STEP
from tests.cluster.csi_parts import BUILD_SECONDS, csi_parts
from tests.cluster.stage import MANAGER
from tests.cluster.test_webhook import notification

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.line import Line
    from local.csi import Csi
    from tests.cluster.stage import Json, Stage

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(BUILD_SECONDS)]

FILLING, FAILED = "volume_filling", "expansion_failed"
ALERTS = {FILLING: "PvmedicVolumeFilling", FAILED: "PvmedicExpansionFailed"}
YES = "lou"


@pytest.fixture(scope="module")
def csi(line: Line, pytestconfig: pytest.Config) -> Iterator[Csi]:
    """Give the CSI parts, for all tests here."""
    with csi_parts(line.cluster, pytestconfig) as csi:
        yield csi


@pytest.fixture(scope="module")
def person(line: Line) -> Iterator[Person]:
    """Give somebody who may say yes."""
    yield Person(line.cluster, YES, APPROVER)
    line.cluster.kubectl("delete", "clusterrolebinding", f"{YES}-{APPROVER}")
    line.cluster.kubectl("delete", "remediationapprovals", "--all")


class Scene:
    """A claim of 10 GiB of which 9.5 are used, in a stage's namespace."""

    def __init__(self, stage: Stage, volumes: CsiStage, face: KubeletFace) -> None:
        """Prepare; `begin` makes it."""
        self.stage, self.volumes, self.face = stage, volumes, face

    def begin(self, step: str = "", ceiling: str = "", *, pod: bool = True) -> None:
        """Make the claim, annotated, with a pod on the node unless told not to; start to look."""
        stage = self.stage
        self.volumes.apply(csi_objects.claim(stage.space, CLAIM, size="10Gi"))
        stage.wait("a bound claim", lambda: self.claim["status"].get("phase") == "Bound")
        marks = [f"{name}={text}" for name, text in ((STEP, step), (CEILING, ceiling)) if text]
        if marks:
            stage.cluster.kubectl("-n", stage.space, "annotate", "pvc", CLAIM, *marks)
        if pod:
            self.volumes.run_pod(POD, CLAIM)
        self.face.fills(stage.space, CLAIM, used=GIB * 19 // 2)
        self.face.speak_for(stage.node)
        stage.start_remediator(kubelets=self.face.settings)

    @property
    def claim(self) -> Json:
        """Return the claim as it is now."""
        return self.volumes.claim(CLAIM)

    @property
    def size(self) -> tuple[str, str, str]:
        """Return what the claim asks for, what it has, and what its volume has."""
        return (
            self.claim["spec"]["resources"]["requests"]["storage"],
            self.claim["status"]["capacity"]["storage"],
            self.volumes.volume(CLAIM)["spec"]["capacity"]["storage"],
        )

    def refuse(self, above: int) -> None:
        """Let the storage make no volume of more than so many bytes."""
        text = "the array makes no volume as large as that"
        volume = handle(self.stage.space, CLAIM)
        self.volumes.csi.fail(EXPAND, "OutOfRange", text, volume=volume, above=above)

    def alert(self, signal: str) -> None:
        """Send what Alertmanager would."""
        about = {"namespace": self.stage.space, "persistentvolumeclaim": CLAIM}
        labels = {"alertname": ALERTS[signal], "signal": signal, **about}
        status, text = self.stage.line.post(notification(labels))
        assert (status, json.loads(text)["alerts"]) == (200, ["Recorded"])

    @property
    def record(self) -> Json:
        """Return the claim's newest record."""
        return [
            item
            for item in self.stage.line.remediations()
            if item["spec"]["subject"].get("namespace") == self.stage.space
        ][-1]

    def until(self, phase: str, sentence: str = "") -> Json:
        """Wait for the record in a phase and a sentence in its message; return its status."""

        def there() -> bool:
            status = self.record.get("status", {})
            return status.get("phase") == phase and sentence in status.get("message", "")

        self.stage.wait(f"{phase}: {sentence or 'whatever'}", there)
        status: Json = self.record["status"]
        return status

    def writers(self) -> int:
        """Return how often the remediator has changed the claim, by the server's own account."""
        entries = self.claim["metadata"]["managedFields"]
        return sum(entry["manager"] == MANAGER for entry in entries)


@pytest.fixture
def scene(stage: Stage, csi: Csi) -> Iterator[Scene]:
    """Give a scene on a stage of its own."""
    with (
        KubeletFace(stage.cluster, f"kubelet-face-{stage.space}") as face,
        CsiStage(csi, stage.space, stage.node, stage.other) as volumes,
    ):
        yield Scene(stage, volumes, face)


def test_a_claim_that_fills_up_grows_and_its_file_system_with_it(scene: Scene) -> None:
    """One request; csi-resizer grows the volume, the kubelet the rest; both looks see it gone."""
    scene.begin("20%", "40Gi")
    scene.alert(FILLING)
    status = scene.until("Settled", "the claim has what it asks for")
    assert scene.size == ("12Gi", "12Gi", "12Gi")
    assert [step["state"] for step in status["plan"]["steps"]] == ["Done"]
    assert not status.get("ledger")
    assert scene.claim["metadata"]["annotations"][GROWN_AT]
    assert scene.writers() == 1
    assert scene.volumes.events("FileSystemResizeRequired")
    assert not scene.volumes.events("VolumeResizeFailed")
    assert 200 in scene.face.said


@pytest.mark.soak
def test_nothing_more_is_asked_for_while_no_resizer_comes(csi: Csi, scene: Scene) -> None:
    """What was asked for once is waited for; it is settled once the resizer is back."""
    with without(csi, "csi-resizer"):
        scene.begin("5Gi", "40Gi")
        scene.alert(FILLING)
        scene.until("Verifying", "it has 10Gi and waits for 15Gi")
        scene.stage.look_on()
        assert scene.size == ("15Gi", "10Gi", "10Gi")
        assert scene.writers() == 1
    scene.until("Settled")
    assert scene.size == ("15Gi", "15Gi", "15Gi")
    assert scene.writers() == 1


@pytest.mark.soak
def test_a_quota_of_the_namespace_is_the_end(scene: Scene) -> None:
    """The real controller counts: 1 GiB is left, and not the 2 that one step is."""
    space = scene.stage.space
    kubectl = scene.stage.cluster.kubectl
    scene.begin("20%", "40Gi")
    kubectl("-n", space, "create", "quota", "room", "--hard=requests.storage=11Gi")
    used = ("get", "quota", "room", "-o", "jsonpath={.status.used.requests\\.storage}")
    scene.stage.wait("the count", lambda: kubectl("-n", space, *used) == "10Gi")
    scene.alert(FILLING)
    status = scene.until("Settled")
    assert any("ResourceQuota room leaves 1Gi" in one for one in status["plan"]["findings"])
    assert scene.size == ("11Gi", "11Gi", "11Gi")


@pytest.mark.soak
@pytest.mark.parametrize("ceiling", ["", "10Gi"], ids=["without a ceiling", "at its ceiling"])
def test_where_nobody_allows_more_nothing_is_touched(scene: Scene, ceiling: str) -> None:
    """It says what a person changes."""
    scene.begin(ceiling=ceiling)
    scene.alert(FILLING)
    scene.until("Declined", f"its ceiling is {ceiling}" if ceiling else CEILING)
    assert scene.size == ("10Gi", "10Gi", "10Gi")
    assert scene.writers() == 0


def test_once_somebody_allows_more_and_releases_it_the_next_alert_grows_it(
    scene: Scene, person: Person
) -> None:
    """As the runbook says."""
    scene.begin()
    scene.alert(FILLING)
    scene.until("Declined")
    space, name = scene.stage.space, scene.record["metadata"]["name"]
    scene.stage.cluster.kubectl("-n", space, "annotate", "pvc", CLAIM, f"{CEILING}=40Gi")
    done = person.types("release", name, "--wait")
    assert done.returncode == 0, done.stderr
    scene.alert(FILLING)
    scene.until("Settled")
    assert scene.record["metadata"]["name"] != name
    assert scene.size == ("12Gi", "12Gi", "12Gi")


def refused(scene: Scene, **settings: Json) -> None:
    """Ask for 100 GiB of a storage that has 40 at most; wait until it is known to be in vain."""
    scene.refuse(above=40 * GIB)
    scene.stage.start_remediator(**settings)
    scene.volumes.request(CLAIM, "100Gi")

    def infeasible() -> bool:
        statuses = scene.claim["status"].get("allocatedResourceStatuses") or {}
        return bool(statuses.get("storage") == "ControllerResizeInfeasible")

    scene.stage.wait("ControllerResizeInfeasible", infeasible)
    scene.alert(FAILED)


def approved(scene: Scene, person: Person) -> Json:
    """Let a person see the plan and say yes; return the status that they saw."""
    shown: Json = scene.until("AwaitingApproval")
    scene.stage.look_on()
    assert scene.writers() == 0
    done = person.types("approve", scene.record["metadata"]["name"], "--yes")
    assert done.returncode == 0, done.stderr
    return shown


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({}, "11Gi"),
        pytest.param(
            {"growth": {"drivers": {FAULTY_DRIVER: {"largest": "40Gi"}}}},
            "40Gi",
            marks=pytest.mark.soak,
        ),
    ],
    ids=["just above what it has", "what the driver can"],
)
def test_a_request_that_cannot_be_had_is_lowered_after_a_yes(
    scene: Scene, person: Person, settings: Json, size: str
) -> None:
    """Whatever the mode a person is asked; csi-resizer takes the smaller request up at once."""
    scene.begin()
    refused(scene, **settings)
    shown = approved(scene, person)
    (step,) = shown["plan"]["steps"]
    assert step["says"] == f"let claim {scene.stage.space}/{CLAIM} ask for {size} only"
    status = scene.until("Settled", "the claim has what it asks for")
    assert scene.size == (size, size, size)
    assert [one["by"] for one in status["decisions"]] == [YES]
    assert not status.get("ledger")
    assert scene.writers() == 1


@pytest.mark.soak
def test_a_claim_that_no_pod_uses_is_done_once_its_volume_has_grown(
    scene: Scene, person: Person
) -> None:
    """Its file system grows with the next mount: nobody is paged for that."""
    scene.begin(pod=False)
    refused(scene)
    approved(scene, person)
    scene.until("Settled", "grows when a pod mounts it")
    assert scene.size == ("11Gi", "10Gi", "11Gi")
    scene.volumes.run_pod(POD, CLAIM)
    scene.stage.wait("the file system", lambda: scene.size == ("11Gi", "11Gi", "11Gi"))


@pytest.mark.soak
def test_a_storage_that_is_full_is_waited_for(scene: Scene) -> None:
    """ResourceExhausted may pass: the request stays, and is had once there is room."""
    scene.begin()
    volume = handle(scene.stage.space, CLAIM)
    scene.volumes.csi.fail(EXPAND, "ResourceExhausted", "pool is full", volume=volume)
    scene.volumes.request(CLAIM, "20Gi")
    scene.stage.wait("the Event", lambda: scene.volumes.events("VolumeResizeFailed"))
    scene.alert(FAILED)
    scene.until("Deferred", "make room there, it is tried again by itself")
    scene.volumes.csi.heal(EXPAND, volume)
    scene.until("Cleared")
    assert scene.size == ("20Gi", "20Gi", "20Gi")
    assert scene.writers() == 0
