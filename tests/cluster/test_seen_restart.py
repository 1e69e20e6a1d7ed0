"""Every failure that the exporter sees is as old after kill -9 as it was before.

All are held at once by one real exporter. Most objects are real and only their failure is crafted:
nobody here serves the drivers that they name.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from demo import claims, crafted, drivers, rok, rwx
from demo.ground import Ground
from demo.told import ToldNodes
from exporter.observe.model import Kind
from exporter.observe.parse import wire
from exporter.observe.signals import CLUSTER, DETECTORS
from local import workloads
from local.csi import CRD_NAMES, install_crds
from local.csi_objects import volume_name
from local.kubelet_face import KubeletFace
from local.statuses import timestamp
from tests.cluster.eyes import Eyes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.line import Line
    from demo.sightings import Series
    from local.cluster import LocalCluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

NOBODY = "nobody.csi.pvmedic.dev"
ALLOWED_TO_FORGET = {"csi_operation_stuck"}
"""Where only Events say it, and they are gone: its other series, from an object, must stay."""
ABORTED = (
    "rpc error: code = Aborted desc = an operation with the given Volume ID vol-1 already exists"
)
Key = tuple[str, tuple[tuple[str, str], ...]]


@pytest.fixture
def cluster(line: Line) -> Iterator[LocalCluster]:
    """Give the cluster with the CRDs of snapshots and without anybody who repairs nodes."""
    cluster = line.cluster
    line.child("remediator").kill()
    install_crds(cluster)
    try:
        yield cluster
    finally:
        cluster.kubectl("delete", "--ignore-not-found", *CRD_NAMES)
        cluster.wait("healthy nodes", lambda: all(map(cluster.usable, cluster.nodes)), 60.0)
        # Whoever repairs nodes must not hear of these any more.
        lost = "PvmedicNodeLostWithVolumes"
        cluster.wait("no alert of a node", lambda: not line.alerts(lost), 60.0)
        line.start_remediator()


def hold_all(ground: Ground, told: ToldNodes, face: KubeletFace) -> None:
    """Play and craft failures until each that the API and kubelets show has one."""
    home, other, _, drained = ground.nodes
    hold_crafted(ground, other)
    # Two pods on live nodes want one disk; later the first of these nodes is lost.
    ground.apply(
        workloads.claim(ground.space, "disk"), workloads.pod(ground.space, "holds", "disk", home)
    )
    ground.until_phase("Pod", "holds", "Running")
    ground.apply(workloads.pod(ground.space, "waits", "disk", other))
    for failure, _ in claims.by_controllers(ground):
        failure.do()
    places = drivers.Places(told, ground.space)
    for act in drivers.by_kubelets(ground, places):
        act.do()
    face.holds(ground.space, "catalog", free=10)
    port = {"kubeletEndpoint": {"Port": face.port}}
    told.say_of_node(places.older, {"daemonEndpoints": port})
    rest = Ground(ground.cluster, ground.space, (drained,))
    for act in (*rok.play(rest).failures, *rwx.play(ground, told, places.older).failures):
        act.do()


def hold_crafted(ground: Ground, node: str) -> None:
    """Make what only needs objects that nobody serves."""
    space = ground.space
    growing, stuck, pair, late = "growing", "stuck", "pair", "late"
    ground.apply(crafted.storage_class(space, space, NOBODY, grows=True))
    for name in (growing, stuck, pair):
        volume, source = volume_name(space, name), crafted.csi(NOBODY, name)
        ground.apply(
            crafted.volume(space, volume, name, space, source),
            crafted.claim(space, name, space, volume=volume),
        )
    ground.apply(
        crafted.claim(space, late, space),
        crafted.thing(
            "VolumeSnapshot",
            space,
            "unserved",
            spec={"source": {"persistentVolumeClaimName": growing}},
        ),
    )
    for name in (growing, stuck, pair):
        ground.until_phase("PersistentVolumeClaim", name, "Bound")
    request = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    ground.patch("pvc", growing, request)
    attach(ground, stuck, node, {"attached": False, "attachError": failed(ABORTED)})
    for at in ground.nodes[1:3]:
        attach(ground, pair, at, {"attached": True})
    ground.until_phase("PersistentVolumeClaim", late, "Pending")
    ground.tell("PersistentVolumeClaim", late, "ProvisioningFailed", ABORTED, f"{NOBODY}_0")
    ground.patch("pvc", growing, {"metadata": {"finalizers": ["pvmedic.dev/held"]}})
    held = crafted.claim(space, "held", space)
    ground.apply(held)
    ground.patch("pvc", "held", {"metadata": {"finalizers": ["pvmedic.dev/held"]}})
    ground.delete("pvc", "held")


def attach(ground: Ground, claim: str, node: str, status: crafted.Object) -> None:
    """Make a VolumeAttachment whose attacher is nobody, and say something in its name."""
    name = f"{ground.space}-{claim}-{node}"
    source = {"persistentVolumeName": volume_name(ground.space, claim)}
    spec = {"attacher": NOBODY, "nodeName": node, "source": source}
    ground.apply(crafted.thing("VolumeAttachment", ground.space, name, spec=spec))
    ground.patch("volumeattachment", name, status, status=True)


def failed(text: str) -> crafted.Object:
    """Return a VolumeError of this moment."""
    return {"message": text, "time": timestamp(time.time())}


def ages(eyes: Eyes) -> dict[Key, float]:
    """Return since when each subject has each failure, by what does not change meanwhile."""
    return {key_of(one): one.value for one in eyes.series() if one.signal}


def key_of(one: Series) -> Key:
    """Return signal and subject; reasons may change when Events are gone."""
    detector = next(d for d in DETECTORS if d.name == one.signal)
    return one.signal, tuple((name, one.label(name)) for name in detector.subject_labels)


def written(eyes: Eyes) -> bool:
    """Say whether the state file knows every time that no object has."""
    if not eyes.state.exists():
        return False
    memory = json.loads(eyes.state.read_text())["memory"]
    known = {(one["signal"], one["since"]) for one in memory["first_seen"]}
    ours = [one for one in eyes.series() if one.label("since_source") == "first_seen"]
    return all((one.signal, one.value) in known for one in ours)


def test_every_signal_is_as_old_after_kill_9_as_before(cluster: LocalCluster) -> None:
    """Killed and started twice: with the Events still there, and after Kubernetes lost them all."""
    with ExitStack() as stack:
        told = stack.enter_context(ToldNodes(cluster))
        ground = stack.enter_context(Ground(cluster, "seen-restart", cluster.nodes[-4:]))
        stack.callback(cluster.players.revive, ground.nodes[0])
        stack.callback(cluster.kubectl, "uncordon", ground.nodes[-1])
        face = stack.enter_context(KubeletFace(cluster, "kubelet-face-restart"))
        hold_all(ground, told, face)
        kubelets = {"every": "1s", "authority": str(face.authority)}
        eyes = stack.enter_context(Eyes(cluster, "exporter-killed", kubelets=kubelets))
        read = {*wire.KINDS, Kind.VOLUME_STATS, Kind.SERVER}
        names = {one.name for one in CLUSTER if one.needs | one.starts <= read}
        look = eyes.wait(
            "all signals at once", lambda look: names <= {one.signal for one in look.series}
        )
        assert {one.signal for one in look.series if one.signal} == names
        cluster.wait("the state file", lambda: written(eyes), 30.0)
        before = ages(eyes)

        eyes.kill()
        eyes.start()
        eyes.wait("all of it again", lambda _: ages(eyes).keys() >= before.keys())
        assert ages(eyes) == before

        sources = {key_of(one): one.label("since_source") for one in look.series if one.signal}
        old = events(cluster)
        cluster.kubectl("delete", "events", "-A", "--all")
        # Controllers go on writing new ones.
        assert not old & events(cluster)
        remembered = {k for k, source in sources.items() if source == "event"}
        cluster.wait("what was said, in the state file", lambda: noted(eyes), 30.0)
        eyes.kill()
        eyes.start()
        kept = {
            key: since
            for key, since in before.items()
            if key not in remembered or key[0] not in ALLOWED_TO_FORGET
        }
        assert {signal for signal, _ in kept} == names
        eyes.wait("all but what only Events said", lambda _: ages(eyes).keys() >= kept.keys())
        assert {key: since for key, since in ages(eyes).items() if key in kept} == kept


def events(cluster: LocalCluster) -> set[str]:
    """Return the uids of all Events."""
    path = "jsonpath={.items[*].metadata.uid}"
    return set(cluster.kubectl("get", "events", "-A", "-o", path).split())


def noted(eyes: Eyes) -> bool:
    """Say whether the state file keeps the Events of Rok that Kubernetes has no more."""
    memory = json.loads(eyes.state.read_text())["memory"]
    reasons = {one["reason"] for one in memory["events"]}
    return {"WARNING", "JobFailed"} <= reasons
